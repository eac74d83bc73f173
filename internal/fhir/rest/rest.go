// Package rest sends FHIR's RESTful requests.
package rest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/soclesante/socle/internal/fhir"
	"github.com/soclesante/socle/internal/transport"
)

// Request is one request.
type Request struct {
	Op          string // as errors and exchanges name it
	Method      string
	URL         string
	RequestID   string // X-Request-Id, which is among Header too
	Attempt     int    // from 1
	Header      http.Header
	ContentType string // of Body
	Body        []byte
	MaxBytes    int64 // bound of the answer
}

// Answered makes the error of an answer that is no success: a status other
// than 2xx, with the OperationOutcome if there is one, or a 2xx whose body is
// not FHIR (outcome is nil and cause says why). code is the service's own.
type Answered func(status int, outcome *fhir.OperationOutcome, cause error) (code string, err error)

// Send gives the resource of a 2xx answer. Without an answer the error is that
// of the transport; otherwise it is answered's.
func Send(ctx context.Context, c *transport.Client, r Request, answered Answered) (fhir.Resource, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, &transport.Error{Op: r.Op, Err: fmt.Errorf("the configuration makes no address")}
	}
	req.Header = r.Header.Clone()
	req.Header.Set("Accept", fhir.MediaType)
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	op := transport.Operation{Name: r.Op, MessageID: r.RequestID, MaxBytes: r.MaxBytes, Attempt: r.Attempt}
	var out fhir.Resource
	err = c.Do(ctx, op, req, func(resp *http.Response) (string, error) {
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", err
		}
		media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if media == fhir.MediaType || media == "application/json" {
			out, err = fhir.Decode(raw, fhir.Limits{Bytes: int(r.MaxBytes)})
		} else {
			err = fmt.Errorf("media type %.60q is not that of FHIR", media)
		}
		if status := transport.CheckStatus(r.Op, resp); status != nil {
			outcome, _ := out.(*fhir.OperationOutcome)
			return answered(resp.StatusCode, outcome, status)
		}
		if err != nil {
			return answered(resp.StatusCode, nil, err)
		}
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Clean cuts a text of the service to what fits an error on one line.
func Clean(s string) string {
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
