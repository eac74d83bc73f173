package psc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// visit is a browser that goes somewhere once.
func visit(ctx context.Context, address, host string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestLoopbackLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RegisterRedirect(psctest.ClientID, "http://127.0.0.1/callback")
	type page struct {
		status int
		body   string
		err    error
	}
	pages := make(chan page, 10)
	s, err := w.client.LoopbackLogin(t.Context(), psc.LoopbackRequest{Open: func(address string) error {
		go func() {
			ctx := context.Background()
			back, err := w.Browser().Login(ctx, address, psctest.Titulaire)
			if err != nil {
				pages <- page{err: err}
				return
			}
			u, _ := url.Parse(back)
			forged := *u
			forged.RawQuery = "code=x&state=forged"
			elsewhere := *u
			elsewhere.Path = "/favicon.ico"
			for _, c := range [][2]string{{forged.String()}, {elsewhere.String()}, {back, "evil.example"}, {back}} {
				var p page
				p.status, p.body, p.err = visit(ctx, c[0], c[1])
				pages <- p
			}
		}()
		return nil
	}})
	require.NoError(t, err)
	who, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, psctest.Titulaire, who.ID.String())
	for _, want := range []int{400, 404, 403, 200} {
		p := <-pages
		require.NoError(t, p.err)
		require.Equal(t, want, p.status)
		if want == 200 {
			require.Contains(t, p.body, "Vous pouvez fermer")
		}
	}
}

func TestLoopbackLoginFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RegisterRedirect(psctest.ClientID, "http://127.0.0.1/callback")
	failing := errors.New("no browser")
	_, err := w.client.LoopbackLogin(t.Context(), psc.LoopbackRequest{Open: func(string) error { return failing }})
	require.ErrorIs(t, err, failing)

	_, err = w.client.LoopbackLogin(t.Context(), psc.LoopbackRequest{Open: func(address string) error {
		back, err := w.Browser().Login(t.Context(), address, "")
		if err == nil {
			go func() { _, _, _ = visit(context.Background(), back, "") }()
		}
		return err
	}})
	require.ErrorIs(t, err, psc.ErrDenied)

	ctx, cancel := context.WithCancel(t.Context())
	var begun time.Time
	_, err = w.client.LoopbackLogin(ctx, psc.LoopbackRequest{Open: func(string) error { begun = time.Now(); cancel(); return nil }})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begun), 100*time.Millisecond)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = w.client.LoopbackLogin(t.Context(), psc.LoopbackRequest{Port: l.Addr().(*net.TCPAddr).Port})
	require.ErrorContains(t, err, "the loopback port cannot be had")
	for _, r := range []psc.LoopbackRequest{{Path: "callback"}, {Path: "//x"}, {Port: 70000}} {
		_, err = w.client.LoopbackLogin(t.Context(), r)
		require.ErrorContains(t, err, "LoopbackRequest")
	}
	require.Error(t, psc.OpenBrowser("file:///etc/passwd"))
	require.Error(t, psc.OpenBrowser("-h"))
}
