package psctest

import (
	"net/http"
	"net/url"
	"slices"
)

// logout ends the session of an ID token (OpenID Connect RP-Initiated Logout):
// the token itself may be expired. A browser is sent to the address that the
// client declared, if one is asked for, or shown that the session is closed.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p != nil {
		s.refuse(w, "logout", p)
		return
	}
	for name, values := range r.URL.Query() {
		if f[name] == "" {
			f[name] = values[0]
		}
	}
	hint, goodbye := f["id_token_hint"], f["post_logout_redirect_uri"]
	bad := func(text, rule, expected, got string) {
		s.refuse(w, "logout", &problem{400, "invalid_request", text, rule, expected, got})
	}
	if hint == "" {
		bad("Missing parameters: id_token_hint", "id_token_hint", "one", "none")
		return
	}
	s.mu.Lock()
	c, _, ok := s.read(r, hint)
	ok = ok && c.Type == "ID"
	var known []string
	if client := s.clients[c.Client]; client != nil {
		known = client.goodbyes
	}
	refused := goodbye != "" && !slices.Contains(known, goodbye)
	var notices []notice
	if ok && !refused {
		notices = s.endWith(s.sessions[c.Session])
		if cookie, err := r.Cookie(ssoCookie); err == nil { // the session may be revoked already
			delete(s.signOns, cookie.Value)
		}
	}
	s.mu.Unlock()
	switch {
	case !ok:
		bad("Invalid parameter: id_token_hint", "id_token_hint", "an ID token of this service", "another")
		return
	case refused:
		bad("Invalid redirect uri", "post_logout_redirect_uri", "one declared for the client", "another")
		return
	}
	s.post(notices)
	if goodbye != "" {
		u, _ := url.Parse(goodbye) // as declared
		if state := f["state"]; state != "" {
			q := u.Query()
			q.Set("state", state)
			u.RawQuery = q.Encode()
		}
		http.Redirect(w, r, u.String(), http.StatusFound)
		return
	}
	page(w, http.StatusOK, byePage, nil)
}

// endWith ends a session and those of the same browser. s.mu is held.
func (s *Server) endWith(q *session) []notice {
	if q == nil {
		return nil
	}
	all := []*session{q}
	for _, other := range s.sessions {
		if q.sso != "" && other.sso == q.sso && other != q {
			all = append(all, other)
		}
	}
	return s.end(all...)
}

// revoke ends a token (RFC 7009): a refresh token takes its session with it.
// A token that is already dead is answered 200, with the engine's words.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	var client string
	if p == nil {
		client, p = s.authenticate(r, f)
	}
	if p == nil && f["token"] == "" {
		p = &problem{400, "invalid_request", "Token not provided", "token", "one", "none"}
	}
	if p == nil {
		s.mu.Lock()
		c, _, ok := s.read(r, f["token"])
		switch {
		case !ok || s.sessions[c.Session] == nil:
			p = &problem{200, "invalid_token", "Invalid token", "token", "a live one", "a dead one"}
		case c.Client != client:
			p = &problem{400, "invalid_request", "Unmatching clients", "token", "one given to this client", "another's"}
		case c.Type == "Refresh":
			delete(s.sessions, c.Session)
		case c.Type == "Bearer":
			s.revoked[c.ID] = true
		default:
			p = &problem{400, "unsupported_token_type", "Unsupported token type", "token", "an access or refresh token", c.Type}
		}
		s.mu.Unlock()
	}
	if p != nil {
		s.refuse(w, "revoke", p)
		return
	}
	w.WriteHeader(http.StatusOK)
}
