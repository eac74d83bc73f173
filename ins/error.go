package ins

import (
	"errors"
	"fmt"
	"strings"

	"github.com/soclesante/socle"
)

// Situations that a caller branches on. Every error of this package is an
// *[Error] that answers errors.Is for at most one of them.
var (
	// ErrInvalid: a value was refused before anything was sent.
	ErrInvalid = errors.New("invalid value")
	// ErrBlocked: a rule forbids to ask INSi about this identity.
	ErrBlocked = errors.New("call blocked by rule")
	// ErrNotFound: INSi knows nobody with these traits (CR 01).
	ErrNotFound = errors.New("nobody found")
	// ErrAmbiguous: INSi knows several persons with these traits (CR 02).
	ErrAmbiguous = errors.New("several persons found")
	// ErrNotAuthorized: INSi refused the software or its certificate, or the
	// certificate is not fit to be shown.
	ErrNotAuthorized = errors.New("not authorized")
	// ErrRejected: INSi refused the request for another reason, told by Code and Text.
	ErrRejected = errors.New("request rejected")
	// ErrUnavailable: INSi or the way to it is out of order; try again later.
	ErrUnavailable = errors.New("service unavailable")
	// ErrAnswer: what came back is not an answer of INSi that identifies one
	// person, so that nobody was identified.
	ErrAnswer = errors.New("unusable answer")
	// ErrNotQualified: the identity is not qualifiée, so that its INS may not
	// be sent (EXI ID 29, SC.INS/va1.59).
	ErrNotQualified = errors.New("identity not qualified")
	// ErrDiscordant: the traits of INSi contradict those known here, and the
	// user has not decided between them.
	ErrDiscordant = errors.New("discordant traits")
	// ErrTransition: the rules of identitovigilance do not allow this change.
	ErrTransition = errors.New("transition refused")
	// ErrNotConfirmed: INSi does not confirm an INS with its traits (WS_INS3 KO).
	ErrNotConfirmed = errors.New("identity not confirmed")
	// ErrStale: an assertion, or what was read of a card, is too old to be sent.
	ErrStale = errors.New("assertion too old")
	// ErrOtherCard: the carte Vitale in the reader, or its beneficiary, is not the
	// one whose data are asked about.
	ErrOtherCard = errors.New("another carte Vitale")
	// ErrNotReady: INSi has not finished a batch; fetch it later.
	ErrNotReady = errors.New("batch not ready")
	// ErrFictitious: a test or demonstration identity met production.
	ErrFictitious = errors.New("fictitious identity in production")
)

// Error is the error of every function of this package. Its text holds no
// matricule and no trait.
type Error struct {
	// Op is the operation (WS_INS2), or the value or rule at fault ("matricule",
	// "traits", "identity").
	Op string
	// Code is the service's own code: CR 01 or 02, desir_…, insi_… or the HTTP
	// status of an answer that was not SOAP. Empty when nothing was sent.
	Code string
	// Siram is the fault's subcode, such as siram_40, without its prefix.
	Siram string
	// Severity is that of the fault's detail, as the service wrote it.
	Severity string
	// Text says what is wrong: the service's own words, or ours.
	Text string
	// Fix says what to change, where we know it.
	Fix string
	// Requirement is the rule applied: an id of the RNIV (EXI …), of the Ségur
	// (SC.INS/…) or of the integration guide (EF_INS…).
	Requirement string
	// MessageID is the wsa:MessageID of the request.
	MessageID string
	// Status is the HTTP status, when there is one.
	Status int
	// Err is the cause, when there is one.
	Err error

	kind    error
	outcome socle.Outcome
	retry   bool
}

// Error gives the text.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ins: " + e.Op)
	for _, s := range []string{e.Siram, e.Code, e.Text} {
		if s != "" {
			b.WriteString(": " + s)
		}
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	if e.Requirement != "" {
		b.WriteString(" (" + e.Requirement + ")")
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether e is the situation that target names.
func (e *Error) Is(target error) bool { return e.kind != nil && e.kind == target }

// Outcome says what is known of the call: refused by INSi, done without
// finding one person, not sent, or unknown. Everything in this package reads,
// so that asking again is always safe.
func (e *Error) Outcome() socle.Outcome {
	switch e.kind {
	case ErrInvalid, ErrBlocked, ErrNotQualified, ErrDiscordant, ErrTransition, ErrStale, ErrOtherCard:
		return socle.OutcomeNotSent
	case ErrNotFound, ErrAmbiguous, ErrNotConfirmed, ErrNotReady:
		return socle.OutcomeDone
	}
	return e.outcome
}

// Retryable reports whether the same call may succeed later, unchanged.
func (e *Error) Retryable() bool { return e.retry }

func invalid(op, text string) error { return &Error{Op: op, Text: text, kind: ErrInvalid} }
