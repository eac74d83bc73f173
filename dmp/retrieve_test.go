package dmp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
)

// got is how the retrieval of one document ended.
type got struct {
	content []byte
	err     error // of Read; nil at the end of the document
}

// retrieve reads all documents, and gives the error of the call.
func retrieve(c *dmp.Client, patient ins.Identity, r dmp.Retrieval) (map[string]got, error) {
	all := map[string]got{}
	for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
		if err != nil {
			return all, err
		}
		b, err := io.ReadAll(doc)
		all[doc.Entry.ID] = got{b, err}
	}
	return all, nil
}

// lastAnswer gives what the emulator answered last.
func lastAnswer(srv *dmptest.Server) []byte { j := srv.Journal(); return j[len(j)-1].Response }

// twoDocuments is a record with two documents, and what a search finds.
func twoDocuments(t testing.TB, change ...func(*dmp.Config)) (*dmptest.Server, *dmp.Client, ins.Identity, dmp.Retrieval) {
	t.Helper()
	srv, c := setup(t, dmptest.Options{}, append([]func(*dmp.Config){direct}, change...)...)
	patient := qualified(t, "ORTIE")
	feed(t, c, patient, nil)
	feed(t, c, patient, func(r *dmp.Report) { r.Type, r.File = dmp.MedicationReview, pdf(40_000) })
	rec := record(t, c, patient)
	found, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec})
	require.NoError(t, err)
	require.Len(t, found.Entries, 2)
	return srv, c, patient, dmp.Retrieval{Record: rec, Entries: found.Entries}
}

func TestRetrieveGivesTheBytes(t *testing.T) {
	t.Parallel()
	var audit []socle.AuditRecord
	srv, c, patient, r := twoDocuments(t, audited(&audit))
	stored := map[string][]byte{}
	for _, d := range srv.Documents(find(t, "ORTIE").INS) {
		stored[d.ID] = d.Content
	}
	audit = nil
	all, err := retrieve(c, patient, r)
	require.NoError(t, err)
	require.Len(t, all, 2)
	for id, d := range all {
		require.NoError(t, d.err)
		require.Equal(t, stored[id], d.content)
	}
	answer := string(lastAnswer(srv))
	require.Contains(t, answer, "@urn%3Aihe%3Aiti%3Axds-b%3A2007\"", "the reference of a part is encoded")
	require.Contains(t, answer, "@urn:ihe:iti:xds-b:2007>", "and its identifier is not")
	require.Len(t, audit, 2)
	for i, a := range audit { // who read what
		require.Equal(t, "TD3.2", a.Operation)
		require.Equal(t, r.Entries[i].ID, a.Reference)
		require.Equal(t, socle.OutcomeOf(nil), a.Outcome)
	}
	// What the metadata do not tell is not compared, and the repository is the DMP's.
	all, err = retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: []dmp.Entry{{ID: r.Entries[0].ID}}})
	require.NoError(t, err)
	require.NoError(t, all[r.Entries[0].ID].err)

	for _, defect := range []dmptest.Defect{dmptest.InLine, dmptest.InLineAlone} {
		srv.Refuse(dmptest.Failure{Defect: defect})
		all, err := retrieve(c, patient, r)
		require.NoError(t, err, defect)
		for id, d := range all {
			require.NoError(t, d.err, defect)
			require.Equal(t, stored[id], d.content, defect)
		}
		require.Len(t, all, 2)
	}
}

func TestWhoLeavesEarlyGetsNoMore(t *testing.T) {
	t.Parallel()
	_, c, patient, r := twoDocuments(t)
	var left *dmp.Incoming
	for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
		require.NoError(t, err)
		left = doc
		break
	}
	_, err := left.Read(make([]byte, 10))
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF, "nothing says that the document is complete")
	// A document that is not read is left out, and the next one is whole.
	n := 0
	for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
		require.NoError(t, err)
		if n++; n == 2 {
			b, err := io.ReadAll(doc)
			require.NoError(t, err)
			require.Len(t, b, int(doc.Entry.Size))
		}
	}
	require.Equal(t, 2, n)
}

