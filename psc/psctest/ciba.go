package psctest

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/emulator"
)

// requestLife is how long a person may take to answer.
const requestLife = 120 * time.Second

var scopes = []string{"openid", "microprofile-jwt", "rpps", "referentiel", "web-origins", "basic", "identity", "acr", "offline_access",
	"eidas1", "profile", "roles", "email", "scope_all", "phone", "interop", "scope_1", "address", "scope_2", "eidas2"}

// Decision is what a person does with the request on their device.
type Decision int

// Decisions.
const (
	Approve Decision = iota
	Deny
	Ignore // the request expires
)

// Answer is how a person behaves.
type Answer struct {
	Decision Decision
	Delay    time.Duration // before the decision, by the emulator's clock
	SlowDown int           // how many of the first polls are answered slow_down
	// Mode is claim authMode, CARD if empty; ACR is the level stated, "eidas3"
	// if empty (as the sandbox does where eidas1 is asked), none if "-".
	Mode, ACR string
	// IDToken may change the claims of the ID token before it is signed, to see
	// a client refuse them.
	IDToken func(claims map[string]any)
	// As is the person who answers in the place of the one asked for, as a
	// confusion of the service would have it.
	As string
	// Unreachable makes the service say that it could not call the device.
	Unreachable bool
}

// Script says how the person with that national identifier answers from now on.
func (s *Server) Script(person string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[person] = a
}

// request is an authentication that a client asked for.
type request struct {
	client, person, scope string
	answer                Answer
	began, expires, dies  time.Time
	polled                time.Time
	polls                 int
}

func (s *Server) startCIBA(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p == nil {
		var client string
		if client, p = s.authenticate(r, f); p == nil {
			p = s.begin(w, client, f)
		}
	}
	if p != nil {
		s.refuse(w, "ciba.start", p)
	}
}

// begin checks a request in the order of the engine.
func (s *Server) begin(w http.ResponseWriter, client string, f map[string]string) *problem {
	refuse := func(code, text, rule, expected, got string) *problem {
		return &problem{400, code, text, rule, expected, got}
	}
	hint, known := f["login_hint"]
	if !known {
		return refuse("invalid_request", "missing parameter : login_hint", "login_hint", "the national identifier of the person", "none")
	}
	s.mu.Lock()
	person, known := s.people[hint]
	script := s.scripts[hint]
	s.mu.Unlock()
	if !known || person.Disabled {
		return refuse("invalid_request", "invalid user", "login_hint", "a person of the directory, not disabled", "another")
	}
	scope, given := f["scope"]
	if !given {
		return refuse("invalid_request", "missing parameter : scope", "scope", "openid scope_all", "none")
	}
	asked := strings.Fields(scope)
	if !slices.Contains(asked, "openid") || slices.ContainsFunc(asked, func(v string) bool { return !slices.Contains(scopes, v) }) {
		return refuse("invalid_scope", "Invalid scopes: "+scope, "scope", "openid scope_all", scope)
	}
	if !assumedBinding.MatchString(f["binding_message"]) {
		return refuse("invalid_binding_message",
			"the binding_message value has to be max 50 characters in length and must contain only basic plain-text characters without spaces",
			"binding_message", "two digits", f["binding_message"])
	}
	if _, given := f["user_code"]; given {
		return refuse("invalid_request", "User code not supported", "user_code", "none", "one")
	}
	if !assumedChannels[f["channel"]] {
		return refuse("invalid_request", "invalid channel", "channel", "CARD or MOBILE", f["channel"])
	}
	if script.Unreachable {
		return &problem{503, "server_error", "Failed to send authentication request", "device", "a device that can be called", "none"}
	}
	if script.Mode == "" {
		script.Mode = f["channel"]
	}

	now := s.Clock().Now()
	id := opaque()
	if script.As != "" {
		hint = script.As
	}
	s.mu.Lock()
	for old, q := range s.requests { // nothing else forgets them
		if now.After(q.dies) {
			delete(s.requests, old)
		}
	}
	s.requests[id] = &request{
		client: client, person: hint, scope: scope, answer: script,
		began: now, expires: now.Add(requestLife), dies: now.Add(requestLife + s.interval + 10*time.Second),
	}
	s.mu.Unlock()
	body := map[string]any{"auth_req_id": id, "expires_in": int(requestLife / time.Second)}
	if s.interval > 0 {
		body["interval"] = int(s.interval / time.Second)
	}
	answer(w, http.StatusOK, body)
	return nil
}

// opaque makes an identifier of the form of the engine's: five parts, as a JWE.
func opaque() string {
	var parts []string
	for range 5 {
		b := make([]byte, 48)
		_, _ = rand.Read(b) // never fails
		parts = append(parts, base64.RawURLEncoding.EncodeToString(b))
	}
	return strings.Join(parts, ".")
}

// poll answers the token endpoint for a CIBA request.
func (s *Server) poll(w http.ResponseWriter, r *http.Request, client string, f map[string]string) *problem {
	emulator.Annotate(r, "ciba.token")
	refuse := func(code, text, rule, expected, got string) *problem {
		return &problem{400, code, text, rule, expected, got}
	}
	id := f["auth_req_id"]
	if id == "" {
		return refuse("invalid_request", "Missing parameter: auth_req_id", "auth_req_id", "one", "none")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().Now()
	q := s.requests[id]
	switch {
	case strings.Count(id, ".") != 4 || q != nil && q.client != client:
		return refuse("invalid_grant", "Invalid Auth Req ID", "auth_req_id", "one given to this client", "another")
	case q == nil || now.After(q.dies):
		return refuse("invalid_grant", "Invalid auth_req_id", "auth_req_id", "one that is pending", "one that is unknown or used")
	case !now.Before(q.expires):
		return refuse("expired_token", "authentication timed out", "expires_in", "an answer before "+clock(q.expires), clock(now))
	}
	tooEarly := q.polls > 0 && now.Before(q.polled.Add(s.interval))
	q.polls, q.polled = q.polls+1, now
	switch {
	case tooEarly || q.polls <= q.answer.SlowDown:
		return refuse("slow_down", "too early to access", "interval", "polls "+s.interval.String()+" apart", "one too early")
	case q.answer.Decision == Ignore || now.Before(q.began.Add(q.answer.Delay)):
		return refuse("authorization_pending", "The authorization request is still pending as the end-user hasn't yet been authenticated.",
			"decision", "one of the person", "none yet")
	case q.answer.Decision == Deny:
		return refuse("access_denied", "not authorized", "decision", "approval", "denial")
	}
	delete(s.requests, id)
	return s.open(w, q, now)
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
