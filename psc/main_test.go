package psc_test

import (
	"context"
	"crypto/tls"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
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

// world is an emulator on a clock that only moves when a client waits or a
// test says so, and a client of it.
type world struct {
	*psctest.Server
	client *psc.Client
	config psc.Config

	mu     sync.Mutex
	waited []time.Duration
}

func newWorld(t *testing.T, change ...func(*psc.Config)) *world {
	t.Helper()
	srv, err := psctest.NewServer(psctest.Options{Authority: authority(), Clock: emulator.NewClock(morning)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cert, err := certificate()
	require.NoError(t, err)
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	srv.Register(psctest.ClientID, pki.DN(leaf))
	w := &world{Server: srv}
	w.config = psc.Config{
		Environment: srv.Environment(),
		ClientID:    psctest.ClientID,
		Certificate: cert,
		Roots:       srv.Roots(),
		Wait:        w.wait,
		Watch:       socle.Watch{Clock: srv.Clock().Now},
	}
	for _, f := range change {
		f(&w.config)
	}
	w.client, err = psc.New(w.config)
	require.NoError(t, err)
	return w
}

func (w *world) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.waited = append(w.waited, d)
	w.mu.Unlock()
	return w.Wait(ctx, d)
}

func (w *world) login(t *testing.T, id string) *psc.Session {
	t.Helper()
	s, err := w.client.Login(t.Context(), request(t, id))
	require.NoError(t, err)
	return s
}

func request(t *testing.T, id string) psc.LoginRequest {
	t.Helper()
	return psc.LoginRequest{Person: person(t, id), Show: func(string) {}}
}

func person(t *testing.T, id string) socle.PersonID {
	t.Helper()
	p, err := socle.ParsePersonID(id)
	require.NoError(t, err)
	return p
}

// count tells how many exchanges of an operation the emulator had.
func (w *world) count(operation string) int {
	n := 0
	for _, e := range w.Journal() {
		if e.Operation == operation {
			n++
		}
	}
	return n
}
