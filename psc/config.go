package psc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/jose"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// Config is what a Client needs.
type Config struct {
	// Environment is where Pro Santé Connect is: [Production], [Sandbox], or
	// what [Discover] gave. Mandatory.
	Environment Environment
	// ClientID is the client_id that the ANS gave to the software. Mandatory.
	ClientID string
	// Certificate is the IGC-Santé organisation certificate for client
	// authentication (ORG AUTH_CLI) whose subject DN was declared for ClientID,
	// with its chain. The client authenticates by it (tls_client_auth, RFC 8705
	// §2.1; EXI PSC 24) unless there is a Secret. [socle.LoadPKCS12] reads it
	// from a file. Mandatory unless GetCertificate, Secret or HTTPClient is given.
	Certificate tls.Certificate
	// GetCertificate gives the certificate of the moment instead of Certificate,
	// so that it is replaced without a restart. It is asked before each request
	// and must not block; a new certificate is checked like Certificate.
	GetCertificate func() (*tls.Certificate, error)
	// Secret authenticates a client that was given one by the ANS (espace
	// communautaire only): by client_secret_basic, or by client_secret_post if
	// SecretInForm. A warning is logged when it is used in production.
	Secret       Secret
	SecretInForm bool
	// Roots are the authorities of the service's own certificate. Mandatory
	// unless HTTPClient is given: the system's are never used.
	Roots *x509.CertPool

	// HTTPClient is used as it is instead of one made from Certificate and
	// Roots. It presents the client certificate itself.
	HTTPClient *http.Client
	// Scope is what is asked for; "openid scope_all" if empty, the only one
	// that the service supports in practice.
	Scope string
	// ACR is the level of authentication asked for, "eidas1" if empty.
	ACR string
	// AcceptACR decides whether the level that the service states will do;
	// [AtLeast] if nil. A statement that is missing is passed as "".
	AcceptACR func(asked, got string) error
	// Algorithms are those accepted for the signature of ID tokens, RS256 if
	// empty. Only public-key algorithms are possible.
	Algorithms []string
	// Skew is the difference of clocks that is forgiven, 30 seconds if zero.
	Skew time.Duration
	// SessionLimit is the longest life of a session after the person proved who
	// they are: 4 hours if zero, which is the service's own limit, and less where
	// the structure says so (SSI/IE.37).
	SessionLimit time.Duration
	// IdleLimit ends a session that no token was asked of for so long: 30
	// minutes if zero, which is the service's own limit, or less (SSI/IE.39).
	IdleLimit time.Duration
	// Reauthenticate is called when a token is asked of a session that has
	// expired: it logs the same person in again, by whatever means, and gives
	// the new session, whose tokens the old one goes on with. All who wait for
	// a token wait for it; it is called once for them. why is an error that
	// answers to ErrSessionExpired. A session that was logged out stays so.
	Reauthenticate func(ctx context.Context, s *Session, why error) (*Session, error)
	// Wait replaces the timer between two polls: tests give the one of their
	// clock. It returns the error of ctx when ctx ends first.
	Wait func(ctx context.Context, d time.Duration) error

	socle.Watch
}

// Client speaks with one Pro Santé Connect for one client id. It is safe for
// concurrent use. It remembers which logins are under way, what serves only
// once, and the keys of the service, and nothing else.
type Client struct {
	cfg  Config
	http *transport.Client
	keys *jose.KeySet

	sessions atomic.Uint64 // counts them
	flights  singleflight.Group

	spent   once // states of callbacks, jti of logout tokens
	mu      sync.Mutex
	pending map[socle.PersonID]*Pending
}

// New checks cfg and makes a Client. The error joins everything that is wrong,
// each problem with its field. Nothing is sent.
func New(cfg Config) (*Client, error) {
	var problems []error
	add := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("psc: config: %s: %w", field, err))
		}
	}
	if err := cfg.Environment.check(); err != nil {
		problems = append(problems, fmt.Errorf("psc: config: %w", err))
	}
	if cfg.ClientID == "" {
		add("ClientID", errors.New("missing: it is given by the ANS with the access to Pro Santé Connect"))
	}
	if cfg.Scope == "" {
		cfg.Scope = "openid scope_all"
	}
	if !strings.Contains(" "+cfg.Scope+" ", " openid ") {
		add("Scope", errors.New("lacks openid"))
	}
	if cfg.ACR == "" {
		cfg.ACR = "eidas1"
	}
	if cfg.AcceptACR == nil {
		cfg.AcceptACR = AtLeast
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"RS256"}
	}
	add("Algorithms", jose.CheckAlgorithms(cfg.Algorithms))
	switch {
	case cfg.Skew == 0:
		cfg.Skew = 30 * time.Second
	case cfg.Skew < 0 || cfg.Skew > 5*time.Minute:
		add("Skew", errors.New("between 0 and 5 minutes expected"))
	}
	add("SessionLimit", limit(&cfg.SessionLimit, sessionLimit))
	add("IdleLimit", limit(&cfg.IdleLimit, idleLimit))
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	add("Certificate", checkCertificate(cfg))
	if cfg.GetCertificate != nil && len(cfg.Certificate.Certificate) > 0 {
		add("GetCertificate", errors.New("give it or Certificate, not both"))
	}
	if cfg.SecretInForm && cfg.Secret == "" {
		add("SecretInForm", errors.New("there is no Secret"))
	}
	if cfg.HTTPClient == nil && cfg.Roots == nil {
		add("Roots", errors.New("missing: give the authorities of the service's certificate, the system's are not used"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	t, err := newTransport(cfg)
	if err != nil {
		return nil, fmt.Errorf("psc: config: %w", err)
	}
	c := &Client{cfg: cfg, http: t, pending: map[socle.PersonID]*Pending{}}
	c.keys = jose.NewKeySet(c.fetchKeys, cfg.Now)
	c.warnOfSecret()
	return c, nil
}

// limit puts most in the place of nothing, and refuses what is over it.
func limit(d *time.Duration, most time.Duration) error {
	switch {
	case *d == 0:
		*d = most
	case *d < time.Minute || *d > most:
		return fmt.Errorf("between a minute and %s expected", most)
	}
	return nil
}

func newTransport(cfg Config) (*transport.Client, error) {
	t := transport.Config{Service: socle.ServicePSC, HTTPClient: cfg.HTTPClient, Roots: cfg.Roots, Watch: cfg.Watch}
	if len(cfg.Certificate.Certificate) > 0 {
		t.Certificate = &cfg.Certificate
	}
	t.GetCertificate = cfg.GetCertificate
	return transport.New(t)
}

func checkCertificate(cfg Config) error {
	if len(cfg.Certificate.Certificate) == 0 {
		if cfg.HTTPClient != nil || cfg.GetCertificate != nil || cfg.Secret != "" {
			return nil
		}
		return errors.New("missing: an IGC-Santé organisation certificate for client authentication is needed")
	}
	leaf, err := pki.Leaf(cfg.Certificate)
	if err != nil {
		return err
	}
	return pki.CheckAuthentication(leaf, cfg.Now())
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
