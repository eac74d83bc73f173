package mss_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/psc/psctest"
)

// The mail session ends when that of Pro Santé Connect does, though nobody calls.
func TestMailSessionEndsWithPSC(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := connect(t)
	server, err := msstest.NewServer(msstest.Options{Authority: c.authority,
		Mailboxes: []msstest.Mailbox{{Address: pharmacy, Openers: []string{psctest.Titulaire}}},
		Introspect: func(ctx context.Context, token string) (string, bool, error) {
			i, err := c.psc.Introspect(ctx, token)
			return i.Person, i.Active, err
		}})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	o := &house{connected: c, environment: server.Environment()}
	m := o.open(t, pharmacy)
	h := newHandled()
	w, err := o.client(t).Watch(ctx, mss.WatchConfig{Handle: h.handle})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(o.access(t, pharmacy), mss.Cursor{}))
	require.Eventually(t, func() bool { return server.Idling(pharmacy) == 1 }, 20*time.Second, time.Millisecond)
	require.Equal(t, 2, server.Connections(pharmacy))

	require.NoError(t, c.pharmacist.Logout(ctx))
	require.Eventually(t, func() bool { return server.Connections(pharmacy) == 0 }, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return state(w).State == mss.WatchEnded }, 20*time.Second, time.Millisecond)
	require.ErrorIs(t, state(w).Err, mss.ErrSessionLost)
	_, err = m.Folders(ctx)
	require.ErrorIs(t, err, mss.ErrSessionLost)
}

// idle is a source whose session lapses when it is not used.
type idleSource struct {
	*tokens
	mu sync.Mutex
	at time.Time
}

func (s *idleSource) Done() <-chan struct{} { return make(chan struct{}) }

func (s *idleSource) IdleAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func TestMailSessionEndsWhenTheOtherLapses(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	source := &idleSource{tokens: b.tokens, at: time.Now().Add(time.Hour)}
	b.access.Actor.Tokens = source
	m := b.open(t)
	h := newHandled()
	w := b.watch(t, h, func(c *mss.WatchConfig) { c.Renew = 20 * time.Millisecond })
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	asked := b.tokens.count()
	require.Eventually(t, func() bool { return b.server.Traffic(pharmacy).Commands > 30 }, 20*time.Second, time.Millisecond)
	require.Equal(t, asked, b.tokens.count(), "watching is no use of the session")
	b.tokens.fail(errors.New("psc: session expired"))
	source.mu.Lock()
	source.at = time.Now()
	source.mu.Unlock()
	require.Eventually(t, func() bool { return state(w).State == mss.WatchEnded }, 20*time.Second, time.Millisecond)
	_, err := m.Folders(context.Background())
	require.ErrorIs(t, err, mss.ErrSessionLost)
	require.Eventually(t, func() bool { return b.server.Connections(pharmacy) == 0 }, 20*time.Second, time.Millisecond)
}

// A source that tells nothing is asked whenever the connection is renewed.
func TestMailSessionEndsWithASourceThatTellsNothing(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	h := newHandled()
	w := b.watch(t, h, func(c *mss.WatchConfig) { c.Renew = 20 * time.Millisecond })
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	b.tokens.fail(errors.New("psc: session expired"))
	require.Eventually(t, func() bool { return state(w).State == mss.WatchEnded }, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return b.server.Connections(pharmacy) == 0 }, 20*time.Second, time.Millisecond)
}
