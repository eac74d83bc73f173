package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/mss"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	require.Equal(t, 0, run(t.Context(), nil, &out, &complaints), complaints.String())
	for _, s := range []string{"PATIENT        Anne Essai", "ordonnance.jpg", "ordonnance probable", "PROFESSIONNEL  Dr_Paul_MEDECIN_Cabinet du Port",
		"elle reprend d'elle-même", "Léo Épreuve", "3 messages montrés"} {
		require.Contains(t, out.String(), s)
	}
}

func TestWhatCannotWorkSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		err    string
	}{
		"help":       {[]string{"-h"}, 0, "-config"},
		"argument":   {[]string{"x"}, 2, "aucun argument"},
		"flag":       {[]string{"-x"}, 2, "-x"},
		"no file":    {[]string{"-config", filepath.Join(dir, "absent.json")}, 1, "absent.json"},
		"no JSON":    {[]string{"-config", write("bad.json", "{")}, 1, "bad.json"},
		"incomplete": {[]string{"-config", write("empty.json", "{}")}, 1, "obligatoires"},
		"no roots":   {[]string{"-config", write("roots.json", `{"curseur":"c","igc":"`+write("roots.pem", "x")+`","certificat":"c.p12"}`)}, 1, "aucun certificat PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			require.Equal(t, c.status, run(t.Context(), c.args, &out, &complaints))
			require.Contains(t, complaints.String(), c.err)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, 0, run(ctx, nil, &bytes.Buffer{}, &bytes.Buffer{}), "an interruption is no failure")
}

func TestCursorIsKept(t *testing.T) {
	t.Parallel()
	c := &config{Cursor: filepath.Join(t.TempDir(), "curseur")}
	at, err := c.since()
	require.NoError(t, err)
	require.True(t, at.IsZero())
	require.NoError(t, c.store(mss.Cursor{}))
	require.NoError(t, os.WriteFile(c.Cursor, []byte("damaged"), 0o600))
	_, err = c.since()
	require.Error(t, err)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(c.Cursor), ".curseur-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestNothingIsWrittenElsewhereOnTheTerminal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a [2Jb é c", printable("a\x1b[2Jb é\u009bc"))
	require.Equal(t, "été…", first("été 2026", 3))
}
