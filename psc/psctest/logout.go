package psctest

import "net/http"

// logout ends the session of an ID token (OpenID Connect RP-Initiated Logout):
// the token itself may be expired.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p != nil {
		s.refuse(w, "logout", p)
		return
	}
	hint := f["id_token_hint"]
	if hint == "" {
		hint = r.URL.Query().Get("id_token_hint")
	}
	if hint == "" {
		s.refuse(w, "logout", &problem{400, "invalid_request", "Missing parameters: id_token_hint", "id_token_hint", "one", "none"})
		return
	}
	s.mu.Lock()
	c, _, ok := s.read(r, hint)
	if ok && c.Type == "ID" {
		delete(s.sessions, c.Session)
	}
	s.mu.Unlock()
	if !ok || c.Type != "ID" {
		s.refuse(w, "logout", &problem{400, "invalid_request", "Invalid parameter: id_token_hint", "id_token_hint", "an ID token of this service", "another"})
		return
	}
	w.WriteHeader(http.StatusOK)
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