func TestDocumentsThatAreNotThoseOfTheirMetadata(t *testing.T) {
	t.Parallel()
	srv, c, patient, r := twoDocuments(t)
	for _, defect := range []dmptest.Defect{dmptest.Altered, dmptest.Longer, dmptest.Shorter, dmptest.Empty} {
		srv.Refuse(dmptest.Failure{Defect: defect})
		all, err := retrieve(c, patient, r)
		require.NoError(t, err, defect)
		require.ErrorIs(t, all[r.Entries[0].ID].err, dmp.ErrIntegrity, defect)
		require.NoError(t, all[r.Entries[1].ID].err, "the other document is whole")
		require.Less(t, int64(len(all[r.Entries[0].ID].content)), r.Entries[0].Size, "not even all bytes are given")
	}
	// An empty document is none, even when the metadata tell nothing.
	srv.Refuse(dmptest.Failure{Defect: dmptest.Empty})
	all, err := retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: []dmp.Entry{{ID: r.Entries[0].ID}}})
	require.NoError(t, err)
	require.ErrorIs(t, all[r.Entries[0].ID].err, dmp.ErrIntegrity)
	// Metadata that were wrong from the start.
	for _, defect := range []dmptest.Defect{dmptest.WrongHash, dmptest.WrongSize} {
		srv.Refuse(dmptest.Failure{Defect: defect})
		found, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: r.Record})
		require.NoError(t, err)
		all, err := retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: found.Entries})
		require.NoError(t, err)
		for _, d := range all {
			require.ErrorIs(t, d.err, dmp.ErrIntegrity, defect)
		}
		require.Len(t, all, 2)
	}
}

func TestAnswersOfTheRepositoryThatAreWrong(t *testing.T) {
	t.Parallel()
	srv, c, patient, r := twoDocuments(t)
	for defect, want := range map[dmptest.Defect]struct {
		err   error
		given int
	}{
		dmptest.AnotherDocument: {dmp.ErrAnswer, 0}, dmptest.Twice: {dmp.ErrAnswer, 0}, dmptest.MissingPart: {dmp.ErrAnswer, 1},
		dmptest.StrangePart: {dmp.ErrAnswer, 2}, dmptest.NoRoot: {dmp.ErrAnswer, 0}, dmptest.NoPackage: {dmp.ErrAnswer, 0},
		dmptest.NotXML: {dmp.ErrAnswer, 0}, dmptest.EntityBomb: {dmp.ErrAnswer, 0}, dmptest.Cut: {dmp.ErrUnavailable, 1}, dmptest.Silence: {dmp.ErrNoDocument, 1},
	} {
		srv.Refuse(dmptest.Failure{Operation: "TD3.2", Defect: defect})
		all, err := retrieve(c, patient, r)
		require.ErrorIs(t, err, want.err, defect)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, defect)
		require.Equal(t, "TD3.2", e.Op)
		require.Len(t, all, want.given, defect)
		for _, d := range all {
			if defect == dmptest.Cut {
				require.ErrorIs(t, d.err, dmp.ErrUnavailable)
				continue
			}
			require.NoError(t, d.err, defect)
		}
	}
}

