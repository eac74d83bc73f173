package dmp_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
)

func corpus(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(oracle.Corpus(t, "cda", name))
	require.NoError(t, err)
	return b
}

func parse(t testing.TB, b []byte) *dmp.CDA {
	t.Helper()
	c, err := dmp.ParseCDA(b)
	require.NoError(t, err)
	return c
}

func TestARealVaccinationNoteIsRead(t *testing.T) {
	t.Parallel()
	c := parse(t, corpus(t, "VAC-NOTE_2023.01.xml"))
	require.Equal(t, dmp.Edition{ID: "1.2.250.1.213.1.1.1.46.2023.1.1", SetID: "1.2.250.1.213.1.1.1.46.2023.1", Version: 1}, c.Edition)
	require.Equal(t, "NOTE DE VACCINATION", c.Title)
	require.Equal(t, dmp.Date("2021-04-09T15:35:00+01:00"), c.Date)
	muller := &dmp.Participant{ID: "801234567897", FamilyName: "MULLER", GivenName: "Charles",
		Role:      socle.Code{Code: "G15_10/SM26", System: "1.2.250.1.213.1.1.4.5", Display: "Médecin - Qualifié en Médecine Générale (SM)"},
		Structure: "1750803447", StructureName: "Cabinet Médical du Dr MULLER"}
	made := *muller
	made.StructureName = "Cabinet médical du Dr MULLER"
	want := dmp.Vaccination{
		ID: "41DAC707-7C96-47B7-B600-AC63D8002142", Kind: dmp.PrimaryVaccination, Date: "2009-09-28",
		Vaccine: dmp.Vaccine{Name: "vaccins tétaniques", CIS: "68747507", CIP: "3400932857241", Lot: "4456672",
			ATC: socle.Code{Code: "J07AM", System: dmp.SystemATC, Display: "vaccins tétaniques"}},
		Route: dmp.Intramuscular, Site: dmp.LeftDeltoid, Rank: 2,
		Reactions: []dmp.Reaction{{Code: socle.Code{Code: "R50.2", System: "2.16.840.1.113883.6.3", Display: "Fièvre due à des médicaments"}, Date: "2009-09-28", Text: "Fièvre due à des médicaments"}},
		Comment:   "Prise récente et ponctuelle de solupred (60mg) en une prise pendant 2 jours",
		Author:    muller, Performer: &made,
	}
	require.Empty(t, cmp.Diff([]dmp.Vaccination{want}, c.Vaccinations))
	require.Empty(t, c.Validate())
	require.Equal(t, "Charles MULLER", c.Authors[0].Name())
	require.Contains(t, c.Text(), "28/09/2009 | VACCIN TETANIQUE PASTEUR")
	require.Nil(t, c.Test)
	require.Empty(t, c.Links)
}

func TestTheHistoryOfVaccinationsIsRead(t *testing.T) {
	t.Parallel()
	c := parse(t, corpus(t, "VAC_2023.01.xml"))
	require.Equal(t, "11369-6", c.Type.Code)
	var got []string
	for _, v := range c.Vaccinations {
		got = append(got, fmt.Sprintf("%s %s %s %s %d", v.Date, v.Vaccine.CIS, v.Vaccine.ATC.Code, v.Vaccine.Lot, v.Rank))
	}
	require.Equal(t, []string{"1975 61077869 J07AN 235421176 1", "2009-09-28T09:49:14+01:00 68747507 J07AM 4456668 1", "2009-09-28T09:49:14+01:00 68747507 J07AM 4456672 2", "2021-04-09 61920725 J07AH 357904636 1"}, got)
	// A code of an unknown authority is kept.
	require.Equal(t, "1.2.250.1.213.2.3.3", c.Vaccinations[0].Vaccine.Codes[0].System)
	require.Equal(t, "L'usager a été informé des avantages et risques liés à la vaccination", c.Vaccinations[0].Comment)
	for _, f := range c.Validate() {
		require.Equal(t, "warning", f.Severity, f)
	}
	year, ok := c.Vaccinations[0].Date.Time()
	require.True(t, ok)
	require.Equal(t, 1975, year.Year())
}

