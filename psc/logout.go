package psc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/soclesante/socle"
)

// Logout ends the session at the service and revokes its refresh token, then
// wipes the tokens (SSI/IE.38). The session is over whatever the error, which
// says what the service may not have done; a second Logout does nothing.
func (s *Session) Logout(ctx context.Context) error {
	err := s.end(ctx, &Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent})
	if errors.Is(err, ErrLoggedOut) || errors.Is(err, ErrSessionExpired) {
		return nil
	}
	s.client.audit(ctx, "logout", s.person(), err)
	return err
}

// LogoutURL ends the session like Logout, but gives the address where the
// browser of the person is sent so that the service forgets them there too,
// and sends them back to goodbye (as declared to the ANS) with state; both may
// be empty. The address holds the ID token and is not for logs; it is given
// along with an error, that says that the refresh token may not be revoked.
// Of a session that is over there is no ID token any more: the address is empty.
func (s *Session) LogoutURL(ctx context.Context, goodbye, state string) (address string, err error) {
	hint, refresh, err := s.take(&Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent})
	if err != nil {
		return "", nil
	}
	err = s.tell(ctx, "", refresh)
	s.client.audit(ctx, "logout", s.person(), err)
	u, parsed := url.Parse(s.client.cfg.Environment.EndSession)
	if hint == "" || parsed != nil {
		return "", err
	}
	q := u.Query()
	for name, value := range map[string]string{"id_token_hint": hint, "post_logout_redirect_uri": goodbye, "state": state} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), err
}

// Forget wipes the tokens of a session that the service has said to be over,
// by a logout token: nothing is sent to it.
func (s *Session) Forget(ctx context.Context) {
	if _, _, err := s.take(loggedOut("the service said that it is over")); err == nil {
		s.client.audit(ctx, "logout", s.person(), nil)
	}
	if err := s.unkeep(ctx); err != nil {
		s.client.cfg.Log().WarnContext(ctx, "psc: a session cannot be deleted from its store", "err", err)
	}
}

// person is who the session is of, for the audit.
func (s *Session) person() socle.PersonID {
	who := s.identity()
	if who.asked.IsZero() {
		id, _ := who.info().Person()
		return id
	}
	return who.asked
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
	hint, refresh, err := s.take(why)
	if err != nil {
		return err
	}
	return s.tell(ctx, hint, refresh)
}

// take ends the session here and gives what it takes to end it there. The error
// is why it was over already.
func (s *Session) take(why *Error) (hint, refresh string, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return "", "", s.ended
	}
	hint, refresh = string(s.tokens.id), string(s.tokens.refresh)
	s.stop(why)
	return hint, refresh, nil
}

// tell ends the session in its store and at the service.
func (s *Session) tell(ctx context.Context, hint, refresh string) error {
	c := s.client
	problems := []error{s.unkeep(ctx)}
	// The server side of the ANS's own proxy: a POST with the hint alone.
	if hint != "" {
		problems = append(problems, c.post(ctx, operation{opLogout, 1}, c.cfg.Environment.EndSession, http.Header{}, url.Values{"id_token_hint": {hint}}, nil))
	}
	if refresh != "" {
		form := url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}}
		problems = append(problems, c.postForm(ctx, operation{opRevoke, 1}, c.cfg.Environment.Revocation, form, nil))
	}
	return errors.Join(problems...)
}

// unkeep deletes the session from its store.
func (s *Session) unkeep(ctx context.Context) error {
	s.mu.Lock()
	k := s.kept
	s.kept = nil
	s.mu.Unlock()
	if k == nil {
		return nil
	}
	if err := k.store.Delete(ctx, k.key); err != nil {
		return &Error{Op: opStore, Err: err}
	}
	return nil
}

// isOver tells that no later call can save the session.
func isOver(err error) bool { return errors.Is(err, ErrSessionExpired) || errors.Is(err, ErrIDToken) }
