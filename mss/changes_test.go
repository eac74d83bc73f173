package mss_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// told is what a sequence of changes says, and the last cursor.
func told(t testing.TB, m *mss.Mailbox, folder string, since mss.Cursor) (lines []string, untold []mss.ChangeKind, last mss.Cursor) {
	t.Helper()
	last = since
	for c, err := range m.Changes(context.Background(), folder, since) {
		require.NoError(t, err)
		require.False(t, c.Cursor.IsZero())
		last = c.Cursor
		switch c.Kind {
		case mss.ChangeRenumbered:
			lines = append(lines, "renumbered")
		case mss.ChangeNone:
			untold = c.Untold
		case mss.ChangeFlags:
			lines = append(lines, fmt.Sprintf("%s %d %v", c.Kind, c.UID.Number, c.Flags))
		default:
			lines = append(lines, fmt.Sprintf("%s %d", c.Kind, c.UID.Number))
		}
	}
	return lines, untold, last
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		without         []string
		flags, vanished bool
	}{
		{"QRESYNC", nil, true, true},
		{"CONDSTORE", []string{"QRESYNC"}, true, false},
		{"neither", []string{"QRESYNC", "CONDSTORE"}, false, false},
		{"IMAP4rev1 alone", []string{"QRESYNC", "CONDSTORE", "ESEARCH", "ENABLE", "UIDPLUS", "MOVE", "SASL-IR"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{Without: c.without})
			m := b.open(t)
			require.NoError(t, b.server.Fill(pharmacy, 5, func(i int) []byte { return numbered(i) }))
			lines, untold, cursor := told(t, m, "", mss.Cursor{})
			require.Equal(t, []string{"arrived 1", "arrived 2", "arrived 3", "arrived 4", "arrived 5"}, lines)
			require.Equal(t, !c.flags, slices.Contains(untold, mss.ChangeFlags))
			require.Equal(t, !c.vanished, slices.Contains(untold, mss.ChangeVanished))
			lines, _, cursor = told(t, m, "INBOX", cursor)
			require.Empty(t, lines)

			require.NoError(t, b.server.Flag(pharmacy, 2, `\Seen`))
			require.NoError(t, b.server.Flag(pharmacy, 2, "$Forwarded"))
			require.NoError(t, b.server.Expunge(pharmacy, 1, 3, 4))
			require.NoError(t, b.server.Deliver(pharmacy, numbered(6)))
			require.NoError(t, b.server.Flag(pharmacy, 3, `\Flagged`)) // the one that has just arrived
			var want []string
			if c.flags {
				want = append(want, `flags 2 [\Seen $Forwarded]`)
			}
			if c.vanished {
				want = append(want, "vanished 1", "vanished 3", "vanished 4")
			}
			before := cursor
			for range 2 { // what is not stored comes again
				lines, _, cursor = told(t, m, "", before)
				require.Equal(t, append(slices.Clone(want), "arrived 6"), lines)
			}
			lines, _, cursor = told(t, m, "", cursor)
			require.Empty(t, lines)

			require.NoError(t, b.server.Renumber(pharmacy))
			lines, _, cursor = told(t, m, "", cursor)
			require.Equal(t, []string{"renumbered", "arrived 1", "arrived 2", "arrived 3"}, lines)
			lines, _, _ = told(t, m, "", cursor)
			require.Empty(t, lines)
		})
	}
}

// A caller that dies after any change, having stored the cursor of the one
// before or not, misses nothing; flags and vanished messages may come again.
func TestChangesAreToldAtLeastOnce(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	require.NoError(t, b.server.Fill(pharmacy, 250, func(i int) []byte { return numbered(i) }))
	_, _, cursor := told(t, m, "", mss.Cursor{})
	require.NoError(t, b.server.Flag(pharmacy, 7, `\Seen`))
	require.NoError(t, b.server.Expunge(pharmacy, 9))
	require.NoError(t, b.server.Fill(pharmacy, 220, func(i int) []byte { return numbered(i) }))
	want, _, _ := told(t, m, "", cursor)
	require.Len(t, want, 222)
	for stop := 1; stop < len(want); stop += 37 {
		var got []string
		at, n := cursor, 0
		for c, err := range m.Changes(context.Background(), "", cursor) {
			require.NoError(t, err)
			if n == stop { // this one was not handled
				break
			}
			n, at = n+1, c.Cursor
			got = append(got, fmt.Sprintf("%s %d", c.Kind, c.UID.Number))
		}
		rest, _, _ := told(t, m, "", at)
		for _, line := range want {
			kind, _, _ := strings.Cut(line, " [")
			count := 0
			for _, l := range append(slices.Clone(got), rest...) {
				if l, _, _ := strings.Cut(l, " ["); l == kind {
					count++
				}
			}
			require.GreaterOrEqual(t, count, 1, "%s after stopping at %d", line, stop)
			if strings.HasPrefix(kind, "arrived") {
				require.Equal(t, 1, count, "%s after stopping at %d", line, stop)
			}
		}
	}
}