func TestRealRapidTestsAreRead(t *testing.T) {
	t.Parallel()
	c := parse(t, corpus(t, "BIO-TROD_2024.01_Angine.xml"))
	at := time.Date(2024, 1, 6, 11, 36, 23, 0, time.FixedZone("", 3600))
	want := dmp.Angina.Test(dmp.Negative)
	want.At, want.Consent, want.Results[0].Comment = at, true, "(texte libre)"
	want.Device = dmp.TestDevice{UDI: "(01)03612345678903(17)251231(10)B987654", Maker: "Bionysex.", Reference: "8029", Lot: "B987654", Expiry: "2025-12-31",
		Text: "Bionysex. | 8029 | B987654 | 31/12/2025"}
	require.Empty(t, cmp.Diff(&want, c.Test))
	require.Empty(t, c.Validate())

	c = parse(t, corpus(t, "BIO-TROD_2024.01_Cystite.xml"))
	require.Len(t, c.Test.Results, 3, "the example has one that belongs to another test")
	for i, a := range dmp.Cystitis.Analyses {
		require.Equal(t, a.Code, c.Test.Results[i].Analysis)
		require.Equal(t, a.Label, c.Test.Results[i].Label)
	}
	require.Equal(t, dmp.Cystitis.Battery, c.Test.Battery)
	require.Equal(t, dmp.Cystitis.Chapter, c.Test.Chapter)
	require.Equal(t, dmp.Cystitis.Diseases, c.Test.Diseases)
}