func TestRefusalsOfTheRepository(t *testing.T) {
	t.Parallel()
	srv, c, patient, r := twoDocuments(t)
	for _, status := range []int{200, 500} {
		srv.Refuse(dmptest.Failure{Operation: "TD3.2", Fault: &dmptest.Fault{Subcode: "XDSDocumentUniqueIdError", Status: status}})
		all, err := retrieve(c, patient, r)
		require.ErrorIs(t, err, dmp.ErrNoDocument)
		require.Empty(t, all)
		var e *dmp.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, status, e.Status)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		require.True(t, bytes.HasPrefix(lastAnswer(srv), []byte("--")), "a package, even for a fault")
	}
	// Unknown documents: all of them is a fault, some a partial success.
	unknown := dmp.Entry{ID: "1.2.3.4.5"}
	all, err := retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: []dmp.Entry{unknown}})
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	require.Empty(t, all)
	all, err = retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: append([]dmp.Entry{unknown}, r.Entries...)})
	var e *dmp.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	require.True(t, e.Partial)
	require.Equal(t, "1.2.3.4.5", e.Registry[0].Location)
	require.Len(t, all, 2, "both the data and the error")
	for _, d := range all {
		require.NoError(t, d.err)
	}
	srv.Refuse(dmptest.Failure{Operation: "TD3.2", Partial: true, Registry: []dmp.RegistryError{{Code: "XDSRepositoryError"}}})
	all, err = retrieve(c, patient, r)
	require.ErrorAs(t, err, &e)
	require.True(t, e.Partial)
	require.Len(t, all, 1)
	srv.Refuse(dmptest.Failure{Operation: "TD3.2", Registry: []dmp.RegistryError{{Code: "XDSUnknownRepositoryId"}}})
	all, err = retrieve(c, patient, r)
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	require.Empty(t, all)
	_, err = retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: []dmp.Entry{{ID: r.Entries[0].ID, Repository: "1.2"}}})
	require.ErrorIs(t, err, dmp.ErrNoDocument)

	// A repository that is busy is asked again.
	srv.Refuse(dmptest.Failure{Operation: "TD3.2", Registry: []dmp.RegistryError{{Code: "XDSRepositoryBusy"}}})
	srv.Fail(emulator.Fault{Operation: "TD3.2", Status: http.StatusServiceUnavailable})
	all, err = retrieve(c, patient, r)
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func TestRetrievalsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	srv, c, patient, r := twoDocuments(t)
	other := qualified(t, "PAT-TROIS")
	before := len(srv.Journal())
	for name, test := range map[string]struct {
		change func(*dmp.Retrieval)
		want   error
	}{
		"nothing":   {func(r *dmp.Retrieval) { r.Entries = nil }, dmp.ErrQuery},
		"too many":  {func(r *dmp.Retrieval) { r.Entries = make([]dmp.Entry, 101) }, dmp.ErrQuery},
		"no id":     {func(r *dmp.Retrieval) { r.Entries[0].ID = "" }, dmp.ErrQuery},
		"entryUUID": {func(r *dmp.Retrieval) { r.Entries[0].ID = r.Entries[0].EntryUUID }, dmp.ErrQuery},
		"twice":     {func(r *dmp.Retrieval) { r.Entries[1] = r.Entries[0] }, dmp.ErrQuery},
		"too large": {func(r *dmp.Retrieval) { r.MaxSize = 1000 }, dmp.ErrDocumentTooLarge},
		"below":     {func(r *dmp.Retrieval) { r.MaxSize = -1 }, dmp.ErrQuery},
		"long":      {func(r *dmp.Retrieval) { r.Entries[0].ID = strings.Repeat("1", 300) }, dmp.ErrQuery},
	} {
		changed := r
		changed.Entries = append([]dmp.Entry{}, r.Entries...)
		test.change(&changed)
		all, err := retrieve(c, patient, changed)
		require.ErrorIs(t, err, test.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.Empty(t, all)
	}
	require.Len(t, srv.Journal(), before)
	// The entries of one patient are not asked for in the name of another.
	_, err := retrieve(c, other, dmp.Retrieval{Record: record(t, c, other), Entries: r.Entries})
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

// A document whose size is not told is bounded all the same.
func TestOversizedDocumentsAreCut(t *testing.T) {
	t.Parallel()
	_, c, patient, r := twoDocuments(t)
	entries := []dmp.Entry{{ID: r.Entries[0].ID}, {ID: r.Entries[1].ID}}
	all, err := retrieve(c, patient, dmp.Retrieval{Record: r.Record, Entries: entries, MaxSize: 20_000})
	require.NoError(t, err)
	large := 0
	for _, d := range all {
		if d.err != nil {
			large++
			require.ErrorIs(t, d.err, dmp.ErrDocumentTooLarge)
			require.LessOrEqual(t, len(d.content), 20_000)
		}
	}
	require.Equal(t, 1, large)
}

func TestCancellationEndsARetrieval(t *testing.T) {
	t.Parallel()
	_, c, patient, r := twoDocuments(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	var last error
	for doc, err := range c.Retrieve(ctx, pharmacist, patient, r) {
		if err != nil {
			last = err
			break
		}
		n++
		cancel()
		_, err := io.Copy(io.Discard, doc)
		_ = err // what already came may be whole
	}
	require.LessOrEqual(t, n, 2)
	if last != nil {
		require.True(t, errors.Is(last, context.Canceled), last)
	}
}

// The document of a search goes on to be read.
func TestRetrievedDocumentIsParsed(t *testing.T) {
	t.Parallel()
	_, c, patient, r := twoDocuments(t)
	for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
		require.NoError(t, err)
		var b bytes.Buffer
		_, err := io.Copy(&b, doc)
		require.NoError(t, err)
		cda, err := dmp.ParseCDA(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, doc.Entry.ID, cda.ID)
	}
}
