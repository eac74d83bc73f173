package mss

import (
	"context"
	"time"

	"github.com/soclesante/socle"
)

// The mail session ends with that of Pro Santé Connect (ECO.1.2.6), also when
// nobody uses it. A source of tokens may tell its end: a *psc.Session has both
// methods below.

// over gives the channel that is closed when the session of a source is over,
// nil for one that does not tell.
func over(s socle.TokenSource) <-chan struct{} {
	if d, ok := s.(interface{ Done() <-chan struct{} }); ok {
		return d.Done()
	}
	return nil
}

// lapse gives when the session of a source ends unless it is used; zero for one
// that does not tell.
func lapse(s socle.TokenSource) time.Time {
	if i, ok := s.(interface{ IdleAt() time.Time }); ok {
		return i.IdleAt()
	}
	return time.Time{}
}

// ended reports whether a source says that its session is over. It is not asked
// for a token, which would be a use of the session.
func ended(s socle.TokenSource, now time.Time) bool {
	select {
	case <-over(s):
		return true
	default:
	}
	at := lapse(s)
	return !at.IsZero() && !now.Before(at)
}

// session gives the source whose session the mailbox is open for, nil for an
// applicative mailbox.
func (m *Mailbox) session() socle.TokenSource {
	if m.access.Auth.applicative() {
		return nil
	}
	return m.access.Actor.Tokens
}

// stillOpen gives the error of a session that is over. A source that does not
// tell is asked for a token.
func (m *Mailbox) stillOpen(ctx context.Context) *Error {
	s := m.session()
	if s == nil || over(s) != nil && !ended(s, m.client.cfg.Now()) {
		return nil
	}
	if _, err := s.AccessToken(ctx); err != nil && !noneForNow(err) && ctx.Err() == nil {
		return &Error{Op: "open", kind: ErrSessionLost, Err: err, outcome: socle.OutcomeNotSent}
	}
	return nil
}

// endWithSession closes the connection of an open mailbox when the session of
// Pro Santé Connect is over.
func (m *Mailbox) endWithSession() {
	done := over(m.session())
	if done == nil {
		return
	}
	go func() {
		select {
		case <-done:
			m.hangUp(context.Background())
		case <-m.gone:
		}
	}()
}
