package psc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/jose"
)

// idToken is what is used of a verified ID token (OpenID Connect Core §2).
type idToken struct {
	Issuer            string   `json:"iss"`
	Subject           string   `json:"sub"`
	Audience          audience `json:"aud"`
	AuthorizedParty   string   `json:"azp"`
	Expiry            seconds  `json:"exp"`
	IssuedAt          seconds  `json:"iat"`
	AuthTime          seconds  `json:"auth_time"`
	Nonce             string   `json:"nonce"`
	AccessTokenHash   string   `json:"at_hash"`
	ACR               string   `json:"acr"`
	Type              string   `json:"typ"`
	SessionID         string   `json:"sid"`
	SessionState      string   `json:"session_state"`
	PreferredUsername string   `json:"preferred_username"`
	SubjectNameID     string   `json:"SubjectNameID"`
}

// audience is one string or a list of them.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// seconds is a NumericDate; 0 means absent.
type seconds int64

func (s *seconds) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	if i, err := n.Int64(); err == nil {
		*s = seconds(i)
		return nil
	}
	f, err := n.Float64()
	if err != nil || f < 0 || f > 1e11 {
		return errors.New("not a date")
	}
	*s = seconds(f)
	return nil
}

func (s seconds) time() time.Time { return time.Unix(int64(s), 0) }

// expectation is what an ID token must agree with.
type expectation struct {
	nonce       string // "" for CIBA and refresh: the token must have none
	accessToken string // for at_hash
	subject     string // when known: that of the token before the refresh
	refreshed   bool   // the nonce may be left out (OpenID Connect Core §12.2)
}

// verifyIDToken checks an ID token by OpenID Connect Core §3.1.3.7 and the
// rules of Pro Santé Connect. Every refusal answers errors.Is(err, ErrIDToken).
func (c *Client) verifyIDToken(ctx context.Context, raw string, want expectation) (idToken, error) {
	if raw == "" {
		return idToken{}, untrusted("id_token", "one", "none", "")
	}
	payload, err := jose.Verify(ctx, raw, c.cfg.Algorithms, c.keys)
	var broken *jose.Error
	switch {
	case errors.As(err, &broken):
		return idToken{}, &Error{Op: opIDToken, Err: err, kind: ErrIDToken, outcome: socle.OutcomeRefused}
	case err != nil:
		return idToken{}, failed(opIDToken, err)
	}
	var t idToken
	if err := json.Unmarshal(payload, &t); err != nil {
		return idToken{}, untrusted("claims", "JSON claims of their types", "others", "")
	}
	head, err := jose.Peek(raw)
	if err != nil {
		return idToken{}, failed(opIDToken, err)
	}
	return t, c.checkClaims(t, head.Algorithm, want)
}

func (c *Client) checkClaims(t idToken, alg string, want expectation) error {
	now := c.cfg.Now()
	id := c.cfg.ClientID
	switch {
	case t.Issuer != c.cfg.Environment.Issuer:
		return untrusted("iss", c.cfg.Environment.Issuer, t.Issuer, "use the Environment of the service that answers")
	case t.Subject == "":
		return untrusted("sub", "a subject", "none", "")
	case want.subject != "" && t.Subject != want.subject:
		return untrusted("sub", "the subject of the login", "another", "")
	case !slices.Contains(t.Audience, id):
		return untrusted("aud", id, strings.Join(t.Audience, ", "), "the token was made for another client")
	case len(t.Audience) > 1 && t.AuthorizedParty == "":
		return untrusted("azp", id, "none, with several audiences", "")
	case t.AuthorizedParty != "" && t.AuthorizedParty != id:
		return untrusted("azp", id, t.AuthorizedParty, "the token was made for another client")
	case t.Type != "" && t.Type != "ID": // Keycloak's own claim: an access token has "Bearer"
		return untrusted("typ", "ID", t.Type, "")
	case t.Expiry == 0:
		return untrusted("exp", "a date", "none", "")
	case !now.Before(t.Expiry.time().Add(c.cfg.Skew)):
		return untrusted("exp", "later than "+stamp(now), stamp(t.Expiry.time()), "check the clock of this machine")
	case t.IssuedAt == 0:
		return untrusted("iat", "a date", "none", "")
	case t.IssuedAt.time().After(now.Add(c.cfg.Skew)):
		return untrusted("iat", "not later than "+stamp(now), stamp(t.IssuedAt.time()), "check the clock of this machine")
	case t.AuthTime != 0 && t.AuthTime.time().After(now.Add(c.cfg.Skew)):
		return untrusted("auth_time", "not later than "+stamp(now), stamp(t.AuthTime.time()), "check the clock of this machine")
	case !same(t.Nonce, want.nonce) && !(want.refreshed && t.Nonce == ""):
		return untrusted("nonce", "that of the request", "another", "")
	case t.AccessTokenHash != "" && !same(t.AccessTokenHash, jose.HalfHash(alg, want.accessToken)):
		return untrusted("at_hash", "the hash of the access token", "another", "")
	}
	if err := c.cfg.AcceptACR(c.cfg.ACR, t.ACR); err != nil {
		return &Error{Op: opIDToken, Err: fmt.Errorf("rule acr: %w", err), kind: ErrIDToken, outcome: socle.OutcomeRefused}
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// untrusted is the refusal of an identity by a rule.
func untrusted(rule, expected, got, fix string) *Error {
	return &Error{
		Op:      opIDToken,
		Err:     fmt.Errorf("rule %s: expected %s, got %s", rule, expected, clean(longRun.ReplaceAllString(got, "…"), 120)),
		Fix:     fix,
		kind:    ErrIDToken,
		outcome: socle.OutcomeRefused,
	}
}
