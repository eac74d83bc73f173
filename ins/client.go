package ins

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// Config of a [Client].
type Config struct {
	Environment Environment     // mandatory: Qualification(), Production() or an emulator's
	Software    socle.Software  // mandatory, with Install and Homologation[ins], the CNDA's number
	Certificate tls.Certificate // mandatory without Authentication: the software certificate, see CheckCertificate
	Roots       *x509.CertPool  // mandatory: the IGC-Santé roots; the system's are never used

	// Authentication proves who asks in place of the software certificate: NewCPx,
	// NewPSC, ReadyAssertion or the vendor's own. A Certificate given beside it
	// opens the TLS connection and proves nothing to INSi.
	Authentication Authenticator
	// Vitale is the reader of cartes Vitale, for SearchByVitale.
	Vitale VitaleReader
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
	cfg       Config
	http      *transport.Client
	structure string            // that of the software certificate
	leaf      *x509.Certificate // the software certificate, nil with an Authentication
	template  template
	userAgent string
}

// New makes a client of INSi. It reports every problem of cfg at once, each
// with the name of its field; those of the certificate say what INSi would
// answer and what to do.
func New(cfg Config) (*Client, error) {
	var errs []error
	field := func(name string, err error) { errs = append(errs, fmt.Errorf("ins: %s: %w", name, err)) }
	env := cfg.Environment
	if err := checkURL(env.address(cfg.Authentication)); err != nil {
		field("Environment", err)
	}
	if err := cfg.Software.Check(socle.ServiceINS); err != nil {
		errs = append(errs, fmt.Errorf("ins: %w", err))
	}
	if strings.Contains(cfg.Software.Name+cfg.Software.Version+cfg.Software.Homologation[socle.ServiceINS]+cfg.Dialect.NamePrefix, holeMark) {
		field("Software", errors.New("a character of private use"))
	}
	structure, err := "", error(nil)
	if cfg.Authentication == nil {
		if structure, err = CheckCertificate(cfg.Certificate, env, cfg.Now()); err != nil {
			field("Certificate", err)
		}
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
	if cfg.Dialect.AssertionMaxAge < 0 || cfg.Dialect.VitaleMaxAge < 0 {
		field("Dialect", errors.New("a negative age"))
	}
	if err := cfg.Dialect.Verify.check(); err != nil {
		field("Dialect.Verify", err)
	}
	if err := cfg.Dialect.Batch.check(); err != nil {
		field("Dialect.Batch", err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &Client{cfg: cfg, structure: structure, userAgent: cfg.Software.Name + "/" + cfg.Software.Version}
	if cfg.Authentication == nil {
		if c.leaf, err = pki.Leaf(cfg.Certificate); err != nil {
			return nil, fmt.Errorf("ins: Certificate: %w", err)
		}
	}
	c.template = newTemplate(cfg.Software, cfg.Software.Homologation[socle.ServiceINS], cfg.Dialect)
	t := transport.Config{
		Service: socle.ServiceINS, Roots: cfg.Roots, HTTPClient: cfg.HTTPClient,
		UserAgent: c.userAgent, Watch: cfg.Watch,
	}
	if len(cfg.Certificate.Certificate) > 0 {
		t.Certificate = &c.cfg.Certificate
	}
	c.http, err = transport.New(t)
	if err != nil {
		return nil, fmt.Errorf("ins: %w", err)
	}
	return c, nil
}

// Close closes the connections that no call uses. The client may still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// address gives the entry point for a way to authenticate. A ready assertion,
// or the vendor's own, may be a card's or Pro Santé Connect's: one address is enough.
func (e Environment) address(a Authenticator) (value, name string) {
	switch a.(type) {
	case nil:
		return e.URL, "URL"
	case *CPx:
		return e.CardURL, "CardURL"
	case *PSC:
		return e.PSCURL, "PSCURL"
	}
	return cmp.Or(e.CardURL, e.PSCURL), "CardURL"
}

func checkURL(value, name string) error {
	if u, err := url.Parse(value); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s: mandatory here, an https URL: ins.Qualification() or ins.Production() know those that are public", name)
	}
	return nil
}
