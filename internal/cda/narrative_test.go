package cda_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

func narrative(t testing.TB, inner string, most int) (string, bool) {
	t.Helper()
	x, err := xmltree.Parse([]byte(`<text xmlns="urn:hl7-org:v3">`+inner+`</text>`), xmltree.Limits{})
	require.NoError(t, err)
	return cda.Narrative(x.Root, most)
}

func TestNarrativeAsPlainText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"blanks":      {"  a\n b\t<content>c</content>d ", "a b cd"},
		"paragraphs":  {"<paragraph>a</paragraph><paragraph>b</paragraph>", "a\nb"},
		"breaks":      {"a<br/>b<br/><br/><br/>c", "a\nb\n\nc"},
		"list":        {"<list><caption>L</caption><item>a</item><item><content ID='x'>b</content></item></list>z", "L\n- a\n- b\nz"},
		"ordered":     {"<list listType='ordered'><item>a</item><item>b<list><item>c</item></list></item></list>", "1. a\n2. b\n  - c"},
		"item block":  {"<list><item> <paragraph>a</paragraph></item></list>", "- a"},
		"table":       {"<table><caption>T</caption><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td><paragraph>2</paragraph><paragraph>3</paragraph></td></tr><tr><td/><td/></tr></tbody></table>", "T\nA | B\n1 | 2 / 3"},
		"empty cell":  {"<table><tbody><tr><td>1</td><td/><td>3</td></tr></tbody></table>", "1 |  | 3"},
		"deleted":     {"<content>old<content revised='delete'>er</content></content> new", "old new"},
		"sub":         {"H<sub>2</sub>O", "H2O"},
		"link":        {"<linkHtml href='https://x.example'>x</linkHtml>", "x (https://x.example)"},
		"same link":   {"<linkHtml href='https://x.example'>https://x.example</linkHtml>", "https://x.example"},
		"media":       {"<renderMultiMedia referencedObject='I1 I2'><caption>c</caption></renderMultiMedia>", "c\n[media I1 I2]"},
		"footnote":    {"a<footnote>b</footnote>", "a [b]"},
		"nothing":     {"", ""},
		"unknown":     {"<strange>a</strange>", "a"},
		"cdata":       {"<![CDATA[a < b]]>", "a < b"},
		"empty items": {"<list><item/><item>a</item></list>", "- \n- a"},
	} {
		got, cut := narrative(t, c.in, 1000)
		require.Equal(t, c.want, got, name)
		require.False(t, cut, name)
	}
}

func TestNarrativeIsBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{strings.Repeat("word ", 100), strings.Repeat("<paragraph>word</paragraph>", 100),
		"<table>" + strings.Repeat("<tr><td>word</td><td>word</td></tr>", 100) + "</table>",
		"<list>" + strings.Repeat("<item>word</item>", 100) + "</list>", strings.Repeat("x", 500)} {
		got, cut := narrative(t, in, 64)
		require.True(t, cut)
		require.LessOrEqual(t, len(got), 64)
	}
}

func TestTellAndReferencesOfRealDocuments(t *testing.T) {
	t.Parallel()
	read := func(name string) *cda.Document {
		b, err := os.ReadFile(oracle.Corpus(t, "cda", name))
		require.NoError(t, err)
		d, err := cda.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		return d
	}
	d := read("VAC-NOTE_2023.01.xml")
	sections, cut := d.Tell()
	require.False(t, cut)
	require.Len(t, sections, 1)
	require.Equal(t, "Note de vaccination", sections[0].Title)
	require.Equal(t, "11369-6", sections[0].Code.Code.Code)
	require.Equal(t, "Date | Vaccin | Lot n° | Rang | Voie d'administration | Région d'administration | Réaction observée | Commentaire | Vaccinateur\n"+
		"28/09/2009 | VACCIN TETANIQUE PASTEUR, suspension injectable en seringue préremplie. Vaccin tétanique adsorbé | 4456672 | 2 | voie intramusculaire | Deltoïde gauche | Fièvre due à des médicaments | Prise récente et ponctuelle de solupred (60mg) en une prise pendant 2 jours | Dr Charles MULLER", sections[0].Text)
	texts := d.Texts()
	require.Len(t, texts, 4)
	site := d.Body.Element.Path("component", "section", "entry", "substanceAdministration", "approachSiteCode", "originalText")
	require.Equal(t, "Deltoïde gauche", texts.Of(site))
	require.Empty(t, texts.Of(nil))

	for _, name := range []string{"VAC_2023.01.xml", "VSM_1.4_2022.01.xml", "CNAM-HR_2021.01.xml", "eP-MED-DM_2024.01_PosoStruct.xml", "LDL-SES_2022.01.xml", "BIO-CR-BIO_2024.01_TSH_1.xml"} {
		sections, _ := read(name).Tell()
		require.NotEmpty(t, sections, name)
		said := 0
		for _, s := range sections {
			said += len(s.Text)
			require.NotContains(t, s.Text, "\n\n\n", name)
			require.NotContains(t, s.Text, "<td", name)
		}
		require.Greater(t, said, 100, name)
	}
	none, cut := read("DOC_NON_STRUCTURE_CDA-R2-N1.xml").Tell()
	require.Empty(t, none)
	require.False(t, cut)
}

func FuzzNarrative(f *testing.F) {
	f.Add(`<list><item>a</item></list>`, 10)
	f.Add(`<table><tr><td><table><tr><td>a</td></tr></table></td></tr></table>`, 100)
	f.Fuzz(func(t *testing.T, in string, most int) {
		if most < 0 || most > 1<<16 {
			return
		}
		x, err := xmltree.Parse([]byte(`<text xmlns="urn:hl7-org:v3">`+in+`</text>`), xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		got, _ := cda.Narrative(x.Root, most)
		require.LessOrEqual(t, len(got), most)
	})
}
