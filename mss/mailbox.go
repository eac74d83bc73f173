package mss

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// Access says which mailbox to open and for whom.
type Access struct {
	// Address of the mailbox (BAL), mandatory.
	Address Address
	// Actor is the professional who reads and writes, with their session,
	// mandatory: traces name them (ECO.4.1.1), and their names are the From label
	// of a personal mailbox. An applicative mailbox needs its Structure alone.
	Actor socle.Actor
	// Auth says how the operator knows who opens the mailbox. The zero value
	// gives the tokens of the Actor; an applicative mailbox has a certificate.
	Auth Auth
	// Label is the display name of the messages sent. Zero means the names of
	// the Actor and the name of their structure, which suits a personal mailbox
	// (PER); an organisation's (ORG) has its Entity alone.
	Label Label
}

func (a Access) check(now time.Time) error {
	var errs []error
	if a.Address.IsZero() || a.Address.IsPatient() {
		errs = append(errs, errors.New("Access.Address: the address of a professional mailbox is mandatory"))
	}
	if err := a.Auth.check(now); err != nil {
		errs = append(errs, err)
	}
	switch applicative := a.Auth.applicative(); {
	case applicative && a.Actor.ID.IsZero() && a.Actor.Structure.ID.IsZero():
		errs = append(errs, errors.New("Access.Actor: the structure whose software acts is mandatory, with its identifier (ECO.4.1.1)"))
	case !applicative && a.Actor.ID.IsZero():
		errs = append(errs, errors.New("Access.Actor: who acts is mandatory, with their identifier (ECO.4.1.1)"))
	}
	if a.Actor.Tokens == nil && !a.Auth.applicative() {
		errs = append(errs, errors.New("Access.Actor.Tokens: mandatory"))
	}
	if a.Label.String() == "" {
		errs = append(errs, errors.New("Access.Label: a given and a family name, or an entity, is mandatory in From (ECO.2.2.7); the Actor has none"))
	}
	return errors.Join(errs...)
}

// Mailbox is an open mailbox. It holds one IMAP connection, which it opens
// again by itself as long as the token source gives tokens (ECO.1.2.7), and which
// ends with the session of a source that tells its end, as a *psc.Session does
// (ECO.1.2.6). It is
// safe for concurrent use: reading is done one call at a time, each sending has
// its own connection. Close it.
type Mailbox struct {
	client *Client
	access Access
	lock   chan struct{} // held while reader and closed are used
	reader *reader       // nil when there is no connection
	closed bool
	gone   chan struct{} // closed with it
}

// Open connects to a mailbox. The error is ErrTokenRefused, ErrSessionLost or
// ErrUntrusted, or a connection error that is retryable; it disturbs nothing
// else (ECO.1.2.3).
func (c *Client) Open(ctx context.Context, a Access) (*Mailbox, error) {
	a, err := c.complete("open", a)
	if err != nil {
		return nil, err
	}
	m := newMailbox(c, a)
	err = m.reading(ctx, "open", "", func(r *reader) error { return r.open(inbox) })
	if err != nil {
		_ = m.Close() // the inbox may be refused on a connection that is open
		return nil, err
	}
	m.endWithSession()
	return m, nil
}

func newMailbox(c *Client, a Access) *Mailbox {
	return &Mailbox{client: c, access: a, lock: make(chan struct{}, 1), gone: make(chan struct{})}
}

// complete checks an access and fills in its label.
func (c *Client) complete(op string, a Access) (Access, error) {
	switch {
	case a.Label != (Label{}):
	case a.Auth.applicative():
		a.Label = Label{Entity: a.Actor.Structure.Name}
	default:
		a.Label = Label{GivenName: a.Actor.GivenName, FamilyName: a.Actor.FamilyName, Entity: a.Actor.Structure.Name}
	}
	err := a.check(c.cfg.Now())
	if a.Auth.mechanism == mechanismNone && !c.cfg.Environment.ImplicitTLS {
		err = errors.Join(err, errors.New("Access.Auth: CertificateAlone wants Config.Environment.ImplicitTLS: IMAP has no PREAUTH after STARTTLS"))
	}
	if err != nil {
		return a, &Error{Op: op, Err: problems{err}, outcome: socle.OutcomeNotSent}
	}
	return a, nil
}

// String tells the mailbox and how it is opened.
func (a Access) String() string { return "access to " + a.Address.String() + " by " + a.Auth.String() }

// GoString is String.
func (a Access) GoString() string { return "mss.Access(" + a.String() + ")" }

// MarshalText is String: an Access is nothing to store.
func (a Access) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a Access) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String tells the address.
func (m *Mailbox) String() string { return "mailbox " + m.access.Address.String() }

// GoString is String.
func (m *Mailbox) GoString() string { return "mss.Mailbox(" + m.access.Address.String() + ")" }

// LogValue is String.
func (m *Mailbox) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Address gives the address of the mailbox.
func (m *Mailbox) Address() Address { return m.access.Address }

