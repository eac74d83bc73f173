package ordonnance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// Situations that a caller branches on, with errors.Is.
var (
	ErrMalformed         = errors.New("malformed")                              // a value or a document cannot be read
	ErrNotPrescription   = errors.New("not a prescription document")            // another kind of CDA document
	ErrNotQualified      = errors.New("identity not qualified")                 // refused before the network
	ErrPatientMismatch   = errors.New("prescription of another person")         // or the service knows another INS
	ErrNotFound          = errors.New("prescription unknown")                   // to the service: dispense from paper
	ErrAlreadyRead       = errors.New("prescription already read")              // Error.Holder and Error.Since tell by whom
	ErrCancelled         = errors.New("prescription cancelled")                 // by the prescriber
	ErrExpired           = errors.New("prescription expired")                   // its validity is over
	ErrWrongSecret       = errors.New("not the holder of the claim")            // the claim is another pharmacy's, or void
	ErrInvalidTransition = errors.New("not possible in this state")             // such as a second dispense of the same claim
	ErrLineUnknown       = errors.New("no such line")                           // an item names a line that is not there
	ErrRepeatMismatch    = errors.New("no delivery left")                       // all deliveries of a line are made
	ErrDuplicateID       = errors.New("identifier used for another content")    // a Dispensation.ID serves once
	ErrValidation        = errors.New("content refused")                        // Error.Issues tell why
	ErrUnauthorized      = errors.New("token refused")                          // expired or unknown: log in again
	ErrForbidden         = errors.New("role, structure or certificate refused") // by the client or by the service
	ErrUnavailable       = errors.New("service unavailable")                    // dispense from paper and reconcile later
	ErrAnswer            = errors.New("answer that makes no sense")             // not FHIR, or not what was asked
)

// Issue is one reason of an [ErrValidation].
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

	kind    error // one of the Err values, nil when the cause says it all
	err     error // cause
	outcome socle.Outcome
}

// NewError makes the error of a [Transport] of a vendor's own. Its kind is one
// of the Err values of this package; cause may be nil, and tells the outcome if
// it knows it. Without one the service refused, or, when kind is [ErrAnswer],
// nobody knows.
func NewError(op string, kind error, code, text string, cause error) *Error {
	e := &Error{Op: op, Code: code, Text: text, kind: kind, err: cause, outcome: socle.OutcomeRefused}
	switch {
	case cause != nil:
		e.outcome = socle.OutcomeOf(cause)
	case kind == ErrAnswer:
		e.outcome = socle.OutcomeUnknown
	}
	return e
}

// local makes the error of a check that failed before anything was sent.
func local(op string, kind error, text string) *Error {
	return &Error{Op: op, Text: text, kind: kind, outcome: socle.OutcomeNotSent}
}

// Error tells the operation, the situation, what to change and the cause.
func (e *Error) Error() string {
	parts := []string{"ordonnance"}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.kind != nil {
		s := e.kind.Error()
		if !e.Holder.IsZero() {
			s += " by structure " + e.Holder.String()
		}
		if !e.Since.IsZero() {
			s += " on " + e.Since.Format(time.RFC3339)
		}
		parts = append(parts, s)
	}
	text := e.Text
	if e.Code != "" {
		text = strings.TrimSpace(text + " (" + e.Code + ")")
	}
	if text != "" {
		parts = append(parts, text)
	}
	for _, i := range e.Issues {
		where := "whole"
		if i.Line > 0 {
			where = fmt.Sprintf("line %d", i.Line)
		}
		parts = append(parts, fmt.Sprintf("[%s: %s (%s)]", where, i.Text, i.Code))
	}
	if e.err != nil {
		parts = append(parts, e.err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether target is the situation of e.
func (e *Error) Is(target error) bool { return e.kind != nil && target == e.kind }

// Outcome tells what is known of the call's effect: NotSent when a check of
// this package failed, Refused when the service answered no, Unknown when the
// answer was lost or made no sense.
func (e *Error) Outcome() socle.Outcome { return e.outcome }

// Retryable reports whether the same call may succeed later, unchanged. Look at
// Outcome too: when it is Unknown, call Recover before another Read; another
// Dispense with the same Dispensation is safe.
func (e *Error) Retryable() bool {
	if e.kind != nil {
		return e.kind == ErrUnavailable
	}
	return socle.Retryable(e.err)
}
