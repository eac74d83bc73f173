package psc

import (
	"context"
	"net/url"

	"github.com/soclesante/socle/internal/transport"
)

// renew replaces the tokens old, unless another caller has already done so.
func (s *Session) renew(ctx context.Context, old *tokens) (string, error) {
	flight := s.client.flights.DoChan(s.flight, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		return s.exchange(ctx, old)
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

func (s *Session) exchange(ctx context.Context, old *tokens) (string, error) {
	s.mu.Lock()
	if s.ended != nil || s.tokens != old {
		defer s.mu.Unlock()
		if s.ended != nil {
			return "", s.ended
		}
		return string(s.tokens.access), nil
	}
	s.mu.Unlock()
	fresh, err := s.elsewhere(ctx)
	if err != nil || fresh != "" {
		return fresh, err
	}
	s.mu.Lock()
	if s.ended != nil {
		defer s.mu.Unlock()
		return "", s.ended
	}
	who, refresh := s.who, string(s.tokens.refresh)
	s.mu.Unlock()
	if refresh == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return "", s.expire("the service gave no refresh token, the person logs in again")
	}
	var t *tokens
	// Asking twice loses nothing: either the first was not done, or it was and
	// the answer is lost, and then so is the session.
	err = transport.Retry(ctx, 3, true, func(attempt int) error {
		var err error
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
		t, _, err = s.client.redeem(ctx, operation{opRefresh, attempt}, form, expectation{subject: who.subject, nonce: who.nonce, refreshed: true})
		return err
	})
	if err := s.install(t, refresh, err); err != nil {
		return "", err
	}
	return s.save(ctx)
}

// install puts the tokens that a refresh gave in the place of those before.
func (s *Session) install(t *tokens, refresh string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil: // logged out meanwhile
		if t != nil {
			t.wipe()
		}
		return s.ended
	case err != nil:
		if isOver(err) {
			s.stop(err)
		}
		return err
	}
	if len(t.refresh) == 0 {
		t.refresh = []byte(refresh)
	}
	if len(t.id) == 0 {
		t.id = append(t.id, s.tokens.id...)
	}
	t.state = first(t.state, s.tokens.state)
	s.tokens.wipe()
	s.tokens = t
	return nil
}
