package psc

import (
	"context"
	"time"

	"github.com/soclesante/socle"
)

// reauthLimit bounds the time a person is given to log in again once nobody
// waits for them any more.
const reauthLimit = 5 * time.Minute

// again asks Config.Reauthenticate to log the person in again, once for all who
// wait, and goes on with the session that it gives. why is how the session ended.
func (s *Session) again(ctx context.Context, why error) (string, error) {
	flight := s.client.flights.DoChan(s.flight+" again", func() (any, error) {
		s.mu.Lock()
		over, logged := s.ended != nil, s.ended
		s.mu.Unlock()
		if !over { // another flight did it
			return s.access(ctx)
		}
		if !isOver(logged) {
			return "", logged
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reauthLimit)
		defer cancel()
		next, err := s.client.cfg.Reauthenticate(ctx, s, why)
		if err != nil {
			return "", &Error{Op: opSession, Err: err, kind: ErrSessionExpired, outcome: socle.OutcomeNotSent}
		}
		if next == nil || next == s {
			return "", why
		}
		if err := s.adopt(ctx, next); err != nil {
			return "", err
		}
		return s.access(ctx)
	})
	select {
	case r := <-flight:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", &Error{Op: opRefresh, Err: ctx.Err()}
	}
}

// adopt goes on with the tokens of next, a new login of the same person; next
// is over then.
func (s *Session) adopt(ctx context.Context, next *Session) error {
	mine, theirs := s.identity(), next.identity()
	if next.client.cfg.Environment.Issuer != s.client.cfg.Environment.Issuer || next.client.cfg.ClientID != s.client.cfg.ClientID || theirs.subject != mine.subject {
		next.discard(ctx)
		return untrusted("sub", "the person whose session it was", "another", "log that person in, or begin a new session")
	}
	next.mu.Lock()
	t, ended := next.tokens, next.ended
	next.tokens, next.ended = nil, &Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent, Fix: "use the session that goes on"}
	next.tellDone()
	next.mu.Unlock()
	if ended != nil {
		return ended
	}
	s.mu.Lock()
	if isOver(s.ended) {
		s.who, s.tokens, s.ended, s.used, s.done = theirs, t, nil, s.client.cfg.Now(), ending{}
		k := s.kept
		s.mu.Unlock()
		if k == nil {
			return nil
		}
		// What was stored is over, or gone with its end: the new login begins anew.
		if err := k.store.Delete(ctx, k.key); err != nil {
			s.client.cfg.Log().WarnContext(ctx, "psc: a session cannot be deleted from its store", "err", err)
		} else {
			s.mu.Lock()
			k.version = 0
			s.mu.Unlock()
		}
		_, err := s.save(ctx)
		return err
	}
	ended = s.ended // logged out meanwhile: nobody will hold the new tokens
	s.mu.Unlock()
	lost := &Session{client: s.client, flight: s.client.flight(), who: theirs, tokens: t}
	lost.discard(ctx)
	return ended
}
