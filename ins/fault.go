package ins

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
)

// known are the codes of faults that are publicly attested; the rest is judged
// by Sender and Receiver.
var known = map[string]struct {
	kind error
	fix  string
}{
	"desir_550": {ErrNotAuthorized, "give the CNDA's authorization number of this software (IDAM) as Software.Homologation[ins]"},
	"desir_560": {ErrNotAuthorized, "use a certificate whose common name is exactly INSI-AUTO or INSI-MANU, held by a structure that may call INSi"},
	"insi_101":  {ErrUnavailable, ""},
	"insi_102":  {ErrUnavailable, "outside production this fault also stands for a person not found: see Dialect.NotFoundAsFault"},
}

// failure turns what the call gave into the error of this package. Words of
// the request never reach its text.
func failure(op, messageID string, err error, words func() []string) error {
	var sent []string
	if words != nil {
		sent = words()
	}
	e := &Error{Op: op, MessageID: messageID}
	var (
		own      *Error
		fault    *soap.Fault
		response *soap.ResponseError
	)
	switch {
	case errors.As(err, &own):
		c := *own
		c.Op, c.MessageID, c.Text = op, messageID, scrub(c.Text, sent)
		return &c
	case errors.As(err, &fault):
		e.Siram, e.Status, e.Text = token(fault.Subcode()), fault.Status, fault.Reason
		for d := range fault.DetailElement.All(nsSiram, "Erreur") {
			e.Code, e.Severity = token(d.Attr("code")), token(d.Attr("severite"))
			if t := d.Trimmed(); t != "" && e.Text != t {
				e.Text = strings.TrimSpace(e.Text + " / " + t)
			}
			break
		}
		e.Text = scrub(e.Text, sent)
		k, ok := known[e.Code]
		switch {
		case ok:
			e.kind, e.Fix = k.kind, k.fix
		case fault.Code == soap.Receiver:
			e.kind = ErrUnavailable
		default:
			e.kind = ErrRejected
		}
		e.outcome, e.retry = socle.OutcomeRefused, fault.Code == soap.Receiver
	case errors.As(err, &response):
		e.Status, e.Code, e.Err = response.Status, strconv.Itoa(response.Status), err
		e.outcome, e.retry = socle.OutcomeOf(err), socle.Retryable(err)
		switch {
		case response.Status == http.StatusUnauthorized || response.Status == http.StatusForbidden:
			e.kind = ErrNotAuthorized
		case e.retry:
			e.kind = ErrUnavailable
		default:
			e.kind = ErrAnswer
		}
	default:
		e.Err, e.outcome, e.retry = err, socle.OutcomeOf(err), socle.Retryable(err)
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		case errors.Is(err, transport.ErrClientCertificate):
			e.kind = ErrNotAuthorized
		case errors.Is(err, transport.ErrTooLarge), errors.Is(err, transport.ErrRedirect):
			e.kind = ErrAnswer
		case e.retry:
			e.kind = ErrUnavailable
		}
	}
	return e
}

var numbers = regexp.MustCompile(`[0-9](?:[ .-]?[0-9ABab]){11,}`)

// token gives a code of the service, unless it looks like anything else.
func token(s string) string {
	if len(s) > 64 || numbers.MatchString(s) || strings.ContainsAny(s, " \n") {
		return redacted
	}
	return s
}

// scrub takes out of a text of the service whatever might identify a person:
// long numbers and the words that were sent.
func scrub(text string, sent []string) string {
	text = numbers.ReplaceAllString(strings.Join(strings.Fields(text), " "), redacted)
	for _, w := range sent {
		if len(w) > 1 && strings.Contains(strings.ToUpper(text), strings.ToUpper(w)) {
			text = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(w)).ReplaceAllString(text, redacted)
		}
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}
