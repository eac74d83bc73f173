package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/proxy"
	"github.com/soclesante/socle/psc/psctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var morning = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// authority is shared: making its keys is most of what a test would cost.
var authority = sync.OnceValue(func() *pki.Authority {
	a, err := pki.NewAuthority(pki.WithClock(func() time.Time { return morning }))
	if err != nil {
		panic(err)
	}
	return a
})

var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	return authority().Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "PHARMACIE DE TEST", CommonName: "lgo"}, pki.AuthClient)
})

// world is a proxy before the emulators, and a workstation's client of it.
type world struct {
	psc    *psctest.Server
	api    *psctest.API
	x      *psc.Exchanger
	sink   *proxy.MemorySink
	h      *proxy.Handler
	srv    *httptest.Server
	client *proxy.Client
	log    *buffer
}

type options struct {
	api    psctest.APIOptions
	change func(*proxy.Config)
	wait   func(ctx context.Context, d time.Duration) error
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{sink: proxy.NewMemorySink(0), log: &buffer{}}
	var err error
	w.psc, err = psctest.NewServer(psctest.Options{Authority: authority(), Clock: emulator.NewClock(morning)})
	require.NoError(t, err)
	t.Cleanup(w.psc.Close)
	cert, err := certificate()
	require.NoError(t, err)
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	w.psc.Register(psctest.ClientID, pki.DN(leaf))
	o.api.PSC = w.psc
	w.api, err = psctest.NewAPI(o.api)
	require.NoError(t, err)
	t.Cleanup(w.api.Close)
	w.api.Register(psctest.ClientID, pki.DN(leaf))
	if o.wait == nil {
		o.wait = w.psc.Wait
	}
	watch := socle.Watch{Clock: w.psc.Clock().Now, Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	client, err := psc.New(psc.Config{Environment: w.psc.Environment(), ClientID: psctest.ClientID, Certificate: cert, Roots: w.psc.Roots(), Wait: o.wait, Watch: watch})
	require.NoError(t, err)
	w.x, err = psc.NewExchanger(psc.ExchangerConfig{Certificate: cert, Roots: w.psc.Roots(), APIs: []psc.API{w.api.API()}, Watch: watch})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.x.Close(context.Background()) })
	cfg := proxy.Config{
		Software:    []proxy.Software{{ClientID: psctest.ClientID, PSC: client, Exchange: w.x}},
		Traces:      w.sink,
		ServeTraces: func(*http.Request) bool { return true },
		Watch:       watch,
	}
	if o.change != nil {
		o.change(&cfg)
	}
	w.h, err = proxy.New(cfg)
	require.NoError(t, err)
	w.srv = httptest.NewServer(w.h)
	t.Cleanup(func() {
		w.srv.Close()
		_ = w.h.Close(context.Background())
	})
	raw := &http.Transport{}
	t.Cleanup(raw.CloseIdleConnections)
	w.client, err = proxy.NewClient(proxy.ClientConfig{URL: w.srv.URL, ClientID: psctest.ClientID, HTTPClient: &http.Client{Transport: raw}, Watch: watch})
	require.NoError(t, err)
	return w
}

func person(t *testing.T, id string) socle.PersonID {
	t.Helper()
	p, err := socle.ParsePersonID(id)
	require.NoError(t, err)
	return p
}

func (w *world) login(t *testing.T) proxy.Login {
	t.Helper()
	return proxy.Login{Person: person(t, psctest.Titulaire), Channel: psc.ChannelMobile, Show: func(string) {}}
}

func (w *world) connect(t *testing.T) *proxy.Session {
	t.Helper()
	s, err := w.client.Connect(t.Context(), w.login(t))
	require.NoError(t, err)
	return s
}

// sign calls the API of the conformity tests.
func (w *world) sign(t *testing.T, s *proxy.Session) *http.Response {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"nationalId": psctest.Titulaire, "clientID": psctest.ClientID, "proxy_session_id": s.ID(), "session_state": s.State(),
	})
	require.NoError(t, err)
	req, err := s.Request(t.Context(), http.MethodPost, "signsessiondata", "signsessiondata", bytes.NewReader(body))
	require.NoError(t, err)
	resp, err := s.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// raw sends a request as it is written, with the cookie if it is not empty.
func (w *world) raw(t *testing.T, method, path, cookie, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.srv.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if cookie != "" {
		req.Header.Set("Cookie", "proxy_session_id="+cookie)
	}
	if path == "/connect" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(b)
}

// traced gives the traces since the first.
func (w *world) traced(t *testing.T) []proxy.Trace {
	t.Helper()
	var all []proxy.Trace
	for tr, err := range w.sink.Between(t.Context(), time.Time{}, morning.AddDate(1, 0, 0)) {
		require.NoError(t, err)
		require.NoError(t, tr.Check())
		all = append(all, tr)
	}
	return all
}

func (w *world) types(t *testing.T) (all []proxy.TraceType) {
	t.Helper()
	for _, tr := range w.traced(t) {
		all = append(all, tr.Type)
	}
	return all
}

func count(j []emulator.Entry, operation string) int {
	n := 0
	for _, e := range j {
		if e.Operation == operation {
			n++
		}
	}
	return n
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
