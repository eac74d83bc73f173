package soap

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// Request is a message to send and how its answer is to be read.
type Request struct {
	Op      string // the service's own name: TD2.1, WS_INS2 …
	URL     string
	Message Message
	Parts   []mtom.Part // with parts, even none but not nil, the message goes as an MTOM package
	Attempt int         // as transport.Retry counts; 0 is 1
	// MaxBytes bounds the answer, and Limits its envelope; zero is the default
	// of transport and of Parse.
	MaxBytes int64
	Limits   xmltree.Limits
	// Answer is the wsa:Action that the answer must have; empty is any.
	Answer string
	// Uncorrelated takes an answer without wsa:RelatesTo, and with any wsa:Action.
	Uncorrelated bool
	// Check, if any, reads the service's own verdict in an answer that is not a
	// fault: its code, for the Exchange, and its error.
	Check func(*Envelope) (code string, err error)
}

// What is said of an answer that may be the answer to another message.
var (
	ErrUnrelated = errors.New("the answer has a wsa:RelatesTo that is not the request's wsa:MessageID, or none")
	ErrAction    = errors.New("the answer has a wsa:Action that is not that of an answer to the request, or none")
)

// Call sends a message and reads its answer. The error is a *Fault, a
// *ResponseError, a *transport.Error or what r.Check gives; with a fault, or an
// error of Check, comes the envelope too.
func Call(ctx context.Context, c *transport.Client, r Request) (*Envelope, error) {
	var e *Envelope
	err := call(ctx, c, r, mtom.Limits{}, func(got *Envelope, _ *mtom.Reader) (string, error) {
		if e = got; e == nil || e.Fault != nil || r.Check == nil {
			return "", nil
		}
		return r.Check(e)
	})
	return e, err
}

// Stream sends a message and gives its answer to read while it comes: the
// envelope, which is no fault, and the package, whose parts are still to be
// read. r.MaxBytes bounds the whole answer, r.Limits the envelope, and parts the
// number of parts. The error is as that of Call, or what read gives.
func Stream(ctx context.Context, c *transport.Client, r Request, parts int, read func(*Envelope, *mtom.Reader) (code string, err error)) error {
	return call(ctx, c, r, mtom.Limits{Bytes: r.MaxBytes, Parts: parts}, func(e *Envelope, p *mtom.Reader) (string, error) {
		if e == nil || e.Fault != nil {
			return "", nil
		}
		return read(e, p)
	})
}

// call makes an exchange. It calls read with what came, even a fault; an error
// of its own goes before that of read.
func call(ctx context.Context, c *transport.Client, r Request, packed mtom.Limits, read func(*Envelope, *mtom.Reader) (string, error)) error {
	req, err := r.http(ctx)
	if err != nil {
		return err
	}
	op := transport.Operation{Name: r.Op, MessageID: r.Message.MessageID, MaxBytes: r.MaxBytes, Attempt: r.Attempt, InMemory: r.Parts == nil}
	return c.Do(ctx, op, req, func(resp *http.Response) (string, error) {
		e, p, err := readResponse(resp, r.Limits, packed)
		var f *Fault
		switch {
		case errors.As(err, &f):
			_, _ = read(e, p)
			if f.MessageID == "" {
				f.MessageID = r.Message.MessageID
			}
			if code := f.Subcode(); code != "" {
				return code, err
			}
			return f.Code, err
		case err != nil:
			return "", err
		}
		if err := r.correlated(e); err != nil {
			return "", &ResponseError{Status: resp.StatusCode, ContentType: MediaType, Err: err}
		}
		return read(e, p)
	})
}

// correlated is the rule that what came answers this message. A fault is not
// asked: it is no result.
func (r Request) correlated(e *Envelope) error {
	silent := e.RelatesTo == "" && r.Uncorrelated
	switch {
	case r.Message.MessageID != "" && e.RelatesTo != r.Message.MessageID && !silent:
		return ErrUnrelated
	case r.Answer != "" && e.Action != r.Answer && !r.Uncorrelated:
		return ErrAction
	}
	return nil
}

func (r Request) http(ctx context.Context) (*http.Request, error) {
	body := r.Message.Marshal()
	if r.Parts != nil {
		p, err := mtom.New(body, r.Message.Action, r.Parts...)
		if err != nil {
			return nil, err
		}
		return p.Request(ctx, r.URL)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("soap: the address of the service is not a URL")
	}
	req.Header.Set("Content-Type", r.Message.ContentType())
	return req, nil
}
