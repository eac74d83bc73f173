package dmp_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/xmltree"
)

// flu is a vaccination of the day.
func flu() dmp.Vaccination {
	return dmp.Vaccination{
		Kind: dmp.OtherVaccination, Date: "2026-10-14",
		Vaccine: dmp.Vaccine{Name: "VACCIN GRIPPAL <ESSAI>, suspension injectable", CIS: "60000001",
			ATC: socle.Code{Code: "J07BB02", Display: "grippe, antigène purifié"}, CIP: "3400930000001", Lot: "L & 42"},
		Route: dmp.Intramuscular, Site: dmp.LeftDeltoid, Rank: 1,
		Reactions: []dmp.Reaction{{Code: socle.Code{Code: "R50.2", System: "2.16.840.1.113883.6.3", Display: "Fièvre due à des médicaments"}, Date: "2026-10-14", Text: "fièvre"}},
		Comment:   "Bien supporté",
	}
}

var noon = time.Date(2026, 10, 14, 12, 5, 0, 0, time.FixedZone("", 7200))

func note() dmp.VaccinationNote { return dmp.VaccinationNote{Vaccination: flu(), Date: noon} }

func TestAVaccinationNoteFollowsItsRules(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	least := flu()
	least.Route, least.Site, least.Rank, least.Reactions, least.Comment, least.Vaccine.CIP = socle.Code{}, socle.Code{}, 0, nil, "", ""
	earlier := flu()
	earlier.Date = "2026-09-01"
	earlier.Performer = &dmp.Participant{ID: "810000000025", FamilyName: "BLEUET", GivenName: "Jean", Role: socle.Code{Code: "G15_60", System: "1.2.250.1.213.1.1.4.5", Display: "Infirmier"}}
	for name, v := range map[string]dmp.Vaccination{"full": flu(), "least": least, "another performer": earlier} {
		d, err := c.NewVaccinationNote(pharmacist, qualified(t, "HALL"), dmp.VaccinationNote{Vaccination: v, Date: noon, Visibility: []dmp.Visibility{dmp.HiddenFromRepresentatives}})
		require.NoError(t, err, name)
		require.Empty(t, d.Warnings, name)
		require.Equal(t, "87273-9", d.Type().Code)
		b := content(t, d)
		require.EqualValues(t, len(b), d.Size())
		read, err := cda.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		require.Empty(t, cisis.Validate(read), name)
		e := dmp.MetadataOf(d)
		require.Equal(t, "urn:asip:ci-sis:vac-note:2021", e.Format.Code)
		require.Equal(t, "10", e.Class.Code)
		require.Len(t, e.Confidentiality, 2)
		require.Equal(t, "20261014100500", e.CreationTime)
	}
}

func TestAVaccinationNoteSaysAllThatItLacks(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	_, err := c.NewVaccinationNote(pharmacist, qualified(t, "HALL"), dmp.VaccinationNote{Vaccination: dmp.Vaccination{Date: "2026", Rank: -1, NotDone: true,
		Vaccine: dmp.Vaccine{CIP: "12"}, Reactions: []dmp.Reaction{{Date: "hier"}}, Author: &dmp.Participant{}}})
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	for _, field := range []string{"Author", "Date", "Kind", "NotDone", "Rank", "Reactions[0].Code", "Reactions[0].Date", "Vaccine.ATC", "Vaccine.CIP", "Vaccine.CIS", "Vaccine.Lot", "Vaccine.Name"} {
		require.ErrorContains(t, err, "Vaccination."+field+":")
	}
	later := note()
	later.Vaccination.Date = "2026-10-15"
	_, err = c.NewVaccinationNote(pharmacist, qualified(t, "HALL"), later)
	require.ErrorContains(t, err, "after the date of the note")

	// What the rules of the document refuse is told with its place.
	odd := note()
	odd.Vaccination.Kind = socle.Code{Code: "FIRST", System: "2.16.840.1.113883.5.4", Display: "Première"}
	_, err = c.NewVaccinationNote(pharmacist, qualified(t, "HALL"), odd)
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	require.ErrorContains(t, err, "vaccination.act")
	for _, secret := range []string{"HALL", "287080883795737", "Bien supporté", "L & 42"} {
		require.NotContains(t, err.Error(), secret)
	}

	odd = note()
	odd.Vaccination.Route = socle.Code{Code: "20045000", System: "0.4.0.127.0.16.1.1.2.1", Display: "Voie intraveineuse"}
	_, err = c.NewVaccinationNote(pharmacist, qualified(t, "HALL"), odd)
	require.ErrorContains(t, err, "vaccination.codes")
}

