package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/soclesante/socle"
)

// DefaultMaxBytes bounds an answer whose operation says nothing.
const DefaultMaxBytes = 16 << 20

// Operation is what is being called.
type Operation struct {
	Name      string // the service's own name: TD2.1, WS_INS2, ciba.start …
	MessageID string // wsa:MessageID or X-Request-Id
	MaxBytes  int64  // bound of the answer's body; 0 is DefaultMaxBytes
	Attempt   int    // as Retry counts; 0 is 1
	// InMemory says that the body of the request is bytes in memory, so that no
	// Read of it can hold a cancellation back: this saves a goroutine.
	InMemory bool
}

// Do sends req and gives its answer to decode, which returns the service's code
// and its error, if any. The body that decode reads is bounded and is closed by
// Do; decode must not keep it.
//
// Without an answer, or when the answer breaks off or is too large, the error is
// an *[Error]; otherwise it is decode's. The exchange is reported to the Watch
// in all cases. Do returns within 100 ms of a cancellation.
func (c *Client) Do(ctx context.Context, op Operation, req *http.Request, decode func(*http.Response) (code string, err error)) error {
	x := socle.Exchange{Service: c.service, Operation: op.Name, MessageID: op.MessageID, Attempt: max(op.Attempt, 1), Start: c.watch.Now()}
	start := time.Now()
	var sent, got *capture
	if c.watch.Observe != nil {
		sent, got = new(capture), new(capture)
	}
	resp, err := c.send(ctx, op, req, sent)
	var answerType string
	if err == nil {
		x.Status, answerType = resp.StatusCode, resp.Header.Get("Content-Type")
		x.Code, err = receive(ctx, op, resp, got, decode)
		x.Code = Code(x.Code)
	}
	x.Duration, x.Err, x.Outcome = time.Since(start), err, socle.OutcomeOf(err)
	c.log(ctx, req, x)
	if c.watch.Observe != nil {
		x.Request, x.Response = c.shown(req.Header.Get("Content-Type"), sent), c.shown(answerType, got)
		c.watch.Observe(ctx, x)
	}
	return err
}

// send makes the round trip.
func (c *Client) send(ctx context.Context, op Operation, req *http.Request, sent *capture) (*http.Response, error) {
	var used connection
	out := req.WithContext(used.trace(ctx))
	if out.Header.Get("User-Agent") == "" {
		if out.Header = req.Header.Clone(); out.Header == nil {
			out.Header = make(http.Header)
		}
		out.Header.Set("User-Agent", c.userAgent)
	}
	sent.request(out, op.InMemory)
	resp, err := c.roundTrip(ctx, out, op.InMemory)
	if err != nil {
		connected := used.conn() != nil
		if connected && ctx.Err() == nil {
			err = used.end(err)
		}
		return nil, failure(ctx, op.Name, connected, err)
	}
	used.answered()
	return resp, nil
}

// receive decodes the answer.
func receive(ctx context.Context, op Operation, resp *http.Response, got *capture, decode func(*http.Response) (string, error)) (string, error) {
	limit := op.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	body := &bounded{source: resp.Body, left: limit, limit: limit, capture: got}
	defer resp.Body.Close()
	resp.Body = body
	if redirects(resp) {
		return "", &Error{Op: op.Name, Status: resp.StatusCode, Sent: true,
			Err: fmt.Errorf("%w: status %d; check the address in Environment", ErrRedirect, resp.StatusCode)}
	}
	code, err := decode(resp)
	if body.err != nil && err != nil { // what decode says of half an answer is not the cause
		e := failure(ctx, op.Name, true, body.err)
		if !errors.Is(e.Err, ErrTooLarge) && ctx.Err() == nil {
			e.Err = fmt.Errorf("answer broken off: %w", e.Err)
		}
		return code, e
	}
	if err == nil && !body.ended {
		_, _ = io.CopyN(io.Discard, body, 64<<10) // so that the connection serves again
	}
	return code, err
}

func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func (c *Client) shown(contentType string, b *capture) []byte {
	if c.watch.Evidence {
		return b.bytes()
	}
	return socle.Redact(contentType, b.bytes())
}
