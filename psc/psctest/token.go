package psctest

import (
	"context"
	"crypto"
	"net/http"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/jose"
)

// keys are the published keys, for the emulator's own use.
type keys []*jose.Signer

func (k keys) Key(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	for _, s := range k {
		if s.KeyID == kid {
			return s.Public(), nil
		}
	}
	return nil, &jose.Error{Rule: "kid", Expected: "a published key"}
}

// token is the token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	operation := "token"
	var client string
	if p == nil {
		client, p = s.authenticate(r, f)
	}
	if p == nil {
		switch f["grant_type"] {
		case "urn:openid:params:grant-type:ciba":
			operation = "ciba.token"
			p = s.poll(w, r, client, f)
		case "authorization_code":
			operation = "code.token"
			p = s.redeem(w, r, client, f)
		case "refresh_token":
			operation = "token.refresh"
			p = s.refresh(w, r, client, f)
		case "":
			p = &problem{400, "invalid_request", "Missing form parameter: grant_type", "grant_type", "one", "none"}
		default:
			p = &problem{400, "unsupported_grant_type", "Unsupported grant_type", "grant_type", "authorization_code, refresh_token or CIBA", f["grant_type"]}
		}
	}
	if p != nil {
		s.refuse(w, operation, p)
	}
}

// refresh gives new tokens for a refresh token, within the life of the session.
func (s *Server) refresh(w http.ResponseWriter, r *http.Request, client string, f map[string]string) *problem {
	emulator.Annotate(r, "token.refresh")
	token := f["refresh_token"]
	if token == "" {
		return &problem{400, "invalid_request", "No refresh token", "refresh_token", "one", "none"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().Now()
	c, _, ok := s.read(r, token)
	refuse := func(text, rule, expected, got string) *problem {
		return &problem{400, "invalid_grant", text, rule, expected, got}
	}
	switch {
	case !ok || c.Type != "Refresh":
		return refuse(assumedRefreshInvalid, "refresh_token", "a refresh token of this service", "another")
	case c.Client != client:
		return refuse(assumedRefreshClient, "refresh_token", "one given to this client", "another's")
	case now.Unix() >= c.Expiry:
		return refuse(assumedRefreshInactive, "refresh_token", "one younger than "+refreshLife.String(), "an older one")
	}
	q := s.sessions[c.Session]
	if q == nil || !q.alive(now) {
		return refuse(assumedSessionInactive, "session", "one of less than "+sessionLimit.String()+", not idle for "+idleLimit.String(), "one that is over")
	}
	return s.give(w, q, now)
}
