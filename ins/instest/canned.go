package instest

import (
	"net/http"
	"slices"
)

// Canned is an answer given in place of the emulator's own, as the CNDA hands
// some out to be injected (REP_CR01 …), or a fault. The request is checked all the same.
type Canned struct {
	// Operation (WS_INS2 …), BirthName and GivenNames, as they are sent, choose
	// the requests that get the answer; empty is any.
	Operation, BirthName, GivenNames string
	// Fault is answered when it is not nil; else Body with Status (0 is 200) and
	// ContentType (empty is SOAP's).
	Fault       *Fault
	Status      int
	ContentType string
	Body        []byte
	// Times is how often: 0 is once, -1 is always.
	Times int
}

// Inject makes the emulator give c, before its own answers and after those
// injected earlier.
func (s *Server) Inject(c Canned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Times == 0 {
		c.Times = 1
	}
	s.canned = append(s.canned, c)
}

func (s *Server) cannedFor(operation, birthName, given string) (Canned, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.canned {
		if c.Operation != "" && c.Operation != operation || c.BirthName != "" && c.BirthName != birthName || c.GivenNames != "" && c.GivenNames != given {
			continue
		}
		if c.Times > 0 {
			if s.canned[i].Times--; s.canned[i].Times == 0 {
				s.canned = slices.Delete(s.canned, i, i+1)
			}
		}
		return c, true
	}
	return Canned{}, false
}

func (r replier) canned(c Canned, messageID string) {
	if c.Fault != nil {
		r.fault(*c.Fault, messageID)
		return
	}
	status := c.Status
	if status == 0 {
		status = http.StatusOK
	}
	r.raw(status, c.ContentType, c.Body)
}
