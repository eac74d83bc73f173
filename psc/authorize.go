package psc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Prompt says whether the login page may or must ask the person (OpenID
// Connect Core §3.1.2.1).
type Prompt string

// Prompts. The zero value lets the service decide.
const (
	PromptAny   Prompt = ""
	PromptLogin Prompt = "login" // the person proves who they are again
	PromptNone  Prompt = "none"  // no page: ErrInteraction when one is needed
)

const (
	// attemptLife is how long a person may take on the login page.
	attemptLife = 10 * time.Minute
	// maxCallback bounds the parameters that come back.
	maxCallback = 8 << 10
)

// AuthRequest says how a person is sent to the login page.
type AuthRequest struct {
	// RedirectURI is where they come back to, as declared to the ANS. Mandatory.
	RedirectURI string
	Prompt      Prompt
	// MaxAge is how old their proof of identity may be; no matter if zero.
	MaxAge time.Duration
	// IdPHint names the identity provider of a hospital (kc_idp_hint).
	IdPHint string
	// Person is the only one accepted, if there is one: a re-authentication.
	Person socle.PersonID
	// Return is kept for the caller: where the person was going.
	Return string
}

// Authorization is one login in a browser that has begun: its state, nonce and
// code verifier are made for it and serve once. It shows none of them but in
// URL and MarshalBinary.
type Authorization struct{ attempt *attempt }

// attempt is held by pointer: fmt shows its address.
type attempt struct {
	State, Nonce, Verifier string
	Redirect, Return       string
	Begun                  time.Time
	MaxAge                 time.Duration
	Fresh                  bool // the person proves who they are after Begun
	Person                 string
	address                string // not kept
}

// Authorize begins the login of a person in a browser: the caller keeps what it
// gives, sends the browser to its URL, and hands what comes back to Callback.
// PKCE by S256 (RFC 7636), a state and a nonce are always asked for, and the
// level eidas1 unless Config.ACR says another (PSC.08).
func (c *Client) Authorize(r AuthRequest) (*Authorization, error) {
	refuse := func(err error) (*Authorization, error) { return nil, notSent(opAuthorize, err) }
	login, err := url.Parse(c.cfg.Environment.Authorization)
	if err != nil || login.Host == "" {
		return refuse(errors.New("Config.Environment.Authorization is missing: the login page of the wallet"))
	}
	if err := checkRedirect(r.RedirectURI); err != nil {
		return refuse(fmt.Errorf("AuthRequest.RedirectURI: %w", err))
	}
	switch {
	case r.MaxAge < 0:
		return refuse(errors.New("AuthRequest.MaxAge is negative"))
	case r.Prompt != PromptAny && r.Prompt != PromptLogin && r.Prompt != PromptNone:
		return refuse(errors.New("AuthRequest.Prompt: login or none expected"))
	}
	if err := c.refuseTest(opAuthorize, r.Person); err != nil {
		return nil, err
	}
	a := &attempt{
		State: random(), Nonce: random(), Verifier: random(), Redirect: r.RedirectURI, Return: r.Return,
		Begun: c.cfg.Now(), MaxAge: r.MaxAge, Fresh: r.Prompt == PromptLogin, Person: r.Person.String(),
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	q := login.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.cfg.ClientID, "redirect_uri": r.RedirectURI, "scope": c.cfg.Scope, "acr_values": c.cfg.ACR,
		"state": a.State, "nonce": a.Nonce, "code_challenge_method": "S256",
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
		"prompt":         string(r.Prompt), "kc_idp_hint": r.IdPHint,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if r.MaxAge > 0 {
		q.Set("max_age", strconv.FormatInt(int64(r.MaxAge/time.Second), 10))
	}
	login.RawQuery = q.Encode()
	a.address = login.String()
	return &Authorization{a}, nil
}

// checkRedirect wants https, or http on the loopback of a desktop (RFC 8252 §7.3).
func checkRedirect(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return errors.New("missing: the address declared to the ANS")
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("an absolute address without user or fragment expected")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"):
		return nil
	}
	return errors.New("https expected, or http on the loopback address")
}

// randomSize is how many characters random gives.
const randomSize = 43

// random makes 256 bits, as characters that fit everywhere.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// URL gives where the browser is sent. It is not for logs.
func (a *Authorization) URL() string { return a.attempt.address }

// Return gives AuthRequest.Return.
func (a *Authorization) Return() string { return a.attempt.Return }

// Is reports whether a callback with that state answers this login.
func (a *Authorization) Is(state string) bool { return state != "" && same(a.attempt.State, state) }

// MarshalBinary gives what a server keeps until the person comes back. It holds
// secrets: it stays on the server, or goes out sealed. The URL is not in it.
func (a *Authorization) MarshalBinary() ([]byte, error) { return json.Marshal(a.attempt) }

// UnmarshalBinary reads what MarshalBinary gave.
func (a *Authorization) UnmarshalBinary(b []byte) error {
	var t attempt
	if err := json.Unmarshal(b, &t); err != nil || t.State == "" || t.Nonce == "" || t.Verifier == "" || t.Redirect == "" {
		return &Error{Op: opCallback, kind: ErrState, outcome: socle.OutcomeNotSent, Err: errors.New("what was kept of the login cannot be read")}
	}
	a.attempt = &t
	return nil
}

// Callback opens the session of the person who came back to RedirectURI with
// these parameters. It checks that they answer the login a (state, once, within
// ten minutes), that they come from the service (iss, RFC 9207), and all of the
// ID token and user information. Errors: [ErrState], [ErrCallback], [ErrDenied],
// [ErrInteraction], [ErrClientCertificate], [ErrIDToken].
func (c *Client) Callback(ctx context.Context, a *Authorization, parameters url.Values) (*Session, error) {
	if a == nil || a.attempt == nil {
		return nil, stateless("no login is under way: begin by Authorize")
	}
	t := a.attempt
	code, err := c.checkCallback(t, parameters)
	var s *Session
	if err == nil {
		s, err = c.openByCode(ctx, t, code)
	}
	asked, _ := socle.ParsePersonID(t.Person)
	if s != nil && asked.IsZero() {
		asked, _ = s.UserInfo().Person()
	}
	c.audit(ctx, "login", asked, err)
	return s, err
}

func stateless(fix string) *Error {
	return &Error{Op: opCallback, kind: ErrState, outcome: socle.OutcomeNotSent, Fix: fix}
}

func (c *Client) checkCallback(t *attempt, q url.Values) (code string, err error) {
	refuse := func(rule, expected, got string) (string, error) {
		return "", &Error{Op: opCallback, kind: ErrCallback, outcome: socle.OutcomeRefused,
			Err: fmt.Errorf("rule %s: expected %s, got %s", rule, expected, clean(longRun.ReplaceAllString(got, "…"), 120))}
	}
	size := 0
	for name, values := range q {
		for _, v := range values {
			size += len(name) + len(v)
		}
		switch name {
		case "code", "state", "iss", "error", "error_description", "session_state":
			if len(values) != 1 {
				return refuse("form", "each parameter once", strconv.Itoa(len(values)))
			}
		}
	}
	if size > maxCallback {
		return refuse("size", fmt.Sprintf("at most %d bytes", maxCallback), strconv.Itoa(size))
	}
	now := c.cfg.Now()
	until := t.Begun.Add(attemptLife)
	switch {
	case !same(t.State, q.Get("state")):
		return "", stateless("the answer is to another login, or was forged: begin again")
	case !now.Before(until) || t.Begun.After(now.Add(c.cfg.Skew)):
		return "", stateless("the person took more than " + attemptLife.String() + ": begin again")
	case !c.spent.first(t.State, until, now):
		return "", stateless("the answer was used already: begin again")
	}
	if iss := q.Get("iss"); iss != c.cfg.Environment.Issuer && (iss != "" || c.cfg.Environment.ResponseIssuer) {
		return refuse("iss", c.cfg.Environment.Issuer, iss)
	}
	if failure := q.Get("error"); failure != "" {
		return "", authorizationError(clean(failure, 64), scrub(clean(q.Get("error_description"), 200), url.Values{"token": {t.State}}))
	}
	if code = q.Get("code"); code == "" {
		return refuse("code", "one", "none")
	}
	return code, nil
}

// authorizationError reads the error that the login page sent the person back
// with (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
func authorizationError(code, text string) *Error {
	e := &Error{Op: opCallback, Code: code, Text: text, outcome: socle.OutcomeRefused}
	switch code {
	case "access_denied":
		e.kind = ErrDenied
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		e.kind = ErrInteraction
		e.Fix = "send the person to the login page without PromptNone"
	case "temporarily_unavailable", "server_error":
		e.retry = true
	case "unauthorized_client", "unsupported_response_type":
		e.Fix = "ask the ANS to enable the code flow for Config.ClientID"
	case "invalid_scope":
		e.Fix = "ask scope \"openid scope_all\""
	case "invalid_request":
		e.Fix = "check AuthRequest and that RedirectURI is the one declared"
	}
	return e
}

func (c *Client) openByCode(ctx context.Context, a *attempt, code string) (*Session, error) {
	asked, _ := socle.ParsePersonID(a.Person) // zero when nobody in particular is
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.Redirect}, "code_verifier": {a.Verifier}}
	var t *tokens
	var claims idToken
	err := transport.Retry(ctx, 3, false, func(attempt int) error {
		var err error
		t, claims, err = c.redeem(ctx, operation{opCode, attempt}, form, expectation{nonce: a.Nonce})
		return err
	})
	if t == nil {
		return nil, err
	}
	s := c.newSession(asked, t, claims)
	if err == nil {
		err = c.checkAge(a, claims)
	}
	if err == nil {
		err = s.identify(ctx)
	}
	if err != nil {
		s.discard(ctx)
		return nil, err
	}
	return s, nil
}

// checkAge holds the service to max_age and prompt=login (OpenID Connect Core
// §3.1.3.7, 12): a proof of identity that is too old is not one.
func (c *Client) checkAge(a *attempt, t idToken) error {
	now, at := c.cfg.Now(), t.AuthTime.time()
	switch {
	case a.MaxAge == 0 && !a.Fresh:
		return nil
	case t.AuthTime == 0:
		return untrusted("auth_time", "a date, as the age of the authentication was limited", "none", "")
	case a.MaxAge > 0 && now.After(at.Add(a.MaxAge+c.cfg.Skew)):
		return untrusted("auth_time", "an authentication at most "+a.MaxAge.String()+" old", stamp(at), "")
	case a.Fresh && at.Before(a.Begun.Add(-c.cfg.Skew)):
		return untrusted("auth_time", "a new authentication", stamp(at), "")
	}
	return nil
}
