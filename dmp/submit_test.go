package dmp_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

func TestADocumentIsAddedToARecord(t *testing.T) {
	t.Parallel()
	srv, indirect := setup(t, dmptest.Options{})
	for mode, c := range map[string]*dmp.Client{
		"INDIRECTE": indirect,
		"DIRECTE":   client(t, srv, direct),
		// In AIR the DMP refuses to be fed: documents go INDIRECTE.
		"INDIRECTE, of a client in AIR": client(t, srv, func(cfg *dmp.Config) { cfg.Mode = dmp.AIR }),
		"DIRECTE, unsigned":             client(t, srv, direct, func(cfg *dmp.Config) { cfg.Dialect.UnsignedDirect = true }),
		"INDIRECTE, with SHA-1":         client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.SHA1 = true }),
		"INDIRECTE, lot with SHA-256":   client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.LotSHA256 = true }),
	} {
		patient := qualified(t, "HALL")
		r := report()
		r.Visibility = []dmp.Visibility{dmp.HiddenFromRepresentatives}
		s := prepared(t, c, patient, r)
		require.Equal(t, dmp.StateOpen, s.Record.State, mode)
		got, err := c.Submit(context.Background(), pharmacist, patient, s)
		require.NoError(t, err, mode)
		require.Equal(t, s.Document.ID(), got.DocumentID)
		require.NotEmpty(t, got.SubmissionID)
		require.NotEmpty(t, got.MessageID)

		stored := srv.Documents(find(t, "HALL").INS)
		last := stored[len(stored)-1]
		require.Equal(t, got.DocumentID, last.ID)
		require.Equal(t, got.SubmissionID, last.SubmissionID)
		sum := sha1.Sum(last.Content)
		require.Equal(t, got.Hash, hex.EncodeToString(sum[:]))
		require.EqualValues(t, got.Size, len(last.Content))
		require.Equal(t, "78601-2", last.Type)
		require.Equal(t, "10", last.Class)
		require.Equal(t, "urn:ihe:iti:xds-sd:pdf:2008", last.Format)
		require.Equal(t, []string{"INVISIBLE_REPRESENTANTS_LEGAUX"}, last.Visibility)
		require.Equal(t, mode[:len(last.Mode)], last.Mode)
		file, err := last.PDF()
		require.NoError(t, err)
		want, err := r.File.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(want)
		require.NoError(t, err)
		require.Equal(t, b, file)
	}
	require.Len(t, srv.Documents(find(t, "HALL").INS), 6)
	require.Empty(t, srv.Documents(ins.INS{}))
}
