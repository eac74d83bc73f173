package xds

import (
	"fmt"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Statuses of a response.
const (
	ResponseSuccess = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
	ResponseFailure = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
	ResponsePartial = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
)

// Severities of an error.
const (
	SeverityError   = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
	SeverityWarning = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"
)

// Response is a rs:RegistryResponse.
type Response struct {
	Status string
	Errors []RegistryError
}

// RegistryError is an error or a warning of a registry or repository, in its
// own words.
type RegistryError struct {
	Code     ErrorCode
	Context  string // codeContext: what happened
	Location string
	Severity string
}

// Error gives the code and the context.
func (e RegistryError) Error() string {
	if e.Context == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Context
}

// Success reports whether all that was asked is done. Warnings do not count.
func (r Response) Success() bool { return r.Status == ResponseSuccess }

// Failures gives the errors that are no warnings.
func (r Response) Failures() []RegistryError {
	var all []RegistryError
	for _, e := range r.Errors {
		if e.Severity != SeverityWarning {
			all = append(all, e)
		}
	}
	return all
}

// Marshal writes the response, canonical.
func (r Response) Marshal() []byte {
	var w xmltree.Writer
	w.Start("rs:RegistryResponse", "xmlns:rs", NSRS, "status", r.Status)
	r.list(&w)
	w.End()
	return w.Bytes()
}

// list writes the rs:RegistryErrorList, if there are errors.
func (r Response) list(w *xmltree.Writer) {
	if len(r.Errors) == 0 {
		return
	}
	highest := SeverityWarning
	if len(r.Failures()) > 0 {
		highest = SeverityError
	}
	w.Start("rs:RegistryErrorList", "xmlns:rs", NSRS, "highestSeverity", highest)
	for _, e := range r.Errors {
		severity := e.Severity
		if severity == "" {
			severity = SeverityError
		}
		pairs := []string{"codeContext", e.Context, "errorCode", string(e.Code), "severity", severity}
		if e.Location != "" {
			pairs = append(pairs, "location", e.Location)
		}
		w.Empty("rs:RegistryError", pairs...)
	}
	w.End()
}

// ParseResponse reads a rs:RegistryResponse, or any response that has its
// status and its list of errors (query:AdhocQueryResponse).
func ParseResponse(e *xmltree.Element) (Response, error) {
	r := Response{Status: attr(e, "status")}
	if r.Status == "" {
		return r, &Error{Op: "read", Text: "no status: not a registry response"}
	}
	for c := range e.First(NSRS, "RegistryErrorList").All(NSRS, "RegistryError") {
		if len(r.Errors) == maxParts {
			return r, &Error{Op: "read", Text: fmt.Sprintf("more than %d errors", maxParts), Err: ErrLimit}
		}
		r.Errors = append(r.Errors, RegistryError{
			// Codes may come with the namespace of their list in front.
			Code:    ErrorCode(attr(c, "errorCode")[strings.LastIndexByte(attr(c, "errorCode"), ':')+1:]),
			Context: attr(c, "codeContext"), Location: attr(c, "location"), Severity: attr(c, "severity"),
		})
	}
	return r, nil
}
