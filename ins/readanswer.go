package ins

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
)

// opAnswer names an answer that was read without having been asked for.
const opAnswer = "INSi answer"

// ParseAnswer reads a SOAP answer of INSi to a search that was kept, such as
// one that the CNDA hands out to be injected, or one of the evidence of a
// homologation. It is what [Client.SearchByTraits] makes of the same bytes, but
// for At and MessageID, which are those of the call.
//
// The error is an *[Error]: ErrNotFound (CR 01) and ErrAmbiguous (CR 02), those
// of a fault, or ErrAnswer for anything that identifies nobody.
func ParseAnswer(b []byte) (Result, error) {
	e, err := soap.Parse(b, limits)
	if err != nil {
		return Result{}, &Error{Op: opAnswer, Text: "it is no SOAP envelope that can be read", Err: err, kind: ErrAnswer, outcome: socle.OutcomeUnknown}
	}
	if e.Fault != nil {
		return Result{}, failure(opAnswer, e.Fault.MessageID, e.Fault, nil)
	}
	r, _, err := decodeAnswer(e)
	if err != nil {
		return Result{}, failure(opAnswer, "", err, nil)
	}
	return r, nil
}
