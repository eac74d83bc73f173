package mss

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
)

var (
	// ErrNotFound: no source tells where the operator of a mailbox is.
	ErrNotFound = errors.New("operator not found")
	// ErrForbidden: an address that may not be connected to, because the token
	// would be shown there: a host outside the domains allowed, or a private address.
	ErrForbidden = errors.New("address forbidden")
)

// Source is what told where an operator is.
type Source string

// Sources, in the order in which they are asked.
const (
	SourceSRV        Source = "srv"        // DNS SRV records of the domain (ECO.1.1.9)
	SourceAutoconfig Source = "autoconfig" // configuration file of the domain
	SourceStatic     Source = "static"     // DiscoverConfig.Static
)

// Resolver is what of a net.Resolver discovery uses.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// SRVLabels are the service labels of SRV records, without "_" and protocol.
type SRVLabels struct {
	IMAP, Submission   string // under STARTTLS
	IMAPS, Submissions string // under TLS from the start
}

// DiscoverConfig makes a Discoverer.
type DiscoverConfig struct {
	// Roots vouch for autoconfig servers, mandatory: the IGC-Santé's, and
	// whichever others the operators use there.
	Roots *x509.CertPool
	// Static gives the operators of domains of which nothing else is found.
	Static map[string]Environment
	// Allow reports whether a host or the domain of a mailbox may be used. Nil
	// allows mssante.fr and what is under it. A *WhiteList may help to write it.
	Allow func(host string) bool
	// Private are networks of private addresses that may be connected to, such as
	// an establishment's own. By default none is.
	Private []netip.Prefix
	// Resolver is net.DefaultResolver when nil.
	Resolver Resolver
	// DialContext connects to an IP address that was checked; nil means a
	// net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Labels are the labels of SRV records. A zero field means imap, submission,
	// imaps and submissions (RFC 6186, RFC 8314): that the operators use them is
	// assumed.
	Labels SRVLabels
	// Timeout of one source. Zero means 5 seconds.
	Timeout time.Duration
	// Found and Missing are how long a result is kept, and how long the lack of
	// one. Zero means 24 hours and 15 minutes.
	Found, Missing time.Duration

	socle.Watch
}

// Discovery is where the operator of a domain is.
type Discovery struct {
	Domain      string
	Environment Environment
	Source      Source // what told it
	// IMAP and Submission are all the addresses told, in the order in which to
	// try them; the first are those of Environment.
	IMAP, Submission []string
	At               time.Time // when it was found
}

// Discoverer finds operators, and keeps what it found. It is safe for
// concurrent use.
type Discoverer struct {
	cfg  DiscoverConfig
	auto *autoconfigClient
	draw func(n int) int

	mu   sync.Mutex
	kept map[string]keptDiscovery
}

type keptDiscovery struct {
	result Discovery
	err    error
	until  time.Time
}

const maxKept = 1000 // domains

