package mss_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// What could not be filed goes back to its sender with its archive and PDF,
// announced by the headers of a message with documents.
func TestAFailureGivesTheDocumentsBack(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	ctx := context.Background()
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Ordonnance",
		Text: "Bonjour", Documents: [][]byte{small("1"), small("2", "11488-4", "PRESC-BIO")}, Files: map[string][]byte{"ordonnance.pdf": []byte("%PDF-1.4"), "photo.jpg": []byte("jpeg")}})
	require.NoError(t, err)
	l := list(t, m, mss.UID{})
	got, err := m.Read(ctx, l[0].UID)
	require.NoError(t, err)
	require.Len(t, got.Documents, 2)

	r, err := m.Acknowledge(ctx, got, mss.Acknowledgement{Failure: &mss.Integration{Code: mss.IntegrationINSDiffers}})
	require.NoError(t, err)
	require.Equal(t, 1, r.Patients)
	require.Equal(t, got.INS, r.INS)
	require.Len(t, r.Codes, 2)
	back := mss.ParseMessage(b.server.Received(matricule + "@patient.mssante.fr")[0])
	require.Empty(t, back.Faults)
	require.Len(t, back.Documents, 2, "the archive")
	require.Equal(t, got.Documents[0].Hash, back.Documents[0].Hash)
	var names []string
	for _, a := range back.Attachments {
		names = append(names, a.Name)
		if a.Name == "message_original.eml" {
			raw, err := io.ReadAll(a.Open())
			require.NoError(t, err)
			require.Equal(t, bytes.TrimSpace(b.server.Messages(pharmacy, "INBOX")[0]), bytes.TrimSpace(raw))
		}
	}
	require.Equal(t, []string{"message_original.eml", "ordonnance.pdf"}, names)
	require.Equal(t, mss.StatusIntegrationKO, back.Receipts()[0].Status)
	require.Equal(t, got.MessageID, back.Receipts()[0].MessageID)
}

// A failure gives back less of a message that Mon espace santé would not take
// twice, and its audit record has the pseudonym of the patient.
func TestAFailureToAPatientFits(t *testing.T) {
	t.Parallel()
	var records []socle.AuditRecord
	for limit, c := range map[int64]struct {
		files    int
		degraded string
	}{
		1_000_000: {files: 2},
		260_000:   {files: 1, degraded: "beside it"},
		100_000:   {files: 1, degraded: "only the header"},
		100:       {},
	} {
		b := set(t, msstest.Options{}, func(cfg *mss.Config) {
			cfg.Dialect.PatientLimit, cfg.AuditKey = limit, []byte("clé")
			cfg.Audit = func(_ context.Context, a socle.AuditRecord) { records = append(records, a) }
		})
		m := b.open(t)
		_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Ordonnance",
			Text: "Bonjour", Files: map[string][]byte{"ordonnance.pdf": bytes.Repeat([]byte("%PDF-1.4 "), 16_000)}})
		require.NoError(t, err)
		got, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
		require.NoError(t, err)
		records = nil
		r, err := m.Acknowledge(context.Background(), got, mss.Acknowledgement{Failure: &mss.Integration{Code: mss.IntegrationOther}})
		if c.files == 0 {
			require.ErrorIs(t, err, mss.ErrTooLarge)
			require.ErrorContains(t, err, "Mon espace santé")
			continue
		}
		require.NoError(t, err)
		back := mss.ParseMessage(b.server.Received(anne)[0])
		require.Len(t, back.Attachments, c.files, limit)
		require.LessOrEqual(t, r.Size, limit)
		require.Equal(t, got.MessageID, back.Receipts()[0].MessageID)
		if c.degraded == "" {
			require.Empty(t, r.Degraded)
		} else {
			require.ErrorContains(t, errors.New(r.Degraded[0].Text), c.degraded)
		}
		require.Len(t, records, 1)
		require.Equal(t, "smtp.acknowledge", records[0].Operation)
		require.Equal(t, socle.Watch{AuditKey: []byte("clé")}.Pseudonym(matricule), records[0].Patient)
	}
}

func TestAReceiptThatIsRefusedOrLost(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.Dialect.ReceiptSender = true })
	m := b.open(t)
	path := "<" + office + ">"
	msg := mss.ParseMessage(asking("q.1@x.fr", path, path))
	_, err := m.Acknowledge(context.Background(), msg, mss.Acknowledgement{})
	require.ErrorContains(t, err, "RFC 8098", "the emulator refuses a receipt that has a sender in the envelope")
	require.ErrorContains(t, err, "mss: acknowledge")

	b = set(t, msstest.Options{}, func(c *mss.Config) { c.SendLimit = 100 })
	_, err = b.open(t).Acknowledge(context.Background(), msg, mss.Acknowledgement{})
	require.ErrorIs(t, err, mss.ErrTooLarge)

	b = set(t, msstest.Options{})
	m = b.open(t)
	b.server.Fail(emulator.Fault{Operation: msstest.OpSubmit, ResetAfter: true})
	r, err := m.Acknowledge(context.Background(), msg, mss.Acknowledgement{})
	require.Error(t, err)
	require.False(t, r.Submitted)
}
