package psctest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/emulator"
)

const (
	visitLife = 10 * time.Minute // of a login page
	codeLife  = 60 * time.Second
	ssoCookie = "AUTH_SESSION_ID"
)

// visit is a person before the login page, or a code that they came back with.
type visit struct {
	client, redirect, state, nonce, scope, challenge, idp string
	maxAge                                                time.Duration // negative: none asked
	expires                                               time.Time

	// of a code only
	sso, person, session string
	answer               Answer
	began                time.Time
	used                 bool
}

// signOn is a browser in which a person is logged in.
type signOn struct {
	person      string
	answer      Answer
	began, used time.Time
}

func (o *signOn) alive(now time.Time) bool {
	return now.Before(o.began.Add(sessionLimit)) && now.Before(o.used.Add(idleLimit))
}

// authorize is the page that people are sent to (OpenID Connect Core §3.1.2).
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v, prompt, p := s.visit(q)
	if v == nil { // nobody to send the person back to
		s.refusePage(w, p)
		return
	}
	if p != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sendBack(w, r, v, url.Values{"error": {p.code}, "error_description": {p.text}}, p)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().Now()
	s.forget(now)
	var on *signOn
	var sso string
	if c, err := r.Cookie(ssoCookie); err == nil {
		on, sso = s.signOns[c.Value], c.Value
	}
	live := on != nil && on.alive(now) && (v.maxAge < 0 || !now.After(on.began.Add(v.maxAge)))
	switch {
	case live && !slices.Contains(prompt, "login"):
		on.used = now
		v.person, v.answer, v.began, v.sso = on.person, on.answer, on.began, sso
		s.giveCode(w, r, v, now)
	case slices.Contains(prompt, "none"):
		s.sendBack(w, r, v, url.Values{"error": {"login_required"}}, &problem{302, "login_required", "", "prompt", "a person logged in", "none"})
	default:
		id := uuid()
		v.expires = now.Add(visitLife)
		s.visits[id] = v
		s.loginPage(w, id, v)
	}
}

// visit checks what the client asked for. Without a visit the person cannot
// even be sent back; with a problem they are.
func (s *Server) visit(q url.Values) (v *visit, prompt []string, _ *problem) {
	bad := func(code, text, rule, expected, got string) *problem {
		return &problem{400, code, text, rule, expected, got}
	}
	for name, values := range q {
		if len(values) > 1 {
			return nil, nil, bad("invalid_request", "duplicated parameter", "form", "each parameter once", name)
		}
	}
	s.mu.Lock()
	known := s.clients[q.Get("client_id")]
	var redirects []string
	if known != nil {
		redirects = slices.Clone(known.redirects)
	}
	s.mu.Unlock()
	if known == nil {
		return nil, nil, bad("invalid_client", assumedNoClient, "client_id", "a declared client id", q.Get("client_id"))
	}
	if !redirectKnown(redirects, q.Get("redirect_uri")) {
		return nil, nil, bad("invalid_request", assumedBadRedirect, "redirect_uri", strings.Join(redirects, " or "), q.Get("redirect_uri"))
	}
	v = &visit{
		client: q.Get("client_id"), redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"), scope: q.Get("scope"),
		challenge: q.Get("code_challenge"), idp: q.Get("kc_idp_hint"), maxAge: -1,
	}
	asked := strings.Fields(v.scope)
	prompt = strings.Fields(q.Get("prompt"))
	method := q.Get("code_challenge_method")
	switch {
	case q.Get("response_type") != "code":
		return v, nil, bad("unsupported_response_type", "", "response_type", "code", q.Get("response_type"))
	case !slices.Contains(asked, "openid") || slices.ContainsFunc(asked, func(v string) bool { return !slices.Contains(scopes, v) }):
		return v, nil, bad("invalid_scope", "Invalid scopes: "+v.scope, "scope", "openid scope_all", v.scope)
	case v.challenge == "" && (method != "" || s.requirePKCE):
		return v, nil, bad("invalid_request", "Missing parameter: code_challenge", "code_challenge", "one", "none")
	case v.challenge != "" && method != "S256":
		return v, nil, bad("invalid_request", "Invalid parameter: code_challenge_method", "code_challenge_method", "S256", method)
	case v.challenge != "" && len(v.challenge) != 43:
		return v, nil, bad("invalid_request", "Invalid parameter: code_challenge", "code_challenge", "43 characters", strconv.Itoa(len(v.challenge)))
	case len(prompt) > 1 && slices.Contains(prompt, "none") ||
		slices.ContainsFunc(prompt, func(p string) bool {
			return !slices.Contains([]string{"none", "login", "consent", "select_account"}, p)
		}):
		return v, nil, bad("invalid_request", "Invalid parameter: prompt", "prompt", "none alone, or login, consent, select_account", q.Get("prompt"))
	}
	if age := q.Get("max_age"); age != "" {
		n, err := strconv.Atoi(age)
		if err != nil || n < 0 {
			return v, nil, bad("invalid_request", "Invalid parameter: max_age", "max_age", "a number of seconds", age)
		}
		v.maxAge = time.Duration(n) * time.Second
	}
	return v, prompt, nil
}

