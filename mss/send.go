package mss

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
)

const notSent = socle.OutcomeNotSent

// Send composes a message and sends it from the mailbox, then keeps a copy in
// the folder of sent messages. The report is filled as far as things went, with
// an error too.
//
// A draft that would break a rule is refused with ErrNotConform before anything
// is sent. When the connection breaks after the whole message was handed over,
// the outcome is [socle.OutcomeUnknown]: the message may have left, it is never
// sent again by itself, and sending it again under the same Draft.MessageID is
// the user's decision.
func (m *Mailbox) Send(ctx context.Context, d Draft) (SendReport, error) {
	return m.send(ctx, d, nil)
}

// Reply answers a message: to its sender, in its thread. It is Send otherwise.
// A patient is answered at the address that wrote, so that no qualified
// identity is needed.
func (m *Mailbox) Reply(ctx context.Context, answered *Message, d Draft) (SendReport, error) {
	if answered == nil {
		return SendReport{}, notConform("ECO.2.2.2", "Reply: the message answered is mandatory")
	}
	return m.send(ctx, d, answered)
}

func (m *Mailbox) send(ctx context.Context, d Draft, answered *Message) (SendReport, error) {
	var r SendReport
	raw, e, err := m.prepare(d, answered, &r)
	if err != nil {
		return r, err
	}
	to := make([]string, 0, r.Recipients)
	for _, a := range append(append([]Address{}, e.to...), e.cc...) {
		to = append(to, a.Wire())
	}
	m.client.outside(ctx, append(append([]Address{}, e.to...), e.cc...), &r)
	start := m.client.cfg.Now()
	noDSN := false
	failed := m.submitFrom(ctx, m.access.Address.Wire(), to, raw, delivery{asked: d.DeliveryReceipt, envelope: r.MessageID, missing: &noDSN})
	if noDSN {
		r.degrade("ECO.2.3.1", "the operator takes no request of RFC 3461: Return-Receipt-To alone asks for a delivery receipt")
	}
	m.tell(ctx, exchange{operation: "smtp.send", reference: r.MessageID, start: start, err: failed, request: raw, patient: e.pseudonym})
	if failed != nil {
		return r, failed
	}
	r.Submitted = true
	// The message has left: nothing below is an error of sending it.
	if err := m.keep(ctx, r.MessageID, raw, start); err != nil {
		r.degrade("Sent", "no copy in the folder of sent messages: "+err.Error())
	} else {
		r.SentCopy = true
	}
	return r, nil
}

func (m *Mailbox) prepare(d Draft, answered *Message, r *SendReport) ([]byte, envelope, error) {
	if err := d.check(); err != nil {
		return nil, envelope{}, err
	}
	e, err := m.address(d, answered)
	if err != nil {
		return nil, envelope{}, err
	}
	r.Recipients, r.Patients = len(e.to)+len(e.cc), e.patients
	at := m.client.cfg.Now()
	p, err := m.pack(d, at, r)
	if err != nil {
		return nil, envelope{}, err
	}
	if p != nil && !p.number.IsZero() {
		for _, a := range e.to {
			if reader, ok := a.Matricule(); ok && reader != p.number {
				return nil, envelope{}, notConform("SC.MSS/CONF.23", "Documents: they are about another patient than the one written to")
			}
		}
	}
	raw, err := m.compose(d, e, answered, p, at, r)
	if err != nil {
		return nil, envelope{}, &Error{Op: "send", Err: err, outcome: notSent}
	}
	r.Size = int64(len(raw))
	if err := m.client.fits("send", r.Size, e.patients); err != nil {
		return nil, envelope{}, err
	}
	return raw, e, nil
}

// fits applies the size limits: of the vendor, and of Mon espace santé when the
// message goes there.
func (c *Client) fits(op string, size int64, patients int) error {
	limit, whose := c.cfg.SendLimit, "Config.SendLimit"
	if l := c.cfg.Dialect.patientLimit(); patients > 0 && (limit == 0 || l < limit) {
		limit, whose = l, "Mon espace santé"
	}
	if limit == 0 || size <= limit {
		return nil
	}
	return &Error{Op: op, kind: ErrTooLarge, outcome: notSent, Text: fmt.Sprintf("%d bytes once encoded, at most %d for %s", size, limit, whose)}
}

// submitFrom hands a message over on a connection of its own.
func (m *Mailbox) submitFrom(ctx context.Context, from string, to []string, raw []byte, d delivery) *Error {
	if err := m.alive(ctx); err != nil {
		return err
	}
	var s *submitter
	err := m.client.authenticated(ctx, "send", m.access, func(l login) (err error) {
		s, err = m.client.openSubmitter(ctx, l)
		return err
	})
	if err != nil {
		if err.kind == ErrSessionLost {
			m.hangUp(ctx)
		}
		return err
	}
	defer s.quit()
	return s.send(ctx, from, to, raw, d)
}

// hangUp closes the IMAP connection: it must not outlive the Pro Santé Connect
// session (ECO.1.2.6).
func (m *Mailbox) hangUp(ctx context.Context) {
	select {
	case m.lock <- struct{}{}:
		defer func() { <-m.lock }()
	case <-ctx.Done():
		return
	}
	if m.reader != nil {
		m.reader.logout()
		m.reader = nil
	}
}

func (m *Mailbox) alive(ctx context.Context) *Error {
	select {
	case m.lock <- struct{}{}:
		defer func() { <-m.lock }()
	case <-ctx.Done():
		return lost(ctx, "send", ctx.Err())
	}
	if m.closed {
		return &Error{Op: "send", kind: ErrClosed, outcome: notSent}
	}
	return nil
}

// keep stores the message among the sent ones. It is not done twice: a copy
// too many is worse than none.
func (m *Mailbox) keep(ctx context.Context, reference string, raw []byte, at time.Time) error {
	var appending bool
	err := m.using(ctx, "append", reference, false, func(r *reader) error {
		folder, err := r.special(m.client.cfg.Dialect, FolderSent)
		if err != nil {
			return err
		}
		appending = true
		return r.append(folder, raw, at)
	})
	var ours *Error
	if appending && errors.As(err, &ours) && ours.outcome == notSent {
		ours.outcome = socle.OutcomeUnknown
	}
	return err
}
