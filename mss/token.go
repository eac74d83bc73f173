package mss

import (
	"context"
	"errors"
	"net"

	"github.com/soclesante/socle"
)

func evict(s socle.TokenSource, token string) {
	if e, ok := s.(interface{ Evict(token string) }); ok {
		e.Evict(token)
	}
}

// noneForNow reports whether a source of tokens has none for now only: it says so, it
// took too long, or the network failed it. A session that is over is no such thing.
func noneForNow(err error) bool {
	var network net.Error // a *net.OpError, a *url.Error, an end of time
	return socle.Retryable(err) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network)
}

// authenticated runs open with what the operator is to believe. When it refuses
// a token, the token is evicted and open is run once more with another.
func (c *Client) authenticated(ctx context.Context, op string, a Access, open func(login) error) *Error {
	l := login{auth: a.Auth, user: c.cfg.Dialect.authUser(a.Address)}
	var refused *refusedLogin
	if a.Auth.applicative() {
		err := open(l)
		if !errors.As(err, &refused) {
			return openingError(ctx, op, err)
		}
		c.cfg.Log().WarnContext(ctx, "mss: certificate refused", "operation", op, "code", refused.code)
		return refused.error(op, ErrAuthRefused)
	}
	for {
		token, err := a.Actor.Tokens.AccessToken(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return lost(ctx, op, ctx.Err())
		case noneForNow(err):
			return &Error{Op: op, Text: "no token could be had for now", Err: err, outcome: socle.OutcomeNotSent, retryable: true}
		default:
			return &Error{Op: op, kind: ErrSessionLost, Err: err, outcome: socle.OutcomeNotSent}
		}
		again := refused != nil
		if again && token == l.token {
			return refused.error(op, ErrTokenRefused)
		}
		l.token = token
		if err = open(l); !errors.As(err, &refused) {
			return openingError(ctx, op, err)
		}
		evict(a.Actor.Tokens, token)
		c.cfg.Log().WarnContext(ctx, "mss: token refused", "operation", op, "code", refused.code, "again", !again)
		if again {
			return refused.error(op, ErrTokenRefused)
		}
	}
}

// openingError is nil for nil.
func openingError(ctx context.Context, op string, err error) *Error {
	if err == nil {
		return nil
	}
	return lost(ctx, op, err)
}

// refusedLogin is a refusal to authenticate, in any of its shapes.
type refusedLogin struct {
	code, text string
	refusal    *Refusal
	temporary  bool // the operator says so; it may hide a dead token behind it
}

// Error tells the code.
func (r *refusedLogin) Error() string { return "login refused: " + r.code }

// error makes the error of a refusal. That of a token is always retryable.
func (r *refusedLogin) error(op string, kind error) *Error {
	e := &Error{Op: op, Code: r.code, Text: scrub(r.text), kind: kind, outcome: socle.OutcomeNotSent, retryable: r.temporary || kind == ErrTokenRefused}
	if r.temporary {
		e.Text = "for now, says the operator, wait before asking again: " + e.Text
	}
	if r.refusal != nil {
		e.Err = r.refusal
	}
	return e
}
