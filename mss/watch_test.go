package mss_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// handled keeps what a Watcher hands over, as a caller that stores cursors.
type handled struct {
	mu      sync.Mutex
	numbers []uint32
	last    map[mss.Address]mss.Cursor
	again   int // arrivals with Renumbered
	fail    func(mss.Arrival) error
	states  []mss.WatchState
	came    chan mss.Arrival
}

func newHandled() *handled {
	return &handled{last: map[mss.Address]mss.Cursor{}, came: make(chan mss.Arrival, 10_000)}
}

func (h *handled) handle(_ context.Context, a mss.Arrival) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		if err := h.fail(a); err != nil {
			return err
		}
	}
	h.numbers = append(h.numbers, a.Summary.UID.Number)
	h.last[a.Mailbox] = a.Cursor
	if a.Renumbered {
		h.again++
	}
	h.came <- a
	return nil
}

func (h *handled) seen() []uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]uint32{}, h.numbers...)
}

func (h *handled) cursor(t testing.TB, box string) mss.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last[address(t, box)]
}

func (h *handled) changed(s mss.WatchStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states = append(h.states, s.State)
}

// next waits for an arrival.
func (h *handled) next(t testing.TB) mss.Arrival {
	t.Helper()
	select {
	case a := <-h.came:
		return a
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing arrived")
		panic("")
	}
}

func (b *bench) watch(t testing.TB, h *handled, change ...func(*mss.WatchConfig)) *mss.Watcher {
	t.Helper()
	cfg := mss.WatchConfig{Handle: h.handle, Changed: h.changed, Retry: 5 * time.Millisecond, Poll: 20 * time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	w, err := b.client.Watch(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// idle waits until n connections of the pharmacy wait in IDLE.
func (b *bench) idle(t testing.TB, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return b.server.Idling(pharmacy) == n }, 20*time.Second, time.Millisecond)
}

func state(w *mss.Watcher) mss.WatchStatus { return w.Status()[0] }

func TestWatchHandsOverWhatIsPushed(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 3, func(i int) []byte { return numbered(i) }))
	h := newHandled()
	w := b.watch(t, h)
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	for range 3 {
		h.next(t)
	}
	b.idle(t, 1)
	require.Equal(t, mss.WatchPushed, state(w).State)
	start := time.Now()
	require.NoError(t, b.server.Deliver(pharmacy, numbered(4)))
	a := h.next(t)
	require.Less(t, time.Since(start), 2*time.Second)
	require.Equal(t, "Résultat 4", a.Summary.Subject)
	require.Equal(t, address(t, pharmacy), a.Mailbox)
	require.NoError(t, b.server.Fill(pharmacy, 150, func(i int) []byte { return numbered(i) }))
	for range 150 {
		h.next(t)
	}
	b.idle(t, 1)
	seen := h.seen()
	for i, n := range seen {
		require.EqualValues(t, i+1, n, "each one once, in order")
	}
	require.NoError(t, w.Close())
	require.Zero(t, b.server.Idling(pharmacy))

	// After a restart: what came meanwhile, and nothing else.
	require.NoError(t, b.server.Deliver(pharmacy, numbered(5)))
	w = b.watch(t, h)
	require.NoError(t, w.Add(b.access, h.cursor(t, pharmacy)))
	require.EqualValues(t, 155, h.next(t).Summary.UID.Number)
	b.idle(t, 1)
	require.Len(t, h.seen(), 155)
}

func TestWatchReadsWhatArrives(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	text := make(chan string, 1)
	w, err := b.client.Watch(context.Background(), mss.WatchConfig{Handle: func(ctx context.Context, a mss.Arrival) error {
		m, err := a.Read(ctx)
		if err == nil {
			text <- m.Text
		}
		return err
	}})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	require.NoError(t, b.server.Deliver(pharmacy, numbered(7)))
	require.Equal(t, "Texte 7", <-text)
	b.idle(t, 1)
	require.Equal(t, 1, b.server.Traffic(pharmacy).Connections)
}

func TestWatchComesBackByItself(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{"BYE": "token expired", "network cut": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{})
			h := newHandled()
			w := b.watch(t, h)
			require.NoError(t, w.Add(b.access, mss.Cursor{}))
			for i := range 5 {
				b.idle(t, 1)
				b.tokens.expire() // the token of the connection is dead at the operator
				require.Equal(t, 1, b.server.Disconnect(pharmacy, words))
				require.NoError(t, b.server.Deliver(pharmacy, numbered(i)))
				require.EqualValues(t, i+1, h.next(t).Summary.UID.Number)
			}
			b.idle(t, 1)
			require.Equal(t, []uint32{1, 2, 3, 4, 5}, h.seen())
			require.NotEmpty(t, b.tokens.evicted, "the dead token was evicted, a fresh one opened")
			require.Equal(t, mss.WatchPushed, state(w).State)
			require.NoError(t, state(w).Err)
		})
	}
}

