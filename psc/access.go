package psc

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// Access is what a verified or introspected access token says. Its texts and
// logs hide it: it names a person.
type Access struct {
	Issuer       string
	Subject      string         // not an identifier of the person: see Person
	Person       socle.PersonID // SubjectNameID, else preferred_username; zero without a national identifier
	ClientID     string         // client_id, else azp: the software that got the token
	Audience     []string
	Scope        []string
	ACR          string
	AuthMode     string
	SessionState string
	AuthTime     time.Time
	IssuedAt     time.Time
	Expires      time.Time
	// Certificate is the one to which the token is bound; zero when it is not.
	Certificate Thumbprint
	// Raw is every claim, or the whole answer of the introspection.
	Raw json.RawMessage

	kind      string // claim typ of the engine: Bearer, Refresh, ID
	notBefore time.Time
}

// HasScope reports whether the token has every one of scopes.
func (a Access) HasScope(scopes ...string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(a.Scope, s) })
}

const redactedAccess = "psc.Access(…)"

// String hides the person.
func (a Access) String() string { return redactedAccess }

// GoString hides the person.
func (a Access) GoString() string { return redactedAccess }

// LogValue hides the person.
func (a Access) LogValue() slog.Value { return slog.StringValue(redactedAccess) }

// MarshalJSON hides the person; Raw has the claims.
func (a Access) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedAccess + `"`), nil }

// maxScopes bounds the scopes of a token.
const maxScopes = 200

// parseAccess reads the claims of an access token or of an introspection.
// active is false for an introspection that says so, true for claims.
func parseAccess(raw []byte) (a Access, active bool, err error) {
	var c struct {
		Active            *bool        `json:"active"`
		Issuer            string       `json:"iss"`
		Subject           string       `json:"sub"`
		Audience          audience     `json:"aud"`
		AuthorizedParty   string       `json:"azp"`
		ClientID          string       `json:"client_id"`
		Scope             scopeList    `json:"scope"`
		Expiry            seconds      `json:"exp"`
		IssuedAt          seconds      `json:"iat"`
		NotBefore         seconds      `json:"nbf"`
		AuthTime          seconds      `json:"auth_time"`
		ACR               string       `json:"acr"`
		AuthMode          string       `json:"authMode"`
		SessionState      string       `json:"session_state"`
		SessionID         string       `json:"sid"`
		Type              string       `json:"typ"`
		PreferredUsername string       `json:"preferred_username"`
		SubjectNameID     string       `json:"SubjectNameID"`
		Confirmation      confirmation `json:"cnf"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		var unread errBinding
		if errors.As(err, &unread) {
			return Access{}, false, unread
		}
		return Access{}, false, errors.New("claims of other types than expected") // the cause may quote them
	}
	if c.Active != nil && !*c.Active {
		return Access{}, false, nil
	}
	if len(c.Scope) > maxScopes || len(c.Audience) > maxScopes {
		return Access{}, false, fmt.Errorf("more than %d scopes or audiences", maxScopes)
	}
	a = Access{
		Issuer: c.Issuer, Subject: c.Subject, ClientID: first(c.ClientID, c.AuthorizedParty), Audience: c.Audience, Scope: c.Scope,
		ACR: c.ACR, AuthMode: c.AuthMode, SessionState: first(c.SessionState, c.SessionID),
		AuthTime: c.AuthTime.orZero(), IssuedAt: c.IssuedAt.orZero(), Expires: c.Expiry.orZero(), notBefore: c.NotBefore.orZero(),
		Certificate: c.Confirmation.thumbprint, Raw: slices.Clone(raw), kind: c.Type,
	}
	if c.ClientID != "" && c.AuthorizedParty != "" && c.ClientID != c.AuthorizedParty {
		return Access{}, false, errors.New("client_id and azp name two clients")
	}
	a.Person, _ = UserInfo{SubjectNameID: c.SubjectNameID, PreferredUsername: c.PreferredUsername}.Person()
	return a, true, nil
}

func (s seconds) orZero() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return s.time()
}

// scopeList is a list parted by spaces (RFC 6749 §3.3), or one of JSON.
type scopeList []string

func (l *scopeList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = strings.Fields(one)
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}
