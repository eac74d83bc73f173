//go:build peers

package dmp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
)

// TestPeerStructuredDocuments gives notes and tests to the schema of CDA, and to
// canonicalisation, which must change nothing. With SOCLE_DOCUMENTS they are
// written to that folder, for other validators.
func TestPeerStructuredDocuments(t *testing.T) {
	t.Parallel()
	xmllint, xsd := oracle.Program(t, "xmllint"), oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	_, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	made := map[string]*dmp.Document{}
	add := func(name string, d *dmp.Document, err error) {
		require.NoError(t, err, name)
		made[name] = d
	}
	n := note()
	d, err := c.NewVaccinationNote(pharmacist, patient, n)
	add("note", d, err)
	n.Edition = d.Next()
	n.Vaccination.Reactions = append(n.Vaccination.Reactions, dmp.Reaction{Code: n.Vaccination.Reactions[0].Code})
	d, err = c.NewVaccinationNote(pharmacist, patient, n)
	add("note-replacing", d, err)
	n = note()
	n.Vaccination.Route, n.Vaccination.Site, n.Vaccination.Rank, n.Vaccination.Reactions, n.Vaccination.Comment, n.Vaccination.Vaccine.CIP = dmp.Oral, dmp.LeftThigh, 0, nil, "", ""
	n.Vaccination.Date = "2026-01-02"
	d, err = c.NewVaccinationNote(pharmacist, patient, n)
	add("note-least", d, err)
	for name, test := range screenings() {
		d, err := c.NewTestReport(pharmacist, patient, dmp.TestReport{Test: test, Date: noon})
		add("test-"+name, d, err)
	}
	d, err = c.NewDocument(pharmacist, patient, dmp.Report{Title: "Plan personnalisé de prévention", Type: dmp.PreventionPlan, File: pdf(500)})
	add("plan", d, err)

	dir := os.Getenv("SOCLE_DOCUMENTS")
	if dir == "" {
		dir = t.TempDir()
	}
	for name, d := range made {
		b := content(t, d)
		path := filepath.Join(dir, name+".xml")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", xsd, path).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		for _, form := range []string{"--c14n", "--exc-c14n"} {
			out, err := exec.Command(xmllint, "--nonet", form, path).Output()
			require.NoError(t, err)
			require.Equal(t, string(b), string(out), name+form)
		}
	}
}