func TestWatchEndsWithTheSession(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	h := newHandled()
	w := b.watch(t, h)
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	require.Error(t, w.Add(b.access, mss.Cursor{}), "it is watched already")
	b.tokens.fail(errors.New("psc: session over"))
	b.server.Disconnect(pharmacy, "token expired")
	require.Eventually(t, func() bool { return state(w).State == mss.WatchEnded }, 20*time.Second, time.Millisecond)
	require.ErrorIs(t, state(w).Err, mss.ErrSessionLost)
	asked := b.tokens.count()
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	time.Sleep(50 * time.Millisecond) // ten times the pause after a failure
	require.Equal(t, asked, b.tokens.count(), "nothing is tried without a new login")
	require.Empty(t, h.seen())

	b.tokens.fail(nil) // a new login
	require.NoError(t, w.Add(b.access, h.cursor(t, pharmacy)))
	require.EqualValues(t, 1, h.next(t).Summary.UID.Number)

	// A source that has nothing for now ends nothing.
	b.tokens.fail(passing{})
	b.idle(t, 1)
	b.server.Disconnect(pharmacy, "")
	require.Eventually(t, func() bool { return state(w).State == mss.WatchPaused }, 20*time.Second, time.Millisecond)
	require.True(t, socle.Retryable(state(w).Err))
	require.False(t, state(w).Retry.IsZero())
	b.tokens.fail(nil)
	b.idle(t, 1)
}

func TestWatchWithoutPush(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{Without: []string{"IDLE"}})
	h := newHandled()
	w := b.watch(t, h)
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	for i := range 3 {
		require.NoError(t, b.server.Deliver(pharmacy, numbered(i)))
		require.EqualValues(t, i+1, h.next(t).Summary.UID.Number)
		require.Equal(t, 1, b.server.Traffic(pharmacy).Connections, "over one connection")
	}
	require.Eventually(t, func() bool { return state(w).State == mss.WatchPolled }, 20*time.Second, time.Millisecond)
}

func TestWatchWithTooManyConnections(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{MaxConnections: 1})
	m := b.open(t)
	h := newHandled()
	w := b.watch(t, h)
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	require.Eventually(t, func() bool { return state(w).State == mss.WatchPaused }, 20*time.Second, time.Millisecond)
	require.ErrorContains(t, state(w).Err, "LIMIT")
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	require.NoError(t, m.Close())
	require.EqualValues(t, 1, h.next(t).Summary.UID.Number)
	b.idle(t, 1) // and in the end a connection of its own
}

// many adds mailboxes to the operator.
func (b *bench) many(t testing.TB, n int) []mss.Access {
	var out []mss.Access
	for i := range n {
		a := fmt.Sprintf("officine%04d@pharmacie.formation.mssante.fr", i)
		require.NoError(t, b.server.AddMailbox(msstest.Mailbox{Address: a, Openers: []string{pharmacist}}))
		access := b.access
		access.Address = address(t, a)
		out = append(out, access)
	}
	return out
}

func TestWatchBoundsItsConnections(t *testing.T) {
	t.Parallel()
	var open, most atomic.Int64
	b := set(t, msstest.Options{}, func(c *mss.Config) {
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			n := open.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			return &countedConn{Conn: conn, open: &open}, nil
		}
	})
	h := newHandled()
	w := b.watch(t, h, func(c *mss.WatchConfig) { c.Connections = 3 })
	all := b.many(t, 20)
	for _, a := range all {
		require.NoError(t, w.Add(a, mss.Cursor{}))
	}
	for round := range 2 {
		for _, a := range all {
			require.NoError(t, b.server.Deliver(a.Address.Wire(), numbered(round)))
		}
		got := map[mss.Address]int{}
		for range all {
			got[h.next(t).Mailbox]++
		}
		require.Len(t, got, len(all), "every mailbox has its turn")
	}
	pushed := 0
	for _, s := range w.Status() {
		if s.State == mss.WatchPushed {
			pushed++
		}
	}
	require.Equal(t, 3, pushed)
	require.LessOrEqual(t, most.Load(), int64(3+4))
	w.Remove(all[0].Address)
	require.Len(t, w.Status(), len(all)-1)
	require.NoError(t, w.Close())
	require.Zero(t, open.Load())
	require.ErrorIs(t, w.Add(all[0], mss.Cursor{}), mss.ErrClosed)
}