func TestChangesSurviveALostConnection(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	require.NoError(t, b.server.Fill(pharmacy, 10, func(i int) []byte { return numbered(i) }))
	_, _, cursor := told(t, m, "", mss.Cursor{})
	require.NoError(t, b.server.Flag(pharmacy, 1, `\Seen`))
	require.NoError(t, b.server.Deliver(pharmacy, numbered(11)))
	for _, f := range []emulator.Fault{{Operation: msstest.OpSelect, ResetBefore: true}, {Operation: msstest.OpFetch, ResetAfter: true}, {Operation: msstest.OpSearch, ResetAfter: true}} {
		b.server.Fail(f)
		lines, _, _ := told(t, m, "", cursor)
		require.Equal(t, []string{`flags 1 [\Seen]`, "arrived 11"}, lines, f)
	}
	// An operator that cannot tell changes after all still tells arrivals.
	b.server.Fail(emulator.Fault{Operation: msstest.OpFetch, Status: 400})
	lines, untold, _ := told(t, m, "", cursor)
	require.Equal(t, []string{"arrived 11"}, lines)
	require.Equal(t, []mss.ChangeKind{mss.ChangeFlags, mss.ChangeVanished}, untold)
}

func TestNow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	m := b.open(t)
	for _, folder := range []string{"INBOX", "Archive"} {
		require.NoError(t, b.server.DeliverInto(pharmacy, folder, numbered(1)))
		cursor, err := m.Now(ctx, folder)
		require.NoError(t, err)
		lines, _, _ := told(t, m, folder, cursor)
		require.Empty(t, lines)
		require.NoError(t, b.server.DeliverInto(pharmacy, folder, numbered(2)))
		lines, _, _ = told(t, m, folder, cursor)
		require.Equal(t, []string{"arrived 2"}, lines)
	}
}

func TestCursorIsOfOneFolder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	m := b.open(t)
	cursor, err := m.Now(ctx, "")
	require.NoError(t, err)
	for _, err := range m.Changes(ctx, "Archive", cursor) {
		require.ErrorContains(t, err, "another mailbox or folder")
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	stored, err := json.Marshal(map[string]mss.Cursor{"inbox": cursor, "none": {}})
	require.NoError(t, err)
	var read map[string]mss.Cursor
	require.NoError(t, json.Unmarshal(stored, &read))
	require.Equal(t, cursor, read["inbox"])
	require.True(t, read["none"].IsZero())
	text := cursor.String()
	require.NotContains(t, text, "@")
	for i := range text {
		for _, bad := range []string{text[:i], text[:i] + "A" + text[i+1:], text[:i] + "_" + text[i+1:], text + text[:i+1]} {
			var c mss.Cursor
			if bad != text && bad != "" {
				require.Error(t, c.UnmarshalText([]byte(bad)), bad)
			}
		}
	}
}

