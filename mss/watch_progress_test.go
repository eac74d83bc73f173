package mss_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// Whatever Handle fails with is about something else than the mailbox watched:
// it neither ends the watch nor counts as a failure of the operator.
func TestWatchGoesOnWhateverHandleFailsWith(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"session of another mailbox": mss.ErrSessionLost, "another server": mss.ErrUntrusted,
		"another token": mss.ErrTokenRefused, "another channel": mss.ErrInsecure, "another certificate": mss.ErrAuthRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{})
			h := newHandled()
			failed := false
			h.fail = func(mss.Arrival) error {
				if failed {
					return nil
				}
				failed = true
				return fmt.Errorf("answer from the other mailbox: %w", cause)
			}
			require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
			w := b.watch(t, h)
			require.NoError(t, w.Add(b.access, mss.Cursor{}))
			require.EqualValues(t, 1, h.next(t).Summary.UID.Number, "it comes again, soon")
			b.idle(t, 1)
			h.mu.Lock()
			defer h.mu.Unlock()
			require.Contains(t, h.states, mss.WatchPaused)
			require.NotContains(t, h.states, mss.WatchEnded)
		})
	}
}

// uncomparable is an error that panics when it is compared.
type uncomparable []string

func (u uncomparable) Error() string { return strings.Join(u, ", ") }

func TestWatchSurvivesAnErrorThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	h := newHandled()
	left := 3
	h.fail = func(mss.Arrival) error {
		if left--; left >= 0 {
			return uncomparable{"two", "fields"}
		}
		return nil
	}
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	require.NoError(t, b.watch(t, h).Add(b.access, mss.Cursor{}))
	h.next(t)
}

// TestRenumberedLastsUntilAllHasComeAgain: through failures of Handle, a lost
// connection, and a restart from the cursor stored.
func TestRenumberedLastsUntilAllHasComeAgain(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 5, func(i int) []byte { return numbered(i) }))
	h := newHandled()
	w := b.watch(t, h)
	m := b.open(t)
	since, err := m.Now(context.Background(), "")
	require.NoError(t, err)
	require.NoError(t, w.Add(b.access, since))
	b.idle(t, 1)
	tries := map[uint32]int{}
	h.mu.Lock()
	h.fail = func(a mss.Arrival) error {
		n := a.Summary.UID.Number
		tries[n]++
		switch {
		case n == 1 && tries[n] == 1:
			return errors.New("database busy")
		case n == 2 && tries[n] == 1:
			b.server.Disconnect(pharmacy, "")
			return errors.New("database gone with the network")
		case n >= 4 && tries[n] < 1000:
			tries[n] = 0
			return errors.New("not before the restart")
		}
		return nil
	}
	h.mu.Unlock()
	require.NoError(t, b.server.Renumber(pharmacy))
	var stored string
	for n := range 3 {
		a := h.next(t)
		require.EqualValues(t, n+1, a.Summary.UID.Number)
		require.True(t, a.Renumbered, "message %d", n+1)
		stored = a.Cursor.String()
	}
	require.NoError(t, w.Close())

	h.mu.Lock()
	h.fail = nil
	h.mu.Unlock()
	require.NoError(t, b.server.Deliver(pharmacy, numbered(6)))
	var cursor mss.Cursor
	require.NoError(t, cursor.UnmarshalText([]byte(stored)))
	require.Equal(t, stored, cursor.String())
	require.NoError(t, b.watch(t, h).Add(b.access, cursor))
	for _, want := range []bool{true, true, false} {
		a := h.next(t)
		require.Equal(t, want, a.Renumbered, "message %d", a.Summary.UID.Number)
	}
}

// What was emptied when it was renumbered is told with the next arrival.
func TestRenumberedInboxThatIsEmpty(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 1, func(i int) []byte { return numbered(i) }))
	m := b.open(t)
	since, err := m.Now(context.Background(), "")
	require.NoError(t, err)
	_, err = m.Trash(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	require.NoError(t, b.server.Renumber(pharmacy))
	h := newHandled()
	require.NoError(t, b.watch(t, h).Add(b.access, since))
	b.idle(t, 1)
	require.NoError(t, b.server.Deliver(pharmacy, numbered(2)))
	require.True(t, h.next(t).Renumbered)
	require.NoError(t, b.server.Deliver(pharmacy, numbered(3)))
	require.False(t, h.next(t).Renumbered)
}

