package psc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/jose"
)

const (
	// logoutEvent is the member of events that makes a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutAge is how old a logout token may be when LogoutOptions says nothing.
	logoutAge = 2 * time.Minute
	// maxLogoutForm bounds what is posted.
	maxLogoutForm = jose.MaxToken + 1<<10
)

// LogoutOptions says how strict the reception of logout tokens is.
type LogoutOptions struct {
	// RequireExpiry refuses a token without exp. The engine of the service made
	// such tokens for years, so that they are accepted by default, for MaxAge.
	RequireExpiry bool
	// MaxAge is how old a token may be (iat), 2 minutes if zero.
	MaxAge time.Duration
}

// LogoutToken is a verified order of the service to end sessions.
type LogoutToken struct {
	ID        string // jti
	Subject   string // sub: all sessions of the person, unless there is a SessionID
	SessionID string // sid
	IssuedAt  time.Time
}

// LogValue hides the person.
func (t LogoutToken) LogValue() slog.Value { return slog.StringValue("psc.LogoutToken(…)") }

// Names reports whether the token ends s.
func (t LogoutToken) Names(s *Session) bool {
	who := s.identity()
	if t.SessionID != "" && t.SessionID != who.serviceID {
		return false
	}
	return t.Subject == "" || t.Subject == who.subject
}

// VerifyLogoutToken checks a logout token by OpenID Connect Back-Channel Logout
// §2.6: signature by a published key, iss, aud, iat, exp, events, jti, sub or
// sid, no nonce. A token serves once: a second time is refused. Every refusal
// answers errors.Is(err, ErrLogoutToken).
func (c *Client) VerifyLogoutToken(ctx context.Context, raw string, o LogoutOptions) (LogoutToken, error) {
	payload, err := jose.Verify(ctx, raw, c.cfg.Algorithms, c.keys)
	var broken *jose.Error
	switch {
	case errors.As(err, &broken):
		return LogoutToken{}, &Error{Op: opNotice, Err: err, kind: ErrLogoutToken, outcome: socle.OutcomeRefused}
	case err != nil:
		return LogoutToken{}, failed(opNotice, err)
	}
	var t struct {
		idToken
		ID     string                     `json:"jti"`
		Events map[string]json.RawMessage `json:"events"`
		Nonce  json.RawMessage            `json:"nonce"`
	}
	if err := json.Unmarshal(payload, &t); err != nil {
		return LogoutToken{}, notLogout("claims", "JSON claims of their types", "others")
	}
	head, err := jose.Peek(raw)
	if err != nil {
		return LogoutToken{}, failed(opNotice, err)
	}
	if o.MaxAge <= 0 {
		o.MaxAge = logoutAge
	}
	now, skew := c.cfg.Now(), c.cfg.Skew
	var event map[string]any
	switch {
	case t.Issuer != c.cfg.Environment.Issuer:
		err = notLogout("iss", c.cfg.Environment.Issuer, t.Issuer)
	case !slices.Contains(t.Audience, c.cfg.ClientID):
		err = notLogout("aud", c.cfg.ClientID, strings.Join(t.Audience, ", "))
	case !strings.EqualFold(head.Type, "logout+jwt") && !strings.EqualFold(head.Type, "JWT") && head.Type != "":
		err = notLogout("header typ", "logout+jwt", head.Type)
	case t.Type != "" && t.Type != "Logout": // Keycloak's own claim
		err = notLogout("typ", "Logout", t.Type)
	case t.IssuedAt == 0:
		err = notLogout("iat", "a date", "none")
	case t.IssuedAt.time().After(now.Add(skew)):
		err = notLogout("iat", "not later than "+stamp(now), stamp(t.IssuedAt.time()))
	case !now.Before(t.IssuedAt.time().Add(o.MaxAge + skew)):
		err = notLogout("iat", "at most "+o.MaxAge.String()+" ago", stamp(t.IssuedAt.time()))
	case t.Expiry == 0 && o.RequireExpiry:
		err = notLogout("exp", "a date", "none")
	case t.Expiry != 0 && !now.Before(t.Expiry.time().Add(skew)):
		err = notLogout("exp", "later than "+stamp(now), stamp(t.Expiry.time()))
	case json.Unmarshal(t.Events[logoutEvent], &event) != nil || event == nil:
		err = notLogout("events", "the member "+logoutEvent+", an object", "none")
	case t.Nonce != nil:
		err = notLogout("nonce", "none", "one: an ID token is not a logout token")
	case t.Subject == "" && t.SessionID == "":
		err = notLogout("sub", "sub or sid", "none")
	case t.ID == "":
		err = notLogout("jti", "one", "none")
	case !c.spent.first("jti "+t.ID, t.IssuedAt.time().Add(o.MaxAge+skew), now):
		err = notLogout("jti", "one that was not used", "one that was")
	}
	if err != nil {
		return LogoutToken{}, err
	}
	return LogoutToken{ID: t.ID, Subject: t.Subject, SessionID: t.SessionID, IssuedAt: t.IssuedAt.time()}, nil
}

func notLogout(rule, expected, got string) *Error {
	return &Error{
		Op: opNotice, kind: ErrLogoutToken, outcome: socle.OutcomeRefused,
		Err: fmt.Errorf("rule %s: expected %s, got %s", rule, expected, clean(longRun.ReplaceAllString(got, "…"), 120)),
	}
}

// BackchannelLogout serves the address declared to the ANS for logout tokens
// (backchannel_logout_uri): it verifies each one and hands it to end, which
// ends the sessions that it names ([Session.Forget], or [Web] which does it by
// itself). Should end fail, the service may post the same token again.
func (c *Client) BackchannelLogout(o LogoutOptions, end func(context.Context, LogoutToken) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "a POST is expected", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxLogoutForm)
		err := r.ParseForm()
		values := r.PostForm["logout_token"]
		if err != nil || len(values) != 1 {
			refuseNotice(w, "invalid_request", "one logout_token in a form is expected")
			return
		}
		t, err := c.VerifyLogoutToken(r.Context(), values[0], o)
		if err == nil {
			if err = end(r.Context(), t); err != nil {
				c.spent.forget("jti " + t.ID)
			}
		}
		if err != nil {
			c.cfg.Log().WarnContext(r.Context(), "psc: a logout token was not obeyed", "err", err)
			text := "the logout failed"
			if errors.Is(err, ErrLogoutToken) {
				text = err.Error()
			}
			refuseNotice(w, "invalid_request", text)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

func refuseNotice(w http.ResponseWriter, code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": text})
}
