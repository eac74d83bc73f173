package psc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

const opIntrospect = "introspect"

// ErrInactive: the server says that the token is worth nothing (any more).
var ErrInactive = errors.New("the token is not active")

// Introspect asks Pro Santé Connect what an access or refresh token is worth
// (RFC 7662). SubjectNameID, hence Access.Person, is told of access tokens only.
// Errors: [ErrInactive], [ErrClientCertificate] for a client that may not ask.
func (c *Client) Introspect(ctx context.Context, token string) (Access, error) {
	if c.cfg.Environment.Introspection == "" {
		return Access{}, notSent(opIntrospect, errors.New("Environment.Introspection is missing"))
	}
	return introspect(ctx, token, c.cfg.ClientID, func(ctx context.Context, op operation, form url.Values, decode func([]byte) error) error {
		return c.postForm(ctx, op, c.cfg.Environment.Introspection, form, decode)
	})
}

// introspect asks through post, several times if need be: asking changes nothing.
func introspect(ctx context.Context, token, client string, post func(context.Context, operation, url.Values, func([]byte) error) error) (Access, error) {
	if token == "" || len(token) > maxToken {
		return Access{}, notSent(opIntrospect, fmt.Errorf("a token of 1 to %d bytes expected", maxToken))
	}
	var a Access
	var active bool
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		form := url.Values{"client_id": {client}, "token": {token}}
		return post(ctx, operation{opIntrospect, attempt}, form, func(body []byte) error {
			var stated struct {
				Active *bool `json:"active"`
			}
			if err := decodeJSON(body, &stated); err != nil {
				return err
			}
			if stated.Active == nil {
				return errors.New("answer without active")
			}
			var err error
			a, active, err = parseAccess(body)
			return err
		})
	})
	switch {
	case err != nil:
		return Access{}, err
	case !active:
		return Access{}, &Error{Op: opIntrospect, Status: http.StatusOK, kind: ErrInactive, outcome: socle.OutcomeRefused}
	}
	return a, nil
}

// maxToken bounds the tokens that are received.
const maxToken = 64 << 10

// IntrospectorConfig is what an [Introspector] needs.
type IntrospectorConfig struct {
	// URL is the introspection endpoint of the server that issues the tokens of
	// the API. Mandatory.
	URL string
	// ClientID is the name under which that server knows the API. Mandatory.
	ClientID string
	// Certificate authenticates the API (tls_client_auth). Mandatory unless
	// GetCertificate or HTTPClient is given.
	Certificate    tls.Certificate
	GetCertificate func() (*tls.Certificate, error)
	// Roots are the authorities of the server. Mandatory unless HTTPClient is given.
	Roots *x509.CertPool
	// HTTPClient is used as it is instead.
	HTTPClient *http.Client

	socle.Watch
}

// Introspector asks the authorization server of an API what its tokens are
// worth. For tokens of Pro Santé Connect itself there is [Client.Introspect].
type Introspector struct {
	cfg  IntrospectorConfig
	http *transport.Client
}

// NewIntrospector checks cfg. The error joins everything that is wrong.
func NewIntrospector(cfg IntrospectorConfig) (*Introspector, error) {
	var problems []error
	if err := checkAddress(cfg.URL); err != nil {
		problems = append(problems, fmt.Errorf("psc: introspector: URL: %w", err))
	}
	if cfg.ClientID == "" {
		problems = append(problems, errors.New("psc: introspector: ClientID: missing"))
	}
	if cfg.HTTPClient == nil && cfg.GetCertificate == nil && len(cfg.Certificate.Certificate) == 0 {
		problems = append(problems, errors.New("psc: introspector: Certificate: missing"))
	}
	t := transport.Config{Service: socle.ServicePSC, HTTPClient: cfg.HTTPClient, Roots: cfg.Roots, GetCertificate: cfg.GetCertificate, Watch: cfg.Watch}
	if len(cfg.Certificate.Certificate) > 0 && cfg.GetCertificate == nil {
		t.Certificate = &cfg.Certificate
	}
	client, err := transport.New(t)
	if err != nil {
		problems = append(problems, fmt.Errorf("psc: introspector: %w", err))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Introspector{cfg: cfg, http: client}, nil
}

// Introspect is a [ResourceConfig.Introspect]. Errors: [ErrInactive], [ErrClientCertificate].
func (i *Introspector) Introspect(ctx context.Context, token string) (Access, error) {
	return introspect(ctx, token, i.cfg.ClientID, func(ctx context.Context, op operation, form url.Values, decode func([]byte) error) error {
		return formTo(ctx, i.http, op, i.cfg.URL, form, decode)
	})
}

// formTo posts form to a server that is not Pro Santé Connect.
func formTo(ctx context.Context, t *transport.Client, op operation, address string, form url.Values, decode func([]byte) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return notSent(op.name, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return call(ctx, t, op, req, form, decode)
}
