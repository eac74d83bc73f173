package mss

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/soclesante/socle"
)

// Situations that a caller branches on, with errors.Is.
var (
	// ErrTokenRefused: the operator refused the Pro Santé Connect token twice,
	// the second time a fresh one. It is retryable: operators refuse good
	// tokens now and then.
	ErrTokenRefused = errors.New("token refused by the operator")
	// ErrAuthRefused: the operator refused the certificate of an applicative
	// mailbox, or what was said with it. It is retryable when the operator says
	// that it is for now.
	ErrAuthRefused = errors.New("certificate refused by the operator")
	// ErrInsecure: the connection cannot be secured, because there is no STARTTLS
	// or because something else than TLS follows it. Nothing secret was sent.
	ErrInsecure = errors.New("connection to the operator not secured")
	// ErrSessionLost: the source gives no token any more. The Pro Santé Connect
	// session is over and the mail session with it (ECO.1.2.6): log in again.
	ErrSessionLost = errors.New("the Pro Santé Connect session is over")
	// ErrUntrusted: the operator's certificate does not chain to Config.Roots,
	// has expired or bears another name (ECO.1.1.5, ECO.1.1.10).
	ErrUntrusted = errors.New("operator's certificate refused")
	// ErrTooLarge: the message is larger than the operator, the vendor or Mon
	// espace santé accepts.
	ErrTooLarge = errors.New("message too large")
	// ErrNotConform: the message would break a rule of Référentiel #2; Code is
	// the rule. Nothing was sent.
	ErrNotConform = errors.New("message not conform")
	// ErrEnvironment: an identity of test or demonstration would leave in
	// production. Nothing was sent.
	ErrEnvironment = errors.New("test identity in production")
	// ErrNoMessage: the message is not in the mailbox, or the operator has
	// renumbered it since it was listed.
	ErrNoMessage = errors.New("no such message")
	// ErrNoRecipient: the operator knows no mailbox of a recipient's address.
	// Nothing was sent to any recipient.
	ErrNoRecipient = errors.New("no such recipient")
	// ErrNotKept: the operator keeps no such flag on messages.
	ErrNotKept = errors.New("flag not kept by the operator")
	// ErrClosed: the Mailbox was closed.
	ErrClosed = errors.New("mailbox closed")
)

// Error is what every call of this package fails with. Its text never holds a
// token, a patient's address or anything of a message.
type Error struct {
	Op   string // open, list, read, send
	Code string // the operator's code (AUTHENTICATIONFAILED, 535 5.7.8) or the rule broken (ECO.2.2.7)
	Text string // the operator's words without what identifies, or ours
	Err  error  // the cause, if it is not the operator's answer

	kind      error
	outcome   socle.Outcome
	retryable bool
}

// Error tells the operation, the situation, the code and the words.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("mss: " + e.Op)
	if e.kind != nil {
		b.WriteString(": " + e.kind.Error())
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	if e.Err != nil {
		b.WriteString(": " + causeOf(e.Err))
	}
	return b.String()
}

// problems are ours, of a call that is wrong: all of them are told, as they are.
type problems struct{ error }

func (p problems) Unwrap() error { return p.error }

// causeOf gives the words of a cause. Ours hold nothing that identifies.
func causeOf(err error) string {
	if p, ours := err.(problems); ours {
		return strings.ReplaceAll(p.Error(), "\n", "; ")
	}
	return scrub(err.Error())
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the situation of e, one of the Err variables.
func (e *Error) Is(target error) bool { return e.kind != nil && target == e.kind }

// Outcome tells what is known of the effect: [socle.OutcomeUnknown] only when a
// message may have been accepted, which nothing but the mailbox of its reader
// can tell.
func (e *Error) Outcome() socle.Outcome { return e.outcome }

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool { return e.retryable }

func notConform(rule, format string, args ...any) *Error {
	return &Error{Op: "send", Code: rule, Text: fmt.Sprintf(format, args...), kind: ErrNotConform, outcome: socle.OutcomeNotSent}
}

var (
	scrubbedWord   = regexp.MustCompile(`\S*@\S*|[A-Za-z0-9+/=_.-]{40,}`)
	scrubbedNumber = regexp.MustCompile(`[0-9](?:[ .-]?[0-9ABab]){11,}`)
)

// scrub leaves of a server's words what cannot identify: addresses, long
// numbers and what may be a token become an ellipsis.
func scrub(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	s = scrubbedWord.ReplaceAllString(s, "…")
	s = scrubbedNumber.ReplaceAllString(s, "…")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return strings.TrimSpace(s)
}
