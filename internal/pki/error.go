package pki

import (
	"errors"
	"strings"

	"github.com/soclesante/socle"
)

// Reasons for which a certificate is refused, for errors.Is.
var (
	ErrNoCertificate = errors.New("no certificate")
	ErrKey           = errors.New("unusable key")
	ErrExpired       = errors.New("certificate expired")
	ErrNotYetValid   = errors.New("certificate not yet valid")
	ErrWrongUsage    = errors.New("certificate made for another usage")
	ErrIssuer        = errors.New("certificate issued by another authority")
)

// Error tells why a certificate is refused and what to use instead. It names
// no person: a card's subject is never in its text.
type Error struct {
	Op       string // "authenticate", "sign", "verify", "load" …
	Reason   error  // one of the Err values of this package
	Expected string
	Got      string
	Fix      string // what to change
	Err      error  // cause, if any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pki: " + e.Op + ": " + e.Reason.Error() + ": expected " + e.Expected + ", got " + e.Got)
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the reason of e.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Outcome is NotSent: certificates are checked before anything leaves.
func (e *Error) Outcome() socle.Outcome { return socle.OutcomeNotSent }

// Retryable is false: the same certificate will be refused again.
func (e *Error) Retryable() bool { return false }