// The work of following a mailbox is in proportion to what is new: counted in
// commands, bytes and messages, not in time.
func TestLargeMailboxIsFollowedForWhatIsNew(t *testing.T) {
	t.Parallel()
	const size = 50_000
	for name, without := range map[string][]string{"QRESYNC": nil, "CONDSTORE": {"QRESYNC"}, "IMAP4rev1": {"QRESYNC", "CONDSTORE", "ESEARCH"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{Without: without})
			require.NoError(t, b.server.Fill(pharmacy, size, func(i int) []byte { return numbered(i) }))
			m := b.open(t)
			cursor, err := m.Now(context.Background(), "")
			require.NoError(t, err)
			work := func(what string, arrivals int) msstest.Traffic {
				before := b.server.Traffic(pharmacy)
				var lines []string
				lines, _, cursor = told(t, m, "", cursor)
				n := 0
				for _, l := range lines {
					if strings.HasPrefix(l, "arrived") {
						n++
					}
				}
				require.Equal(t, arrivals, n, what)
				after := b.server.Traffic(pharmacy)
				d := msstest.Traffic{Commands: after.Commands - before.Commands, Received: after.Received - before.Received,
					Sent: after.Sent - before.Sent, Fetched: after.Fetched - before.Fetched}
				t.Logf("%s: %+v", what, d)
				return d
			}
			none := work("nothing", 0)
			require.LessOrEqual(t, none.Commands, 1)
			require.Zero(t, none.Fetched)
			require.Less(t, none.Sent, int64(1000))

			require.NoError(t, b.server.Fill(pharmacy, 10, func(i int) []byte { return numbered(i) }))
			if without == nil {
				require.NoError(t, b.server.Flag(pharmacy, 40_000, `\Seen`))
				require.NoError(t, b.server.Expunge(pharmacy, 1, 2, 3, 20_000))
			}
			ten := work("ten arrivals", 10)
			require.LessOrEqual(t, ten.Commands, 5)
			require.LessOrEqual(t, ten.Fetched, 11)
			require.Less(t, ten.Sent, int64(10*1000))
			require.Less(t, ten.Received, int64(2000))

			require.NoError(t, b.server.Fill(pharmacy, 1000, func(i int) []byte { return numbered(i) }))
			thousand := work("a thousand arrivals", 1000)
			require.Equal(t, 1000, thousand.Fetched)
			require.LessOrEqual(t, thousand.Commands, 3+2*10)
			require.Less(t, thousand.Sent, int64(1000*600))
		})
	}
}

func TestFirstSyncIsBoundedInMemory(t *testing.T) { // not parallel: it measures
	const size = 50_000
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, size, func(i int) []byte { return numbered(i) }))
	m := b.open(t)
	var base, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&base)
	n, peak := 0, uint64(0)
	for c, err := range m.Changes(context.Background(), "", mss.Cursor{}) {
		require.NoError(t, err)
		if c.Kind == mss.ChangeArrived {
			n++
		}
		if n%10_000 == 5000 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > base.HeapAlloc {
				peak = max(peak, now.HeapAlloc-base.HeapAlloc)
			}
		}
	}
	require.Equal(t, size, n)
	t.Logf("at most %d kB more than before, emulator included", peak>>10)
	require.Less(t, peak, uint64(8<<20))
}

// Whatever happens between two calls, in whatever order, a caller that keeps
// what it is told knows the folder.
func TestFollowerKnowsTheFolder(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	rapid.Check(t, func(rt *rapid.T) {
		known := map[uint32]string{}
		var cursor mss.Cursor
		follow := func(stops bool) {
			for c, err := range m.Changes(context.Background(), "", cursor) {
				if err != nil {
					rt.Fatal(err)
				}
				switch c.Kind {
				case mss.ChangeRenumbered:
					clear(known)
				case mss.ChangeArrived:
					known[c.UID.Number] = fmt.Sprint(c.Summary.Flags)
				case mss.ChangeFlags:
					known[c.UID.Number] = fmt.Sprint(c.Flags)
				case mss.ChangeVanished:
					delete(known, c.UID.Number)
				}
				cursor = c.Cursor
				if stops && rapid.IntRange(0, 9).Draw(rt, "stop") == 0 {
					return // the rest comes next time
				}
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			n := len(b.server.Flags(pharmacy, "INBOX"))
			switch op := rapid.IntRange(0, 5).Draw(rt, "op"); {
			case op <= 1:
				_ = b.server.Deliver(pharmacy, numbered(n))
			case op == 2 && n > 0:
				_ = b.server.Flag(pharmacy, rapid.IntRange(1, n).Draw(rt, "which"), rapid.SampledFrom([]string{`\Seen`, `\Flagged`}).Draw(rt, "flag"))
			case op == 3 && n > 0:
				_ = b.server.Expunge(pharmacy, rapid.IntRange(1, n).Draw(rt, "which"))
			case op == 4 && rapid.IntRange(0, 3).Draw(rt, "rare") == 0:
				_ = b.server.Renumber(pharmacy)
			default:
				follow(true)
			}
		}
		follow(false)
		l := list(t, m, mss.UID{})
		if len(l) != len(known) {
			rt.Fatalf("%d messages known, %d there", len(known), len(l))
		}
		for _, s := range l {
			if got := known[s.UID.Number]; got != fmt.Sprint(s.Flags) {
				rt.Fatalf("message %d: %s known, %v there", s.UID.Number, got, s.Flags)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQ", "é", strings.Repeat("A", 34)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var c mss.Cursor
		if c.UnmarshalText([]byte(s)) == nil {
			require.Equal(t, s, c.String())
		}
	})
}
