package psc

import (
	"context"
	"errors"
	"maps"
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
	ends            time.Time // when its server takes it no more
}

func (t *apiToken) wipe() {
	clear(t.access)
	clear(t.refresh)
}

type grantKey struct {
	api         string
	certificate Thumbprint
}

// grantee is who the tokens of APIs are for: a session of Pro Santé Connect,
// whichever *Session stands for it, as each restored from a store does. What is
// in it outlives the session.
type grantee struct {
	client       *Client
	subject, sid string
	one          *Session // when the service names none
}

func (s *Session) grantee() grantee {
	who := s.identity()
	if who.serviceID == "" {
		return grantee{client: s.client, one: s}
	}
	return grantee{client: s.client, subject: who.subject, sid: who.serviceID}
}

// grants are the tokens of one session.
type grants struct {
	flight  singleflight.Group
	stop    func() bool   // ends the watch of the session's end
	ends    time.Time     // of the session, whatever is done
	revoked chan struct{} // closed when all is done after the end

	mu      sync.Mutex
	tokens  map[grantKey]*apiToken
	retired []*apiToken // replaced, and alive at their server; calls may be under way with them
	over    bool
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

// keep holds a token; not after the end. That which it replaces is revoked at
// the end, unless it is dead by then.
func (g *grants) keep(key grantKey, t *apiToken, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return false
	}
	alive := g.retired[:0]
	for _, old := range append(g.retired, g.tokens[key]) {
		switch {
		case old == nil:
		case now.Before(old.ends):
			alive = append(alive, old)
		default:
			old.wipe()
		}
	}
	g.retired = alive
	c := *t
	c.access, c.refresh = append([]byte(nil), t.access...), append([]byte(nil), t.refresh...)
	g.tokens[key] = &c
	return true
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
	all := g.retired
	g.retired = nil
	for key, t := range g.tokens {
		all = append(all, t)
		delete(g.tokens, key)
	}
	return all
}

// dead tells whether there is nothing left to use; not before the first token.
func (g *grants) dead(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.tokens {
		if now.Before(t.until) {
			return false
		}
	}
	return len(g.tokens) > 0
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
	key := s.grantee()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, notSent(opExchange, errors.New("the exchanger is closed"))
	}
	if g := x.sessions[key]; g != nil {
		return g, nil
	}
	x.sweep()
	g := &grants{tokens: map[grantKey]*apiToken{}, ends: s.ReauthAt(), revoked: make(chan struct{})}
	x.sessions[key] = g
	g.stop = context.AfterFunc(s.ending(), func() {
		if x.enter() {
			x.leave(key, g)
		}
	})
	return g, nil
}

// leave forgets tokens that nobody waits to see gone; x.enter came before.
func (x *Exchanger) leave(key grantee, g *grants) {
	defer x.watchers.Done()
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	_ = x.forget(ctx, key, g)
}

// sweep forgets, once a minute, the tokens of sessions that nobody ended nor
// calls any more. x.mu is held.
func (x *Exchanger) sweep() {
	now := x.cfg.Now()
	if now.Sub(x.swept) < time.Minute {
		return
	}
	x.swept = now
	for key, g := range x.sessions {
		if !now.Before(g.ends) || g.dead(now) {
			x.watchers.Add(1)
			go x.leave(key, g)
		}
	}
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
// them. It happens by itself when s ends; call it before [Session.Logout] to
// know that it is done, and how, and at the logout of a session that was
// restored from a store and asked for no token itself. A second call waits for
// the first.
func (x *Exchanger) Forget(ctx context.Context, s *Session) error {
	key := s.grantee()
	x.mu.Lock()
	g, leaving := x.sessions[key], x.leaving[key]
	x.mu.Unlock()
	switch {
	case g != nil:
		return x.forget(ctx, key, g)
	case leaving != nil:
		select {
		case <-leaving.revoked:
		case <-ctx.Done():
			return &Error{Op: opAPIRevoke, Err: ctx.Err()}
		}
	}
	return nil
}

// forget does it for g, once, if it is still that of the session.
func (x *Exchanger) forget(ctx context.Context, key grantee, g *grants) error {
	x.mu.Lock()
	if x.sessions[key] != g {
		x.mu.Unlock()
		return nil
	}
	delete(x.sessions, key)
	x.leaving[key] = g
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.leaving[key] == g {
			delete(x.leaving, key)
		}
		close(g.revoked)
	}()
	g.stop()
	var problems []error
	for _, t := range g.finish() {
		if x.cfg.Now().Before(t.ends) {
			problems = append(problems, x.revoke(ctx, t))
		}
		t.wipe()
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
	all := maps.Clone(x.sessions)
	l := x.lane
	x.mu.Unlock()
	var problems []error
	for key, g := range all {
		problems = append(problems, x.forget(ctx, key, g))
	}
	x.watchers.Wait()
	if l != nil {
		l.close()
	}
	return errors.Join(problems...)
}
