package dp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
	"github.com/soclesante/socle/internal/fhir/rest"
	"github.com/soclesante/socle/internal/transport"
)

// binding is the Transport that comes with the package: FHIR R4 over HTTP, as
// its Dialect assumes it.
type binding struct {
	base     string
	http     *transport.Client
	dialect  Dialect
	software socle.Software
}

// maxAnswer bounds an answer: one page, or a transaction's response.
const maxAnswer = 8 << 20

// send makes one request and gives the Bundle of a 2xx answer.
func (b *binding) send(ctx context.Context, op, method, address string, by By, contentType string, body []byte) (*fhir.Bundle, error) {
	r := rest.Request{Op: op, Method: method, URL: address, RequestID: newUUID(), Header: make(http.Header), ContentType: contentType, Body: body, MaxBytes: maxAnswer}
	r.Header.Set("Authorization", "Bearer "+by.Token)
	r.Header.Set(b.dialect.RequestIDHeader, r.RequestID)
	r.Header.Set(b.dialect.SoftwareHeader, b.software.Name+"/"+b.software.Version)
	r.Header.Set(b.dialect.PurposeHeader, string(by.Purpose))
	out, err := rest.Send(ctx, b.http, r, func(status int, outcome *fhir.OperationOutcome, cause error) (string, error) {
		e := b.refusal(op, status, outcome, cause)
		e.RequestID = r.RequestID
		return e.Code, e
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	bundle, ok := out.(*fhir.Bundle)
	if !ok {
		return nil, NewError(op, ErrAnswer, "", "a Bundle was expected", nil)
	}
	return bundle, nil
}

// refusal makes the error of an answer that is no success: from its
// OperationOutcome, or from its status when it has none.
func (b *binding) refusal(op string, status int, outcome *fhir.OperationOutcome, cause error) *Error {
	e := &Error{Op: op, Status: status, outcome: socle.OutcomeRefused}
	var t *transport.Error
	if errors.As(cause, &t) {
		e.RetryAfter = t.RetryAfter
	}
	if outcome != nil {
		b.issues(e, outcome)
	}
	if e.kind == nil {
		e.kind, e.err, e.outcome = byStatus(status), cause, socle.OutcomeOf(cause)
	}
	if e.kind != ErrValidation && e.kind != ErrUnknownProduct {
		e.Issues = nil
	}
	return e
}

func byStatus(status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusGone:
		return ErrClosed
	case status == http.StatusLocked:
		return ErrSuspended
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrValidation
	case status == http.StatusTooManyRequests, status >= 500:
		return ErrUnavailable
	}
	return ErrAnswer
}

// issues reads the situation, the deadline and the reasons. Words of the
// service are kept, cut and without line breaks: they are about the exchange,
// not the patient, which is *assumed*.
func (b *binding) issues(e *Error, o *fhir.OperationOutcome) {
	for _, i := range o.Issue {
		c, _ := i.Details.Code("")
		if e.Code == "" {
			e.Code, e.kind, e.Text = rest.Clean(c.Code), b.dialect.Codes[c.Code], rest.Clean(i.Diagnostics)
		}
		if x := fhir.Extended(i.Extension, b.dialect.ExtDeadline); x != nil {
			e.Deadline, _, _ = x.ValueDateTime.Time()
		}
		line := ""
		for _, at := range i.Expression {
			if uuidForm.MatchString(at) {
				line = at
			}
		}
		e.Issues = append(e.Issues, Issue{Line: line, Code: rest.Clean(c.Code), Text: rest.Clean(i.Diagnostics)})
	}
	if e.kind == ErrValidation || e.kind == ErrUnknownProduct {
		e.Text = "" // the issues say it
	}
}

func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// CloseIdleConnections gives up the connections kept alive.
func (b *binding) CloseIdleConnections() { b.http.CloseIdleConnections() }
