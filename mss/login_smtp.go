package mss

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-smtp"
)

// openSubmitter connects, secures and authenticates (ECO.1.0.1, ECO.1.2.1).
func (c *Client) openSubmitter(ctx context.Context, l login) (*submitter, error) {
	conn, err := c.connect(ctx, protocolSMTP, c.cfg.Environment.Submission, l)
	if err != nil {
		return nil, lost(ctx, "send", err)
	}
	s := &submitter{conn: conn, client: smtp.NewClient(conn)}
	s.client.CommandTimeout, s.client.SubmissionTimeout = time.Minute, 5*time.Minute
	said := new(exchanged)
	err = whileOpen(ctx, conn, func() error {
		if err := s.client.Hello("localhost"); err != nil {
			return err
		}
		x, err := l.exchange(s.client.SupportsAuth, c.cfg.Dialect.SubmissionInitialResponse, []byte{})
		if err != nil {
			return &Error{Err: err, outcome: notSent}
		}
		if x == nil {
			return nil
		}
		said = x
		return s.client.Auth(x)
	})
	if err == nil {
		return s, nil
	}
	_ = conn.Close()
	if ctx.Err() != nil {
		return nil, lost(ctx, "send", err)
	}
	var no *smtp.SMTPError
	switch isNo := errors.As(err, &no); {
	case isNo && no.Code == 454:
		return nil, &refusedLogin{code: replyCode(no), text: no.Message, refusal: said.refusal, temporary: true}
	case isNo && no.Code == 500 && said.initial: // as Dovecot does beyond its line length
		e := replied(no)
		e.Text = "it cannot take the token with the command: Config.Dialect.SubmissionInitialResponse must be false; it says: " + e.Text
		return nil, e
	case isNo && said.mechanism != "" && !s.client.SupportsAuth(said.mechanism):
		e := replied(no)
		e.Text = "it does not offer " + said.mechanism + notOffered + e.Text
		return nil, e
	case isNo && (no.Code == 535 || said.refusal != nil || said.odd != nil):
		return nil, &refusedLogin{code: replyCode(no), text: no.Message, refusal: said.refusal}
	case isNo:
		return nil, replied(no)
	case said.refusal != nil || said.odd != nil: // challenged, then disconnected, as Mailiz does
		return nil, &refusedLogin{refusal: said.refusal, text: "connection closed after the challenge"}
	}
	return nil, lost(ctx, "send", conn.because(err))
}

// notOffered says what is wrong with an operator that knows no token.
const notOffered = ": Config.Environment must hold the addresses that the operator has for this kind of mailbox; it says: "