// Failures of different messages do not add up: with a first pause of 20 ms that
// doubles, eleven in a row would be a wait of 40 s.
func TestProgressForgetsFailures(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 11, func(i int) []byte { return numbered(i) }))
	h := newHandled()
	failed := map[uint32]bool{}
	h.fail = func(a mss.Arrival) error {
		if n := a.Summary.UID.Number; !failed[n] {
			failed[n] = true
			return errors.New("database busy")
		}
		return nil
	}
	var pauses []time.Duration // announced ones, whatever the machine does
	w := b.watch(t, h, func(c *mss.WatchConfig) {
		c.Retry = 20 * time.Millisecond
		c.Changed = func(s mss.WatchStatus) {
			if s.State == mss.WatchPaused {
				pauses = append(pauses, s.Retry.Sub(s.At))
			}
		}
	})
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	for range 11 {
		h.next(t)
	}
	require.NoError(t, w.Close())
	require.Len(t, pauses, 11)
	for _, p := range pauses {
		require.Less(t, p, time.Second)
	}
}

// flooding pushes without end that there are messages, and finds none.
func flooding(t *testing.T, searches *atomic.Int64) string {
	const caps = "CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 IDLE"
	var mu sync.Mutex
	var idle string
	return new(scripted).serve(t, "* OK ["+caps+"] ready", true, func(line string) string {
		tag, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(rest, "UID SEARCH"):
			searches.Add(1)
			return "* SEARCH\r\n" + tag + " OK done\r\n"
		case rest == "IDLE":
			mu.Lock()
			defer mu.Unlock()
			idle = tag
			return "+ idling\r\n" + strings.Repeat("* 5 EXISTS\r\n", 50)
		case line == "DONE":
			mu.Lock()
			defer mu.Unlock()
			return idle + " OK done\r\n"
		case rest == "CAPABILITY":
			return "* " + caps + "\r\n" + tag + " OK done\r\n"
		case strings.HasPrefix(rest, "AUTHENTICATE"):
			return tag + " OK [" + caps + "] done\r\n"
		case strings.HasPrefix(rest, "SELECT"), strings.HasPrefix(rest, "EXAMINE"):
			return "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 9] x\r\n* FLAGS (\\Seen)\r\n" + tag + " OK [READ-ONLY] done\r\n"
		}
		return tag + " OK done\r\n"
	})
}

func TestWatchIsNotDrivenByPushesOfNothing(t *testing.T) {
	t.Parallel()
	var searches atomic.Int64
	address := flooding(t, &searches)
	c, a := opening(t, mss.Environment{IMAP: address, Submission: address, ImplicitTLS: true}, socle.TokenFunc(jeton))
	w, err := c.Watch(context.Background(), mss.WatchConfig{Handle: func(context.Context, mss.Arrival) error { return nil }, Retry: time.Millisecond})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(a, mss.Cursor{}))
	require.Eventually(t, func() bool { return searches.Load() >= 3 }, 20*time.Second, time.Millisecond)
	time.Sleep(500 * time.Millisecond) // at 2500 a second before
	require.Less(t, searches.Load(), int64(40))
}

// The last number there can be is told, and the cursor after it can be stored.
func TestCursorAfterTheLastUID(t *testing.T) {
	t.Parallel()
	c, a := operator(t, func(tag, rest string) string {
		header := "Message-ID: <1@x>\r\n\r\n"
		switch {
		case strings.HasPrefix(rest, "UID SEARCH"):
			return "* SEARCH 4294967295\r\n" + tag + " OK done\r\n"
		case strings.HasPrefix(rest, "UID FETCH"):
			return fmt.Sprintf("* 1 FETCH (UID 4294967295 FLAGS () INTERNALDATE \"05-Oct-2026 10:00:00 +0200\" RFC822.SIZE 300 BODY[HEADER.FIELDS (From To Cc Date Subject Message-ID In-Reply-To References X-MSS-CODECDA X-MSS-INS X-MSS-NIL X-MSS-MES)]<0> {%d}\r\n%s)\r\n%s OK done\r\n", len(header), header, tag)
		}
		return ""
	})
	m, err := c.Open(context.Background(), a)
	require.NoError(t, err)
	defer m.Close()
	arrived := 0
	for change, err := range m.Changes(context.Background(), "", mss.Cursor{}) {
		require.NoError(t, err)
		if change.Kind == mss.ChangeArrived {
			arrived++
		}
		var again mss.Cursor
		require.NoError(t, again.UnmarshalText([]byte(change.Cursor.String())), change.Kind)
		require.Equal(t, change.Cursor, again)
	}
	require.Equal(t, 1, arrived)
}
