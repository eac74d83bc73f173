package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func try(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(ctx, args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestSearch(t *testing.T) {
	t.Parallel()
	status, out, errs := try(t.Context(), "search")
	require.Zero(t, status, errs)
	for _, want := range []string{"asked with given name 1: 01", "asked with given name 2: 00", "[OLA]", "discordant", "21/06/1936"} {
		require.Contains(t, out, want)
	}
	status, out, errs = try(t.Context(), "search", "-patient", "Houilles;Pierre Paul Jacques;M;1993-01-27")
	require.Equal(t, 1, status)
	require.Equal(t, 4, strings.Count(out, ": 01"))
	require.Contains(t, errs, "Aucune identite trouvee")
}

func TestQualify(t *testing.T) {
	t.Parallel()
	picture := filepath.Join(t.TempDir(), "ins.png")
	status, out, errs := try(t.Context(), "qualify", "-patient", "Ecetinsi;Pierre-Alain;M;2009-07-14", "-evidence", "PA", "-datamatrix", picture)
	require.Zero(t, status, errs)
	for _, want := range []string{"provisoire → récupérée", "récupérée → qualifiée", "sent as 109076322083489^^^&1.2.250.1.213.1.4.10&ISO^NH", "INS à scanner"} {
		require.Contains(t, out, want)
	}
	f, err := os.Open(picture)
	require.NoError(t, err)
	defer f.Close()
	_, err = png.Decode(f)
	require.NoError(t, err)

	for name, row := range map[string]struct {
		args []string
		says string
	}{
		"no document":         {[]string{"-patient", "Ecetinsi;Pierre-Alain;M;2009-07-14"}, "only the INS of a qualified identity"},
		"unknown document":    {[]string{"-patient", "Ecetinsi;Pierre-Alain;M;2009-07-14", "-evidence", "FACTURE"}, "EXI ID 19"},
		"discordant":          {nil, "give a -reason"},
		"a picture of no use": {[]string{"-patient", "Ecetinsi;Pierre-Alain;M;2009-07-14", "-evidence", "CN", "-datamatrix", "x.bmp"}, ".png or .svg"},
		"a cut patient":       {[]string{"-patient", "Ecetinsi"}, "expected"},
		"a wrong date":        {[]string{"-patient", "Ecetinsi;Pierre-Alain;M;2009-02-30"}, "no such day"},
	} {
		status, _, errs := try(t.Context(), append([]string{"qualify"}, row.args...)...)
		require.Equal(t, 1, status, name)
		require.Contains(t, errs, row.says, name)
	}
	status, out, errs = try(t.Context(), "qualify", "-reason", "livret de famille vu", "-evidence", "CN")
	require.Zero(t, status, errs)
	require.Contains(t, out, "the user preferred the traits of INSi")
}

// A list is stopped and taken up again: each line has one result.
func TestVerifyResumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, list, _ := try(t.Context(), "sample", "-n", "120")
	path := filepath.Join(dir, "list.csv")
	require.NoError(t, os.WriteFile(path, []byte(list), 0o600))

	ctx, cancel := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	stopping := writerFunc(func(p []byte) (int, error) { cancel(); return errs.Write(p) }) // at the first progress
	require.Equal(t, 1, run(ctx, []string{"verify", "-rate", "30", path}, &out, stopping))
	require.Contains(t, errs.String(), "run again to go on")

	status, done, progress := try(t.Context(), "verify", "-rate", "1000", path)
	require.Zero(t, status, progress)
	require.NotContains(t, progress, " 0 of them by an earlier run")
	require.Contains(t, done, "120 lines: 112 confirmed, 5 refuted, 3 refused, 0 undetermined")
	kept, err := os.ReadFile(path + ".journal")
	require.NoError(t, err)
	for i := range 120 {
		require.Equal(t, 1, strings.Count(string(kept), fmt.Sprintf(`"ref":"R%d"`, i+1)), i+1)
	}
	require.NotContains(t, string(kept), "ECETINSI")
	require.NotContains(t, string(kept), "1090763")

	status, again, _ := try(t.Context(), "verify", path)
	require.Zero(t, status)
	require.Equal(t, done, again, "nothing is left to ask")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestVerifyBadLists(t *testing.T) {
	t.Parallel()
	const head = "reference;matricule;oid;nom;prenoms;sexe;naissance;lieu\n"
	for name, row := range map[string]struct {
		list, says string
	}{
		"empty":          {"", "the first line must be"},
		"another header": {"a;b\n", "the first line must be"},
		"cut line":       {head + "R1;279035121518989;1.2.250.1.213.1.4.10;PAT\n", "wrong number of fields"},
		"a quote":        {head + "R1;\"279035121518989;x\n", "quote"},
		"a bad ref":      {head + "R 1;279035121518989;1.2.250.1.213.1.4.10;PAT-TROIS;DOMINIQUE;F;1979-03-28;51215\n", "reference"},
	} {
		path := filepath.Join(t.TempDir(), "list.csv")
		require.NoError(t, os.WriteFile(path, []byte(row.list), 0o600))
		status, _, errs := try(t.Context(), "verify", path)
		require.Equal(t, 1, status, name)
		require.Contains(t, errs, row.says, name)
		require.NotContains(t, errs, "2790351", name)
	}
	path := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(path, []byte(head+
		"R1;279035121518989;1.2.250.1.213.1.4.10;PAT-TROIS;DOMINIQUE MARIE-LOUISE;F;1979-03-28;51215\n"+
		"R2;2790;1.2.250.1.213.1.4.10;PAT-TROIS;DOMINIQUE;F;1979-03-28;51215\n"+
		"R3;279035121518989;1.2.250.1.213.1.4.10;PAT-TROIS;DOMINIQUE;F;1979-02-30;51215\n"), 0o600))
	status, out, errs := try(t.Context(), "verify", path)
	require.Zero(t, status, errs)
	require.Contains(t, out, "3 lines: 1 confirmed, 0 refuted, 2 refused")
	status, _, errs = try(t.Context(), "verify", filepath.Join(t.TempDir(), "none.csv"))
	require.Equal(t, 1, status)
	require.Contains(t, errs, "no such file")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"fly"}, {"verify"}, {"search", "x"}, {"search", "-x"}} {
		status, _, errs := try(t.Context(), args...)
		require.Equal(t, 2, status)
		require.Contains(t, strings.ToLower(errs), "usage")
	}
	status, _, _ := try(t.Context(), "search", "-h")
	require.Zero(t, status)
}
