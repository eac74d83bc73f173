package psc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/jose"
	"github.com/soclesante/socle/internal/transport"
)

const opResource = "resource"

// Refusals of an access token by a [Resource], with errors.Is.
var (
	// ErrToken: the token is absent, malformed, of another issuer, expired or revoked.
	ErrToken = errors.New("the access token is refused")
	// ErrScope: the token is good but lacks a scope.
	ErrScope = errors.New("the access token lacks a scope")
	// ErrBinding: the token is not bound to the certificate of the caller (RFC 8705 §3).
	ErrBinding = errors.New("the access token is not that of the caller's certificate")
)

// Binding says what a [Resource] does of the certificate to which a token is bound.
type Binding int

// Bindings.
const (
	// BindingRequired refuses a token that is not bound, as the trust space of
	// the API Pro Santé Connectées asks.
	BindingRequired Binding = iota
	// BindingIfPresent checks the binding of a token that has one: the tokens of
	// Pro Santé Connect itself were seen without.
	BindingIfPresent
)

// ResourceConfig is what an API needs to know its callers.
type ResourceConfig struct {
	// Issuer is the claim iss of the tokens that are taken: the API's own
	// authorization server, or Environment.Issuer for tokens of Pro Santé
	// Connect itself. Mandatory.
	Issuer string

	// JWKS is the address of the issuer's keys: tokens are JWS and are verified
	// here. JWKS, Introspect or both are mandatory; with both a token must pass both.
	JWKS string
	// Roots are the authorities of that server. Mandatory with JWKS, unless HTTPClient is given.
	Roots *x509.CertPool
	// Certificate is presented to that server, if it asks for one. Optional.
	Certificate tls.Certificate
	// HTTPClient is used as it is to fetch the keys.
	HTTPClient *http.Client
	// Algorithms are those of the tokens' signatures, RS256 if empty.
	Algorithms []string
	// Introspect asks the issuer: [Introspector.Introspect] or [Client.Introspect].
	Introspect func(ctx context.Context, token string) (Access, error)
	// IntrospectionTTL is for how long an answer stands: 5 minutes if zero, 30
	// at most (CI-SIS), never past the end of the token. A refusal stands for 5
	// seconds. A revoked token may be taken for that long.
	IntrospectionTTL time.Duration

	// Scopes are those that every token must have.
	Scopes []string
	// Audiences, when there are any: the token must be for one of them. Tokens of
	// Pro Santé Connect were seen without an audience.
	Audiences []string
	// Clients, when there are any: the token must have been given to one of
	// them (client_id or azp).
	Clients []string
	// Binding is [BindingRequired] by default.
	Binding Binding
	// ClientCertificate finds the certificate of the caller, that of the TLS
	// connection if nil. Behind a gateway that ends TLS it reads what the gateway
	// says, and must make sure that the gateway says it and not the caller.
	ClientCertificate func(*http.Request) (*x509.Certificate, error)
	// Realm is told in the answers that refuse, "api" if empty.
	Realm string
	// Skew is the difference of clocks that is forgiven, 30 seconds if zero.
	Skew time.Duration

	socle.Watch
}

// Resource checks the access tokens that an API receives. It is safe for
// concurrent use and starts no goroutine.
type Resource struct {
	cfg   ResourceConfig
	keys  *jose.KeySet
	cache *introspections
}

