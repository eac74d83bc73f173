package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/soclesante/socle/psc"
)

const (
	cookieName = "proxy_session_id"
	// endLimit bounds what is done for a session after its caller went away.
	endLimit = 30 * time.Second
	// maxEndings is how many sessions are ended at once: a server that does not
	// answer holds each for a while.
	maxEndings = 16
)

// session is one of the proxy: a session of Pro Santé Connect and the tokens of
// the APIs.
type session struct {
	id, person, state, dn string
	software              *Software
	psc                   *psc.Session
	ends                  time.Time

	mu   sync.Mutex
	last source
}

func (s *session) lastSource() source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *session) seen(from source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = from
}

// over tells whether the session is at an end, its own or that of Pro Santé Connect.
func (s *session) over(now time.Time) bool {
	return !now.Before(s.ends) || !now.Before(s.psc.ReauthAt()) || !now.Before(s.psc.IdleAt())
}

// trace gives what the traces of the session have in common.
func (s *session) trace(t TraceType) Trace {
	return Trace{Type: t, ClientID: s.software.ClientID, NationalID: s.person, Session: s.id, SessionState: s.state, DN: s.dn}
}

// newID draws a UUID of version 4: 122 bits that nobody guesses.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// live gives the session of a request's cookie; one that is over is ended.
func (h *Handler) live(r *http.Request) *session {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 { // two are one too many to choose from
		return nil
	}
	id := cookies[0].Value
	h.mu.Lock()
	s := h.sessions[id]
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	if s.over(h.cfg.Now()) {
		h.drop(r.Context(), s)
		return nil
	}
	return s
}

// take removes a session from those that are open; false if another did.
func (h *Handler) take(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.id] != s {
		return false
	}
	delete(h.sessions, s.id)
	return true
}

// drop ends a session that is over by itself.
func (h *Handler) drop(ctx context.Context, s *session) {
	if h.take(s) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		_ = h.end(ctx, s, s.lastSource())
	}
}

// end traces the end of a session that was taken, revokes and wipes the tokens
// of the APIs, and closes the session of Pro Santé Connect. It is over whatever
// the error, which tells what a server may not have done.
func (h *Handler) end(ctx context.Context, s *session, from source) error {
	traced := h.trace(ctx, s.trace(Disconnect), from)
	err := h.forget(ctx, s.software, s.psc)
	return errors.Join(traced, err)
}

func (h *Handler) forget(ctx context.Context, software *Software, session *psc.Session) error {
	err := errors.Join(software.Exchange.Forget(ctx, session), session.Logout(ctx))
	if err != nil {
		h.cfg.Log().WarnContext(ctx, "proxy: a session was ended here, and may not be elsewhere", "err", err)
	}
	return err
}

// sweep ends the sessions that nobody calls any more.
func (h *Handler) sweep(ctx context.Context) {
	defer close(h.swept)
	tick := time.NewTicker(h.cfg.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h.mu.Lock()
		var all []*session
		for _, s := range h.sessions {
			all = append(all, s)
		}
		h.mu.Unlock()
		now := h.cfg.Now()
		var drops errgroup.Group
		drops.SetLimit(maxEndings)
		for _, s := range all {
			if ctx.Err() == nil && s.over(now) {
				drops.Go(func() error {
					h.drop(ctx, s)
					return nil
				})
			}
		}
		_ = drops.Wait()
	}
}
