package msstest

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/soclesante/socle/internal/pki"
)

// Network is what discovery asks: a resolver of names and SRV records, and the
// autoconfig servers of domains over TLS. Hosts are on the loopback, so that
// DiscoverConfig.Private must hold Loopback.
type Network struct {
	authority  *pki.Authority
	autoconfig string // address
	http       *http.Server
	served     sync.WaitGroup

	mu      sync.Mutex
	hosts   map[string][]netip.Addr // nil: the loopback
	records map[string][]*net.SRV
	files   map[string]http.Handler
	asked   []string
}

// Loopback is where the hosts of a Network are.
var Loopback = netip.MustParsePrefix("127.0.0.0/8")

// NewNetwork starts an empty network; nil makes an authority. Close must be called.
func NewNetwork(authority *pki.Authority) (*Network, error) {
	if authority == nil {
		var err error
		if authority, err = pki.NewAuthority(); err != nil {
			return nil, fmt.Errorf("msstest: %w", err)
		}
	}
	n := &Network{authority: authority, hosts: map[string][]netip.Addr{}, records: map[string][]*net.SRV{}, files: map[string]http.Handler{}}
	if err := n.startAutoconfig(authority); err != nil {
		return nil, err
	}
	return n, nil
}

// Close stops the autoconfig servers.
func (n *Network) Close() {
	_ = n.http.Close()
	n.served.Wait()
}

// Roots gives the pool that a client trusts.
func (n *Network) Roots() *x509.CertPool { return n.authority.Roots() }

// AddHost makes a name known, at the addresses given or else on the loopback.
func (n *Network) AddHost(name string, addresses ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = addresses
}

// SetSRV publishes the records of a service, such as _imap._tcp.example.mssante.fr.
func (n *Network) SetSRV(name string, records ...*net.SRV) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records[name] = records
}

// Asked gives the questions and requests that came.
func (n *Network) Asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// LookupSRV answers for mss.Resolver. The records are in the order in which
// they were set.
func (n *Network) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	full := "_" + service + "._" + proto + "." + name
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, "SRV "+full)
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	r, ok := n.records[full]
	if !ok {
		return "", nil, &net.DNSError{Err: "no such host", Name: full, IsNotFound: true}
	}
	return full + ".", r, nil
}

// LookupNetIP answers for mss.Resolver.
func (n *Network) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, "A "+host)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	addresses, ok := n.hosts[strings.TrimSuffix(host, ".")]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(addresses) == 0 {
		addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	return addresses, nil
}

// DialContext is for mss.DiscoverConfig: port 443 of the loopback is that of the
// autoconfig servers, and nothing else than the loopback is reached.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err != nil || !Loopback.Contains(ip) {
		return nil, fmt.Errorf("msstest: an address of the loopback expected, %s came", host)
	}
	if port == "443" {
		address = n.autoconfig
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
