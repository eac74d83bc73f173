package dmptest

import (
	"slices"
	"strings"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// Failure is a refusal of the service itself, that the next request of an
// operation gets once it was verified. Faults of the network are planned with
// [Server.Fail]. [Failures] gives those that are known, by name.
type Failure struct {
	Operation string // "TD0.2" …; empty: the first that the answer suits
	// Fault answers a SOAP fault.
	Fault *Fault
	// Ack answers TD0.2, TD0.5, TD1.3 or TD1.4 with an acknowledgement AE and this detail.
	Ack *dmp.Detail
	// Status answers TD0.3, TD0.4 or TD1.6 with this status and context.
	Status *dmp.Detail
	// Registry answers TD2.1 and TD3.3 with these errors. With Partial the status
	// is PartialSuccess, and the work is done; errors that are all warnings come
	// with Success, and the work is done.
	//
	// It does the same to TD3.1 and TD3.2, when Operation says so: with Partial,
	// TD3.2 leaves out the document that an error has as its Location, or else
	// the last.
	Registry []dmp.RegistryError
	Partial  bool
	// Defect spoils the answer to TD3.1 or TD3.2.
	Defect Defect
}

// Fault is a SOAP fault to answer.
type Fault struct {
	Code    string // "Sender" or "Receiver"; empty is Sender
	Subcode string
	Reason  string
	Status  int // HTTP status; 0 is 500

	space string // namespace of the subcode; empty is that of the envelope
}

func (f *Fault) soap() *soap.Fault {
	out := refuse(f.Subcode, f.Reason)
	out.Status, out.Space = f.Status, f.space
	if f.Code != "" {
		out.Code = f.Code
	}
	return out
}

// details gives those of the acknowledgement that the failure makes.
func (f *Failure) details() []hl7v3.Detail {
	return []hl7v3.Detail{{Type: "E", Code: f.Ack.Code, Text: f.Ack.Text}}
}

// Refuse plans a refusal, after those already planned.
func (s *Server) Refuse(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, f)
}

// injected takes the first failure planned for an operation.
func (s *Server) injected(op string) *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.failures, func(f Failure) bool { return f.fits(op) })
	if i < 0 {
		return nil
	}
	f := s.failures[i]
	s.failures = slices.Delete(s.failures, i, i+1)
	return &f
}

func (f *Failure) fits(op string) bool {
	switch {
	case f.Operation != "":
		return f.Operation == op
	case f.Ack != nil:
		return slices.Contains([]string{opExists, opFind, opAdministrative, opAmend, opCloseRecord}, op)
	case f.Status != nil:
		return slices.Contains([]string{opAuthorize, opAuthorized, opProfessionals}, op)
	case f.Registry != nil:
		return op == opSubmit || strings.HasPrefix(op, opChange)
	case f.Defect != "" && f.Defect.operation() != "":
		return op == f.Defect.operation()
	}
	return true
}

// response gives the answer to TD2.1 that the failure makes, and whether the
// work is done all the same.
func (f *Failure) response() (r xds.Response, done bool) {
	r.Status = xds.ResponseFailure
	done = true
	for _, e := range f.Registry {
		x := xds.RegistryError{Code: xds.ErrorCode(e.Code), Context: e.Context, Location: e.Location, Severity: xds.SeverityError}
		if e.Severity == "Warning" {
			x.Severity = xds.SeverityWarning
		} else {
			done = false
		}
		r.Errors = append(r.Errors, x)
	}
	switch {
	case f.Partial:
		r.Status, done = xds.ResponsePartial, true
	case done:
		r.Status = xds.ResponseSuccess
	}
	return r, done
}
