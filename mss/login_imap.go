package mss

import (
	"context"
	"errors"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/soclesante/socle"
)

// openReader connects, secures and authenticates (ECO.1.0.2, ECO.1.2.1).
func (c *Client) openReader(ctx context.Context, l login) (*reader, error) {
	conn, err := c.connect(ctx, protocolIMAP, c.cfg.Environment.IMAP, l)
	if err != nil {
		return nil, lost(ctx, "open", err)
	}
	bounded := newIMAPConn(conn)
	r := &reader{conn: bounded, patience: c.cfg.Silence, news: make(chan struct{}, 1)}
	r.client = imapclient.New(bounded, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: r.noticed}})
	said := new(exchanged)
	err = r.do(ctx, func() error {
		if err := r.client.WaitGreeting(); err != nil {
			return err
		}
		offers := func(m string) bool { return r.client.Caps().Has(imap.AuthCap(m)) }
		// A refusal is answered with one byte: an empty answer is what some
		// libraries write as "=", which Dovecot refuses.
		x, err := l.exchange(offers, true, []byte{1})
		if err != nil {
			return &Error{Err: err, outcome: socle.OutcomeNotSent}
		}
		if l.auth.applicative() && r.client.State() == imap.ConnStateAuthenticated { // PREAUTH
			return nil
		}
		if x == nil {
			return &refusedLogin{text: "the operator does not begin with PREAUTH"}
		}
		said = x
		return r.client.Authenticate(x)
	})
	if err == nil {
		return r, nil
	}
	r.close()
	if ctx.Err() != nil {
		return nil, lost(ctx, "open", err)
	}
	var (
		no      *imap.Error
		refused *refusedLogin
	)
	if errors.As(err, &refused) {
		return nil, refused
	}
	switch isNo := errors.As(err, &no); {
	case isNo && (no.Code == imap.ResponseCodeUnavailable || no.Code == imap.ResponseCodeInUse):
		return nil, &refusedLogin{code: scrub(string(no.Code)), text: no.Text, refusal: said.refusal, temporary: true}
	case isNo && said.refusal == nil && no.Type == imap.StatusResponseTypeBad:
		e := answered("open", no)
		e.Text = "it did not understand the authentication: Config.Environment.IMAP must be the address that the operator has for Pro Santé Connect; it says: " + e.Text
		return nil, e
	case isNo && (said.sent || no.Code == imap.ResponseCodeAuthenticationFailed):
		return nil, &refusedLogin{code: scrub(string(no.Code)), text: no.Text, refusal: said.refusal}
	case isNo:
		return nil, answered("open", no)
	case said.refusal != nil || said.odd != nil: // challenged, then disconnected
		return nil, &refusedLogin{refusal: said.refusal, text: "connection closed after the challenge"}
	}
	return nil, lost(ctx, "open", conn.because(err))
}
