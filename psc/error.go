package psc

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Situations that a caller branches on, with errors.Is.
var (
	// ErrDenied: the person refused, on the e-CPS application or the card.
	ErrDenied = errors.New("the person refused the authentication")
	// ErrExpired: the person did not answer in time.
	ErrExpired = errors.New("the person did not answer in time")
	// ErrUnknownUser: the service does not know the person, or their account is disabled.
	ErrUnknownUser = errors.New("the person is unknown or disabled")
	// ErrLoginPending: a login of the same person is already under way.
	ErrLoginPending = errors.New("a login of this person is already under way")
	// ErrInteraction: the person must act on the login page, and none was to be shown.
	ErrInteraction = errors.New("the person must act on the login page")
	// ErrState: what came back from the login page answers no login under way:
	// another's, a forged one, one that is too old or was used.
	ErrState = errors.New("no login under way has this answer")
	// ErrCallback: what came back from the login page breaks a rule.
	ErrCallback = errors.New("the answer of the login page is refused")
	// ErrLogoutToken: a logout token broke a rule, and nothing was done.
	ErrLogoutToken = errors.New("the logout token is refused")
	// ErrSessionExpired: 30 minutes idle, 4 hours, or ended by the service. The person logs in again.
	ErrSessionExpired = errors.New("the session is over")
	// ErrLoggedOut: the session was ended by Logout.
	ErrLoggedOut = errors.New("the session was logged out")
	// ErrClientCertificate: the service does not take the certificate for this client id.
	ErrClientCertificate = errors.New("the client certificate is refused")
	// ErrIDToken: the identity in the answer broke a rule and must not be trusted.
	ErrIDToken = errors.New("the identity cannot be trusted")
	// ErrSituation: the exercise situation must be chosen, or there is none.
	ErrSituation = errors.New("no exercise situation")
	// ErrTestIdentity: an identity made for tests, in production.
	ErrTestIdentity = errors.New("a test identity")
	// ErrEnvironment: the discovery document is not one to use.
	ErrEnvironment = errors.New("the discovery document cannot be used")
)

// Error is a failed operation. Its text never holds a token, a binding number
// or the identifier of a person.
type Error struct {
	// Op is authorize, callback, code.token, ciba.start, ciba.token,
	// token.refresh, userinfo, id_token, jwks, logout, revoke, discovery,
	// session, store, backchannel.logout …
	Op     string
	Status int    // HTTP status; 0 without an answer
	Code   string // the service's error: access_denied, invalid_grant …
	Text   string // the service's error_description
	Fix    string // what to change
	Err    error  // cause

	kind    error // one of the sentinels, or nil
	outcome socle.Outcome
	retry   bool
}

// Error gives one line: what was done, what came back, what to change.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("psc: " + e.Op)
	if e.kind != nil {
		b.WriteString(": " + e.kind.Error())
	}
	if (e.Status != 0 || e.Code != "") && e.Err == nil {
		if e.Status != 0 {
			fmt.Fprintf(&b, ": http status %d", e.Status)
		} else {
			b.WriteString(":")
		}
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		}
		if e.Text != "" {
			fmt.Fprintf(&b, " %q", e.Text)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Fix != "" {
		b.WriteString(": " + e.Fix)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the situation that e is in.
func (e *Error) Is(target error) bool { return e.kind != nil && e.kind == target }

// Outcome tells what is known of the effect on the service.
func (e *Error) Outcome() socle.Outcome {
	if e.outcome == socle.OutcomeUnknown && e.Err != nil {
		return socle.OutcomeOf(e.Err)
	}
	return e.outcome
}

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool { return e.retry || e.Err != nil && socle.Retryable(e.Err) }

// refusal reads the service's answer to a failed request. op decides what a
// code means; the strings are those of Keycloak, on which the service runs,
// and of CIBA Core.
func refusal(op string, status int, code, text string) *Error {
	e := &Error{Op: op, Status: status, Code: code, Text: text, outcome: socle.OutcomeRefused}
	switch {
	case status == http.StatusTooManyRequests:
		e.retry = true
		e.Fix = "send fewer requests"
	case status >= 500:
		e.retry = true
		if code == "" { // a proxy spoke, not the service
			e.outcome = socle.OutcomeUnknown
		}
	case op == opUserInfo && status == http.StatusUnauthorized:
		e.Fix = "the access token is refused: log in again"
	case status == http.StatusUnauthorized || code == "invalid_client" || code == "unauthorized_client":
		e.kind = ErrClientCertificate
		e.Fix = "the subject DN of Config.Certificate, or Config.Secret, must be the one declared at the ANS for Config.ClientID, and the operation enabled for it"
	case code == "unknown_user_id" || op == opStart && code == "invalid_request" && strings.EqualFold(text, "invalid user"):
		e.kind = ErrUnknownUser
		e.Fix = "check the identifier (8 and the RPPS number) and that the person has an e-CPS or a card in this environment"
	case op == opPoll && code == "access_denied":
		e.kind = ErrDenied
	case op == opPoll && code == "expired_token":
		e.kind = ErrExpired
		e.Fix = "begin a new login"
	case op == opPoll && code == "invalid_grant":
		e.Fix = "the request is unknown or was already used: begin a new login"
	case op == opCode && code == "invalid_grant":
		e.kind = ErrState
		e.Fix = "the code was used, is too old, or is of another login: begin again"
	case op == opRefresh && code == "invalid_grant":
		e.kind = ErrSessionExpired
		e.Fix = "log in again"
	case code == "invalid_scope":
		e.Fix = "ask scope \"openid scope_all\", and for CIBA to be enabled for Config.ClientID"
	case status == http.StatusNotFound:
		e.Fix = "check Config.Environment against Discover"
	}
	return e
}

// failed wraps what prevented an answer.
func failed(op string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Op: op, Err: err}
	if errors.Is(err, transport.ErrClientCertificate) {
		e.kind = ErrClientCertificate
		e.Fix = "Config.Certificate must be an IGC-Santé organisation certificate (AUTH_CLI) of this environment, with its chain"
	}
	return e
}

// refuseTest keeps identities of the ANS's editor (EDIT) out of production.
func (c *Client) refuseTest(op string, person socle.PersonID) error {
	if person.Test() && c.cfg.Environment.production() {
		return &Error{Op: op, kind: ErrTestIdentity, outcome: socle.OutcomeNotSent, Fix: "identities of EDIT exist in the sandbox only"}
	}
	return nil
}
