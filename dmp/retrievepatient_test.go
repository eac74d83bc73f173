package dmp_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
)

// The bytes are those that the metadata describe, and name another patient.
func TestADocumentOfAnotherPatientIsNeverWhole(t *testing.T) {
	t.Parallel()
	srv, _, patient, r := twoDocuments(t)
	mine, theirs := find(t, "ORTIE").INS.Matricule.Wire(), find(t, "HALL").INS.Matricule.Wire()
	content := srv.Documents(find(t, "ORTIE").INS)[0].Content
	wanted := r.Entries[:0:0]
	for _, e := range r.Entries {
		if e.ID == srv.Documents(find(t, "ORTIE").INS)[0].ID {
			wanted = append(wanted, e)
		}
	}
	require.Len(t, wanted, 1)
	oid := "1.2.250.1.213.1.4.10"
	ours := `extension="` + mine + `"`
	for name, x := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"as it came":         {func(b []byte) []byte { return b }, nil},
		"an INS-C":           {pattern(`<patientRole><id [^>]*>`, `<patientRole><id extension="1197854176879056415520" root="1.2.250.1.213.1.4.2">`), nil},
		"another's":          {replace(ours, `extension="`+theirs+`"`), dmp.ErrPatientMismatch},
		"ours and another's": {pattern(`(<patientRole>)(<id )`, `${1}<id extension="`+theirs+`" root="`+oid+`"></id>${2}`), dmp.ErrPatientMismatch},
		"a second patient":   {twice("<recordTarget>", "</recordTarget>", replace(ours, `extension="`+theirs+`"`)), dmp.ErrPatientMismatch},
		"another's, late": {func(b []byte) []byte {
			b = bytes.ReplaceAll(b, []byte(ours), []byte(`extension="`+theirs+`"`))
			return bytes.Replace(b, []byte("<recordTarget>"), []byte("<!--"+strings.Repeat("x", 100<<10)+"--><recordTarget>"), 1)
		}, dmp.ErrPatientMismatch},
	} {
		altered := x.change(bytes.Clone(content))
		sum := sha1.Sum(altered)
		c := client(t, srv, direct, changedMessages(func(b []byte) []byte { return bytes.Replace(b, content, altered, 1) }))
		for _, known := range []bool{true, false} {
			e := wanted[0]
			e.Hash, e.Size = hex.EncodeToString(sum[:]), int64(len(altered))
			if !known {
				e.Hash, e.Size = "", 0
			}
			for _, slowly := range []bool{false, true} {
				n := 0
				for doc, err := range c.Retrieve(t.Context(), pharmacist, patient, dmp.Retrieval{Record: r.Record, Entries: []dmp.Entry{e}}) {
					require.NoError(t, err, name)
					n++
					require.Equal(t, !known, doc.Unverified)
					var from io.Reader = doc
					if slowly {
						from = iotest.HalfReader(doc)
					}
					b, err := io.ReadAll(from)
					if x.want == nil {
						require.NoError(t, err, name)
						require.Equal(t, altered, b, name)
						continue
					}
					require.ErrorIs(t, err, x.want, name)
					require.NotContains(t, err.Error(), theirs)
				}
				require.Equal(t, 1, n)
			}
		}
	}
}

func TestADocumentThatIsLeftIsNotDoneInTheAudit(t *testing.T) {
	t.Parallel()
	var audit []socle.AuditRecord
	_, c, patient, r := twoDocuments(t, audited(&audit))
	for name, read := range map[string]func(io.Reader){
		"not at all": func(io.Reader) {},
		"by half":    func(d io.Reader) { _, _ = io.CopyN(io.Discard, d, 100) },
	} {
		audit = nil
		var kept *dmp.Incoming
		for doc, err := range c.Retrieve(t.Context(), pharmacist, patient, r) {
			require.NoError(t, err, name)
			read(doc)
			kept = doc
		}
		require.Len(t, audit, 2, name)
		for _, a := range audit {
			require.NotEqual(t, socle.OutcomeDone, a.Outcome, name)
			require.Contains(t, a.Reason, "not read to its end", name)
		}
		_, err := io.ReadAll(kept)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.ErrorIs(t, err, dmp.ErrIntegrity, name)
		require.Equal(t, "TD3.2", e.Op)
	}
}
