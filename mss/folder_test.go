package mss_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func numbered(i int, more ...string) []byte {
	return []byte(fmt.Sprintf("From: Cabinet %d <%s>\r\nTo: <%s>\r\nSubject: =?utf-8?Q?R=C3=A9sultat?= %d\r\nMessage-ID: <%d@test.mssante.fr>\r\n%s\r\nTexte %d\r\n",
		i, office, pharmacy, i, i, strings.Join(more, ""), i))
}

func TestFolders(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, without := range map[string][]string{"special use": nil, "names": {"SPECIAL-USE"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{Without: without})
			m := b.open(t)
			l, err := m.Folders(ctx)
			require.NoError(t, err)
			require.Equal(t, []mss.Folder{{Name: "INBOX", Use: mss.FolderInbox}, {Name: "Sent", Use: mss.FolderSent}, {Name: "Drafts", Use: mss.FolderDrafts},
				{Name: "Trash", Use: mss.FolderTrash}, {Name: "Archive", Use: mss.FolderArchive}}, l)
			require.NoError(t, m.CreateFolder(ctx, "Ordonnances/À préparer & faits"))
			require.NoError(t, m.RenameFolder(ctx, "Ordonnances/À préparer & faits", "Ordonnances/Prêtes"))
			l, err = m.Folders(ctx)
			require.NoError(t, err)
			require.Equal(t, mss.Folder{Name: "Ordonnances/Prêtes"}, l[5])
			err = m.CreateFolder(ctx, "Sent")
			require.ErrorContains(t, err, "ALREADYEXISTS")
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			for _, bad := range []string{"", "inbox", "a\r\nb", "a*", strings.Repeat("a", 501)} {
				require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(m.CreateFolder(ctx, bad)), "%q", bad)
			}
		})
	}
}

func TestFolderOtherThanTheInbox(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	require.NoError(t, b.server.DeliverInto(pharmacy, "Archive", numbered(2), `\seen`))
	m := b.open(t)
	l := list(t, m, mss.UID{Folder: "Archive"})
	require.Len(t, l, 1)
	require.Equal(t, "Archive", l[0].UID.Folder)
	require.True(t, l[0].Seen)
	msg, err := m.Read(ctx, l[0].UID)
	require.NoError(t, err)
	require.Equal(t, "Texte 2", msg.Text)
	require.Equal(t, l[0].UID, msg.UID)
	in := list(t, m, mss.UID{})
	require.Len(t, in, 1)
	require.Empty(t, in[0].UID.Folder)
	total, unseen, err := m.Count(ctx, "Archive")
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{total, unseen})
	for _, err := range m.List(ctx, mss.UID{Folder: "Absent"}) {
		require.ErrorContains(t, err, "NONEXISTENT")
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 3, func(i int) []byte { return numbered(i) }))
	m := b.open(t)
	l := list(t, m, mss.UID{})
	require.NoError(t, m.Mark(ctx, mss.FlagSeen, l[0].UID, l[2].UID))
	require.NoError(t, m.Mark(ctx, mss.FlagForwarded, l[0].UID))
	require.NoError(t, m.Mark(ctx, "$Dispensed", l[1].UID))
	require.NoError(t, m.Mark(ctx, mss.FlagSeen), "nothing to mark")
	require.Equal(t, [][]string{{"$Forwarded", `\Seen`}, {"$Dispensed"}, {`\Seen`}}, b.server.Flags(pharmacy, "INBOX"))
	require.NoError(t, m.Unmark(ctx, mss.FlagSeen, l[0].UID))
	l = list(t, m, mss.UID{})
	require.Equal(t, []mss.Flag{mss.FlagForwarded}, l[0].Flags)
	require.False(t, l[0].Seen)
	require.True(t, l[2].Seen)

	b.server.Fail(emulator.Fault{Operation: msstest.OpStore, ResetAfter: true})
	require.NoError(t, m.Mark(ctx, mss.FlagAnswered, l[0].UID), "it may be done twice")

	for _, bad := range []mss.Flag{"", `\Deleted`, `\Recent`, "a b", "é", "a\r\nT9 LOGOUT"} {
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(m.Mark(ctx, bad, l[0].UID)), "%q", bad)
	}
	other := l[1].UID
	other.Folder = "Archive"
	require.Error(t, m.Mark(ctx, mss.FlagSeen, l[0].UID, other), "two folders")
	require.NoError(t, b.server.Renumber(pharmacy))
	require.ErrorIs(t, m.Mark(ctx, mss.FlagSeen, l[0].UID), mss.ErrNoMessage)

	b = set(t, msstest.Options{Keywords: []string{`\Seen`, `\Deleted`}})
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	m = b.open(t)
	l = list(t, m, mss.UID{})
	require.ErrorIs(t, m.Mark(ctx, mss.FlagReceiptSent, l[0].UID), mss.ErrNotKept)
	require.NoError(t, m.Mark(ctx, mss.FlagSeen, l[0].UID))
}

