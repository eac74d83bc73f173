package cisis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/xmltree"
)

// A finding may be logged: it says nothing of the patient nor of the content.
func TestFindingsHoldNoContent(t *testing.T) {
	t.Parallel()
	for _, m := range mutations {
		for _, f := range validate(t, m.apply(corpus(t, bases[m.base]))) {
			for _, secret := range []string{"PAT-TROIS", "DOMINIQUE", "279035121518989", "19790328", "1979", "51215", "MULLER", "DIDOT", "4456672", "TETANIQUE", "solupred", "0144534551"} {
				require.NotContains(t, f.String(), secret, m.name)
			}
		}
	}
}

// Hostile documents are checked in a time that their size bounds, and give a
// bounded number of findings.
func TestHostileDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	const n = 100_000
	entry := `<entry><substanceAdministration><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.12"/></substanceAdministration></entry>`
	for name, inner := range map[string]string{
		"header":  strings.Repeat(`<id/>`, 1900),
		"entries": `<component><structuredBody><component><section><templateId root="1.3.6.1.4.1.19376.1.5.3.1.3.23"/>` + strings.Repeat(entry, n/4) + `</section></component></structuredBody></component>`,
		"nested":  `<component><structuredBody>` + strings.Repeat(`<component><section><templateId root="1.3.6.1.4.1.19376.1.5.3.1.3.23"/>`, 50) + strings.Repeat(`</section></component>`, 50) + `</structuredBody></component>`,
		"names":   `<author><assignedAuthor>` + strings.Repeat(`<id root="1.2" extension="a"/>`, n) + `</assignedAuthor></author>`,
	} {
		d, err := cda.Parse([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="1.2.250.1.213.1.1.1.46"/>`+inner+`</ClinicalDocument>`), xmltree.Limits{})
		require.NoError(t, err)
		start := time.Now()
		found := cisis.Validate(d)
		t.Log(name, time.Since(start), len(found))
		require.NotEmpty(t, found)
		require.LessOrEqual(t, len(found), 500)
	}
	require.Empty(t, cisis.Validate(nil))
}
