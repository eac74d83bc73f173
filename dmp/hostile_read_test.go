package dmp_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// What answers in the place of the registry or of the repository gives a typed
// error, and nothing else.
func TestAnswersOfReadingThatAreNotOfTheDMP(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	feed(t, plain, patient, nil)
	rec := record(t, plain, patient)
	found, err := plain.Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec})
	require.NoError(t, err)
	matricule, other := find(t, "ORTIE").INS.Matricule.Wire(), find(t, "HALL").INS.Matricule.Wire()
	type answer = func([]byte) (int, string, []byte)
	ok := func(change func([]byte) []byte) answer {
		return func(b []byte) (int, string, []byte) { return 200, soapType, change(b) }
	}
	for name, x := range map[string]struct {
		answer  answer
		kind    error
		outcome socle.Outcome
	}{
		"HTML page":          {func([]byte) (int, string, []byte) { return 200, "text/html", []byte("<html>portail captif</html>") }, dmp.ErrAnswer, socle.OutcomeUnknown},
		"empty":              {func([]byte) (int, string, []byte) { return 200, soapType, nil }, dmp.ErrAnswer, socle.OutcomeUnknown},
		"forbidden":          {func([]byte) (int, string, []byte) { return 403, "text/plain", []byte("non") }, dmp.ErrAnswer, socle.OutcomeRefused},
		"gateway":            {func([]byte) (int, string, []byte) { return 502, "text/plain", []byte("non") }, dmp.ErrUnavailable, socle.OutcomeUnknown},
		"empty package":      {func([]byte) (int, string, []byte) { return 200, `multipart/related; boundary=b`, []byte("--b--") }, dmp.ErrUnavailable, socle.OutcomeUnknown},
		"another package":    {func([]byte) (int, string, []byte) { return 200, `multipart/form-data; boundary=b`, []byte("--b--") }, dmp.ErrAnswer, socle.OutcomeUnknown},
		"to another message": {ok(pattern(`(<wsa:RelatesTo[^>]*>)[^<]*`, "${1}urn:uuid:0")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"empty body":         {ok(pattern(`(?s)<soap:Body>.*</soap:Body>`, "<soap:Body/>")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"another body":       {ok(pattern(`(?s)<soap:Body>.*</soap:Body>`, `<soap:Body><x/></soap:Body>`)), dmp.ErrAnswer, socle.OutcomeUnknown},
		"no status":          {ok(replace("status=", "statut=")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"unknown status":     {ok(replace("ResponseStatusType:Success", "ResponseStatusType:Peut-etre")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"bare failure":       {ok(replace("ResponseStatusType:Success", "ResponseStatusType:Failure")), nil, socle.OutcomeRefused},
		"another patient":    {ok(replace(matricule+"^^^", other+"^^^")), dmp.ErrPatientMismatch, socle.OutcomeUnknown},
	} {
		c := client(t, srv, direct, answering(func(b []byte) (int, string, []byte) {
			if i, j := bytes.Index(b, []byte("<soap:Envelope")), bytes.Index(b, []byte("</soap:Envelope>")); i >= 0 && j > i {
				b = b[i : j+len("</soap:Envelope>")] // the root of a package, alone
			}
			return x.answer(b)
		}))
		check := func(op string, err error) {
			t.Helper()
			var e *dmp.Error
			require.ErrorAs(t, err, &e, "%s %s", op, name)
			if x.kind != nil {
				require.ErrorIs(t, err, x.kind, "%s %s: %v", op, name, err)
			}
			require.Equal(t, x.outcome, socle.OutcomeOf(err), "%s %s: %v", op, name, err)
			require.NotContains(t, err.Error(), matricule)
		}
		r, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec})
		check("TD3.1a", err)
		require.Empty(t, r.Entries, name)
		p, err := c.Sync(t.Context(), pharmacist, patient, dmp.Synchronization{Record: rec, Cursors: &dmp.MemoryCursors{}, Key: "k"})
		check("sync", err)
		require.Nil(t, p)
		if name == "another patient" { // an answer to TD3.2 names none
			continue
		}
		for doc, err := range c.Retrieve(t.Context(), pharmacist, patient, dmp.Retrieval{Record: rec, Entries: found.Entries}) {
			require.Nil(t, doc, name)
			check("TD3.2", err)
		}
	}
}
