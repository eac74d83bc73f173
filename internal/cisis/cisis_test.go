package cisis_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

var bases = map[string]string{"note": "VAC-NOTE_2023.01.xml", "test": "BIO-TROD_2024.01_Angine.xml", "file": "DOC_NON_STRUCTURE_CDA-R2-N1.xml"}

func corpus(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(oracle.Corpus(t, "cda", name))
	require.NoError(t, err)
	return string(b)
}

func validate(t testing.TB, doc string) []cisis.Finding {
	t.Helper()
	d, err := cda.Parse([]byte(doc), xmltree.Limits{})
	require.NoError(t, err)
	return cisis.Validate(d)
}

func broken(all []cisis.Finding) (ids []string) {
	for _, f := range all {
		if !slices.Contains(ids, f.Rule) {
			ids = append(ids, f.Rule)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestRealDocumentsBreakNoRule(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"VAC-NOTE_2023.01.xml", "VAC_2023.01.xml", "BIO-TROD_2024.01_Angine.xml", "BIO-TROD_2024.01_Cystite.xml", "DOC_NON_STRUCTURE_CDA-R2-N1.xml", "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml"} {
		require.Empty(t, cisis.Errors(validate(t, corpus(t, name))), name)
	}
	// What the official rules find in this one: a qualifier that the RNIV dropped.
	require.Equal(t, []string{"header.name"}, broken(cisis.Errors(validate(t, corpus(t, "eDISP-MED_2024.01.xml")))))
}

// With SOCLE_MUTATIONS the broken documents and what we say of them are
// written to that folder, for other validators.
func TestEachMutationBreaksItsRule(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SOCLE_MUTATIONS")
	verdicts := map[string][]string{}
	docs := map[string]string{}
	for base, file := range bases {
		docs[base] = corpus(t, file)
	}
	names := map[string]bool{}
	for _, m := range mutations {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		doc := m.apply(docs[m.base])
		require.NotEqual(t, docs[m.base], doc, m.name+": the document has no such place")
		found := validate(t, doc)
		if dir != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, m.name+".xml"), []byte(doc), 0o600))
			verdicts[m.name] = broken(cisis.Errors(found))
		}
		for _, f := range found {
			require.NotEmpty(t, f.Text, m.name)
		}
		was := broken(validate(t, docs[m.base]))
		now := slices.DeleteFunc(broken(found), func(id string) bool { return slices.Contains(was, id) && id != m.want })
		want := append([]string{m.want}, m.also...)
		slices.Sort(want)
		require.Equal(t, want, now, m.name)
	}
	if dir != "" {
		b, err := json.MarshalIndent(verdicts, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "verdicts.json"), b, 0o600))
	}
}

func TestEveryRuleHasABadCase(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, m := range mutations {
		tried[m.want] = true
	}
	for _, r := range cisis.Rules() {
		require.True(t, tried[r.ID], r.ID+" has no mutation")
		require.NotEmpty(t, r.Text)
		delete(tried, r.ID)
	}
	require.Empty(t, tried)
}
