package ins

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Config of a [Client].
type Config struct {
	Environment Environment     // mandatory: Qualification(), Production() or an emulator's
	Software    socle.Software  // mandatory, with Install and Homologation[ins], the CNDA's number
	Certificate tls.Certificate // mandatory: the software certificate, see CheckCertificate
	Roots       *x509.CertPool  // mandatory: the IGC-Santé roots; the system's are never used

	// HTTPClient is used as it is instead of one made of Certificate and Roots.
	HTTPClient *http.Client
	// Attempts is how often a search is made while INSi is out of order (a
	// Receiver fault, a 5xx, a broken connection); 0 is 3.
	Attempts int
	// TestOID, outside production, replaces the OID of every INS that INSi
	// gives: the qualification environment answers production OIDs for
	// fictitious people, where the test DMP wants OIDTest.
	TestOID OID
	Dialect Dialect

	socle.Watch
}

// Client asks INSi. It is immutable, safe for concurrent use and cheap to share.
type Client struct {
	cfg      Config
	http     *transport.Client
	emetteur string
	idam     string
}

// New makes a client of INSi. It reports every problem of cfg at once, each
// with the name of its field; those of the certificate say what INSi would
// answer and what to do.
func New(cfg Config) (*Client, error) {
	var errs []error
	field := func(name string, err error) { errs = append(errs, fmt.Errorf("ins: %s: %w", name, err)) }
	if u, err := url.Parse(cfg.Environment.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		field("Environment", errors.New("mandatory, with an https URL: ins.Qualification() or ins.Production()"))
	}
	if err := cfg.Software.Check(socle.ServiceINS); err != nil {
		errs = append(errs, fmt.Errorf("ins: %w", err))
	}
	emetteur, err := CheckCertificate(cfg.Certificate, cfg.Environment, cfg.Now())
	if err != nil {
		field("Certificate", err)
	}
	if cfg.Roots == nil && cfg.HTTPClient == nil {
		field("Roots", errors.New("mandatory: the IGC-Santé roots, ACR-EL and ACI-EL-ORG"))
	}
	if cfg.Attempts < 0 {
		field("Attempts", errors.New("negative"))
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = 3
	}
	if cfg.TestOID != 0 && (cfg.Environment.Production || !cfg.TestOID.Fictitious()) {
		field("TestOID", errors.New("OIDTest or OIDDemo expected, and never in production"))
	}
	if cfg.Dialect.NotFoundAsFault && cfg.Environment.Production {
		field("Dialect.NotFoundAsFault", errors.New("refused in production, where the fault is an outage"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &Client{cfg: cfg, emetteur: emetteur, idam: cfg.Software.Homologation[socle.ServiceINS]}
	c.http, err = transport.New(transport.Config{
		Service: socle.ServiceINS, Roots: cfg.Roots, Certificate: &cfg.Certificate, HTTPClient: cfg.HTTPClient,
		UserAgent: cfg.Software.Name + "/" + cfg.Software.Version, Watch: cfg.Watch,
	})
	if err != nil {
		return nil, fmt.Errorf("ins: %w", err)
	}
	return c, nil
}

// Close closes the connections that no call uses. The client may still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }
