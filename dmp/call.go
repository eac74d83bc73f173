package dmp

import (
	"context"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// attempts bounds the tries of a call that may be made again.
const attempts = 3

// message is a message without attachments to send, and how its answer is read.
type message struct {
	op, service, action string
	who                 socle.Professional
	patient             ins.INS // zero: the message is about nobody in particular
	reference           string  // of the audit record; empty: the wsa:MessageID
	again               bool    // it may be made again when its outcome is unknown
	maxBytes            int64   // bound of the answer, and limits of its envelope; zero: the defaults
	limits              xmltree.Limits
	// body makes the message of an attempt, which began at that time.
	body func(now time.Time) []byte
	// check reads the answer: the service's code, and its error.
	check func(e *soap.Envelope) (code string, err error)
}

// sent tells which exchange brought an answer.
type sent struct {
	at        time.Time
	messageID string
}

// send makes a call that the rules let through, again while the DMP is not
// available, each time with a new message and a new VIHF. It leaves the audit record.
func (c *Client) send(ctx context.Context, m message) (sent, error) {
	var s sent
	err := transport.Retry(ctx, attempts, m.again, func(attempt int) error {
		var err error
		s, err = c.attempt(ctx, m, attempt)
		return err
	})
	reference := m.reference
	if reference == "" {
		reference = s.messageID
	}
	c.record(ctx, m.op, m.who, m.patient, reference, err)
	return s, err
}

func (c *Client) attempt(ctx context.Context, m message, attempt int) (sent, error) {
	s := sent{at: c.cfg.Now(), messageID: soap.NewMessageID()}
	security, err := c.security(m.op, c.cfg.Mode, m.who, m.patient, s.at)
	if err != nil {
		return sent{}, err
	}
	_, err = soap.Call(ctx, c.transport, soap.Request{
		Op: m.op, URL: c.cfg.Environment.url(m.service), Attempt: attempt,
		MaxBytes: m.maxBytes, Limits: m.limits,
		Message: soap.Message{Action: c.action(m.op, m.action), MessageID: s.messageID, Headers: [][]byte{security}, Body: m.body(s.at)},
		Answer:  c.answer(m.op, m.action), Uncorrelated: c.cfg.Dialect.Uncorrelated,
		Check: m.check,
	})
	return s, called(m.op, s.messageID, err)
}

// action gives the wsa:Action of a transaction, unless the dialect has another.
func (c *Client) action(op, action string) string {
	if own := c.cfg.Dialect.Actions[op]; own != "" {
		return own
	}
	return action
}

// answers are the wsa:Action of answers that are not that of the request and
// "Response".
var answers = map[string]string{
	hl7v3.ActionQuery:  hl7v3.ActionAnswer,
	hl7v3.ActionFind:   hl7v3.ActionCandidates,
	hl7v3.ActionChange: hl7v3.ActionChanged,
	actionUpdate:       actionUpdate + "-Response",
}

// answer gives the wsa:Action of the answer to a transaction, empty when the
// dialect has an action of its own, whose answer is not known.
func (c *Client) answer(op, action string) string {
	if c.action(op, action) != action {
		return ""
	}
	if own := answers[action]; own != "" {
		return own
	}
	return action + "Response"
}