// Close ends the session. It waits for a call that is running.
func (m *Mailbox) Close() error {
	m.lock <- struct{}{}
	defer func() { <-m.lock }()
	if m.reader != nil {
		m.reader.logout()
		m.reader = nil
	}
	if !m.closed {
		m.closed = true
		close(m.gone)
	}
	return nil
}

// reading runs f on the IMAP connection, and once more on a new connection
// when the one that was open turns out to be broken. f must have no effect on
// the mailbox.
func (m *Mailbox) reading(ctx context.Context, op, reference string, f func(*reader) error) error {
	return m.using(ctx, op, reference, true, f)
}

// using runs f on the IMAP connection, again on a new one if that is harmless;
// otherwise it first makes sure that the connection still lives. The error is an
// *Error.
func (m *Mailbox) using(ctx context.Context, op, reference string, again bool, f func(*reader) error) error {
	start := m.client.cfg.Now()
	if !again {
		m.dropDead(ctx)
	}
	err := m.run(ctx, op, again, f)
	m.tell(ctx, exchange{operation: "imap." + op, reference: reference, start: start, err: err})
	if err == nil {
		return nil
	}
	return err
}

// dropDead closes a connection that answers no more: operators end those that
// were not used for some time.
func (m *Mailbox) dropDead(ctx context.Context) {
	select {
	case m.lock <- struct{}{}:
		defer func() { <-m.lock }()
	case <-ctx.Done():
		return
	}
	if r := m.reader; r != nil && r.do(ctx, func() error { return r.client.Noop().Wait() }) != nil {
		r.close()
		m.reader = nil
	}
}

func (m *Mailbox) run(ctx context.Context, op string, again bool, f func(*reader) error) *Error {
	select {
	case m.lock <- struct{}{}:
		defer func() { <-m.lock }()
	case <-ctx.Done():
		return lost(ctx, op, ctx.Err())
	}
	if m.closed {
		return &Error{Op: op, kind: ErrClosed, outcome: socle.OutcomeNotSent}
	}
	if m.reader != nil && ended(m.session(), m.client.cfg.Now()) {
		m.reader.logout() // what comes asks for a token, and tells why there is none
		m.reader = nil
	}
	for {
		old := m.reader != nil
		if !old {
			err := m.client.authenticated(ctx, op, m.access, func(l login) (err error) {
				if m.reader, err = m.client.openReader(ctx, l); err != nil {
					return err
				}
				return m.reader.do(ctx, m.reader.resync)
			})
			if err != nil {
				if m.reader != nil {
					m.reader.close()
				}
				m.reader = nil
				return err
			}
		}
		err := m.reader.do(ctx, func() error { return f(m.reader) })
		if err == nil {
			return nil
		}
		var (
			ours *Error
			no   *imap.Error
		)
		switch {
		case errors.As(err, &ours):
			return ours
		case errors.As(err, &no) && no.Type != imap.StatusResponseTypeBye:
			return answered(op, no)
		}
		m.reader.close()
		m.reader = nil
		if !old || !again || ctx.Err() != nil {
			return lost(ctx, op, err)
		}
	}
}

// exchange is what tell reports.
type exchange struct {
	operation, reference string
	start                time.Time
	err                  *Error
	request              []byte
	patient              string // pseudonym
}

// tell reports an exchange to the Watch: to Observe, to the log, and to Audit
// as ECO.4.1.1 asks, failures too.
func (m *Mailbox) tell(ctx context.Context, e exchange) {
	w := m.client.cfg.Watch
	x := socle.Exchange{Service: socle.ServiceMSS, Operation: e.operation, MessageID: e.reference, Attempt: 1,
		Start: e.start, Duration: w.Now().Sub(e.start), Outcome: socle.OutcomeDone}
	if e.err != nil {
		x.Err, x.Code, x.Outcome = e.err, e.err.Code, e.err.outcome
	}
	if len(e.request) > 0 {
		if x.Request = e.request[:min(len(e.request), 1<<20)]; !w.Evidence {
			x.Request = socle.Redact("message/rfc822", e.request)
		}
	}
	w.Log().DebugContext(ctx, "mss: exchange", "operation", x.Operation, "code", x.Code, "outcome", x.Outcome.String(), "duration", x.Duration)
	if w.Observe != nil {
		w.Observe(ctx, x)
	}
	server := m.client.cfg.Environment.IMAP
	if strings.HasPrefix(x.Operation, "smtp.") {
		server = m.client.cfg.Environment.Submission
	}
	w.Record(ctx, socle.AuditRecord{Service: socle.ServiceMSS, Operation: x.Operation, Server: server, Account: m.access.Address.Wire(), Actor: m.access.Actor.ID,
		Structure: m.access.Actor.Structure.ID, Patient: e.patient, Reference: e.reference, Outcome: x.Outcome, Code: x.Code})
}