func TestMove(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, c := range []struct {
		name           string
		without        []string
		fault          emulator.Fault
		copied, stays  bool
		told, degraded bool
	}{
		{name: "MOVE", told: true},
		{name: "no MOVE", without: []string{"MOVE"}, copied: true, told: true},
		{name: "no MOVE, no UIDPLUS", without: []string{"MOVE", "UIDPLUS"}, copied: true, stays: true, degraded: true},
		{name: "MOVE without UIDPLUS", without: []string{"UIDPLUS"}},
		{name: "MOVE that fails", fault: emulator.Fault{Operation: msstest.OpMove, Status: 500}, copied: true, told: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{Without: c.without})
			require.NoError(t, b.server.Fill(pharmacy, 4, func(i int) []byte { return numbered(i) }))
			require.NoError(t, b.server.Flag(pharmacy, 4, `\Deleted`)) // by somebody else
			m := b.open(t)
			l := list(t, m, mss.UID{})
			if c.fault.Operation != "" {
				b.server.Fail(c.fault)
			}
			r, err := m.Move(ctx, "Archive", l[0].UID, l[2].UID, l[2].UID)
			require.NoError(t, err)
			require.Equal(t, "Archive", r.Folder)
			require.Equal(t, c.copied, r.Copied)
			require.Equal(t, c.degraded, len(r.Degraded) > 0)
			require.Len(t, b.server.Messages(pharmacy, "Archive"), 2)
			left := 2
			if c.stays {
				left = 4
				require.Contains(t, b.server.Flags(pharmacy, "INBOX")[0], `\Deleted`)
			}
			require.Len(t, b.server.Messages(pharmacy, "INBOX"), left, "what others have deleted is not ours to expunge")
			if c.told {
				require.Len(t, r.Moved, 2)
				msg, err := m.Read(ctx, r.Moved[l[2].UID])
				require.NoError(t, err)
				require.Equal(t, l[2].MessageID, msg.MessageID)
			} else {
				require.Empty(t, r.Moved)
			}
		})
	}
}

// A connection that the operator has ended meanwhile is noticed before anything
// is changed.
func TestChangesOfAMailboxSurviveALostConnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	m := b.open(t)
	l := list(t, m, mss.UID{})
	for _, words := range []string{"autologout", ""} {
		require.NotZero(t, b.server.Disconnect(pharmacy, words))
		b.tokens.expire()
		require.NoError(t, m.CreateFolder(ctx, "Nouveau "+words))
		require.NotZero(t, b.server.Disconnect(pharmacy, words))
		require.NoError(t, m.Mark(ctx, mss.FlagSeen, l[0].UID))
	}
	b.server.Disconnect(pharmacy, "")
	r, err := m.Move(ctx, "Archive", l[0].UID)
	require.NoError(t, err)
	require.Len(t, r.Moved, 1)
	b.server.Disconnect(pharmacy, "")
	report, err := m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.True(t, report.SentCopy)
}

