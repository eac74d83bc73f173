package psc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/soclesante/socle"
)

// endLimit bounds what is done for a session after its callers went away.
const endLimit = 30 * time.Second

// Session is one authenticated person. It is safe for concurrent use and holds
// no goroutine. It is an oauth2.TokenSource.
type Session struct {
	client *Client
	flight string // names the session among the refreshes of the client

	mu     sync.Mutex
	who    *identity // replaced as a whole
	tokens *tokens
	used   time.Time // when a token was last asked for
	kept   *kept     // where the session is stored, or nil
	ended  error     // why there are no tokens any more
	done   ending    // see Done
}

// identity is what a session must not show: fmt shows the address of what is
// held by pointer. It does not change once the session is open.
type identity struct {
	asked     socle.PersonID
	raw       packed // user information, read when it is asked for
	subject   string // sub of the ID token
	serviceID string // sid: what a logout token names the session by
	nonce     string // of the code flow
	acr       string
	authTime  time.Time
}

var _ oauth2.TokenSource = (*Session)(nil)

func (c *Client) newSession(asked socle.PersonID, t *tokens, claims idToken) *Session {
	who := &identity{asked: asked, subject: claims.Subject, serviceID: first(claims.SessionID, claims.SessionState), nonce: claims.Nonce, acr: claims.ACR, authTime: c.cfg.Now()}
	// A login is never younger than the proof of identity that it rests on.
	if at := claims.AuthTime.time(); claims.AuthTime != 0 && at.Before(who.authTime) {
		who.authTime = at
	}
	return &Session{client: c, flight: c.flight(), who: who, tokens: t, used: c.cfg.Now()}
}

// flight gives a name that no other session of the client has.
func (c *Client) flight() string { return strconv.FormatUint(c.sessions.Add(1), 36) }

func (s *Session) identity() *identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
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
	s.who.raw = pack(info.Raw)
	return nil
}

// UserInfo gives what the service said of the person at the login.
func (s *Session) UserInfo() UserInfo { return s.identity().info() }

func (w *identity) info() UserInfo {
	u, _, _ := parseUserInfo(w.raw.unpack()) // was read before
	return u
}

// ACR gives the level of authentication, "eidas1" and above; empty when the
// service stated none.
func (s *Session) ACR() string { return s.identity().acr }

// AuthenticatedAt tells when the person proved who they are.
func (s *Session) AuthenticatedAt() time.Time { return s.identity().authTime }

// ReauthAt tells when the person must authenticate again whatever is done: 4
// hours after they last did, or Config.SessionLimit (SSI/IE.37).
func (s *Session) ReauthAt() time.Time { return s.identity().authTime.Add(s.client.cfg.SessionLimit) }

// ServiceID gives the identifier that a logout token has for the session (sid).
func (s *Session) ServiceID() string { return s.identity().serviceID }

// IdleAt tells when the session ends unless a token is asked for before.
func (s *Session) IdleAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		return time.Time{}
	}
	return s.idleAt()
}

// idleAt is the end of the refresh token, or of the idleness that the
// configuration allows, whichever comes first. s.mu is held and there are tokens.
func (s *Session) idleAt() time.Time {
	if local := s.used.Add(s.client.cfg.IdleLimit); local.Before(s.tokens.idleUntil) {
		return local
	}
	return s.tokens.idleUntil
}

// AccessToken gives an access token that lives for at least ten seconds more
// (half its life, if that is shorter), refreshing it when needed: once for all
// who ask at the same time, and going on for the others when ctx ends. When the
// session is over, Config.Reauthenticate may go on with it. Errors:
// [ErrSessionExpired], [ErrLoggedOut], or that the service could not be asked.
func (s *Session) AccessToken(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", notSent(opRefresh, err)
	}
	access, err := s.access(ctx)
	if err != nil && errors.Is(err, ErrSessionExpired) && s.client.cfg.Reauthenticate != nil {
		return s.again(ctx, err)
	}
	return access, err
}

func (s *Session) access(ctx context.Context) (string, error) {
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
	case !now.Before(s.who.authTime.Add(s.client.cfg.SessionLimit)):
		return state{}, s.expire(span(s.client.cfg.SessionLimit) + " after the authentication the person logs in again")
	case !now.Before(s.idleAt()):
		return state{}, s.expire("the session was idle for too long, the person logs in again")
	}
	s.used = now
	if now.Before(s.tokens.refreshAt) {
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

// span writes a duration for people.
func span(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return d.String()
}