// NewResource checks cfg and makes a Resource. The error joins everything that
// is wrong. Nothing is sent.
func NewResource(cfg ResourceConfig) (*Resource, error) {
	var problems []error
	add := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("psc: resource: %s: %w", field, err))
		}
	}
	if cfg.Issuer == "" {
		add("Issuer", errors.New("missing"))
	}
	if cfg.JWKS == "" && cfg.Introspect == nil {
		add("JWKS", errors.New("missing, and Introspect too: one of them says which tokens are good"))
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"RS256"}
	}
	add("Algorithms", jose.CheckAlgorithms(cfg.Algorithms))
	switch {
	case cfg.IntrospectionTTL == 0:
		cfg.IntrospectionTTL = 5 * time.Minute
	case cfg.IntrospectionTTL < 0 || cfg.IntrospectionTTL > 30*time.Minute:
		add("IntrospectionTTL", errors.New("between 0 and 30 minutes expected"))
	}
	switch {
	case cfg.Skew == 0:
		cfg.Skew = 30 * time.Second
	case cfg.Skew < 0 || cfg.Skew > 5*time.Minute:
		add("Skew", errors.New("between 0 and 5 minutes expected"))
	}
	if cfg.Realm == "" {
		cfg.Realm = "api"
	}
	if !quotable(cfg.Realm) {
		add("Realm", errors.New("printable ASCII without quote or backslash expected"))
	}
	for _, s := range cfg.Scopes {
		if s == "" || !quotable(s) || strings.Contains(s, " ") {
			add("Scopes", errors.New("names without space or quote expected"))
		}
	}
	if cfg.ClientCertificate == nil {
		cfg.ClientCertificate = peerCertificate
	}
	r := &Resource{cfg: cfg}
	if cfg.JWKS != "" {
		add("JWKS", checkAddress(cfg.JWKS))
		t := transport.Config{Service: socle.ServicePSC, HTTPClient: cfg.HTTPClient, Roots: cfg.Roots, Watch: cfg.Watch}
		if len(cfg.Certificate.Certificate) > 0 {
			t.Certificate = &r.cfg.Certificate
		}
		client, err := transport.New(t)
		if err != nil {
			problems = append(problems, fmt.Errorf("psc: resource: %w", err))
		}
		r.keys = jose.NewKeySet(func(ctx context.Context) ([]byte, error) { return fetchKeySet(ctx, client, cfg.JWKS) }, cfg.Now)
	}
	if cfg.Introspect != nil {
		r.cache = newIntrospections(cfg)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return r, nil
}

func fetchKeySet(ctx context.Context, t *transport.Client, address string) ([]byte, error) {
	var raw []byte
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		return get(ctx, t, operation{opKeys, attempt}, address, "", func(body []byte) error {
			raw = body
			return nil
		})
	})
	return raw, err
}

func peerCertificate(r *http.Request) (*x509.Certificate, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	return r.TLS.PeerCertificates[0], nil
}

// Check says what an access token allows, to a caller who presented the
// certificate peer (nil for none), if it has all of scopes besides
// ResourceConfig.Scopes. Errors: [ErrToken], [ErrScope], [ErrBinding], else the
// issuer could not be asked.
func (r *Resource) Check(ctx context.Context, token string, peer *x509.Certificate, scopes ...string) (Access, error) {
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, notToken68) {
		return Access{}, denied(ErrToken, "form", "a bearer token of RFC 6750", "something else")
	}
	var a Access
	if r.keys != nil {
		var err error
		if a, err = r.verify(ctx, token); err != nil {
			return Access{}, err
		}
		if err := r.checkClaims(a, true); err != nil {
			return Access{}, err
		}
	}
	if r.cache != nil {
		told, err := r.cache.get(ctx, token)
		switch {
		case errors.Is(err, ErrInactive):
			return Access{}, denied(ErrToken, "active", "a live token", "one that the issuer says is dead")
		case err != nil:
			return Access{}, failed(opResource, err)
		case r.keys != nil && !told.Certificate.IsZero() && told.Certificate != a.Certificate:
			return Access{}, denied(ErrBinding, "cnf", "the same certificate in the token and at its issuer", "two")
		case r.keys == nil:
			a = told
		}
		if err := r.checkClaims(told, false); err != nil {
			return Access{}, err
		}
	}
	if err := r.checkBinding(a, peer); err != nil {
		return Access{}, err
	}
	for _, want := range [][]string{r.cfg.Scopes, scopes} {
		if !a.HasScope(want...) {
			return Access{}, denied(ErrScope, "scope", strings.Join(want, " "), strings.Join(a.Scope, " "))
		}
	}
	return a, nil
}