func TestEveryRealDocumentIsReadAndShown(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(oracle.Corpus(t, "cda"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		c := parse(t, corpus(t, f.Name()))
		require.NotEmpty(t, c.ID, f.Name())
		require.NotEmpty(t, c.Authors, f.Name())
		_, level1 := c.File()
		require.NotEqual(t, level1, len(c.Sections) > 0, f.Name())
		require.NotEmpty(t, c.Text(), f.Name())
		require.False(t, c.Cut, f.Name())
		for _, finding := range c.Validate() {
			require.NotEmpty(t, finding.Rule)
		}
	}
	c := parse(t, corpus(t, "DOC_NON_STRUCTURE_CDA-R2-N1.xml"))
	file, ok := c.File()
	require.True(t, ok)
	require.Equal(t, "application/pdf", file.MediaType)
	r, err := file.Open()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.EqualValues(t, len(b), file.Size)
	require.True(t, strings.HasPrefix(string(b), "%PDF-"))
}

// What is written is read as it was given.
func TestNotesAndTestsComeBack(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	d, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	got := parse(t, content(t, d))
	want := flu()
	want.Vaccine.ATC.System = dmp.SystemATC
	require.Len(t, got.Vaccinations, 1)
	v := got.Vaccinations[0]
	require.Len(t, v.ID, 36)
	require.Equal(t, "ARNICA", v.Author.FamilyName)
	require.Equal(t, v.Author, v.Performer)
	require.Equal(t, pharmacy.ID.String(), v.Performer.Structure)
	v.ID, v.Author, v.Performer = "", nil, nil
	require.Empty(t, cmp.Diff(want, v))
	require.Equal(t, d.Next(), got.Next())
	id, err := patient.Sendable()
	require.NoError(t, err)
	require.True(t, got.IsOf(id))
	other, err := qualified(t, "PAT-TROIS").Sendable()
	require.NoError(t, err)
	require.False(t, got.IsOf(other))
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", got, got, got, got), "HALL")

	for name, test := range screenings() {
		d, err := c.NewTestReport(pharmacist, patient, dmp.TestReport{Test: test, Date: noon})
		require.NoError(t, err)
		got := parse(t, content(t, d)).Test
		require.NotEmpty(t, got.Device.Text)
		got.Device.Text = ""
		require.Empty(t, cmp.Diff(&test, got), name)
	}
}

func TestLinksBetweenVersions(t *testing.T) {
	t.Parallel()
	doc := string(corpus(t, "VAC-NOTE_2023.01.xml"))
	doc = strings.Replace(doc, "<componentOf>", `<relatedDocument typeCode="APND"><parentDocument><id root="1.2.3" extension="a"/></parentDocument></relatedDocument>`+
		`<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.4" extension="b"/><setId root="1.2.5"/><versionNumber value="1"/></parentDocument></relatedDocument><componentOf>`, 1)
	c := parse(t, []byte(doc))
	require.Equal(t, []dmp.Link{{Kind: "APND", ID: "1.2.3^a"}, {Kind: "RPLC", ID: "1.2.4^b", SetID: "1.2.5", Version: 1}}, c.Links)
	require.Equal(t, "1.2.4^b", c.Replaces)
}

func TestUnknownAndAbsentThingsAreRead(t *testing.T) {
	t.Parallel()
	entry := `<ClinicalDocument xmlns="urn:hl7-org:v3"><code code="96173-0"/><title>Un test</title><component><structuredBody><component><section><entry><act>` +
		`<entryRelationship><observation><templateId root="1.3.6.1.4.1.19376.1.3.1.6"/><code code="X" displayName="x"/>%s</observation></entryRelationship>` +
		`</act></entry><entry><substanceAdministration negationInd="true"><templateId root="1.2.250.1.213.1.1.3.45"/><statusCode code="aborted"/></substanceAdministration></entry></section></component></structuredBody></component></ClinicalDocument>`
	for value, want := range map[string]string{
		`<value value="5.4" unit="mmol/L"/>`:                                 "5.4 mmol/L",
		`<value><low value="1" unit="g"/><high value="2" unit="g"/></value>`: "1 g – 2 g",
		`<value><high value="2" unit="g"/></value>`:                          "≤ 2 g",
		`<value><low value="2"/></value>`:                                    "≥ 2",
		`<value>négatif</value>`:                                             "négatif",
		``:                                                                   "",
		`<value code="77" codeSystem="9.9" displayName="rouge"/>`:            "",
	} {
		c := parse(t, []byte(fmt.Sprintf(entry, value)))
		require.Equal(t, "Un test", c.Test.Name)
		require.Equal(t, want, c.Test.Results[0].Quantity)
		require.Equal(t, "x", c.Test.Results[0].Label)
		require.True(t, c.Vaccinations[0].NotDone)
		require.Equal(t, "aborted", c.Vaccinations[0].Status)
	}
	for _, b := range []string{"", "<a/>", "%PDF-1.4", `<ClinicalDocument xmlns="urn:hl7-org:v3">secret`} {
		_, err := dmp.ParseCDA([]byte(b))
		require.ErrorIs(t, err, dmp.ErrInvalidDocument)
		require.NotContains(t, err.Error(), "secret")
	}
}

func FuzzParseCDA(f *testing.F) {
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><code code="96173-0"/><component><structuredBody><component><section><text><content ID="a">x</content></text><entry><substanceAdministration><templateId root="1.2.250.1.213.1.1.3.45"/><text><reference value="#a"/></text></substanceAdministration></entry></section></component></structuredBody></component></ClinicalDocument>`))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="1.2.250.1.213.1.1.1.46"/><component><nonXMLBody><text mediaType="text/plain">a</text></nonXMLBody></component></ClinicalDocument>`))
	for _, name := range []string{"VAC-NOTE_2023.01.xml", "BIO-TROD_2024.01_Angine.xml"} {
		if dir := os.Getenv("SOCLE_CORPUS"); dir != "" {
			f.Add(corpus(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := dmp.ParseCDA(b)
		if err != nil {
			return
		}
		_ = c.Text()
		_ = c.Validate()
		_ = c.Next()
	})
}

func TestDates(t *testing.T) {
	t.Parallel()
	for d, want := range map[dmp.Date]string{"2009-09-28": "2009-09-28T00:00:00Z", "2009-09": "2009-09-01T00:00:00Z", "2009": "2009-01-01T00:00:00Z", "2009-09-28T09:49:14+01:00": "2009-09-28T08:49:14Z"} {
		got, ok := d.Time()
		require.True(t, ok, d)
		require.Equal(t, want, got.UTC().Format(time.RFC3339), d)
	}
	for _, d := range []dmp.Date{"", "hier", "2009-13-01", "20090928"} {
		_, ok := d.Time()
		require.False(t, ok, d)
	}
	require.Equal(t, dmp.Date("2026-10-14"), dmp.Day(noon))
	require.Empty(t, dmp.Day(time.Time{}))
}

// A document whose text is too long is cut, and says so.
func TestALongNarrativeIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<paragraph>mot mot mot</paragraph>", 200_000)
	c := parse(t, []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody><component><section><text>`+long+`</text></section></component><component><section><title>b</title></section></component></structuredBody></component></ClinicalDocument>`))
	require.True(t, c.Cut)
	require.LessOrEqual(t, len(c.Text()), 1<<20)
}
