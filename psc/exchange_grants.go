package psc

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// apiToken is a token of an API. It is only ever held by pointer, behind types
// that do not show it.
type apiToken struct {
	api             *API
	lane            *lane
	access, refresh []byte
	until           time.Time // when it is replaced
}

func (t *apiToken) wipe() {
	clear(t.access)
	clear(t.refresh)
}

type grantKey struct {
	api         string
	certificate Thumbprint
}

// grants are the tokens of one session.
type grants struct {
	flight singleflight.Group
	stop   func() bool // ends the watch of the session's end

	mu     sync.Mutex
	tokens map[grantKey]*apiToken
	over   bool
}

// find gives a copy: what is wiped meanwhile must not be sent as zeros.
func (g *grants) find(key grantKey, now time.Time) *apiToken {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tokens[key]; t != nil && now.Before(t.until) {
		c := *t
		c.access, c.refresh = append([]byte(nil), t.access...), nil
		return &c
	}
	return nil
}

// keep holds a token, and gives the one that it replaces; not after the end.
func (g *grants) keep(key grantKey, t *apiToken) (old *apiToken, kept bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return nil, false
	}
	old = g.tokens[key]
	c := *t
	c.access, c.refresh = append([]byte(nil), t.access...), append([]byte(nil), t.refresh...)
	g.tokens[key] = &c
	return old, true
}

// drop forgets a token that the API refused, unless another took its place.
func (g *grants) drop(key grantKey, access []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tokens[key]; t != nil && same(string(t.access), string(access)) {
		t.wipe()
		delete(g.tokens, key)
	}
}

// finish takes all tokens; none is kept any more.
func (g *grants) finish() []*apiToken {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	var all []*apiToken
	for key, t := range g.tokens {
		all = append(all, t)
		delete(g.tokens, key)
	}
	return all
}

// fetch does the work once for all who ask for the same token at the same
// time, and goes on for the others when ctx ends.
func (g *grants) fetch(ctx context.Context, key grantKey, work func(context.Context) (*apiToken, error)) (*apiToken, error) {
	flight := g.flight.DoChan(key.api+"\x00"+string(key.certificate[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		return work(ctx)
	})
	select {
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*apiToken), nil
	case <-ctx.Done():
		return nil, &Error{Op: opExchange, Err: ctx.Err()}
	}
}

// of gives the tokens of a session, whose end is watched from the first time on.
func (x *Exchanger) of(s *Session) (*grants, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, notSent(opExchange, errors.New("the exchanger is closed"))
	}
	if g := x.sessions[s]; g != nil {
		return g, nil
	}
	g := &grants{tokens: map[grantKey]*apiToken{}}
	x.sessions[s] = g
	g.stop = context.AfterFunc(s.ending(), func() {
		if !x.enter() {
			return
		}
		defer x.watchers.Done()
		ctx, cancel := context.WithTimeout(context.Background(), endLimit)
		defer cancel()
		_ = x.Forget(ctx, s)
	})
	return g, nil
}

// enter counts what Close waits for.
func (x *Exchanger) enter() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return false
	}
	x.watchers.Add(1)
	return true
}

// Forget revokes the tokens of a session at the servers that can, and wipes
// them. It happens by itself when a session ends; call it before
// [Session.Logout] to know that it is done, and how. A second call does nothing.
func (x *Exchanger) Forget(ctx context.Context, s *Session) error {
	x.mu.Lock()
	g := x.sessions[s]
	delete(x.sessions, s)
	x.mu.Unlock()
	if g == nil {
		return nil
	}
	g.stop()
	var problems []error
	for _, t := range g.finish() {
		problems = append(problems, x.revoke(ctx, t))
	}
	err := errors.Join(problems...)
	if err != nil {
		x.cfg.Log().WarnContext(ctx, "psc: tokens of an API could not be revoked", "err", err)
	}
	return err
}

// revoke ends a token at its server, with the certificate that it was had with,
// and wipes it.
func (x *Exchanger) revoke(ctx context.Context, t *apiToken) error {
	defer t.wipe()
	if t.api.RevocationURL == "" {
		return nil
	}
	var problems []error
	for _, one := range []struct{ token, hint string }{{string(t.access), "access_token"}, {string(t.refresh), "refresh_token"}} {
		if one.token == "" {
			continue
		}
		form := url.Values{"client_id": {t.api.ClientID}, "token": {one.token}, "token_type_hint": {one.hint}}
		problems = append(problems, formTo(ctx, t.lane.auth, operation{opAPIRevoke, 1}, t.api.RevocationURL, form, nil))
	}
	return errors.Join(problems...)
}

// Close forgets the tokens of all sessions, revoking them within ctx, and
// closes the connections. Nothing can be asked of x afterwards.
func (x *Exchanger) Close(ctx context.Context) error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return nil
	}
	x.closed = true
	var all []*Session
	for s := range x.sessions {
		all = append(all, s)
	}
	l := x.lane
	x.mu.Unlock()
	var problems []error
	for _, s := range all {
		problems = append(problems, x.Forget(ctx, s))
	}
	x.watchers.Wait()
	if l != nil {
		l.close()
	}
	return errors.Join(problems...)
}
