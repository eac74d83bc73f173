package ordonnance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// Situations that a caller branches on. Every error of this package is an
// *[Error] that is one of them, or that wraps the error of a lower layer.
var (
	ErrMalformed         = errors.New("malformed")                      // a value or a document cannot be read
	ErrNotPrescription   = errors.New("not a prescription document")    // another kind of CDA document
	ErrINSNotQualified   = errors.New("identity not qualified")         // refused before the network
	ErrPatientMismatch   = errors.New("prescription of another person") // refused after reading
	ErrNotFound          = errors.New("prescription unknown")           //
	ErrAlreadyRead       = errors.New("prescription already read")      // Error.Holder and Error.Since tell by whom
	ErrCancelled         = errors.New("prescription cancelled")         //
	ErrExpired           = errors.New("prescription expired")           //
	ErrWrongSecret       = errors.New("not the holder of the claim")    //
	ErrInvalidTransition = errors.New("not possible in this state")     //
	ErrLineUnknown       = errors.New("no such line")                   //
	ErrRepeatMismatch    = errors.New("no delivery left")               //
	ErrValidation        = errors.New("content refused")                // Error.Issues tell why
	ErrUnauthorized      = errors.New("token refused")                  // expired or unknown: log in again
	ErrForbidden         = errors.New("role, structure or certificate refused")
	ErrUnavailable       = errors.New("service unavailable")        // dispense from paper and reconcile later
	ErrProtocol          = errors.New("answer that makes no sense") // not FHIR, or not what was asked
)

// Issue is one reason of an ErrValidation.
type Issue struct {
	Line int    `json:"line,omitempty"` // index of the line, 0 for the whole
	Code string `json:"code"`           // the service's code, or the rule of this package
	Text string `json:"text"`           // what is wrong, without content of the prescription
}

// Error is what every call of this package returns when it fails. It never
// holds a matricule, a trait, a token, a secret or the text of a prescription.
type Error struct {
	Op     string // ParseCDA, Read, Recover, Dispense …
	Code   string // the service's own code, when it gave one
	Text   string // what is wrong and what to change
	Status int    // HTTP status of the answer, 0 without one
	// RequestID is the X-Request-Id of the exchange, to quote to the service's support.
	RequestID string
	Holder    socle.StructureID // of an ErrAlreadyRead: who read it, zero if the service does not say
	Since     time.Time         // of an ErrAlreadyRead: when
	Issues    []Issue           // of an ErrValidation

	kind error // one of the Err values
	err  error // cause
}

// NewError makes the error of a [Transport] that a vendor writes: kind is one
// of the Err values of this package, cause may be nil.
func NewError(op string, kind error, code, text string, cause error) *Error {
	return &Error{Op: op, Code: code, Text: text, kind: kind, err: cause}
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ordonnance")
	if e.Op != "" {
		b.WriteString(": " + e.Op)
	}
	if e.kind != nil {
		b.WriteString(": " + e.kind.Error())
	}
	if !e.Holder.IsZero() {
		b.WriteString(" by structure " + e.Holder.String())
	}
	if !e.Since.IsZero() {
		b.WriteString(" on " + e.Since.Format(time.RFC3339))
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	for _, i := range e.Issues {
		if i.Line > 0 {
			fmt.Fprintf(&b, "; line %d", i.Line)
		} else {
			b.WriteString("; whole")
		}
		b.WriteString(": " + i.Text + " (" + i.Code + ")")
	}
	if e.err != nil {
		b.WriteString(": " + e.err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether target is the situation of e.
func (e *Error) Is(target error) bool { return e.kind != nil && target == e.kind }

// Outcome tells what is known of the call's effect: Refused when the service
// answered no, NotSent when a check of this package failed, else what the cause
// knows. An answer that could not be understood is Unknown.
func (e *Error) Outcome() socle.Outcome {
	switch {
	case e.kind == ErrProtocol:
		return socle.OutcomeUnknown
	case e.kind == ErrUnavailable && e.Status >= 500 && e.Status != 503:
		return socle.OutcomeUnknown // a gateway may have lost the answer of work that was done
	case e.Status != 0:
		return socle.OutcomeRefused
	case e.err != nil && e.kind == nil:
		return socle.OutcomeOf(e.err)
	}
	return socle.OutcomeNotSent
}

// Retryable reports whether the same call may succeed later, unchanged. For
// Read and Dispense look at Outcome too: when it is Unknown, Recover first, or
// Dispense again with the same Dispensation.
func (e *Error) Retryable() bool {
	switch {
	case e.kind == ErrUnavailable:
		return true
	case e.kind != nil:
		return false
	}
	return socle.Retryable(e.err)
}