type countedConn struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func TestWatchKeepsWhatIsNotHandled(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 5, func(i int) []byte { return numbered(i) }))
	h := newHandled()
	failures := 0
	h.fail = func(a mss.Arrival) error {
		if a.Summary.UID.Number == 3 && failures < 4 {
			failures++
			return errNotNow
		}
		return nil
	}
	w := b.watch(t, h)
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	require.Eventually(t, func() bool { s := state(w); return s.State == mss.WatchPaused && errors.Is(s.Err, errNotNow) }, 20*time.Second, time.Millisecond)
	for range 5 {
		h.next(t)
	}
	require.Equal(t, []uint32{1, 2, 3, 4, 5}, h.seen(), "the order stays")
}

func TestWatchOfARenumberedInbox(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 3, func(i int) []byte { return numbered(i) }))
	h := newHandled()
	w := b.watch(t, h)
	m := b.open(t)
	since, err := m.Now(context.Background(), "")
	require.NoError(t, err)
	require.NoError(t, w.Add(b.access, since))
	b.idle(t, 1)
	require.NoError(t, b.server.Renumber(pharmacy))
	for range 3 {
		require.True(t, h.next(t).Renumbered)
	}
	b.idle(t, 1)
	require.NoError(t, b.server.Deliver(pharmacy, numbered(4)))
	require.False(t, h.next(t).Renumbered)
	require.Equal(t, []uint32{1, 2, 3, 4}, h.seen())
}

// frozen is a network whose connections may stop to carry anything.
type frozen struct {
	net.Conn
	cold chan struct{}
}

func (f *frozen) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		select {
		case <-f.cold:
			if err != nil {
				return n, err
			}
			continue // it never arrives
		default:
			return n, err
		}
	}
}

func TestWatchNoticesADeadConnection(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var all []*frozen
	b := set(t, msstest.Options{}, func(c *mss.Config) {
		c.Silence = 2 * time.Second
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			f := &frozen{Conn: conn, cold: make(chan struct{})}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, f)
			return f, err
		}
	})
	h := newHandled()
	w := b.watch(t, h, func(c *mss.WatchConfig) { c.Renew = 30 * time.Millisecond })
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	require.Eventually(t, func() bool {
		n := 0
		for _, e := range b.server.Journal() {
			if e.Operation == msstest.OpIdle {
				n++
			}
		}
		return n > 3
	}, 20*time.Second, time.Millisecond, "IDLE is renewed")
	mu.Lock()
	for _, f := range all { // one, unless the machine is very slow
		close(f.cold)
	}
	mu.Unlock()
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	require.EqualValues(t, 1, h.next(t).Summary.UID.Number)
	require.Equal(t, []uint32{1}, h.seen())
}

func TestOneMailboxDisturbsNoOther(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	h := newHandled()
	w := b.watch(t, h)
	bad := b.access
	bad.Address = address(t, office) // which this professional may not open
	require.NoError(t, w.Add(bad, mss.Cursor{}))
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.server.Fail(emulator.Fault{Operation: msstest.OpSelect, Status: 400})
	b.server.Fail(emulator.Fault{Operation: msstest.OpIdle, ResetBefore: true, Times: 2})
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	require.Equal(t, address(t, pharmacy), h.next(t).Mailbox)
	b.idle(t, 1)
	require.Eventually(t, func() bool { return errors.Is(state(w).Err, mss.ErrTokenRefused) }, 20*time.Second, time.Millisecond)
	require.Equal(t, mss.WatchPushed, w.Status()[1].State)
}

func TestWatchConfigIsChecked(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	h := newHandled()
	for _, cfg := range []mss.WatchConfig{{}, {Handle: h.handle, Renew: 29 * time.Minute}, {Handle: h.handle, Connections: -1}} {
		_, err := b.client.Watch(context.Background(), cfg)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	ctx, cancel := context.WithCancel(context.Background())
	w, err := b.client.Watch(ctx, mss.WatchConfig{Handle: h.handle})
	require.NoError(t, err)
	require.Error(t, w.Add(mss.Access{}, mss.Cursor{}))
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	b.idle(t, 1)
	cancel()
	require.NoError(t, w.Close())
	require.ErrorIs(t, w.Add(b.access, mss.Cursor{}), mss.ErrClosed)
}
