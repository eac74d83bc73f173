package dmp

import (
	"errors"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// check reads the answer to ITI-41 or ITI-57, and gives the code of its first error.
func (r *Receipt) check(op string, e *soap.Envelope) (string, error) {
	if !e.Body.Is(xds.NSRS, "RegistryResponse") {
		return "", unusable(op, "the answer is not a RegistryResponse", nil)
	}
	answer, err := xds.ParseResponse(e.Body)
	if err != nil {
		return "", unusable(op, err.Error(), err)
	}
	var code string
	code, r.Warnings, err = outcome(op, answer)
	return code, err
}

// unusable is what is not an answer of the DMP.
func unusable(op, text string, err error) *Error {
	return &Error{Op: op, Text: text, Err: err, kind: ErrAnswer, ours: true}
}

// outcome gives what a registry or a repository says of a request: its first
// code, its warnings, and the error when it is no success.
func outcome(op string, answer xds.Response) (code string, warnings []RegistryError, err error) {
	var failed []RegistryError
	for _, x := range answer.Errors {
		own := RegistryError{Code: string(x.Code), Context: x.Context, Location: x.Location, Severity: severity(x.Severity)}
		if x.Severity == xds.SeverityWarning {
			warnings = append(warnings, own)
		} else {
			failed = append(failed, own)
		}
	}
	status := answer.Status[strings.LastIndexByte(answer.Status, ':')+1:]
	if answer.Status == xds.ResponseSuccess {
		return status, warnings, nil
	}
	out := &Error{Op: op, Code: status, Text: "the DMP says no more than " + status, ours: true, Registry: append(failed, warnings...)}
	if answer.Status != xds.ResponseFailure && answer.Status != xds.ResponsePartial {
		out.kind = ErrAnswer
	}
	// The first error that is understood says what the whole is.
	for i := len(failed) - 1; i >= 0; i-- {
		if known := (&Error{Code: failed[i].Code, Text: failed[i].Context}).judge(); known.kind != nil || i == 0 && out.kind == nil {
			out.Code, out.Text, out.ours = failed[i].Code, failed[i].Context, false
			out.kind, out.Fix, out.retry, out.phrase = known.kind, known.Fix, known.retry, known.phrase
		}
	}
	switch answer.Status {
	case xds.ResponseFailure:
		out.outcome = socle.OutcomeRefused
	case xds.ResponsePartial:
		out.Partial, out.retry = true, false
	}
	return out.Code, warnings, out
}

func severity(urn string) string {
	switch urn {
	case xds.SeverityError:
		return "Error"
	case xds.SeverityWarning:
		return "Warning"
	}
	return urn
}

func partial(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Partial
}
