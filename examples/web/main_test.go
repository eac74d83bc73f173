package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/psc/psctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page is the body of an address, and where the browser ended or was sent
// outside of the site.
func page(t *testing.T, c *http.Client, method, address string) (body, location string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b), resp.Header.Get("Location")
}

func TestAPersonLogsInAndOut(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var out, complaints bytes.Buffer
	ready := make(chan struct{})
	var site string
	var srv *psctest.Server
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"-adresse", "127.0.0.1:0"}, &out, &complaints, func(a string, s *psctest.Server) { site, srv = a, s; close(ready) })
	}()
	select {
	case <-ready:
	case status := <-done:
		t.Fatal(status, complaints.String())
	}
	for person, want := range map[string]string{
		psctest.Titulaire: "Pharmacien titulaire", psctest.Adjoint: "Dans quelle situation", psctest.NoExercise: "aucun exercice",
		psctest.Preparateur: "DOMINIQUE PREPARATEUR0000102",
	} {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		c := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), site) {
				return http.ErrUseLastResponse
			}
			return nil
		}}
		body, _ := page(t, c, "GET", site)
		require.Contains(t, body, "S'identifier", "%s", body)
		_, location := page(t, c, "GET", site+"/situation")
		back, err := srv.Browser().Login(t.Context(), location, person)
		require.NoError(t, err)
		body, _ = page(t, c, "GET", back)
		require.Contains(t, body, want)
		_, location = page(t, c, "POST", site+"/logout")
		back, err = srv.Browser().Visit(t.Context(), location)
		require.NoError(t, err)
		require.Equal(t, site+"/", back)
		_, location = page(t, c, "GET", site+"/situation")
		require.Contains(t, location, srv.Environment().Authorization)
	}
	stop()
	require.Zero(t, <-done, complaints.String())
	require.Contains(t, out.String(), "Ouvrez http://127.0.0.1:")
	require.Equal(t, 2, run(t.Context(), []string{"-x"}, &out, &complaints, nil))
	require.Equal(t, 1, run(t.Context(), []string{"-adresse", "x"}, &out, &complaints, nil))
}