func TestMoveThatCannotBe(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Fill(pharmacy, 2, func(i int) []byte { return numbered(i) }))
	m := b.open(t)
	l := list(t, m, mss.UID{})
	_, err := m.Move(ctx, "Absent", l[0].UID)
	require.ErrorContains(t, err, "TRYCREATE")
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	_, err = m.Move(ctx, "INBOX", l[0].UID)
	require.Error(t, err)
	require.Len(t, b.server.Messages(pharmacy, "INBOX"), 2)

	b.server.Fail(emulator.Fault{Operation: msstest.OpMove, ResetAfter: true})
	_, err = m.Move(ctx, "Archive", l[0].UID)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err), "it is not done twice by itself")
	require.Len(t, b.server.Messages(pharmacy, "Archive"), 1)

	r, err := m.Trash(ctx, l[1].UID)
	require.NoError(t, err)
	require.Equal(t, "Trash", r.Folder)
	require.Len(t, b.server.Messages(pharmacy, "Trash"), 1)

	b = set(t, msstest.Options{Without: []string{"MOVE"}})
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	m = b.open(t)
	b.server.Fail(emulator.Fault{Operation: msstest.OpStore, Status: 400})
	_, err = m.Move(ctx, "Archive", list(t, m, mss.UID{})[0].UID)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.ErrorContains(t, err, "stay in their folder too")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, without := range [][]string{nil, {"ESEARCH", "LITERAL-"}} {
		b := set(t, msstest.Options{Without: without, Clock: emulator.NewClock(time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))})
		require.NoError(t, b.server.Deliver(pharmacy, numbered(1, "X-MSS-CODECDA: 34112-3,PRESC-BIO\r\n")))
		b.server.Clock().Advance(48 * time.Hour)
		require.NoError(t, b.server.DeliverInto(pharmacy, "INBOX", numbered(2, "In-Reply-To: <1@test.mssante.fr>\r\n"), `\Seen`))
		require.NoError(t, b.server.Deliver(pharmacy, []byte("From: <"+office+">\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nVW4gw6l0w6k=\r\n")))
		m := b.open(t)
		for i, c := range []struct {
			q    mss.Query
			want []uint32
		}{
			{mss.Query{}, []uint32{1, 2, 3}},
			{mss.Query{From: "cabinet 2"}, []uint32{2}},
			{mss.Query{From: office}, []uint32{1, 2, 3}},
			{mss.Query{Subject: "résultat 1"}, []uint32{1}},
			{mss.Query{Text: "été"}, []uint32{3}},
			{mss.Query{Text: "Texte"}, []uint32{1, 2}},
			{mss.Query{Unseen: true}, []uint32{1, 3}},
			{mss.Query{Flags: []mss.Flag{mss.FlagSeen}}, []uint32{2}},
			{mss.Query{Without: []mss.Flag{mss.FlagSeen}, Before: time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC)}, []uint32{1}},
			{mss.Query{Since: time.Date(2026, 10, 7, 23, 0, 0, 0, time.UTC)}, []uint32{2, 3}},
			{mss.Query{Headers: map[string]string{"X-MSS-CODECDA": ""}}, []uint32{1}},
			{mss.Query{Headers: map[string]string{"x-mss-codecda": "PRESC-BIO"}}, []uint32{1}},
			{mss.Query{MessageID: "2@test.mssante.fr"}, []uint32{2}},
			{mss.Query{Headers: map[string]string{"In-Reply-To": "<1@test.mssante.fr>"}, Unseen: true}, nil},
			{mss.Query{MinSize: 100_000}, nil},
			{mss.Query{Folder: "Sent"}, nil},
		} {
			got, err := m.Search(ctx, c.q)
			require.NoError(t, err, i)
			var numbers []uint32
			for _, id := range got {
				numbers = append(numbers, id.Number)
			}
			require.Equal(t, c.want, numbers, "query %d", i)
		}
		ids, err := m.Search(ctx, mss.Query{Text: "Texte"})
		require.NoError(t, err)
		n := 0
		for s, err := range m.Summaries(ctx, ids...) {
			require.NoError(t, err)
			require.Equal(t, ids[n], s.UID)
			n++
		}
		require.Equal(t, 2, n)
		for _, q := range []mss.Query{{Text: "a\r\nT9 LOGOUT"}, {Headers: map[string]string{"a b": ""}}, {Flags: []mss.Flag{"a b"}}, {Subject: strings.Repeat("a", 1001)}} {
			_, err := m.Search(ctx, q)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		}
	}
}
