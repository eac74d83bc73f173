package psc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestKeysAreFetchedOnceForAThousandLogins(t *testing.T) {
	t.Parallel()
	const many = 1000
	var people []psctest.Person
	for i := 0; len(people) < many; i++ {
		if _, err := socle.ParsePersonID(fmt.Sprintf("8%011d", 99900100000+i)); err == nil {
			people = append(people, psctest.Person{ID: fmt.Sprintf("8%011d", 99900100000+i), FamilyName: "FICTIF", GivenName: "NOA", Generation: psctest.Minimal})
		}
	}
	srv, err := psctest.NewServer(psctest.Options{Authority: authority(), Clock: emulator.NewClock(morning), People: people, Interval: -1})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cert, err := certificate()
	require.NoError(t, err)
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	srv.Register(psctest.ClientID, pki.DN(leaf))
	inner := mutual(&world{Server: srv}, cert)
	inner.MaxConnsPerHost, inner.MaxIdleConnsPerHost = 16, 16 // the handshakes would be most of the test
	t.Cleanup(inner.CloseIdleConnections)
	// The keys do not stand in the queue of a thousand logins, which a slow
	// machine may take longer to serve than a fetch is given.
	aside := mutual(&world{Server: srv}, cert)
	t.Cleanup(aside.CloseIdleConnections)
	route := roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() == srv.Environment().JWKS {
			return aside.RoundTrip(r)
		}
		return inner.RoundTrip(r)
	})
	var keys atomic.Int64
	c, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, HTTPClient: &http.Client{Transport: route},
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Watch: socle.Watch{Clock: srv.Clock().Now, Observe: func(_ context.Context, x socle.Exchange) {
			if x.Operation == "jwks" {
				keys.Add(1)
			}
		}},
	})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Go(func() {
			if _, err := c.Login(t.Context(), request(t, p.ID)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, keys.Load())
}

func TestAFloodOfUnknownKeysCostsOneFetchAMinute(t *testing.T) {
	t.Parallel()
	var keys atomic.Int64
	w := newWorld(t, func(c *psc.Config) {
		c.Observe = func(_ context.Context, x socle.Exchange) {
			if x.Operation == "jwks" {
				keys.Add(1)
			}
		}
	})
	w.login(t, psctest.Titulaire)
	require.EqualValues(t, 1, keys.Load())
	for minute := range 3 {
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				head := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"unknown-%d-%d"}`, minute, i))
				if _, err := w.client.VerifyLogoutToken(t.Context(), head+".e30.AAAA", psc.LogoutOptions{}); err == nil {
					t.Error("accepted")
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, keys.Load(), int64(1+minute), "minute %d", minute)
		w.Clock().Advance(time.Minute)
	}
	require.GreaterOrEqual(t, keys.Load(), int64(2))

	require.NoError(t, w.RotateKey()) // and a new key of the service is found
	s := w.login(t, psctest.Adjoint)
	require.NotNil(t, s)
}

// echoes answers like the emulator, from memory once it asked it.
type echoes struct {
	to   http.RoundTripper
	mu   sync.Mutex
	said map[string][]byte
}

func (e *echoes) RoundTrip(r *http.Request) (*http.Response, error) {
	var form []byte
	if r.Body != nil {
		form, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(form))
	}
	f, _ := url.ParseQuery(string(form))
	key := r.URL.Path + " " + f.Get("grant_type")
	e.mu.Lock()
	defer e.mu.Unlock()
	b, ok := e.said[key]
	if !ok {
		resp, err := e.to.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		b, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			return nil, fmt.Errorf("status %d, %w", resp.StatusCode, err)
		}
		e.said[key] = b
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(b)), Request: r,
	}, nil
}

// Not parallel: it looks at the memory of the program.
func TestTenThousandSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	const many = 10_000
	w := newWorld(t)
	cert, err := certificate()
	require.NoError(t, err)
	inner := mutual(w, cert)
	defer inner.CloseIdleConnections()
	cfg := w.config
	cfg.HTTPClient = &http.Client{Transport: &echoes{to: inner, said: map[string][]byte{}}}
	cfg.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	c, err := psc.New(cfg)
	require.NoError(t, err)
	who := request(t, psctest.Titulaire)

	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	sessions := make([]*psc.Session, many)
	goroutines, before := runtime.NumGoroutine(), heap()
	for i := range sessions {
		sessions[i], err = c.Login(t.Context(), who)
		require.NoError(t, err)
	}
	w.Clock().Advance(110 * time.Second)
	begun := time.Now()
	for _, s := range sessions {
		_, err := s.AccessToken(t.Context())
		require.NoError(t, err)
	}
	took := time.Since(begun)
	after := heap()
	t.Logf("%d sessions, refreshed in %s: %.1f MB, %d goroutines more", many, took.Round(time.Millisecond), float64(after-before)/1e6, runtime.NumGoroutine()-goroutines)
	require.Less(t, after-before, uint64(50_000_000))
	require.Less(t, runtime.NumGoroutine()-goroutines, 20)
	runtime.KeepAlive(sessions)
}
