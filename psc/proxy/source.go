package proxy

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// source is where a request comes from.
type source struct {
	address string
	ports   []int // the workstation's, when it is known
}

// maxForwarded bounds the gateways that a request went through.
const maxForwarded = 32

// from tells where a request comes from: the peer of the connection, or, when
// that is a trusted gateway, who X-Forwarded-For says, read from its end up to
// the first address that is not a trusted gateway. What stands before is the
// word of that address and not believed.
func from(r *http.Request, trusted []netip.Prefix) source {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // a Unix socket, or a test
		return source{address: "0.0.0.0", ports: []int{}}
	}
	last := source{address: peer.Addr().Unmap().WithZone("").String(), ports: []int{int(peer.Port())}}
	if !trusts(trusted, peer.Addr()) {
		return last
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	slices.Reverse(hops)
	for _, hop := range hops[:min(len(hops), maxForwarded)] {
		addr, port, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return last
		}
		last = source{address: addr.Unmap().WithZone("").String(), ports: []int{}}
		if port != 0 {
			last.ports = []int{int(port)}
		}
		if !trusts(trusted, addr) {
			return last
		}
	}
	return last
}

func trusts(trusted []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseHop reads an address, or one with its port.
func parseHop(s string) (netip.Addr, uint16, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a, 0, true
	}
	ap, err := netip.ParseAddrPort(s)
	return ap.Addr(), ap.Port(), err == nil
}
