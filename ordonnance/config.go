package ordonnance

import (
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

// Environment holds the address of the service. None is public, so that none
// is built in: an emulator gives its own.
type Environment struct {
	Name string // for logs
	URL  string // base of the FHIR binding, https
	// Production refuses test and demonstration identities.
	Production bool
}

// Config of a [Client].
type Config struct {
	Environment Environment     // mandatory; its URL is not when Transport is given
	Software    socle.Software  // mandatory: Name and Version
	Certificate tls.Certificate // mandatory: AUTH_CLI certificate of the pharmacy
	Roots       *x509.CertPool  // mandatory: authorities that vouch for the service

	// HTTPClient is used instead of one made from Certificate and Roots.
	// Certificate and Roots are then not looked at.
	HTTPClient *http.Client
	// Transport replaces the assumed FHIR binding: the vendor's own. Certificate,
	// Roots, HTTPClient and Dialect are then not looked at.
	Transport Transport
	// Dialect replaces what the FHIR binding assumes; the zero value is DefaultDialect.
	Dialect Dialect

	socle.Watch
}

// Client reads prescriptions and tells what was dispensed. It is immutable and
// safe for concurrent use; the professional and the patient are arguments of
// each call.
type Client struct {
	cfg       Config
	transport Transport
}

// New makes a client. It reports every problem of cfg at once, each with the
// name of its field.
func New(cfg Config) (*Client, error) {
	var errs []error
	if err := cfg.Software.Check(socle.ServiceOrdonnance); err != nil {
		errs = append(errs, err)
	}
	c := &Client{cfg: cfg, transport: cfg.Transport}
	if c.transport == nil {
		base, err := baseURL(cfg.Environment.URL)
		if err != nil {
			errs = append(errs, err)
		}
		d := cfg.Dialect.orDefault()
		if err := d.check(); err != nil {
			errs = append(errs, err)
		}
		client, err := transport.New(transport.Config{Service: socle.ServiceOrdonnance, Roots: cfg.Roots, Certificate: &cfg.Certificate,
			HTTPClient: cfg.HTTPClient, UserAgent: cfg.Software.Name + "/" + cfg.Software.Version, Watch: cfg.Watch})
		if err != nil {
			errs = append(errs, err)
		}
		c.transport = &binding{base: base, http: client, dialect: d, software: cfg.Software}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("ordonnance: %w", errors.Join(errs...))
	}
	return c, nil
}

func baseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if s == "" || err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", errors.New("Environment.URL: an https address without query is mandatory; the service's is not public: its contract gives it, or ordonnancetest an emulator's")
	}
	return strings.TrimRight(s, "/"), nil
}

// Close closes the connections that no call uses. The client may still be used.
// A Transport of the vendor's own is told by its method CloseIdleConnections, if
// it has one.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
