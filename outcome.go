package socle

import (
	"errors"
	"fmt"
)

// Outcome says what is known of a call's effect on the service.
type Outcome int

const (
	// OutcomeUnknown: the service may have done the work. Ask it before
	// sending the same thing again.
	OutcomeUnknown Outcome = iota
	// OutcomeNotSent: the service has not received the request.
	OutcomeNotSent
	// OutcomeRefused: the service received the request and did not do it.
	OutcomeRefused
	// OutcomeDone: the service did the work.
	OutcomeDone
)

// String gives the outcome in lower case: "unknown", "not sent", "refused" or "done".
func (o Outcome) String() string {
	switch o {
	case OutcomeUnknown:
		return "unknown"
	case OutcomeNotSent:
		return "not sent"
	case OutcomeRefused:
		return "refused"
	case OutcomeDone:
		return "done"
	}
	return fmt.Sprintf("outcome(%d)", int(o))
}

// MarshalText writes the outcome as String does.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// OutcomeOf gives the outcome that err, or the first error that it wraps,
// declares with a method Outcome() Outcome. A nil error is OutcomeDone, and an
// error that declares nothing is OutcomeUnknown.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeDone
	}
	var o interface{ Outcome() Outcome }
	if errors.As(err, &o) {
		return o.Outcome()
	}
	return OutcomeUnknown
}

// Retryable reports whether the same call may succeed if it is made again
// unchanged: err, or the first error that it wraps, declares it with a method
// Retryable() bool. It says nothing of effects: for a call that writes, look at
// OutcomeOf too.
func Retryable(err error) bool {
	var r interface{ Retryable() bool }
	return err != nil && errors.As(err, &r) && r.Retryable()
}
