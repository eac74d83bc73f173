// Package revocation tells whether certificates were revoked, by OCSP (RFC
// 6960) and by lists (CRL, RFC 5280), with a cache. The last list that has not
// expired is kept and serves when no other can be had, so that a connection
// does not depend on the authority's being there (ECO.1.1.6, ECO.1.1.7).
package revocation

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Policy says what becomes of a certificate whose status cannot be told.
type Policy int

// Policies.
const (
	HardFail Policy = iota // it is refused
	SoftFail               // it is accepted, with a warning
)

// Reasons for which a certificate is refused, for errors.Is.
var (
	ErrRevoked  = errors.New("certificate revoked")
	ErrUnknown  = errors.New("status of the certificate cannot be told")
	ErrNoSource = errors.New("certificate names no source of its status")
)

// Error tells why a certificate is refused.
type Error struct {
	Reason error // ErrRevoked, ErrUnknown or ErrNoSource
	Issuer string
	Err    error // what failed, of an ErrUnknown
}

// Error tells the reason, the issuer and the cause.
func (e *Error) Error() string {
	s := fmt.Sprintf("revocation: %v, issued by %q", e.Reason, e.Issuer)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Store keeps lists from one run to the next, by their address.
type Store interface {
	Load(address string) ([]byte, error)
	Save(address string, list []byte) error
}

// Config of a [Checker].
type Config struct {
	Policy Policy
	// RequireSource refuses a certificate that names no source of its status,
	// whatever the Policy. Otherwise it is accepted with a warning: there is
	// nothing to ask.
	RequireSource bool
	Client        *http.Client // nil: one without proxy, of 10 seconds a request
	Store         Store        // optional
	Clock         func() time.Time
	// Refresh is the age from which a list is asked for again though it has not
	// expired; zero means one hour.
	Refresh time.Duration
	// Warn is told of what is wrong and accepted.
	Warn func(ctx context.Context, err error)
}

// Checker tells whether certificates were revoked. It is safe for concurrent use.
type Checker struct {
	cfg  Config
	http *http.Client

	mu       sync.Mutex
	lists    map[string]*list
	statuses map[string]status // of OCSP, by certificate
	failed   map[string]time.Time
	busy     map[string]chan struct{} // closed when the request under way ends
}

// Bounds.
const (
	maxList   = 64 << 20 // bytes
	maxAnswer = 256 << 10
	maxKept   = 10_000
	again     = time.Minute // after a source failed
	skew      = 5 * time.Minute
	holding   = 3 * time.Second
)

// New makes a Checker.
func New(cfg Config) *Checker {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = time.Hour
	}
	if cfg.Warn == nil {
		cfg.Warn = func(context.Context, error) {}
	}
	c := &Checker{cfg: cfg, http: cfg.Client, lists: map[string]*list{}, statuses: map[string]status{}, failed: map[string]time.Time{}, busy: map[string]chan struct{}{}}
	if c.http == nil {
		c.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	}
	return c
}

// Check reports, as an *[Error], why a chain is refused: its certificates are
// asked for but the root, which nobody revokes. The chain must be verified.
func (c *Checker) Check(ctx context.Context, chain []*x509.Certificate) error {
	for i := range max(0, len(chain)-1) {
		err := c.status(ctx, chain[i], chain[i+1])
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrRevoked):
			return err
		case errors.Is(err, ErrNoSource):
			if c.cfg.RequireSource {
				return err
			}
			c.cfg.Warn(ctx, err)
		case c.cfg.Policy == HardFail:
			return err
		default:
			c.cfg.Warn(ctx, err)
		}
	}
	return nil
}

