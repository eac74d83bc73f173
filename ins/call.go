package ins

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// call is one operation of INSi to make, with values already checked.
type call struct {
	op, action string
	body       []byte
	coverage   func(*xmltree.Writer) // writes what is in ContexteBAM COUVERTURE; nil writes nothing
	vitale     []byte                // assertion Vitale
	// sent gives the words that must not show up in an error; nil is none.
	sent func() []string
	// once says that the operation changes something at INSi: it is tried again
	// only when it was not sent.
	once bool
	// read decodes an answer that is no fault. It gives the service's code and,
	// for the audit, the matricule that the answer is about, if any.
	read func(e *soap.Envelope) (code, matricule string, err error)
	// recast changes an error of the service, when that is needed.
	recast func(*Error)
}

// receipt tells which exchange brought an answer.
type receipt struct {
	at        time.Time
	messageID string
}

// do makes a call, again while INSi is out of order, each time with a new
// message and new contexts. Its error is an *Error.
func (c *Client) do(ctx context.Context, who socle.Professional, op call) (receipt, error) {
	if now := c.cfg.Now(); c.leaf != nil && (now.After(c.leaf.NotAfter) || now.Before(c.leaf.NotBefore)) {
		if _, err := CheckCertificate(c.cfg.Certificate, c.cfg.Environment, now); err != nil {
			return receipt{}, err // it has expired since New
		}
	}
	var r receipt
	err := transport.Retry(ctx, c.cfg.Attempts, !op.once, func(attempt int) error {
		var err error
		r, err = c.exchange(ctx, who, op, attempt)
		return err
	})
	var own *Error
	if _, ok := err.(*Error); !ok && errors.As(err, &own) { // cancelled while it waited to try again
		stopped := *own
		stopped.kind, stopped.retry, stopped.Err = nil, false, ctx.Err()
		return receipt{}, &stopped
	}
	return r, err
}

// exchange makes one attempt.
func (c *Client) exchange(ctx context.Context, who socle.Professional, op call, attempt int) (receipt, error) {
	r := receipt{at: c.cfg.Now(), messageID: c.cfg.Dialect.messageID(soap.NewUUID())}
	record := socle.AuditRecord{At: r.at, Service: socle.ServiceINS, Operation: op.op, Actor: who.ID, Structure: who.Structure.ID, Reference: r.messageID}
	matricule := ""
	req, err := c.request(ctx, who, op, r)
	if err == nil {
		transported := transport.Operation{Name: op.op, MessageID: r.messageID, MaxBytes: int64(limits.Bytes) * 2, Attempt: attempt, InMemory: true}
		err = c.http.Do(ctx, transported, req, func(resp *http.Response) (code string, err error) {
			code, matricule, err = read(resp, op, r.messageID)
			if err != nil {
				err = failure(op.op, r.messageID, err, op.sent)
				if own := err.(*Error); code == "" {
					code = cmp.Or(own.Code, own.Siram)
				}
			}
			record.Code = code
			return code, err
		})
	}
	if err != nil {
		own, ok := err.(*Error)
		if !ok {
			own = failure(op.op, r.messageID, err, op.sent).(*Error)
		}
		if op.recast != nil {
			op.recast(own)
		}
		record.Outcome = socle.OutcomeOf(own)
		c.cfg.Record(ctx, record)
		return receipt{}, own
	}
	record.Outcome, record.Patient = socle.OutcomeDone, c.cfg.Pseudonym(matricule)
	c.cfg.Record(ctx, record)
	return r, nil
}

// request makes the HTTP request of one attempt.
func (c *Client) request(ctx context.Context, who socle.Professional, op call, r receipt) (*http.Request, error) {
	a, err := c.authenticate(ctx, who, r.at)
	if err != nil {
		return nil, err
	}
	f := frame{
		action: op.action, messageID: r.messageID, at: r.at, bam: soap.NewUUID(), lps: soap.NewUUID(),
		emitter: a.emitter, coverage: op.coverage,
	}
	if a.assertion != nil {
		f.security = append(f.security, a.assertion)
	}
	if op.vitale != nil {
		f.security = append(f.security, op.vitale)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(c.template.fill(f, op.body)))
	if err != nil {
		return nil, &Error{Op: op.op, Text: "the address of the service is not a URL", kind: ErrInvalid}
	}
	values := []string{soap.MediaType + `; charset=utf-8; action="` + op.action + `"`, c.userAgent}
	req.Header["User-Agent"] = values[1:]
	for name, values := range a.header {
		req.Header[name] = values
	}
	req.Header["Content-Type"] = values[:1:1]
	return req, nil
}

// read gives an answer to the operation.
func read(resp *http.Response, op call, messageID string) (code, matricule string, err error) {
	e, err := soap.ReadResponse(resp, limits)
	if err != nil {
		return "", "", err
	}
	if e.RelatesTo != "" && e.RelatesTo != messageID {
		return "", "", unusable("the answer relates to another request")
	}
	return op.read(e)
}