func TestANoteThatReplacesAnother(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	first, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	n := note()
	n.Edition = first.Next()
	second, err := c.NewVaccinationNote(pharmacist, patient, n)
	require.NoError(t, err)
	r := report()
	r.Edition = second.Next()
	third, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	for i, d := range []*dmp.Document{second, third} {
		read, err := cda.Parse(content(t, d), xmltree.Limits{})
		require.NoError(t, err)
		require.Empty(t, cisis.Validate(read))
		require.Equal(t, first.ID(), read.SetID.Root)
		require.Equal(t, i+2, read.Version)
		require.Equal(t, []cda.Related{{Type: "RPLC", IDs: []cda.ID{{Root: []*dmp.Document{first, second}[i].ID()}}}}, read.Related)
		require.NotEqual(t, first.ID(), d.ID())
	}
	for _, e := range []dmp.Edition{{Replaces: "1.2.3"}, {Replaces: "1.2.3", SetID: "1.2.3"}, {Replaces: "1.2.3", SetID: "1.2.3", Version: 2, ID: "1.2.3"}, {Version: -1}} {
		n.Edition = e
		_, err := c.NewVaccinationNote(pharmacist, patient, n)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	}
}

func TestAPreventionPlanIsAFile(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), dmp.Report{Title: "Plan personnalisé de prévention", Type: dmp.PreventionPlan, File: pdf(500)})
	require.NoError(t, err)
	e := dmp.MetadataOf(d)
	require.Equal(t, "83869-8", e.Type.Code)
	require.Equal(t, "44", e.Class.Code)
	require.Equal(t, "urn:ihe:iti:xds-sd:pdf:2008", e.Format.Code)
	read, err := cda.Parse(content(t, d), xmltree.Limits{})
	require.NoError(t, err)
	require.Empty(t, cisis.Validate(read))
}

func TestANoteIsSubmitted(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	record, err := c.Exists(t.Context(), pharmacist, patient)
	require.NoError(t, err)
	d, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	r, err := c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{d}})
	require.NoError(t, err)
	require.Equal(t, d.ID(), r.Documents[0].ID)
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1)
}

// Whatever the words, what a note says is what is read of it.
func TestWordsOfANoteComeBack(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	words := rapid.StringMatching(`[a-zA-Zé<>&"'/#|-]{1,12}( [a-zA-Zé<>&"']{1,12}){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		v := flu()
		v.Vaccine.Name, v.Vaccine.Lot, v.Comment = words.Draw(t, "name"), words.Draw(t, "lot"), words.Draw(t, "comment")
		v.Reactions[0].Text, v.Rank = words.Draw(t, "reaction"), rapid.IntRange(0, 99).Draw(t, "rank")
		d, err := c.NewVaccinationNote(pharmacist, patient, dmp.VaccinationNote{Vaccination: v, Date: noon})
		require.NoError(t, err)
		r, err := d.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		read, err := dmp.ParseCDA(b)
		require.NoError(t, err)
		got := read.Vaccinations[0]
		require.Equal(t, []any{v.Vaccine.Name, v.Vaccine.Lot, v.Comment, v.Reactions[0].Text, v.Rank},
			[]any{got.Vaccine.Name, got.Vaccine.Lot, got.Comment, got.Reactions[0].Text, got.Rank})
	})
}
