package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
)

func TestFindingsAndVaccinationsAreShown(t *testing.T) {
	t.Parallel()
	file := oracle.Corpus(t, "cda", "VAC-NOTE_2023.01.xml")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	broken := filepath.Join(t.TempDir(), "broken.xml")
	require.NoError(t, os.WriteFile(broken, bytes.Replace(b, []byte("<lotNumberText>4456672</lotNumberText>"), nil, 1), 0o600))

	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-json", file, broken, oracle.Corpus(t, "cda", "BIO-TROD_2024.01_Angine.xml")}, &out, &errs), errs.String())
	var got []report
	for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var r report
		require.NoError(t, json.Unmarshal([]byte(l), &r))
		got = append(got, r)
	}
	require.Empty(t, got[0].CDA.Checked.Findings)
	require.Equal(t, []vaccinationEntry{{Date: "2009-09-28", Vaccine: "vaccins tétaniques", CIS: "68747507", ATC: "J07AM", CIP: "3400932857241", Lot: "4456672",
		Kind: "INITIMMUNIZ", Rank: 2, Route: "Voie intramusculaire", Site: "deltoïde gauche", Reactions: []string{"R50.2 Fièvre due à des médicaments"},
		Comment: "Prise récente et ponctuelle de solupred (60mg) en une prise pendant 2 jours", By: "Charles MULLER"}}, got[0].CDA.Checked.Vaccinations)
	require.Equal(t, "note.lot", got[1].CDA.Checked.Findings[0].Rule)
	require.Equal(t, []testEntry{{"78012-2", "Dépistage Angine (S. pyogenes)", "négatif", "(texte libre)"}}, got[2].CDA.Checked.RapidTest)

	out.Reset()
	require.Zero(t, run([]string{file, broken}, &out, &errs))
	for _, part := range []string{"vaccinations", "2009-09-28: vaccins tétaniques, lot 4456672, rank 2, by Charles MULLER", "none", "(note.lot)"} {
		require.Contains(t, out.String(), part)
	}
}