// status asks what is held, then OCSP, then lists, then lists held for longer.
// What OCSP answers does not spare a list.
func (c *Checker) status(ctx context.Context, cert, issuer *x509.Certificate) error {
	refused := func(reason, cause error) error {
		return &Error{Reason: reason, Issuer: issuer.Subject.CommonName, Err: cause}
	}
	points := web(cert.CRLDistributionPoints)
	responders := web(cert.OCSPServer)
	if len(points) == 0 && len(responders) == 0 {
		return refused(ErrNoSource, nil)
	}
	now := c.cfg.Clock()
	for _, p := range points {
		if l := c.held(p, issuer); l != nil {
			if l.revokes(cert) { // once revoked, always
				return refused(ErrRevoked, nil)
			}
			if now.Before(l.next) && now.Sub(l.got) < c.cfg.Refresh && l.covers(cert) {
				return nil
			}
		}
	}
	var errs []error
	for _, r := range responders {
		revoked, err := c.ask(ctx, r, cert, issuer)
		switch {
		case err == nil && revoked:
			return refused(ErrRevoked, nil)
		case err == nil:
			if c.hold(ctx, points, cert, issuer) {
				return refused(ErrRevoked, nil)
			}
			return ctx.Err()
		case ctx.Err() != nil:
			return ctx.Err()
		}
		errs = append(errs, fmt.Errorf("OCSP: %w", err))
	}
	for _, p := range points {
		l, err := c.fetch(ctx, p, issuer)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			errs = append(errs, fmt.Errorf("CRL: %w", err))
			if l = c.held(p, issuer); l == nil || !now.Before(l.next) {
				continue
			}
			c.cfg.Warn(ctx, fmt.Errorf("revocation: the list of %s serves until %s, no newer one can be had: %w", l.this.Format(time.RFC3339), l.next.Format(time.RFC3339), err))
		}
		if l.revokes(cert) {
			return refused(ErrRevoked, nil)
		}
		if l.covers(cert) {
			return nil
		}
		errs = append(errs, errors.New("CRL: the list is not of certificates such as this one"))
	}
	return refused(ErrUnknown, errors.Join(errs...))
}

// hold sees to it that there is a list for the day when neither OCSP nor a newer
// list can be had (ECO.1.1.7): one that is not half over. A list that cannot be
// had now is no reason to refuse, nor to wait for long. It gives whether the list
// says otherwise than OCSP.
func (c *Checker) hold(ctx context.Context, points []string, cert, issuer *x509.Certificate) (revoked bool) {
	for _, p := range points {
		now := c.cfg.Clock()
		if l := c.held(p, issuer); l != nil && now.Before(l.this.Add(l.next.Sub(l.this)/2)) {
			return l.revokes(cert)
		}
		brief, cancel := context.WithTimeout(ctx, holding)
		l, err := c.fetch(brief, p, issuer)
		cancel()
		if err == nil {
			return l.revokes(cert)
		}
		if ctx.Err() != nil {
			return false
		}
		c.mu.Lock()
		if len(c.failed) < maxKept {
			c.failed[p] = now // even when it was the time that ran out
		}
		c.mu.Unlock()
		c.cfg.Warn(ctx, fmt.Errorf("revocation: OCSP answered, but no list could be had for when it does not: %w", err))
	}
	return false
}

// web keeps the addresses that can be asked: directories (LDAP) are not.
func web(addresses []string) (out []string) {
	for _, a := range addresses {
		if low := strings.ToLower(a); strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://") {
			out = append(out, a)
		}
	}
	return out[:min(len(out), 4)]
}

// once runs f unless it is running for the same key, or failed a moment ago.
// done reports that another call did it.
func (c *Checker) once(ctx context.Context, key string, f func() error) (done bool, err error) {
	for {
		c.mu.Lock()
		wait, running := c.busy[key]
		if !running {
			break
		}
		c.mu.Unlock()
		select {
		case <-wait:
			done = true
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if done {
		c.mu.Unlock()
		return true, nil
	}
	if at, ok := c.failed[key]; ok && c.cfg.Clock().Sub(at) < again {
		c.mu.Unlock()
		return false, errors.New("it failed a moment ago")
	}
	ended := make(chan struct{})
	c.busy[key] = ended
	c.mu.Unlock()
	err = f()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, key)
	close(ended)
	delete(c.failed, key)
	if err != nil && ctx.Err() == nil && len(c.failed) < maxKept {
		c.failed[key] = c.cfg.Clock()
	}
	return false, err
}
