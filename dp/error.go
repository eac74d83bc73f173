package dp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// Situations that a caller branches on, with errors.Is (dp.md §6).
var (
	ErrNoDossier       = errors.New("the patient has no dossier pharmaceutique")
	ErrOpposed         = errors.New("the patient opposed the opening of a dossier")
	ErrNotYetOpen      = errors.New("dossier not open yet")                 // Error.Deadline: end of the six weeks
	ErrClosed          = errors.New("dossier closed")                       //
	ErrSuspended       = errors.New("dossier suspended by the CNOP")        //
	ErrConsultRefused  = errors.New("the patient refuses the consultation") // in this visit
	ErrFeedRefused     = errors.New("the patient refuses the feeding")      // in this visit
	ErrNotQualified    = errors.New("identity not qualified")               // refused before the network
	ErrPatientMismatch = errors.New("the service knows another identity")   //
	ErrForbidden       = errors.New("not allowed to this professional")     // by the client or by the service
	ErrUnknownProduct  = errors.New("unknown product")                      // wrong CIP13 key, or unknown to the service
	ErrValidation      = errors.New("content refused")                      // Error.Issues tell why
	ErrUnauthorized    = errors.New("token refused")                        // expired or unknown: log in again
	ErrUnavailable     = errors.New("service unavailable")                  // never stops a dispensation: feed later
	ErrVisitClosed     = errors.New("the visit is closed")                  //
	ErrAnswer          = errors.New("answer that makes no sense")           // not FHIR, or not what was asked
)

// Issue is one reason of an [ErrValidation] or an [ErrUnknownProduct].
type Issue struct {
	Line string `json:"line,omitempty"` // Line.ID, empty for the whole
	Code string `json:"code"`           // the service's code, or the rule of this package
	Text string `json:"text"`           // what is wrong, without content of the line
}

// Error is what every call of this package returns when it fails. It never
// holds a matricule, a trait, a token or what was dispensed.
type Error struct {
	Op         string // Open, Consult, Feed
	Code       string // the service's own code, when it gave one
	Text       string // what is wrong and what to change
	Status     int    // HTTP status of the answer, 0 without one
	RequestID  string // X-Request-Id of the exchange, to quote to the service's support
	Deadline   time.Time
	RetryAfter time.Duration // of an ErrUnavailable: how long the service asks to wait
	Issues     []Issue

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
	parts := []string{"dp"}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.kind != nil {
		s := e.kind.Error()
		if !e.Deadline.IsZero() {
			s += ", before " + e.Deadline.Format(time.DateOnly)
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
		if i.Line != "" {
			where = "line " + i.Line
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

// Retryable reports whether the same call may succeed later, unchanged. Feeding
// the same lines again is safe: each is known by its ID.
func (e *Error) Retryable() bool {
	if e.kind != nil {
		return e.kind == ErrUnavailable
	}
	return socle.Retryable(e.err)
}
