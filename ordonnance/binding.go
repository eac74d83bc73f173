package ordonnance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

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

// maxAnswer bounds an answer: a prescription with its PDF.
const maxAnswer = 32 << 20

// send makes one request and gives the resource of a 2xx answer.
func (b *binding) send(ctx context.Context, op, method, path string, query url.Values, by By, key string, body fhir.Resource) (fhir.Resource, error) {
	r := rest.Request{Op: op, Method: method, URL: b.base + path, RequestID: newUUID(), Header: make(http.Header), MaxBytes: maxAnswer}
	if len(query) > 0 {
		r.URL += "?" + query.Encode()
	}
	r.Header.Set("Authorization", "Bearer "+by.Token)
	r.Header.Set(b.dialect.RequestIDHeader, r.RequestID)
	r.Header.Set(b.dialect.SoftwareHeader, b.software.Name+"/"+b.software.Version)
	if key != "" {
		r.Header.Set(b.dialect.IdempotencyKeyHeader, key)
	}
	if body != nil {
		var err error
		if r.Body, err = fhir.Marshal(body); err != nil {
			return nil, local(op, ErrMalformed, "a value has no FHIR form")
		}
		r.ContentType = fhir.MediaType
	}
	out, err := rest.Send(ctx, b.http, r, func(status int, outcome *fhir.OperationOutcome, cause error) (string, error) {
		e := b.refusal(op, status, outcome, cause)
		e.RequestID = r.RequestID
		return e.Code, e
	})
	return out, wrap(op, err)
}

// refusal makes the error of an answer that is no success: from its
// OperationOutcome, or from its status when it has none.
func (b *binding) refusal(op string, status int, outcome *fhir.OperationOutcome, cause error) *Error {
	e := &Error{Op: op, Status: status, outcome: socle.OutcomeRefused}
	if outcome != nil {
		b.issues(e, outcome)
	}
	if e.kind == nil {
		e.kind, e.err, e.outcome = byStatus(status), cause, socle.OutcomeOf(cause)
	}
	if e.kind != ErrValidation {
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
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrInvalidTransition
	case status == http.StatusGone:
		return ErrExpired
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrValidation
	case status == http.StatusTooManyRequests, status >= 500:
		return ErrUnavailable
	}
	return ErrAnswer
}

// issues reads the situation, the holder and the reasons. Words of the service
// are kept, cut and without line breaks: they are about the exchange, not the
// patient, which is *assumed*.
func (b *binding) issues(e *Error, o *fhir.OperationOutcome) {
	for _, i := range o.Issue {
		c, _ := i.Details.Code("")
		if e.Code == "" {
			e.Code, e.kind, e.Text = rest.Clean(c.Code), b.dialect.Codes[c.Code], rest.Clean(i.Diagnostics)
		}
		if x := fhir.Extended(i.Extension, b.dialect.ExtHolder); x != nil && x.ValueReference != nil && x.ValueReference.Identifier != nil {
			e.Holder, _ = socle.ParseStructureID(x.ValueReference.Identifier.Value)
		}
		if x := fhir.Extended(i.Extension, b.dialect.ExtSince); x != nil {
			e.Since, _, _ = x.ValueDateTime.Time()
		}
		line := 0
		for _, at := range i.Expression {
			_, _ = fmt.Sscanf(at, "line %d", &line)
		}
		e.Issues = append(e.Issues, Issue{Line: line, Code: rest.Clean(c.Code), Text: rest.Clean(i.Diagnostics)})
	}
	if e.kind == ErrValidation {
		e.Text = "" // the issues say it
	}
}

func (b *binding) path(template string, n Number) string {
	return strings.ReplaceAll(template, "{id}", url.PathEscape(string(n)))
}

func (b *binding) structure(id socle.StructureID) *fhir.Identifier {
	return &fhir.Identifier{System: "urn:oid:" + socle.OIDStructure, Value: id.String()}
}

func (b *binding) person(id socle.PersonID) *fhir.Identifier {
	return &fhir.Identifier{System: "urn:oid:" + socle.OIDPerson, Value: id.String()}
}

// CloseIdleConnections gives up the connections kept alive.
func (b *binding) CloseIdleConnections() { b.http.CloseIdleConnections() }
