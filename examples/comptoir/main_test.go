package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/psc/psctest"
	"github.com/soclesante/socle/socletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// visitors runs the program and gives its exit status, its steps and what it
// says on standard error.
func visitors(t *testing.T, between func(*stage, string), args ...string) (status int, steps []line, ok bool, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(context.Background(), append([]string{"-json"}, args...), &out, &errs, between)
	for text := range strings.Lines(out.String()) {
		var l struct {
			line
			Summary *struct {
				OK    bool `json:"ok"`
				Steps int  `json:"steps"`
			} `json:"summary"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &l))
		if l.Summary != nil {
			ok = l.Summary.OK
			require.Len(t, steps, l.Summary.Steps)
			continue
		}
		steps = append(steps, l.line)
		require.Equal(t, len(steps), l.Step)
	}
	return status, steps, ok, errs.String()
}

func TestVisit(t *testing.T) {
	t.Parallel()
	status, steps, ok, stderr := visitors(t, nil)
	require.Zero(t, status, stderr)
	require.True(t, ok)
	var services []string
	for _, s := range steps {
		require.True(t, s.OK, "%+v", s)
		services = append(services, s.Service+" "+s.Operation)
	}
	require.Equal(t, []string{
		"psc ciba.login", "psc situation", "ins WS_INS2", "ins qualification", "ordonnance Read", "dp Consult", "ordonnance Dispense",
		"dp Feed", "dmp TD0.2", "dmp TD0.3", "dmp TD3.1", "dmp TD3.2", "dmp TD2.1", "mss imap.read", "dmp TD2.1", "mss smtp.reply", "psc logout",
	}, services)
}

func TestVisitOfAnotherKnownPatient(t *testing.T) {
	t.Parallel()
	status, steps, ok, stderr := visitors(t, nil, "-patient", "DE VINCI;LEONARDO;M;2014-02-01;63220")
	require.Zero(t, status, stderr)
	require.True(t, ok)
	require.Equal(t, "LEONARDO DE VINCI", steps[3].Detail["patient"])
}

func TestVisitWithADocumentOfOnesOwn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.pdf")
	require.NoError(t, os.WriteFile(file, reportPDF("Bilan"), 0o600))
	status, _, _, stderr := visitors(t, nil, "-document", file)
	require.Zero(t, status, stderr)
}

func TestVisitWithRealPrescriptions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "eP-MED-DM_*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		status, steps, ok, stderr := visitors(t, nil, "-ordonnance", f)
		require.Zero(t, status, "%s: %s", filepath.Base(f), stderr)
		require.True(t, ok)
		require.Equal(t, "DOMINIQUE PAT-TROIS", steps[3].Detail["patient"])
		require.NotEmpty(t, steps[4].Detail["lignes"])
	}
}

func TestPrescriptionOfSomebodyElseIsNotRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(oracle.Corpus(t, "cda"), "eP-MED-DM_2024.01_PosoStruct.xml")
	status, steps, ok, stderr := visitors(t, nil, "-ordonnance", file, "-patient", "ADRTROIS;TOUSSAINT;M;1960-01-01;2B020")
	require.Equal(t, 1, status)
	require.False(t, ok)
	require.Equal(t, "Read", steps[len(steps)-1].Operation)
	require.Contains(t, stderr, "étape 5 (ordonnance, Read)")
}

func TestWrongInputEndsWithAMessage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	pdf := reportPDF("Bilan")
	truncated := write("truncated.xml", []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2`))
	empty, huge, cut := write("empty", nil), write("huge", nil), write("cut.pdf", pdf[:len(pdf)/2])
	big := write("big.pdf", append(bytes.Join([][]byte{pdf, make([]byte, 6<<20)}, nil), "%%EOF"...))
	require.NoError(t, os.Truncate(huge, 3<<30))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"missing file":      {[]string{"-ordonnance", "missing.xml"}, "-ordonnance : fichier introuvable : missing.xml"},
		"truncated XML":     {[]string{"-ordonnance", truncated}, "-ordonnance : "},
		"not XML":           {[]string{"-ordonnance", "main.go"}, "-ordonnance : "},
		"empty":             {[]string{"-ordonnance", empty}, "fichier vide"},
		"device":            {[]string{"-ordonnance", os.DevNull}, "n'est pas un fichier ordinaire"},
		"folder":            {[]string{"-document", "."}, ". est un dossier"},
		"huge file":         {[]string{"-ordonnance", huge}, "fichier de plus de 64 Mio"},
		"truncated PDF":     {[]string{"-document", cut}, "tronqué"},
		"PDF beyond 5 MB":   {[]string{"-document", big}, "étape 13 (dmp, TD2.1)"},
		"French date":       {[]string{"-patient", "ADRTROIS;TOUSSAINT;M;01/01/1960;2B020"}, "date de naissance : AAAA-MM-JJ attendu"},
		"not a PDF":         {[]string{"-document", "main.go"}, "-document : ce n'est pas un PDF"},
		"four traits":       {[]string{"-patient", "A;B;F;1980-01-01"}, "-patient : NOM;PRENOM;SEXE;AAAA-MM-JJ;COG attendu"},
		"impossible date":   {[]string{"-patient", "A;B;F;1980-02-31;75056"}, "-patient : date de naissance"},
		"unknown sex":       {[]string{"-patient", "A;B;X;1980-01-01;75056"}, "sexe : M ou F attendu"},
		"digits in a name":  {[]string{"-patient", "A1;B;F;1980-01-01;75056"}, "-patient : ins: "},
		"malformed COG":     {[]string{"-patient", "A;B;F;1980-01-01;7"}, "-patient : lieu de naissance"},
		"unknown patient":   {[]string{"-patient", "PERSONNE;DE;F;1980-01-01;75056"}, "étape 3 (ins, WS_INS2)"},
		"ambiguous patient": {[]string{"-patient", "DE VINCI;LEONARDO;M;2014-02-01;"}, "étape 3 (ins, WS_INS2)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, ok, stderr := visitors(t, nil, c.args...)
			require.Equal(t, 1, status)
			require.False(t, ok)
			require.Contains(t, stderr, c.want)
		})
	}
	var out bytes.Buffer
	require.Equal(t, 2, run(context.Background(), []string{"-unknown"}, &out, &out, nil))
	require.Equal(t, 2, run(context.Background(), []string{"prescription.xml"}, &out, &out, nil))
	require.Contains(t, out.String(), "argument inattendu : prescription.xml")
}

func TestTraitsAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	status, _, _, stderr := visitors(t, nil, "-patient", " d’Artagnan de l’Hérault ; pierre-alain ;m; 2001-06-17 ; 63220")
	require.Zero(t, status, stderr)
	want, err := parseTraits("ADRTROIS;TOUSSAINT;M;1960-01-01;2B020")
	require.NoError(t, err)
	got, err := parseTraits("adrtrois;Toussaint; m ;1960-01-01;2b020 ")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestStoryIsInFrench(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Zero(t, run(context.Background(), nil, &out, &errs, nil), errs.String())
	for _, want := range []string{" ouvert\n", " délivrée", "échange clos       oui\n", "rapprochement      nouveau\n", "Visite terminée : 17 étapes en "} {
		require.Contains(t, out.String(), want)
	}
	out.Reset()
	require.Equal(t, 1, run(context.Background(), []string{"-patient", "PERSONNE;DE;F;1980-01-01;75056"}, &out, &errs, nil))
	require.Contains(t, out.String(), "Visite interrompue à l'étape 3.")
	require.Contains(t, out.String(), "conseil")
}

func TestTruncatedPrescriptions(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(oracle.Corpus(t, "cda", "eP-MED-DM_2024.01_PosoStruct.xml"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "cut.xml")
	end := bytes.LastIndex(b, []byte("</ClinicalDocument>"))
	for n := 1; n < end; n += end / 97 {
		require.NoError(t, os.WriteFile(file, b[:n], 0o600))
		_, err := newScript(file, "", "")
		require.ErrorContains(t, err, "-ordonnance : ", "cut at %d", n)
	}
}

// Each step is tried with its service down: the visit ends there, the error
// names the step and the cause, and what was not done is told.
func TestServiceDownAtEachStep(t *testing.T) {
	t.Parallel()
	down := map[string]func(*stage){
		"ciba.login": func(s *stage) { s.psc.Close() },
		"WS_INS2":    func(s *stage) { s.ins.Close() },
		"Read":       func(s *stage) { s.ordonnance.Close() },
		"Consult":    func(s *stage) { s.dp.Close() },
		"Dispense":   func(s *stage) { s.ordonnance.Close() },
		"Feed":       func(s *stage) { s.dp.Close() },
		"TD0.2":      func(s *stage) { s.dmp.Close() },
		"TD0.3":      func(s *stage) { s.dmp.Close() },
		"TD3.1":      func(s *stage) { s.dmp.Close() },
		"TD3.2":      func(s *stage) { s.dmp.Close() },
		"TD2.1":      func(s *stage) { s.dmp.Close() },
		"imap.read":  func(s *stage) { s.mss.Close() },
		"smtp.reply": func(s *stage) { s.mss.Close() },
		"logout":     func(s *stage) { s.psc.Close() },
	}
	for operation, stop := range down {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			status, steps, ok, stderr := visitors(t, func(s *stage, step string) {
				if step == operation {
					stop(s)
				}
			})
			require.Equal(t, 1, status)
			require.False(t, ok)
			last := steps[len(steps)-1]
			require.False(t, last.OK)
			require.Equal(t, operation, last.Operation)
			require.Contains(t, stderr, last.Operation)
			require.NotEmpty(t, last.Detail["error"])
		})
	}
}

// A connection cut after the work leaves the outcome unknown, and the error says so.
func TestAnswerLostAfterTheWork(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"TD2.1", "Dispense"} {
		status, _, _, stderr := visitors(t, func(s *stage, step string) {
			if step != operation {
				return
			}
			f := socletest.Fault{ResetAfter: true, Times: -1}
			s.dmp.Fail(f)
			s.ordonnance.Fail(f)
		})
		require.Equal(t, 1, status)
		require.Contains(t, stderr, operation)
		require.Contains(t, stderr, "résultat inconnu", "the user must be told that it may have been done")
	}
}

// The access token lives for two minutes: a visit that takes longer renews it
// without anybody noticing, and one that takes more than the session ends with
// the reason.
func TestTokenExpiresDuringTheVisit(t *testing.T) {
	t.Parallel()
	status, _, ok, stderr := visitors(t, func(s *stage, _ string) { s.clock.Advance(3 * 60e9) })
	require.Zero(t, status, stderr)
	require.True(t, ok)

	status, steps, _, stderr := visitors(t, func(s *stage, step string) {
		if step == "Read" {
			s.psc.EndSessions(psctest.Titulaire)
			s.clock.Advance(3 * 60e9)
		}
	})
	require.Equal(t, 1, status)
	require.Equal(t, "Read", steps[len(steps)-1].Operation)
	require.Contains(t, stderr, "psc: ")
}

func TestCancelledVisitStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	status := run(ctx, []string{"-json"}, &out, &errs, func(_ *stage, step string) {
		if step == "Consult" {
			cancel()
		}
	})
	require.Equal(t, 1, status)
	require.Contains(t, errs.String(), "context canceled")
}
