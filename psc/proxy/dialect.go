package proxy

import "net/http"

// What the published contract leaves open, each *assumed*. The statuses are
// fields of [Config.Statuses].

// Statuses are the answers that the contract does not settle. A zero is the default.
type Statuses struct {
	Pending    int // a login of the person is already under way: 400
	Unknown    int // Pro Santé Connect does not know the person: 400
	Refused    int // the person refused, or did not answer, or the identity cannot be trusted: 401
	UnknownAPI int // no API has the name in the path: 404
	TooLarge   int // a body over Config.MaxBody: 413
	Full       int // Config.MaxSessions are open: 503
}

func (s Statuses) orDefault() Statuses {
	set := func(field *int, status int) {
		if *field == 0 {
			*field = status
		}
	}
	set(&s.Pending, http.StatusBadRequest)             // *assumed*
	set(&s.Unknown, http.StatusBadRequest)             // *assumed*
	set(&s.Refused, http.StatusUnauthorized)           // *assumed*
	set(&s.UnknownAPI, http.StatusNotFound)            // *assumed*
	set(&s.TooLarge, http.StatusRequestEntityTooLarge) // *assumed*
	set(&s.Full, http.StatusServiceUnavailable)        // *assumed*
	return s
}

// *assumed*: a session is already active, 304, for who shows its cookie and
// names the same person and software. The identifier of a person is public and
// opens nothing by itself: without the cookie there is a new login.

// *assumed*: ports of a trace is the one that the workstation's connection
// comes from, when it is known, and empty behind a gateway that does not tell.

// *assumed*: a session that ends by itself is traced as DISCONNECT, from the
// address of the last request.

// Words of the contract.
const (
	textNoSessionID = "Session ID not found."
	textNoSession   = "No session found."
)
