package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	file := filepath.Join(t.TempDir(), "traces.jsonl")
	require.Zero(t, run(t.Context(), []string{"-traces", file}, &out, &complaints), complaints.String())
	shown := regexp.MustCompile(`nombre \d\d`).ReplaceAllString(out.String(), "nombre NN")
	shown = regexp.MustCompile(`\d+ octets`).ReplaceAllString(shown, "N octets")
	require.Equal(t, `Retrouvez le nombre NN dans votre application e-CPS.
Connecté.
L'API a signé la session : N octets.
Déconnecté.
Trace CONNECT_SUCCESS de 127.0.0.1
Trace SEND de 127.0.0.1 : POST signsessiondata/signsessiondata
Trace DISCONNECT de 127.0.0.1
`, shown)
	require.FileExists(t, file)
}

// lines gives what is written as it comes.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestServe(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := make(lines, 10)
	done := make(chan int)
	go func() { done <- run(ctx, []string{"-serve", "127.0.0.1:0"}, out, io.Discard) }()
	text := <-out
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(text)
	require.Contains(t, text, "curl -b cookie -X DELETE "+url+"/disconnect")
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url + "/traces?start=2026-01-01T00:00:00Z")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	stop()
	require.Zero(t, <-done)
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{"-h": 0, "-x": 2, "extra": 2, "-serve 256.0.0.1:1": 1, "-traces /": 1} {
		require.Equal(t, want, run(t.Context(), strings.Fields(args), io.Discard, io.Discard), args)
	}
}
