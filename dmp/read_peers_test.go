//go:build peers

package dmp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
)

// TestPeerSchemasOfReading gives to xmllint what goes over the wire for TD3.1,
// TD3.2 and the queries of a synchronization, both ways.
func TestPeerSchemasOfReading(t *testing.T) {
	t.Parallel()
	valid := validator(t)
	query := oracle.Corpus(t, "xds-xsd", "ebRS30", "query.xsd")
	// xmllint needs the two schemas of this namespace as one.
	retrieved := filepath.Join(t.TempDir(), "driver.xsd")
	require.NoError(t, os.WriteFile(retrieved, fmt.Appendf(nil, `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace=%q><xs:include schemaLocation=%q/><xs:include schemaLocation=%q/></xs:schema>`,
		xds.NSXDSB, oracle.Corpus(t, "xds-xsd", "IHE", "IHEXDSB.xsd"), oracle.Corpus(t, "xds-xsd", "IHE", "xcf.xsd")), 0o600))
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "HALL")
	doc := feed(t, c, patient, nil)
	feed(t, c, patient, func(r *dmp.Report) { r.Edition, r.Visibility = doc.Next(), []dmp.Visibility{dmp.HiddenFromPatient} })
	rec := record(t, c, patient)
	checked := map[string]int{}
	check := func() {
		t.Helper()
		for _, j := range srv.Journal() {
			switch j.Operation {
			case "TD3.1a", "TD3.1b":
				valid(j.Operation, query, cut(t, j.Request, "<query:AdhocQueryRequest", "</query:AdhocQueryRequest>"))
				valid(j.Operation, query, cut(t, j.Response, "<query:AdhocQueryResponse", "</query:AdhocQueryResponse>"))
			case "TD3.2":
				valid(j.Operation, retrieved, cut(t, j.Request, "<xdsb:RetrieveDocumentSetRequest", "</xdsb:RetrieveDocumentSetRequest>"))
				b := cut(t, j.Response, "<xdsb:RetrieveDocumentSetResponse", "</xdsb:RetrieveDocumentSetResponse>")
				// The schema knows the documents in line: what an xop:Include stands for.
				valid(j.Operation, retrieved, regexp.MustCompile(`<xop:Include[^>]*></xop:Include>`).ReplaceAll(b, []byte("AAAA")))
			}
			checked[j.Operation]++
		}
	}
	now := time.Now()
	found, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec, Types: []socle.Code{{Code: "78601-2"}, {Code: "56445-0"}}, Author: "ARNICA",
		Events: []socle.Code{{Code: "O'x", System: "1.2"}}, Created: dmp.Period{From: now.AddDate(-1, 0, 0), To: now.AddDate(1, 0, 0)}, Statuses: []dmp.Status{dmp.StatusArchived}})
	require.NoError(t, err)
	require.Empty(t, found.Entries)
	found, err = c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec, Statuses: []dmp.Status{dmp.StatusDeprecated}})
	require.NoError(t, err)
	require.Len(t, found.Entries, 2)
	_, err = c.TechnicalID(t.Context(), pharmacist, patient, rec, doc.ID())
	require.NoError(t, err)
	_, err = retrieve(c, patient, dmp.Retrieval{Record: rec, Entries: found.Entries})
	require.NoError(t, err)
	s := dmp.Synchronization{Record: rec, Cursors: &dmp.MemoryCursors{}, Key: "k"}
	for range 2 {
		p, err := c.Sync(t.Context(), pharmacist, patient, s)
		require.NoError(t, err)
		require.NoError(t, p.Taken(t.Context()))
		feed(t, c, patient, nil)
	}
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Registry: []dmp.RegistryError{{Code: "XDSTooManyResults", Context: "x"}}})
	_, err = c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec})
	require.ErrorIs(t, err, dmp.ErrTooMany)
	check()
	require.Greater(t, checked["TD3.1a"], 6)
	require.Equal(t, 2, checked["TD3.1b"], "one of them for the replacement")
	require.Equal(t, 1, checked["TD3.2"])
}
