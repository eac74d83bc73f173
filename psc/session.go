package psc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// endLimit bounds what is done for a session after its callers went away.
const endLimit = 30 * time.Second

// Session is one authenticated person. It is safe for concurrent use and holds
// no goroutine. It is an oauth2.TokenSource.
type Session struct {
	client *Client
	who    *identity
	flight singleflight.Group

	mu     sync.Mutex
	tokens *tokens
	ended  error         // why there are no tokens any more
	done   chan struct{} // see Done; nil until it is asked for
}

// identity is what a session must not show: fmt shows the address of what is
// held by pointer. It does not change once the session is open.
type identity struct {
	asked    socle.PersonID
	info     UserInfo
	subject  string // sub of the ID token
	acr      string
	authTime time.Time
}

var _ oauth2.TokenSource = (*Session)(nil)

func (c *Client) newSession(asked socle.PersonID, t *tokens, claims idToken) *Session {
	who := &identity{asked: asked, subject: claims.Subject, acr: claims.ACR, authTime: c.cfg.Now()}
	// A login is never younger than the proof of identity that it rests on.
	if at := claims.AuthTime.time(); claims.AuthTime != 0 && at.Before(who.authTime) {
		who.authTime = at
	}
	return &Session{client: c, who: who, tokens: t}
}

// identify asks who the person is and compares with who was asked for.
func (s *Session) identify(ctx context.Context) error {
	access, err := s.AccessToken(ctx)
	if err != nil {
		return err
	}
	info, err := s.client.userInfo(ctx, access)
	if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusUnauthorized { // a token can die on the way: once
		s.Evict(access)
		if access, err = s.AccessToken(ctx); err != nil {
			return err
		}
		info, err = s.client.userInfo(ctx, access)
	}
	if err != nil {
		return err
	}
	if info.Subject != s.who.subject {
		return untrusted("sub", "that of the ID token in the user information", "another", "")
	}
	person, err := info.Person()
	if !s.who.asked.IsZero() && (err != nil || person != s.who.asked) {
		return untrusted("SubjectNameID", "the person that was asked for", "another", "")
	}
	if err := s.client.refuseTest(opUserInfo, person); err != nil {
		return err
	}
	if s.who.acr == "" {
		s.client.cfg.Log().WarnContext(ctx, "psc: the ID token states no level of authentication")
	}
	s.who.info = info
	return nil
}

// UserInfo gives what the service said of the person at the login.
func (s *Session) UserInfo() UserInfo { return s.who.info }

// ACR gives the level of authentication, "eidas1" and above; empty when the
// service stated none.
func (s *Session) ACR() string { return s.who.acr }

// AuthenticatedAt tells when the person proved who they are.
func (s *Session) AuthenticatedAt() time.Time { return s.who.authTime }

// ReauthAt tells when the person must authenticate again whatever is done: 4
// hours after they last did.
func (s *Session) ReauthAt() time.Time { return s.who.authTime.Add(sessionLimit) }

// IdleAt tells when the session ends unless a token is asked for before.
func (s *Session) IdleAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		return time.Time{}
	}
	return s.tokens.idleUntil
}

// AccessToken gives an access token that lives for at least ten seconds more
// (half its life, if that is shorter), refreshing it when needed: once for all
// who ask at the same time, and going on for the others when ctx ends. Errors:
// [ErrSessionExpired], [ErrLoggedOut], or that the service could not be asked.
func (s *Session) AccessToken(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", notSent(opRefresh, err)
	}
	t, err := s.current()
	if err != nil {
		return "", err
	}
	if t.access != "" {
		return t.access, nil
	}
	return s.renew(ctx, t.of)
}

// Token gives the access token for oauth2.NewClient and the like. What has a
// context uses AccessToken.
func (s *Session) Token() (*oauth2.Token, error) {
	access, err := s.AccessToken(context.Background())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &oauth2.Token{AccessToken: access, TokenType: "Bearer"}
	if s.tokens != nil {
		t.Expiry = s.tokens.accessUntil
	}
	return t, nil
}

// Evict says that a service refused an access token of this session before its
// time: it is not given again, and the next one asked for is fetched. A token
// that is not the present one is ignored.
func (s *Session) Evict(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens != nil && same(string(s.tokens.access), token) {
		s.tokens.refreshAt = time.Time{}
	}
}

// state is what the tokens allow now: an access token, or none and which
// tokens to refresh.
type state struct {
	access string
	of     *tokens
}

func (s *Session) current() (state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.client.cfg.Now()
	switch {
	case s.ended != nil:
		return state{}, s.ended
	case !now.Before(s.who.authTime.Add(sessionLimit)):
		return state{}, s.expire("4 hours after the authentication the person logs in again")
	case !now.Before(s.tokens.idleUntil):
		return state{}, s.expire("the session was idle for too long, the person logs in again")
	case now.Before(s.tokens.refreshAt):
		return state{access: string(s.tokens.access)}, nil
	}
	return state{of: s.tokens}, nil
}

// expire ends the session. s.mu is held.
func (s *Session) expire(why string) error {
	s.stop(&Error{Op: opSession, kind: ErrSessionExpired, Fix: why, outcome: socle.OutcomeNotSent})
	return s.ended
}

// stop wipes the tokens. s.mu is held.
func (s *Session) stop(why error) {
	if s.tokens != nil {
		s.tokens.wipe()
	}
	s.tokens, s.ended = nil, why
	s.tellDone()
}

// renew replaces the tokens old, unless another caller has already done so.
func (s *Session) renew(ctx context.Context, old *tokens) (string, error) {
	flight := s.flight.DoChan("", func() (any, error) {
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
	refresh := string(old.refresh)
	s.mu.Unlock()
	if refresh == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return "", s.expire("the service gave no refresh token, the person logs in again")
	}
	var t *tokens
	// Asking twice loses nothing: either the first was not done, or it was and
	// the answer is lost, and then so is the session.
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		var err error
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
		t, _, err = s.client.redeem(ctx, operation{opRefresh, attempt}, form, expectation{subject: s.who.subject})
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil: // logged out meanwhile
		if t != nil {
			t.wipe()
		}
		return "", s.ended
	case err != nil:
		if isOver(err) {
			s.stop(err)
		}
		return "", err
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
	return string(t.access), nil
}
