package mss

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
//
// [Mailbox.InSent] helps to find out what became of it.
func (m *Mailbox) Send(ctx context.Context, d Draft) (SendReport, error) {
	return m.send(ctx, job{Draft: d})
}

// send is the one path of all messages that somebody writes.
func (m *Mailbox) send(ctx context.Context, d job) (SendReport, error) {
	r := SendReport{Degraded: d.notes}
	raw, e, err := m.prepare(ctx, d, &r)
	if err != nil {
		return r, err
	}
	return r, m.dispatch(ctx, dispatched{raw: raw, envelope: e, operation: "smtp.send", dsn: d.DeliveryReceipt, copy: true}, &r)
}

// dispatched is a message that is ready to leave.
type dispatched struct {
	raw []byte
	envelope
	operation string
	dsn       bool
	copy      bool // keep it among those sent
}

// dispatch hands a message over and keeps its copy.
func (m *Mailbox) dispatch(ctx context.Context, d dispatched, r *SendReport) error {
	all := append(slices.Clone(d.to), d.cc...)
	to := make([]string, len(all))
	for i, a := range all {
		to[i] = a.Wire()
	}
	m.client.outside(ctx, all, r)
	start := m.client.cfg.Now()
	noDSN := false
	failed := m.submitFrom(ctx, m.access.Address.Wire(), to, d.raw, delivery{asked: d.dsn, envelope: r.MessageID, missing: &noDSN})
	if noDSN {
		r.degrade("ECO.2.3.1", "the operator takes no request of RFC 3461: Return-Receipt-To alone asks for a delivery receipt")
	}
	m.tell(ctx, exchange{operation: d.operation, reference: r.MessageID, start: start, err: failed, request: d.raw, patient: d.pseudonym})
	if failed != nil {
		return failed
	}
	r.Submitted = true
	switch {
	case !d.copy:
		r.SentCopy = true // it is there already
		return nil
	case m.client.cfg.Dialect.OperatorKeepsSent:
		found, err := m.InSent(ctx, r.MessageID)
		if r.SentCopy = found; err != nil {
			r.degrade("Sent", "whether the operator has kept a copy could not be told: "+err.Error())
		} else if !found {
			r.degrade("Sent", "the operator has kept no copy in the folder of sent messages")
		}
		return nil
	}
	// The message has left: nothing below is an error of sending it.
	if err := m.keep(ctx, r.MessageID, d.raw, start); err != nil {
		r.degrade("Sent", "no copy in the folder of sent messages: "+err.Error())
	} else {
		r.SentCopy = true
	}
	return nil
}

func (m *Mailbox) prepare(ctx context.Context, d job, r *SendReport) ([]byte, envelope, error) {
	if err := d.check(); err != nil {
		return nil, envelope{}, err
	}
	e, err := m.address(d)
	if err != nil {
		return nil, envelope{}, err
	}
	r.addressed(e)
	at := m.client.cfg.Now()
	p, err := m.pack(d, at, r)
	if err != nil {
		return nil, envelope{}, err
	}
	if p != nil {
		if err := firstError(e.readBy(p.number), p.writtenTo(d.Patients)); err != nil {
			return nil, envelope{}, err
		}
	}
	if err := m.opposed(ctx, e, p, d.patient, d.DespiteOpposition, r); err != nil {
		return nil, envelope{}, err
	}
	raw, err := m.compose(d, e, p, at, r)
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
