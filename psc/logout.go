package psc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/soclesante/socle"
)

// Logout ends the session at the service and revokes its refresh token, then
// wipes the tokens. The session is over whatever the error, which says what
// the service may not have done; a second Logout does nothing.
func (s *Session) Logout(ctx context.Context) error {
	err := s.end(ctx, &Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent})
	if errors.Is(err, ErrLoggedOut) || errors.Is(err, ErrSessionExpired) {
		return nil
	}
	s.client.audit(ctx, "logout", s.who.asked, err)
	return err
}

// discard ends a session that nobody will ever hold. What goes wrong is not
// told: the caller has the error that made it happen.
func (s *Session) discard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	_ = s.end(ctx, &Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent})
}

// end asks the service to forget the session. why is what later calls get.
func (s *Session) end(ctx context.Context, why *Error) error {
	s.mu.Lock()
	if s.ended != nil {
		defer s.mu.Unlock()
		return s.ended
	}
	id, refresh := string(s.tokens.id), string(s.tokens.refresh)
	s.stop(why)
	s.mu.Unlock()

	var problems []error
	// The server side of the ANS's own proxy: a POST with the hint alone.
	if id != "" {
		problems = append(problems, s.client.post(ctx, operation{opLogout, 1}, s.client.cfg.Environment.EndSession, http.Header{}, url.Values{"id_token_hint": {id}}, nil))
	}
	if refresh != "" {
		form := url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}}
		problems = append(problems, s.client.postForm(ctx, operation{opRevoke, 1}, s.client.cfg.Environment.Revocation, form, nil))
	}
	return errors.Join(problems...)
}

// isOver tells that no later call can save the session.
func isOver(err error) bool { return errors.Is(err, ErrSessionExpired) || errors.Is(err, ErrIDToken) }