// verify checks the signature of a JWS access token.
func (r *Resource) verify(ctx context.Context, token string) (Access, error) {
	head, err := jose.Peek(token)
	if err == nil && head.Type != "" && !slices.Contains([]string{"jwt", "at+jwt", "application/at+jwt"}, strings.ToLower(head.Type)) {
		return Access{}, denied(ErrToken, "typ", "JWT or at+jwt", "another kind of token")
	}
	payload, err := jose.Verify(ctx, token, r.cfg.Algorithms, r.keys)
	var broken *jose.Error
	switch {
	case errors.As(err, &broken):
		return Access{}, &Error{Op: opResource, Status: http.StatusUnauthorized, Code: codeToken, Err: err, kind: ErrToken, outcome: socle.OutcomeRefused}
	case err != nil:
		return Access{}, failed(opResource, err)
	}
	if !json.Valid(payload) {
		return Access{}, denied(ErrToken, "claims", "JSON", "something else")
	}
	a, _, err := parseAccess(payload)
	if err != nil {
		return Access{}, denied(ErrToken, "claims", "those of an access token", err.Error())
	}
	return a, nil
}

// checkClaims holds for claims of a JWS, and for what of them an introspection
// tells: only active is mandatory there, and the issuer vouches for the rest.
func (r *Resource) checkClaims(a Access, signed bool) error {
	now := r.cfg.Now()
	switch {
	case a.Issuer != r.cfg.Issuer && (signed || a.Issuer != ""):
		return denied(ErrToken, "iss", r.cfg.Issuer, a.Issuer)
	case a.kind == "ID" || a.kind == "Refresh" || a.kind == "Logout" || a.kind == "Offline":
		return denied(ErrToken, "typ", "an access token", a.kind)
	case signed && a.Expires.IsZero():
		return denied(ErrToken, "exp", "a date", "none")
	case !a.Expires.IsZero() && !now.Before(a.Expires.Add(r.cfg.Skew)):
		return denied(ErrToken, "exp", "later than "+stamp(now), stamp(a.Expires))
	case a.IssuedAt.After(now.Add(r.cfg.Skew)):
		return denied(ErrToken, "iat", "not later than "+stamp(now), stamp(a.IssuedAt))
	case a.notBefore.After(now.Add(r.cfg.Skew)):
		return denied(ErrToken, "nbf", "not later than "+stamp(now), stamp(a.notBefore))
	case len(r.cfg.Audiences) > 0 && !slices.ContainsFunc(a.Audience, func(s string) bool { return slices.Contains(r.cfg.Audiences, s) }):
		return denied(ErrToken, "aud", strings.Join(r.cfg.Audiences, " or "), strings.Join(a.Audience, ", "))
	case len(r.cfg.Clients) > 0 && !slices.Contains(r.cfg.Clients, a.ClientID):
		return denied(ErrToken, "azp", strings.Join(r.cfg.Clients, " or "), a.ClientID)
	}
	return nil
}

func (r *Resource) checkBinding(a Access, peer *x509.Certificate) error {
	switch {
	case a.Certificate.IsZero() && r.cfg.Binding == BindingIfPresent:
		return nil
	case a.Certificate.IsZero():
		return denied(ErrBinding, "cnf", "a token bound to a certificate", "one that is not")
	case peer == nil:
		return denied(ErrBinding, "cnf", "the client certificate of the token", "a caller without one")
	case !a.Certificate.Matches(peer):
		return denied(ErrBinding, "cnf", "the client certificate of the token", "another")
	}
	return nil
}

// denied is the refusal of a token by a rule.
func denied(kind error, rule, expected, got string) *Error {
	e := &Error{
		Op: opResource, Status: http.StatusUnauthorized, Code: codeToken, kind: kind, outcome: socle.OutcomeRefused,
		Err: fmt.Errorf("rule %s: expected %s, got %s", rule, clean(longRun.ReplaceAllString(expected, "…"), 200), clean(longRun.ReplaceAllString(got, "…"), 200)),
	}
	if kind == ErrScope {
		e.Status, e.Code = http.StatusForbidden, codeScope
	}
	return e
}
