package msstest

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/soclesante/socle/mss"
)

// submission is one SMTP connection.
type submission struct {
	server *Server
	conn   *smtp.Conn
	box    *box // nil until authenticated

	from     string
	to       []string
	envelope string   // ENVID
	notify   []string // who is asked to be notified of a delivery to
}

var _ smtp.AuthSession = (*submission)(nil)

func (s *Server) newSubmission(conn *smtp.Conn) (smtp.Session, error) {
	t := &submission{server: s, conn: conn}
	if _, secure := conn.TLSConnectionState(); secure && s.options.PreAuth {
		t.box, _ = s.holder(conn.Conn())
	}
	return t, nil
}

// AuthMechanisms gives those offered.
func (t *submission) AuthMechanisms() []string { return t.server.options.Mechanisms }

// Auth begins one.
func (t *submission) Auth(mechanism string) (sasl.Server, error) {
	if t.server.offered(mechanism) != nil {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	return &saslServer{
		server: t.server, mechanism: mechanism, protocol: "SMTP", operation: OpAuthenticateSMTP, conn: t.conn.Conn, status: reply,
		refused:   smtp.ErrAuthFailed,
		temporary: &smtp.SMTPError{Code: 454, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Temporary authentication failure"},
		malformed: &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 5, 2}, Message: "one byte 0x01 expected (RFC 7628 section 3.2.3)"},
		accept:    func(address string) { t.box = t.server.box(address) },
	}, nil
}

func reply(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "fault of the emulator"}
}

func refuse(code int, class, subject, detail int, format string, args ...any) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: fmt.Sprintf(format, args...)}
}

// Mail begins a message.
func (t *submission) Mail(from string, o *smtp.MailOptions) error {
	if _, secure := t.conn.TLSConnectionState(); !secure {
		return refuse(530, 5, 7, 0, "ECO.1.0.1: STARTTLS expected first")
	}
	if t.box == nil {
		return smtp.ErrAuthRequired
	}
	return t.server.do("SMTP", OpMail, t.box.Address, t.conn.Conn(), nil, reply, func() error {
		if from != "" && fold(from) != fold(t.box.Address) { // a receipt has none
			return refuse(553, 5, 7, 1, "the sender must be the mailbox that is open")
		}
		t.from, t.to, t.envelope, t.notify = from, nil, o.EnvelopeID, nil
		return nil
	})
}

// Rcpt adds a recipient.
func (t *submission) Rcpt(to string, o *smtp.RcptOptions) error {
	a, err := mss.ParseAddress(to)
	switch {
	case err != nil:
		return refuse(501, 5, 1, 3, "recipient: %v", err)
	case a.IsPatient() && t.server.plays() != nil: // which returns it by mail
	case a.IsPatient():
		m, ok := a.Matricule()
		if !ok || !m.KeyValid() {
			return refuse(550, 5, 1, 1, "ECO.2.2.6: a matricule of 15 characters with its key is expected before @%s", a.Domain())
		}
		if t.server.patient(to) == nil {
			return refuse(550, 5, 1, 1, "no such patient in Mon espace sante")
		}
	case t.server.box(to) == nil:
		return refuse(550, 5, 1, 1, "no such mailbox in the space of trust")
	}
	t.to = append(t.to, to)
	if o != nil && slices.Contains(o.Notify, smtp.DSNNotifySuccess) {
		t.notify = append(t.notify, to)
	}
	return nil
}

// Data receives the message, checks it and delivers it.
func (t *submission) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return t.server.do("SMTP", OpSubmit, t.from, t.conn.Conn(), raw, reply, func() error {
		if err := t.check(raw); err != nil {
			return refuse(554, 5, 6, 0, "%s", ascii(err.Error()))
		}
		return t.deliver(raw)
	})
}

func (t *submission) deliver(raw []byte) error {
	robot := t.server.plays()
	for _, to := range t.to {
		if a, err := mss.ParseAddress(to); err == nil && a.IsPatient() && robot == nil {
			if len(raw) > patientLimit {
				return refuse(552, 5, 3, 4, "Mon espace sante takes 25 MB at most, %d bytes came", len(raw))
			}
		}
	}
	if t.server.options.KeepsSent && t.from != "" {
		if _, _, err := t.box.append(folderSent, bytes.Clone(raw), t.server.clock.Now()); err != nil {
			return refuse(451, 4, 3, 0, "the copy cannot be kept now")
		}
	}
	notify := slices.Clone(t.notify)
	for _, to := range t.to {
		if a, err := mss.ParseAddress(to); err == nil && a.IsPatient() && robot != nil {
			if !robot.take(to, t.from, raw) {
				notify = slices.DeleteFunc(notify, func(s string) bool { return s == to })
			}
			continue
		}
		if p := t.server.patient(to); p != nil {
			t.server.receive(p, t.from, raw)
			continue
		}
		b := t.server.box(to)
		if b == nil {
			return refuse(550, 5, 1, 1, "no such mailbox in the space of trust")
		}
		if _, _, err := b.append(folderInbox, bytes.Clone(raw), t.server.clock.Now()); err != nil {
			return refuse(451, 4, 3, 0, "the mailbox cannot take it now")
		}
	}
	for _, to := range notify {
		err := t.server.DeliverDSN(t.from, DSN{Returned: raw, Envelope: t.envelope, Recipient: to, Action: "delivered", Code: "2.0.0"})
		if err != nil {
			return refuse(451, 4, 3, 0, "the mailbox cannot take its receipt now")
		}
	}
	return nil
}

// Reset forgets the message begun.
func (t *submission) Reset() { t.from, t.to = "", nil }

// Logout ends the connection.
func (t *submission) Logout() error { return nil }

// ascii keeps a reply readable by every client.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
