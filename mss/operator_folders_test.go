package mss_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
)

// came delivers a message to the pharmacy and gives its summary.
func came(t *testing.T, o *house, m *mss.Mailbox, subject string) mss.Summary {
	t.Helper()
	raw, id := unique(simple("Dr_Paul_MEDECIN_Cabinet <"+office+">", subject, "Bonjour"))
	o.deliver(t, pharmacy, raw)
	return arrived(t, m, byID(id))
}

func operatorFolders(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	r, err := m.Send(ctx, letter(t, "Copie"))
	require.NoError(t, err)
	require.True(t, r.SentCopy)
	all, err := m.Folders(ctx)
	require.NoError(t, err)
	i := slices.IndexFunc(all, func(f mss.Folder) bool { return f.Use == mss.FolderSent })
	require.GreaterOrEqual(t, i, 0)
	sent, err := m.Search(ctx, mss.Query{Folder: all[i].Name, MessageID: r.MessageID})
	require.NoError(t, err)
	require.Len(t, sent, 1, "one copy, in the folder of sent messages")
	for s, err := range m.Summaries(ctx, sent...) {
		require.NoError(t, err)
		require.True(t, s.Seen)
	}
	name := "Traité " + time.Now().Format("150405.000000") // two bytes, in the operator's encoding of names
	require.NoError(t, m.CreateFolder(ctx, name))
	require.Error(t, m.CreateFolder(ctx, name))
	require.NoError(t, m.RenameFolder(ctx, name, name+" & rangé"))
	all, err = m.Folders(ctx)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(all, func(f mss.Folder) bool { return f.Name == name+" & rangé" }))
}

func operatorMarks(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	s := came(t, o, m, "À lire")
	_, unseen, err := m.Count(ctx, "")
	require.NoError(t, err)
	for _, f := range []mss.Flag{mss.FlagSeen, mss.FlagAnswered, "$Dispensed"} {
		require.NoError(t, m.Mark(ctx, f, s.UID))
		found, err := m.Search(ctx, mss.Query{MessageID: s.MessageID, Flags: []mss.Flag{f}})
		require.NoError(t, err)
		require.Equal(t, []mss.UID{s.UID}, found, f)
	}
	_, after, err := m.Count(ctx, "")
	require.NoError(t, err)
	require.Equal(t, unseen-1, after)
	require.NoError(t, m.Unmark(ctx, mss.FlagSeen, s.UID))
	found, err := m.Search(ctx, mss.Query{MessageID: s.MessageID, Unseen: true})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func operatorSearches(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	s := came(t, o, m, "Introuvable ailleurs")
	for name, q := range map[string]mss.Query{
		"identifier":  {MessageID: s.MessageID},
		"subject":     {MessageID: s.MessageID, Subject: "trouvable AILL"},
		"sender":      {MessageID: s.MessageID, From: "medecin_cab"},
		"text":        {MessageID: s.MessageID, Text: "bonjour"},
		"day":         {MessageID: s.MessageID, Since: time.Now().AddDate(0, 0, -1), Before: time.Now().AddDate(0, 0, 2)},
		"header":      {MessageID: s.MessageID, Headers: map[string]string{"Content-Type": ""}},
		"size":        {MessageID: s.MessageID, MinSize: 50},
		"without":     {MessageID: s.MessageID, Without: []mss.Flag{mss.FlagFlagged}},
		"any of them": {},
	} {
		found, err := m.Search(ctx, q)
		require.NoError(t, err, name)
		require.Contains(t, found, s.UID, name)
	}
	for name, q := range map[string]mss.Query{
		"another subject": {MessageID: s.MessageID, Subject: "autre"},
		"another day":     {MessageID: s.MessageID, Since: time.Now().AddDate(0, 0, 2)},
		"X-MSS-CODECDA":   {MessageID: s.MessageID, Headers: map[string]string{"X-MSS-CODECDA": ""}},
		"accents":         {MessageID: s.MessageID, Text: "préparée"},
	} {
		found, err := m.Search(ctx, q)
		require.NoError(t, err, name)
		require.Empty(t, found, name)
	}
}

func operatorMoves(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	first, second := came(t, o, m, "Un"), came(t, o, m, "Deux")
	folder := "Rangés " + time.Now().Format("150405.000000")
	require.NoError(t, m.CreateFolder(ctx, folder))
	report, err := m.Move(ctx, folder, first.UID)
	require.NoError(t, err)
	require.Empty(t, report.Degraded)
	moved, ok := report.Moved[first.UID]
	require.True(t, ok, "the operator tells where it is")
	msg, err := m.Read(ctx, moved)
	require.NoError(t, err)
	require.Equal(t, first.MessageID, msg.MessageID)
	_, err = m.Read(ctx, first.UID)
	require.ErrorIs(t, err, mss.ErrNoMessage)
	report, err = m.Trash(ctx, second.UID)
	require.NoError(t, err)
	require.Len(t, report.Moved, 1)
	found, err := m.Search(ctx, mss.Query{Folder: report.Folder, MessageID: second.MessageID})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

// What becomes of messages is told once, from the cursor that was stored.
func operatorFollows(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	s := came(t, o, m, "Suivi")
	cursor, err := m.Now(ctx, "")
	require.NoError(t, err)
	follow := func() (kinds []mss.ChangeKind) {
		for c, err := range m.Changes(ctx, "", cursor) {
			require.NoError(t, err)
			kinds = append(kinds, c.Kind)
			cursor = c.Cursor
		}
		return kinds
	}
	require.NotContains(t, follow(), mss.ChangeArrived)
	other := o.open(t, pharmacy)
	require.NoError(t, other.Mark(ctx, mss.FlagFlagged, s.UID))
	came(t, o, other, "Nouveau")
	kinds := follow()
	require.Contains(t, kinds, mss.ChangeArrived)
	require.Contains(t, kinds, mss.ChangeFlags)
	_, err = other.Trash(ctx, s.UID)
	require.NoError(t, err)
	require.Contains(t, follow(), mss.ChangeVanished)
	require.NotContains(t, follow(), mss.ChangeVanished)
}

// A message is pushed within two seconds of its arrival, by IDLE.
func operatorWatches(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	now, err := m.Now(ctx, "")
	require.NoError(t, err)
	h := newHandled()
	pushed := make(chan struct{}, 100)
	w, err := o.client(t).Watch(ctx, mss.WatchConfig{Handle: h.handle, Poll: time.Hour, Changed: func(s mss.WatchStatus) {
		h.changed(s)
		if s.State == mss.WatchPushed {
			pushed <- struct{}{}
		}
	}})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(o.access(t, pharmacy), now))
	select {
	case <-pushed:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "not connected", "%v", h.states)
	}
	for _, subject := range []string{"Un", "Deux"} {
		raw, id := unique(simple("<"+office+">", subject, "Bonjour"))
		at := time.Now()
		o.deliver(t, pharmacy, raw)
		select {
		case a := <-h.came:
			require.Equal(t, id, a.Summary.MessageID)
			t.Logf("announced after %v", time.Since(at))
		case <-time.After(20 * time.Second): // two seconds is the aim; a busy machine may be late
			require.FailNow(t, "not pushed")
		}
	}
	require.NoError(t, w.Close())
	require.Len(t, h.seen(), 2)
}
