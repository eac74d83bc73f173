package psc

import (
	"context"
	"time"
)

// SessionState gives the identifier that the service itself has for the
// session (session_state): the Proxy e-Santé hands it to its callers and keeps
// it in its traces. It is empty once the session is over.
func (s *Session) SessionState() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		return ""
	}
	return s.tokens.state
}

// Done gives a channel that is closed when the session is over: logged out, or
// found to be expired by a call. A session that nobody calls is not watched:
// see [Session.IdleAt] and [Session.ReauthAt].
func (s *Session) Done() <-chan struct{} { return s.ending().Done() }

// ending is the context that ends with the session, made when it is first
// asked for: most sessions need none.
type ending struct {
	context.Context
	cancel context.CancelFunc
}

func (s *Session) ending() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done.Context == nil {
		s.done.Context, s.done.cancel = context.WithCancel(context.Background())
		if s.ended != nil {
			s.done.cancel()
		}
	}
	return s.done
}

// tellDone ends the context. s.mu is held.
func (s *Session) tellDone() {
	if s.done.Context != nil {
		s.done.cancel()
	}
}

// alive gives the reason why the session is over, or nil.
func (s *Session) alive() error {
	_, err := s.current()
	return err
}

// older tells whether the tokens are of more than that age.
func (s *Session) older(age time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens != nil && s.client.cfg.Now().Sub(s.tokens.issued) > age
}

// young gives an access token of at most that age: the server of an API takes
// no older one, however long it lives.
func (s *Session) young(ctx context.Context, age time.Duration) (string, error) {
	s.mu.Lock()
	if t := s.tokens; t != nil && s.client.cfg.Now().Sub(t.issued) > age {
		t.refreshAt = time.Time{}
	}
	s.mu.Unlock()
	return s.AccessToken(ctx)
}
