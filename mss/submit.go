package mss

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/soclesante/socle"
)

// submitter is one authenticated SMTP connection. It is the only place that
// knows the SMTP library.
type submitter struct {
	conn   net.Conn
	client *smtp.Client
}

// send hands a message over (RFC 5321 section 3.3). All recipients must be
// accepted, or nothing is sent.
func (s *submitter) send(ctx context.Context, from string, to []string, raw []byte, d delivery) *Error {
	if limit, ok := s.client.MaxMessageSize(); ok && limit > 0 && len(raw) > limit {
		return &Error{Op: "send", kind: ErrTooLarge, outcome: notSent, Text: fmt.Sprintf("%d bytes once encoded, the operator takes %d", len(raw), limit)}
	}
	handedOver := false
	step := ""
	err := whileOpen(ctx, s.conn, func() error {
		step = "MAIL"
		mail, rcpt := d.options(s.client)
		mail.Size = int64(len(raw))
		if err := s.client.Mail(from, mail); err != nil {
			return err
		}
		for i, r := range to {
			step = fmt.Sprintf("recipient %d of %d", i+1, len(to))
			if err := s.client.Rcpt(r, rcpt(r)); err != nil {
				return err
			}
		}
		step = "DATA"
		w, err := s.client.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		step, handedOver = "end of data", true // Close writes the last line
		return w.Close()
	})
	var no *smtp.SMTPError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		e := replied(no)
		e.Text = step + ": " + e.Text
		return e
	}
	e := lost(ctx, "send", err)
	if handedOver {
		e.Text = "the connection broke after the whole message was handed over: it may have been sent"
		e.outcome, e.retryable = socle.OutcomeUnknown, false
	}
	return e
}

// quit ends the connection, within a second.
func (s *submitter) quit() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = whileOpen(ctx, s.conn, s.client.Quit)
	_ = s.conn.Close()
}

func replyCode(no *smtp.SMTPError) string {
	if no.EnhancedCode == (smtp.EnhancedCode{}) || no.EnhancedCode == smtp.NoEnhancedCode {
		return fmt.Sprint(no.Code)
	}
	return fmt.Sprintf("%d %d.%d.%d", no.Code, no.EnhancedCode[0], no.EnhancedCode[1], no.EnhancedCode[2])
}

// replied makes the error of an SMTP command that the operator refused.
func replied(no *smtp.SMTPError) *Error {
	e := &Error{Op: "send", Code: replyCode(no), Text: scrub(no.Message), outcome: socle.OutcomeRefused, retryable: no.Temporary()}
	switch {
	case no.Code == 552 && no.EnhancedCode[1] != 2 || no.EnhancedCode == smtp.EnhancedCode{5, 3, 4}:
		e.kind = ErrTooLarge
	case no.Code == 550 && no.EnhancedCode[1] == 1, no.Code == 551, no.Code == 553 && no.EnhancedCode[1] == 1:
		e.kind = ErrNoRecipient
	}
	return e
}
