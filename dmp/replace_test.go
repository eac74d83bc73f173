package dmp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

const (
	approved   = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
	deprecated = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
)

// fed gives a patient's record with a document in it.
func fed(t testing.TB, srv *dmptest.Server, c *dmp.Client, name string) (dmp.Submission, dmptest.Document) {
	t.Helper()
	s := prepared(t, c, qualified(t, name), report())
	_, err := c.Submit(t.Context(), pharmacist, qualified(t, name), s)
	require.NoError(t, err)
	all := srv.Documents(find(t, name).INS)
	return s, all[len(all)-1]
}

func TestADocumentTakesThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s, old := fed(t, srv, c, "HALL")
	first := s.Documents[0]
	for version := 2; version <= 4; version++ {
		r := report()
		r.Edition = s.Documents[0].Next()
		next, err := c.NewDocument(pharmacist, patient, r)
		require.NoError(t, err)
		s.Documents, s.Replaced = []*dmp.Document{next}, map[string]string{old.ID: old.EntryUUID}
		got, err := c.Submit(t.Context(), pharmacist, patient, s)
		require.NoError(t, err)
		require.Equal(t, old.ID, got.Documents[0].Replaces)

		all := srv.Documents(find(t, "HALL").INS)
		require.Len(t, all, version)
		require.Equal(t, deprecated, all[version-2].Status)
		last := all[version-1]
		require.Equal(t, approved, last.Status)
		read, err := dmp.ParseCDA(last.Content)
		require.NoError(t, err)
		require.Equal(t, dmp.Edition{ID: next.ID(), SetID: first.ID(), Version: version, Replaces: old.ID}, read.Edition)
		old = last
	}
}

func TestWhatMayNotBeReplaced(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s, old := fed(t, srv, c, "HALL")
	_, others := fed(t, srv, c, "ORTIE")
	next := func(change func(*dmp.Report)) *dmp.Document {
		r := report()
		r.Edition = s.Documents[0].Next()
		if change != nil {
			change(&r)
		}
		d, err := c.NewDocument(pharmacist, patient, r)
		require.NoError(t, err)
		return d
	}
	submit := func(c *dmp.Client, target string, d ...*dmp.Document) error {
		_, err := c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: s.Record, Documents: d, Replaced: map[string]string{old.ID: target}})
		return err
	}
	code := func(err error) string {
		var e *dmp.Error
		require.ErrorAs(t, err, &e)
		return e.Code
	}
	require.Equal(t, "UnresolvedReferenceException", code(submit(c, "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b2c", next(nil))))
	require.Equal(t, "XDSPatientIdDoesNotMatch", code(submit(c, others.EntryUUID, next(nil))))
	require.ErrorIs(t, submit(c, others.ID, next(nil)), dmp.ErrInvalidDocument, "a uniqueId where an entryUUID is expected")
	require.ErrorIs(t, submit(c, old.EntryUUID, next(nil), next(nil)), dmp.ErrInvalidDocument, "two for one")

	for name, x := range map[string]struct {
		change func(*dmp.Report)
		wire   func([]byte) []byte
		code   string
	}{
		"another set":             {change: func(r *dmp.Report) { r.SetID = "1.2.3.4" }, code: "InvalidDocumentContent"},
		"association without CDA": {wire: replace(`sourceObject="Document01" targetObject="`+old.EntryUUID, `sourceObject="Signature01" targetObject="`+old.EntryUUID), code: "XDSRegistryMetadataError"},
		"CDA without association": {wire: pattern(`<rim:Association associationType="urn:ihe:iti:2007:AssociationType:RPLC"[^>]*></rim:Association>`, ""), code: "XDSReplaceFailed"},
	} {
		client := c
		if x.wire != nil {
			client = clientOf(t, srv, x.wire)
		}
		require.Equal(t, x.code, code(submit(client, old.EntryUUID, next(x.change))), name)
	}
	// A document that does not say what it replaces.
	d, err := c.NewDocument(pharmacist, patient, report())
	require.NoError(t, err)
	silent := clientOf(t, srv, replace(`</rim:RegistryObjectList>`, `<rim:Association associationType="urn:ihe:iti:2007:AssociationType:RPLC" id="as99" sourceObject="Document01" targetObject="`+old.EntryUUID+`"/></rim:RegistryObjectList>`))
	require.Equal(t, "InvalidDocumentContent", code(submit(silent, old.EntryUUID, d)))
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1, "nothing of it was stored")

	require.NoError(t, submit(c, old.EntryUUID, next(nil)))
	err = submit(c, old.EntryUUID, next(nil))
	require.Equal(t, "XDSRegistryDeprecatedDocumentError", code(err))
	require.ErrorIs(t, err, dmp.ErrState)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}

func clientOf(t *testing.T, srv *dmptest.Server, change func([]byte) []byte) *dmp.Client {
	return client(t, srv, tampering(change))
}

// Without an entryUUID the DMP is asked for it, in mode Indirect too.
func TestTheDMPTellsWhatToReplace(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s, old := fed(t, srv, c, "HALL")
	r := report()
	r.Edition = s.Documents[0].Next()
	next, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	s.Documents = []*dmp.Document{next}
	got, err := c.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
	require.Equal(t, old.ID, got.Documents[0].Replaces)
	require.Equal(t, deprecated, srv.Documents(find(t, "HALL").INS)[0].Status)

	// The same again, as after an outcome that was not known.
	_, err = c.Submit(t.Context(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrDuplicate)

	r.Edition = dmp.Edition{SetID: "1.2.3", Version: 2, Replaces: "1.2.3"}
	lost, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	s.Documents = []*dmp.Document{lost}
	before := len(srv.Journal())
	_, err = c.Submit(t.Context(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Len(t, srv.Journal(), before+1, "TD3.1b alone")
}

func TestReplaceAppliesTheRulesOfAReplacement(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	old := d.entry()
	made := func(e dmp.Edition) dmp.Submission {
		r := report()
		r.Edition = e
		doc, err := d.c.NewDocument(pharmacist, d.patient, r)
		require.NoError(t, err)
		return dmp.Submission{Record: d.record, Documents: []*dmp.Document{doc}}
	}
	next := made(dmp.Edition{SetID: old.ID, Version: 2, Replaces: old.ID})
	_, err := d.c.Replace(t.Context(), pharmacist, d.patient, old, made(dmp.Edition{}))
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	others := old
	others.Authors = nil
	_, err = d.c.Replace(t.Context(), pharmacist, d.patient, others, next)
	require.ErrorIs(t, err, dmp.ErrNotAuthor)
	archived := old
	archived.Status = dmp.StatusArchived
	_, err = d.c.Replace(t.Context(), pharmacist, d.patient, archived, next)
	require.ErrorIs(t, err, dmp.ErrState)
	_, err = d.c.Replace(t.Context(), pharmacist, d.patient, old, dmp.Submission{Documents: next.Documents})
	require.ErrorIs(t, err, dmp.ErrNotChecked)

	before := len(d.srv.Journal())
	got, err := d.c.Replace(t.Context(), pharmacist, d.patient, old, next)
	require.NoError(t, err)
	require.Len(t, d.srv.Journal(), before+1, "nothing is asked that the Entry tells")
	require.Equal(t, old.ID, got.Documents[0].Replaces)
	require.Nil(t, next.Replaced)
	require.Equal(t, next.Documents[0].ID(), d.entry().ID)
	_, err = d.c.Replace(t.Context(), pharmacist, d.patient, old, made(dmp.Edition{SetID: old.ID, Version: 3, Replaces: old.ID}))
	require.ErrorIs(t, err, dmp.ErrState)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}
