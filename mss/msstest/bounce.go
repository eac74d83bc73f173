package msstest

import (
	"bytes"
	"cmp"
	"fmt"
	"mime"
	"time"
)

// DSN is a delivery status notification (RFC 3464) for one recipient.
type DSN struct {
	Returned   []byte // the message that it is about, whose header it gives back
	Envelope   string // Original-Envelope-Id
	Recipient  string
	Action     string // failed, delayed, delivered, relayed, expanded
	Code       string // 5.1.1
	Diagnostic string // "550 5.1.1 no such user"
	Subject    string // empty means "Delivery status"
}

// DeliverDSN puts a notification of delivery into the inbox of a mailbox.
func (s *Server) DeliverDSN(mailbox string, d DSN) error {
	header, _, _ := bytes.Cut(d.Returned, []byte("\r\n\r\n"))
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("Return-Path: <>")
	line("From: Mail Delivery System <MAILER-DAEMON@localhost>")
	line("To: <%s>", mailbox)
	line("Subject: %s", cmp.Or(d.Subject, "Delivery status"))
	line("Date: %s", s.clock.Now().Format(time.RFC1123Z))
	line("Message-ID: <dsn.%s@localhost>", s.nextSerial())
	line("Auto-Submitted: auto-replied")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=delivery-status; boundary=\"dsn=_1\"")
	line("")
	line("--dsn=_1")
	line("")
	line("State of your message: %s.", d.Action)
	line("--dsn=_1")
	line("Content-Type: message/delivery-status")
	line("")
	line("Reporting-MTA: dns; localhost")
	if d.Envelope != "" {
		line("Original-Envelope-Id: %s", d.Envelope)
	}
	line("")
	line("Original-Recipient: rfc822;%s", d.Recipient)
	line("Final-Recipient: rfc822;%s", d.Recipient)
	line("Action: %s", d.Action)
	line("Status: %s", d.Code)
	if d.Diagnostic != "" {
		line("Diagnostic-Code: smtp; %s", d.Diagnostic)
	}
	line("--dsn=_1")
	line("Content-Type: text/rfc822-headers")
	line("")
	b.Write(header)
	line("")
	line("--dsn=_1--")
	return s.Deliver(mailbox, b.Bytes())
}

// Bounce is a message returned in free text, as Mon espace santé does.
type Bounce struct {
	Text      string // its wording is a guess, whatever it is: none is public
	MessageID string // of the message returned
	Subject   string // empty means "Message non distribué"
}

// DeliverBounce puts a bounce of Mon espace santé into the inbox of a mailbox.
func (s *Server) DeliverBounce(mailbox string, bounce Bounce) error {
	if bounce.Subject == "" {
		bounce.Subject = "Message non distribué"
	}
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("Return-Path: <>")
	line("From: Mon espace sante <no-reply@patient.mssante.fr>")
	line("To: <%s>", mailbox)
	line("Subject: %s", mime.QEncoding.Encode("utf-8", bounce.Subject))
	line("Date: %s", s.clock.Now().Format(time.RFC1123Z))
	line("Message-ID: <bounce.%s@patient.mssante.fr>", s.nextSerial())
	if bounce.MessageID != "" {
		line("In-Reply-To: <%s>", bounce.MessageID)
	}
	line("MIME-Version: 1.0")
	line("Content-Type: text/plain; charset=utf-8")
	line("Content-Transfer-Encoding: 8bit")
	line("")
	line("%s", bounce.Text)
	return s.Deliver(mailbox, b.Bytes())
}

// deliverMDN puts a patient's notification of reading into the inbox of a mailbox.
func (s *Server) deliverMDN(mailbox, patient, messageID string) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("Return-Path: <>")
	line("From: <%s>", patient)
	line("To: <%s>", mailbox)
	line("Subject: Lu")
	line("Date: %s", s.clock.Now().Format(time.RFC1123Z))
	line("Message-ID: <mdn.%s@patient.mssante.fr>", s.nextSerial())
	line("In-Reply-To: <%s>", messageID)
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=disposition-notification; boundary=\"mdn=_1\"")
	line("")
	line("--mdn=_1")
	line("Content-Type: text/plain; charset=utf-8")
	line("")
	line("Votre message a ete lu.")
	line("--mdn=_1")
	line("Content-Type: message/disposition-notification")
	line("")
	line("Original-Recipient: rfc822; %s", patient)
	line("Final-Recipient: rfc822; %s", patient)
	line("Original-Message-ID: <%s>", messageID)
	line("Disposition: manual-action/MDN-sent-manually; displayed")
	line("--mdn=_1--")
	return s.Deliver(mailbox, b.Bytes())
}

func (s *Server) nextSerial() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return fmt.Sprint(s.serial)
}
