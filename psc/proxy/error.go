package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/soclesante/socle"
)

// Names of the operations, in errors and, after "proxy.", in exchanges.
const (
	opConnect    = "connect"
	opDisconnect = "disconnect"
	opSend       = "send"
	opTraces     = "traces"
)

// Situations that a caller of the [Client] branches on, with errors.Is.
var (
	// ErrRefused: the person refused or did not answer, or Pro Santé Connect or
	// an API refuses the person or the software.
	ErrRefused = errors.New("the connection is refused")
	// ErrUnknownClient: the proxy does not speak for that client id.
	ErrUnknownClient = errors.New("the proxy does not know the client id")
	// ErrRequest: the proxy, or Pro Santé Connect, finds the request wrong.
	ErrRequest = errors.New("the request is refused")
	// ErrNoSession: the session is over. The person connects again.
	ErrNoSession = errors.New("the session is over")
)

// Error is a failed operation of a [Client]. Its text never holds the session
// or the identifier of a person.
type Error struct {
	Op     string // connect, disconnect, send, traces
	Status int    // HTTP status; 0 without an answer
	Code   string // the proxy's code: the status again
	Text   string // the proxy's message
	Err    error  // cause

	kind    error
	outcome socle.Outcome
	retry   bool
}

// Error gives one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("proxy: " + e.Op)
	if e.kind != nil {
		b.WriteString(": " + e.kind.Error())
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": http status %d", e.Status)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " %q", e.Text)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the situation that e is in.
func (e *Error) Is(target error) bool { return e.kind != nil && e.kind == target }

// Outcome tells what is known of the effect.
func (e *Error) Outcome() socle.Outcome {
	if e.outcome == socle.OutcomeUnknown && e.Err != nil {
		return socle.OutcomeOf(e.Err)
	}
	return e.outcome
}

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool { return e.retry || e.Err != nil && socle.Retryable(e.Err) }

// refusal reads the answer of the proxy to what it did not do; nil for a 2xx.
func (c *Client) refusal(op string, resp *http.Response) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	var said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err == nil {
		_ = json.Unmarshal(raw, &said) // a gateway may speak instead
	}
	e := &Error{Op: op, Status: resp.StatusCode, Code: show(said.Code, 16), Text: show(said.Message, 200), outcome: socle.OutcomeRefused}
	switch {
	case gateway(resp.StatusCode), resp.StatusCode == http.StatusTooManyRequests:
		e.retry, e.outcome = true, socle.OutcomeUnknown
	case resp.StatusCode >= 500:
		e.outcome = socle.OutcomeUnknown
	case resp.StatusCode == http.StatusUnauthorized && op == opConnect:
		e.kind = ErrRefused
	case resp.StatusCode == http.StatusUnauthorized:
		e.kind = ErrNoSession
	case resp.StatusCode == http.StatusNotFound && op == opConnect:
		e.kind = ErrUnknownClient
	case resp.StatusCode == http.StatusBadRequest:
		e.kind = ErrRequest
	}
	return e
}

var identifying = regexp.MustCompile(`[A-Za-z0-9_.\-/+=]{32,}|[0-9]{9,}`)

// show keeps what can be shown of the proxy's words.
func show(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, identifying.ReplaceAllString(s, "…"))
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return s
}