// NewDiscoverer checks cfg and reports every problem of it at once.
func NewDiscoverer(cfg DiscoverConfig) (*Discoverer, error) {
	var errs []error
	if cfg.Roots == nil {
		errs = append(errs, errors.New("DiscoverConfig.Roots: mandatory: the authorities that vouch for autoconfig servers"))
	}
	static := map[string]Environment{}
	for domain, env := range cfg.Static {
		d, ok := asciiDomain(domain)
		if !ok || env.IMAP == "" || env.Submission == "" {
			errs = append(errs, errors.New("DiscoverConfig.Static: a domain with its IMAP and Submission expected"))
		}
		static[d] = env
	}
	cfg.Static = static
	if cfg.Timeout < 0 || cfg.Found < 0 || cfg.Missing < 0 {
		errs = append(errs, errors.New("DiscoverConfig.Timeout, Found, Missing: a negative duration"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("mss: discover: %w", errors.Join(errs...))
	}
	if cfg.Allow == nil {
		cfg.Allow = func(host string) bool { return host == "mssante.fr" || strings.HasSuffix(host, ".mssante.fr") }
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	cfg.Labels = cfg.Labels.filled()
	cfg.Timeout, cfg.Found, cfg.Missing = or(cfg.Timeout, 5*time.Second), or(cfg.Found, 24*time.Hour), or(cfg.Missing, 15*time.Minute)
	d := &Discoverer{cfg: cfg, draw: rand.IntN, kept: map[string]keptDiscovery{}}
	d.auto = newAutoconfig(cfg, d.DialContext)
	return d, nil
}

func or(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

func (l SRVLabels) filled() SRVLabels {
	for _, f := range []struct {
		label    *string
		standard string
	}{{&l.IMAP, "imap"}, {&l.Submission, "submission"}, {&l.IMAPS, "imaps"}, {&l.Submissions, "submissions"}} {
		if *f.label == "" {
			*f.label = f.standard
		}
	}
	return l
}

// Close closes the connections that no call uses.
func (d *Discoverer) Close() { d.auto.http.CloseIdleConnections() }

// Discover finds the operator of a mailbox: by the SRV records of its domain,
// else by its autoconfig file, else in the static table. Results are kept; the
// error, ErrNotFound or ErrForbidden, too, unless ctx ended first.
//
// Give the Environment to New, with Config.DialContext set to
// [Discoverer.DialContext], so that the name leads nowhere else later.
func (d *Discoverer) Discover(ctx context.Context, mailbox Address) (Discovery, error) {
	domain := mailbox.Domain()
	switch {
	case mailbox.IsZero() || mailbox.IsPatient():
		return Discovery{}, discoveryError(ErrForbidden, "the address of a professional mailbox expected", nil)
	case !d.cfg.Allow(domain):
		return Discovery{}, discoveryError(ErrForbidden, "the mailbox is outside the domains of DiscoverConfig.Allow", nil)
	}
	now := d.cfg.Now()
	d.mu.Lock()
	k, ok := d.kept[domain]
	d.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.result.clone(), k.err
	}
	result, err := d.find(ctx, domain)
	if ctx.Err() != nil {
		return Discovery{}, discoveryError(nil, "", ctx.Err())
	}
	result.Domain, result.At = domain, now
	k = keptDiscovery{result, err, now.Add(d.cfg.Found)}
	if err != nil {
		k = keptDiscovery{Discovery{}, err, now.Add(d.cfg.Missing)}
		d.cfg.Log().WarnContext(ctx, "mss: operator not found", "domain", domain, "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxKept {
		for name, old := range d.kept {
			if !now.Before(old.until) {
				delete(d.kept, name)
			}
		}
		for name := range d.kept {
			if len(d.kept) < maxKept {
				break
			}
			delete(d.kept, name)
		}
	}
	d.kept[domain] = k
	return k.result.clone(), k.err
}

func (r Discovery) clone() Discovery {
	r.IMAP, r.Submission = slices.Clone(r.IMAP), slices.Clone(r.Submission)
	return r
}

// Forget drops what is kept of a domain, for an operator that has moved.
func (d *Discoverer) Forget(mailbox Address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.kept, mailbox.Domain())
}

func discoveryError(kind error, text string, cause error) *Error {
	e := &Error{Op: "discover", kind: kind, Text: text, Err: cause, outcome: notSent}
	e.retryable = kind == ErrNotFound || errors.Is(cause, context.DeadlineExceeded)
	return e
}

// find asks the sources in turn. The errors of all of them are told.
func (d *Discoverer) find(ctx context.Context, domain string) (Discovery, error) {
	var errs []error
	forbidden := false
	for _, source := range []struct {
		name Source
		find func(context.Context, string) (Discovery, error)
	}{{SourceSRV, d.bySRV}, {SourceAutoconfig, d.byAutoconfig}, {SourceStatic, d.byTable}} {
		limited, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
		r, err := source.find(limited, domain)
		if err == nil {
			err = d.reachable(limited, r.Environment)
		}
		cancel()
		if err == nil {
			r.Source = source.name
			r.Environment.Test = r.Environment.Test || isTestDomain(domain)
			return r, nil
		}
		forbidden = forbidden || errors.Is(err, ErrForbidden)
		errs = append(errs, fmt.Errorf("%s: %w", source.name, err))
	}
	if forbidden {
		return Discovery{}, discoveryError(ErrForbidden, "", errors.Join(errs...))
	}
	return Discovery{}, discoveryError(ErrNotFound, "", errors.Join(errs...))
}

// isTestDomain reports whether a domain is one of the test platforms, such as
// medecin.formation.mssante.fr.
func isTestDomain(domain string) bool {
	return domain == testDomain || strings.HasSuffix(domain, "."+testDomain)
}

func (d *Discoverer) byTable(_ context.Context, domain string) (Discovery, error) {
	if env, ok := d.cfg.Static[domain]; ok {
		return Discovery{Environment: env, IMAP: []string{env.IMAP}, Submission: []string{env.Submission}}, nil
	}
	return Discovery{}, errors.New("not in the table")
}

// reachable checks the hosts of an environment before anybody connects to them.
func (d *Discoverer) reachable(ctx context.Context, env Environment) error {
	for _, address := range []string{env.IMAP, env.Submission} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return errors.New("host and port expected")
		}
		if _, err := d.resolve(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

// resolve gives the addresses of a host that may be connected to.
func (d *Discoverer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, fmt.Errorf("%w: an IP address instead of a host name", ErrForbidden)
	}
	name, ok := asciiDomain(host)
	if !ok || !d.cfg.Allow(name) {
		return nil, fmt.Errorf("%w: host %.80q is outside the domains of DiscoverConfig.Allow", ErrForbidden, host)
	}
	all, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fmt.Errorf("host %.80q cannot be resolved: %w", host, err)
	}
	var good []netip.Addr
	for _, ip := range all {
		if ip = ip.Unmap(); d.public(ip) {
			good = append(good, ip)
		}
	}
	if len(good) == 0 {
		return nil, fmt.Errorf("%w: host %.80q has no public address", ErrForbidden, host)
	}
	return good, nil
}

// Networks that are of nobody on the Internet (RFC 6890 and its registries), or
// that lead to others through a translation.
var notPublic = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

func (d *Discoverer) public(ip netip.Addr) bool {
	in := func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) }
	return ip.IsValid() && (slices.ContainsFunc(d.cfg.Private, in) || !slices.ContainsFunc(notPublic, in))
}

// DialContext connects to a host that is allowed, at one of its public
// addresses: the name is resolved here, so that it cannot change between the
// check and the connection. It is for Config.DialContext.
func (d *Discoverer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, discoveryError(ErrForbidden, "host and port expected", nil)
	}
	ips, err := d.resolve(ctx, host)
	if err != nil {
		kind := error(nil)
		if errors.Is(err, ErrForbidden) {
			kind = ErrForbidden
		}
		e := discoveryError(kind, "", err)
		e.retryable = kind == nil
		return nil, e
	}
	var errs []error
	for _, ip := range ips[:min(len(ips), 8)] {
		conn, err := d.cfg.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
