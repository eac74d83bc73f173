package mss_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
)

// operatorConverses sends documents, replaces them, has them deleted and looks
// for what was sent.
func operatorConverses(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy, withOID, func(c *mss.Config) { c.Environment.Test = true })
	other := o.open(t, office)
	read := func(in *mss.Mailbox, s mss.Summary) *mss.Message {
		msg, err := in.Read(ctx, s.UID)
		require.NoError(t, err)
		require.Empty(t, msg.Faults)
		return msg
	}
	kept := func(id string) *mss.Message {
		found, err := m.InSent(ctx, id)
		require.NoError(t, err)
		require.True(t, found)
		all, err := m.Folders(ctx)
		require.NoError(t, err)
		for _, f := range all {
			if f.Use == mss.FolderSent {
				ids, err := m.Search(ctx, mss.Query{Folder: f.Name, MessageID: id})
				require.NoError(t, err)
				require.Len(t, ids, 1)
				return read(m, mss.Summary{UID: ids[0]})
			}
		}
		require.FailNow(t, "no folder of sent messages")
		return nil
	}
	d := letter(t, "Intervention")
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}
	r, err := m.Send(ctx, d)
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	got := read(other, arrived(t, other, byID(r.MessageID)))
	require.Len(t, got.Documents, 1)
	require.NoError(t, got.Documents[0].Err)
	require.NotNil(t, got.Documents[0].PDF)
	require.Equal(t, matricule, got.Documents[0].Patient.Matricule.Wire())

	first := kept(r.MessageID)
	found, err := m.InSent(ctx, "personne@pharmacie.formation.mssante.fr")
	require.NoError(t, err)
	require.False(t, found)
	again, err := m.Resend(ctx, first)
	require.NoError(t, err)
	require.Equal(t, r.MessageID, again.MessageID)
	kept(r.MessageID) // and no second copy

	r, err = m.Replace(ctx, first, mss.Draft{Text: "Erreur.", Documents: []mss.Outgoing{{CDA: next("2", "1"), PDF: pdfa}}})
	require.NoError(t, err)
	got = read(other, arrived(t, other, byID(r.MessageID)))
	require.Equal(t, mss.ActionReplace, got.Documents[0].Action)
	require.Equal(t, first.MessageID, got.InReplyTo)
	r, err = m.Withdraw(ctx, kept(r.MessageID), mss.Draft{})
	require.NoError(t, err)
	got = read(other, arrived(t, other, byID(r.MessageID)))
	require.Equal(t, mss.ActionDelete, got.Documents[0].Action)
}