// decide is what the person does on the login page.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p != nil {
		s.refusePage(w, p)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().Now()
	v := s.visits[f["visit"]]
	if v == nil || !now.Before(v.expires) {
		s.keep("login", &problem{rule: "visit", expected: "a login page that is open", got: "another"})
		page(w, http.StatusBadRequest, errorPage, "La page de connexion a expiré.")
		return
	}
	back := func(code, text, rule, expected, got string) {
		delete(s.visits, f["visit"])
		s.sendBack(w, r, v, url.Values{"error": {code}, "error_description": {text}}, &problem{302, code, text, rule, expected, got})
	}
	person, known := s.people[f["person"]]
	script := s.scripts[f["person"]]
	switch {
	case f["decision"] == "deny" || script.Decision == Deny:
		back("access_denied", "", "decision", "approval", "denial")
		return
	case script.Unreachable:
		back("temporarily_unavailable", "authentication_expired", "device", "a device that can be called", "none")
		return
	case !known || person.Disabled || script.Decision == Ignore:
		s.loginPage(w, f["visit"], v)
		return
	}
	if script.Mode == "" {
		script.Mode = f["mode"]
	}
	v.person, v.answer, v.began, v.sso = person.ID, script, now, uuid()
	if script.As != "" {
		v.person = script.As
	}
	s.signOns[v.sso] = &signOn{person: v.person, answer: script, began: now, used: now}
	http.SetCookie(w, &http.Cookie{Name: ssoCookie, Value: v.sso, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode})
	delete(s.visits, f["visit"])
	s.giveCode(w, r, v, now)
}

// giveCode sends the person back with a code. s.mu is held.
func (s *Server) giveCode(w http.ResponseWriter, r *http.Request, v *visit, now time.Time) {
	code := uuid() + "." + uuid() + "." + uuid()
	v.session, v.expires = uuid(), now.Add(codeLife)
	s.codes[code] = v
	s.sendBack(w, r, v, url.Values{"code": {code}, "session_state": {v.session}}, nil)
}

// sendBack redirects to the client, with iss (RFC 9207). s.mu is held.
func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, v *visit, q url.Values, p *problem) {
	for name, values := range q {
		if values[0] == "" {
			delete(q, name)
		}
	}
	if v.state != "" {
		q.Set("state", v.state)
	}
	q.Set("iss", s.URL+realm)
	if p != nil {
		w.Header().Set("X-Emulator-Rule", p.explain())
		s.keep("authorize", p)
	}
	u, _ := url.Parse(v.redirect) // was parsed when it was registered
	for name, values := range u.Query() {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, u.String(), http.StatusFound)
}

// redeem gives tokens for a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (s *Server) redeem(w http.ResponseWriter, r *http.Request, client string, f map[string]string) *problem {
	emulator.Annotate(r, "code.token")
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().Now()
	refuse := func(text, rule, expected, got string) *problem {
		return &problem{400, "invalid_grant", text, rule, expected, got}
	}
	v := s.codes[f["code"]]
	if f["code"] == "" {
		return &problem{400, "invalid_request", "Missing parameter: code", "code", "one", "none"}
	}
	if v == nil {
		return refuse(assumedBadCode, "code", "one given by the login page", "another")
	}
	if v.used { // stolen, or a client that asks twice: what it gave is taken back
		delete(s.sessions, v.session)
		return refuse(assumedBadCode, "code", "one that was not used", "one that was")
	}
	v.used = true
	sum := sha256.Sum256([]byte(f["code_verifier"]))
	switch {
	case v.client != client:
		return refuse(assumedBadCode, "code", "one given to this client", "another's")
	case !now.Before(v.expires):
		return refuse(assumedBadCode, "code", "one younger than "+codeLife.String(), "an older one")
	case f["redirect_uri"] != v.redirect:
		return refuse(assumedOtherRedirect, "redirect_uri", v.redirect, f["redirect_uri"])
	case v.challenge == "" && f["code_verifier"] != "":
		return refuse(assumedBadVerifier, "code_verifier", "none, as there was no challenge", "one")
	case v.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != v.challenge:
		return refuse(assumedBadVerifier, "code_verifier", "the one of the challenge", "another")
	}
	q := &session{id: v.session, sso: v.sso, client: client, person: v.person, scope: v.scope, nonce: v.nonce, answer: v.answer, began: v.began}
	s.sessions[q.id] = q
	return s.give(w, q, now)
}

// forget drops what is over. s.mu is held.
func (s *Server) forget(now time.Time) {
	for id, v := range s.visits {
		if now.After(v.expires) {
			delete(s.visits, id)
		}
	}
	for code, v := range s.codes {
		if now.After(v.expires.Add(visitLife)) { // a code used late is told from one that never was
			delete(s.codes, code)
		}
	}
	for id, o := range s.signOns {
		if !o.alive(now) {
			delete(s.signOns, id)
		}
	}
}
