package ordonnance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
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
	var payload []byte
	if body != nil {
		var err error
		if payload, err = fhir.Marshal(body); err != nil {
			return nil, local(op, ErrMalformed, "a value has no FHIR form")
		}
	}
	address := b.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(payload))
	if err != nil {
		return nil, local(op, ErrMalformed, "Environment.URL and Dialect make no address")
	}
	id := newUUID()
	req.Header.Set("Accept", fhir.MediaType)
	req.Header.Set("Authorization", "Bearer "+by.Token)
	req.Header.Set(b.dialect.RequestIDHeader, id)
	req.Header.Set(b.dialect.SoftwareHeader, b.software.Name+"/"+b.software.Version)
	if body != nil {
		req.Header.Set("Content-Type", fhir.MediaType)
	}
	if key != "" {
		req.Header.Set(b.dialect.IdempotencyKeyHeader, key)
	}
	var out fhir.Resource
	err = b.http.Do(ctx, transport.Operation{Name: op, MessageID: id, MaxBytes: maxAnswer}, req, func(resp *http.Response) (string, error) {
		var code string
		out, code, err = b.answer(op, id, resp)
		return code, err
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return out, nil
}

func (b *binding) answer(op, id string, resp *http.Response) (fhir.Resource, string, error) {
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	var r fhir.Resource
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	isFHIR := media == fhir.MediaType || media == "application/json"
	if isFHIR {
		r, err = fhir.Decode(raw, fhir.Limits{Bytes: maxAnswer})
	}
	if status := transport.CheckStatus(op, resp); status != nil {
		e := b.refusal(op, resp.StatusCode, r, status)
		e.RequestID = id
		return nil, e.Code, e
	}
	switch {
	case !isFHIR:
		err = fmt.Errorf("media type %.60q is not that of FHIR", media)
	case err == nil:
		return r, "", nil
	}
	return nil, "", &Error{Op: op, Status: resp.StatusCode, RequestID: id, kind: ErrProtocol, err: err, outcome: socle.OutcomeUnknown}
}

// refusal makes the error of an answer that is not 2xx: from its
// OperationOutcome, or from its status when it has none.
func (b *binding) refusal(op string, status int, r fhir.Resource, cause error) *Error {
	e := &Error{Op: op, Status: status, outcome: socle.OutcomeRefused}
	outcome, _ := r.(*fhir.OperationOutcome)
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
	return ErrProtocol
}

// issues reads the situation, the holder and the reasons. Words of the service
// are kept, cut and without line breaks: they are about the exchange, not the
// patient, which is *assumed*.
func (b *binding) issues(e *Error, o *fhir.OperationOutcome) {
	for _, i := range o.Issue {
		c, _ := i.Details.Code("")
		if e.Code == "" {
			e.Code, e.kind, e.Text = clean(c.Code), b.dialect.Codes[c.Code], clean(i.Diagnostics)
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
		e.Issues = append(e.Issues, Issue{Line: line, Code: clean(c.Code), Text: clean(i.Diagnostics)})
	}
	if e.kind == ErrValidation {
		e.Text = "" // the issues say it
	}
}

// clean cuts a text of the service to what fits an error on one line.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
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
