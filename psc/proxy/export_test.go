package proxy

import (
	"net/http"
	"net/netip"
)

// What the tests reach of the inside.
var (
	Target = target
	Join   = join
	Period = period
)

// Source is where a request comes from.
func Source(r *http.Request, trusted []netip.Prefix) (string, []int) {
	s := from(r, trusted)
	return s.address, s.ports
}
