package dmp_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

func TestALotOfSeveralDocuments(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	c := client(t, srv, audited(&audit))
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	n, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	r := report()
	r.Type, r.File = dmp.MedicationReview, dmp.Bytes("text/plain", []byte("bilan"))
	review, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	s.Documents, s.Title = append(s.Documents, n, review), "Visite du 2 mars"
	audit = nil

	got, err := c.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
	stored := srv.Documents(find(t, "HALL").INS)
	require.Len(t, stored, 3)
	for i, d := range s.Documents {
		require.Equal(t, dmp.Sent{ID: d.ID(), Hash: d.Hash(), Size: d.Size()}, got.Documents[i])
		require.Equal(t, d.ID(), stored[i].ID)
		require.Equal(t, content(t, d), stored[i].Content)
		require.Equal(t, got.SubmissionID, stored[i].SubmissionID)
		require.Equal(t, stored[0].Signature, stored[i].Signature)
		require.Contains(t, string(stored[i].Signature), `URI="urn:oid:`+d.ID()+`"`)
		require.Equal(t, d.ID(), audit[i].Reference)
	}
	require.Len(t, audit, 3)
}

// The signature of a lot covers each of its documents, and nothing else.
func TestEachDocumentOfALotIsCovered(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	second, err := c.NewDocument(pharmacist, patient, report())
	require.NoError(t, err)
	s.Documents = append(s.Documents, second)
	unhashed := pattern(`<rim:Slot name="(hash|size)"><rim:ValueList><rim:Value>[^<]*</rim:Value></rim:ValueList></rim:Slot>`, "")
	changed := func(b []byte) []byte {
		i := bytes.LastIndex(b, []byte(pharmacy.Name))
		b = bytes.Clone(b)
		b[i] = 'Q'
		return b
	}
	for name, x := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"second document changed":                {func(b []byte) []byte { return changed(unhashed(b)) }, "XDSRepositoryMetadataError"},
		"second document changed, with its hash": {changed, "XDSNonIdenticalHash"},
		"second document not in the manifest": {func(b []byte) []byte {
			return replace(`URI="urn:oid:`+second.ID()+`"`, `URI="urn:oid:1.2.3"`)(unhashed(b))
		}, "XDSRepositoryMetadataError"},
		"second document not sent":    {pattern(`(?s)<xdsb:Document id="Document02">.*?</xdsb:Document>`, ""), ""},
		"second document without set": {pattern(`(?s)<rim:Association [^>]*targetObject="Document02">.*?</rim:Association>`, ""), "XDSRegistryMetadataError"},
	} {
		_, err := client(t, srv, tampering(x.change)).Submit(t.Context(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		if x.want != "" {
			require.Equal(t, x.want, e.Code, name)
		}
		require.Empty(t, srv.Documents(find(t, "HALL").INS), name)
	}
	_, err = c.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
}

func TestALotTellsWhichDocumentIsRefused(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	first := s.Documents[0]
	for name, bad := range map[string]*dmp.Document{
		"twice the same": first,
		"nothing":        nil,
	} {
		s.Documents = []*dmp.Document{first, bad}
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument, name)
		require.ErrorContains(t, err, "Submission.Documents[1]: ", name)
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}

func TestAnEmptyFileIsRefused(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	for name, f := range map[string]dmp.File{"0 bytes": dmp.Bytes("application/pdf", nil), "none": {}, "below zero": {MediaType: "application/pdf", Size: -1, Open: pdf(9).Open}} {
		r := report()
		r.File = f
		_, err := c.NewDocument(pharmacist, patient, r)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	// The emulator refuses a part without bytes, whoever sends it.
	s := prepared(t, c, patient, report())
	_, err := client(t, srv, tampering(pattern(`(?s)(Content-ID: <document01[^>]*>\r\n\r\n)<Clin.*?</ClinicalDocument>`, "$1"))).Submit(t.Context(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	var e *dmp.Error
	require.True(t, errors.As(err, &e))
	require.Contains(t, e.Text, "more than 0 bytes")
}
