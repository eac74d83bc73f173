package revocation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/revocation"
)

type bench struct {
	clock     *emulator.Clock
	authority *pki.Authority
	status    *pki.Status
	down      atomic.Bool
	noList    atomic.Bool
	garbage   atomic.Bool
	old       atomic.Pointer[[]byte]
	chain     []*x509.Certificate
}

func set(t *testing.T, crl, ocsp bool) *bench {
	t.Helper()
	b := &bench{clock: emulator.NewClock(time.Date(2026, 10, 5, 10, 0, 0, 0, time.UTC))}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case b.down.Load(), b.noList.Load() && r.Method == http.MethodGet:
			w.WriteHeader(http.StatusServiceUnavailable)
		case b.garbage.Load():
			_, _ = w.Write([]byte("<html>"))
		case b.old.Load() != nil:
			_, _ = w.Write(*b.old.Load())
		default:
			b.status.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	var at [2]string
	if crl {
		at[0] = srv.URL
	}
	if ocsp {
		at[1] = srv.URL
	}
	var err error
	b.authority, err = pki.NewAuthority(pki.WithClock(b.clock.Now), pki.WithStatus(at[0], at[1]))
	require.NoError(t, err)
	b.status = b.authority.Status()
	pair, err := b.authority.Server("localhost")
	require.NoError(t, err)
	b.chain = b.verified(t, pair)
	return b
}

func (b *bench) verified(t *testing.T, pair tls.Certificate) []*x509.Certificate {
	between := x509.NewCertPool()
	for _, c := range b.authority.Chain() {
		between.AddCert(c)
	}
	chains, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: b.authority.Roots(), Intermediates: between, CurrentTime: b.clock.Now()})
	require.NoError(t, err)
	require.Len(t, chains[0], 3)
	return chains[0]
}

func (b *bench) checker(change ...func(*revocation.Config)) *revocation.Checker {
	cfg := revocation.Config{Clock: b.clock.Now}
	for _, f := range change {
		f(&cfg)
	}
	return revocation.New(cfg)
}

func TestRevokedCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string][2]bool{"by list": {true, false}, "by OCSP": {false, true}, "by both": {true, true}} {
		for which := range 2 { // the leaf, then the authority that issued it
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := set(t, kind[0], kind[1])
				require.NoError(t, b.checker().Check(context.Background(), b.chain))
				b.status.Revoke(b.chain[which])
				err := b.checker().Check(context.Background(), b.chain)
				require.ErrorIs(t, err, revocation.ErrRevoked)
				soft := b.checker(func(c *revocation.Config) { c.Policy = revocation.SoftFail })
				require.ErrorIs(t, soft.Check(context.Background(), b.chain), revocation.ErrRevoked)
				b.down.Store(true)
				b.clock.Advance(100 * 24 * time.Hour)
				require.ErrorIs(t, soft.Check(context.Background(), b.chain), revocation.ErrRevoked, "once revoked, always")
			})
		}
	}
}

func TestTheLastListServesUntilItExpires(t *testing.T) {
	t.Parallel()
	b := set(t, true, false)
	store := &memory{kept: map[string][]byte{}}
	var warnings atomic.Int32
	with := func(c *revocation.Config) {
		c.Store = store
		c.Warn = func(context.Context, error) { warnings.Add(1) }
	}
	c := b.checker(with)
	ctx := context.Background()
	require.NoError(t, c.Check(ctx, b.chain))
	require.Len(t, b.status.Asked(), 2, "a list for each issuer")
	require.NoError(t, c.Check(ctx, b.chain))
	require.Len(t, b.status.Asked(), 2, "held")
	b.clock.Advance(2 * time.Hour)
	require.NoError(t, c.Check(ctx, b.chain))
	require.Len(t, b.status.Asked(), 4, "asked again each hour")

	b.down.Store(true)
	b.clock.Advance(23 * time.Hour)
	require.NoError(t, c.Check(ctx, b.chain), "ECO.1.1.7")
	require.Positive(t, warnings.Load())
	require.NoError(t, b.checker(with).Check(ctx, b.chain), "another run has the stored list")
	b.clock.Advance(2 * time.Hour)
	for _, c := range []*revocation.Checker{c, b.checker(with)} {
		require.ErrorIs(t, c.Check(ctx, b.chain), revocation.ErrUnknown, "it has expired")
	}
	soft := b.checker(with, func(c *revocation.Config) { c.Policy = revocation.SoftFail })
	warnings.Store(0)
	require.NoError(t, soft.Check(ctx, b.chain))
	require.EqualValues(t, 2, warnings.Load())

	b.down.Store(false)
	require.ErrorIs(t, c.Check(ctx, b.chain), revocation.ErrUnknown, "a source that failed is left alone for a minute")
	b.clock.Advance(time.Minute)
	require.NoError(t, c.Check(ctx, b.chain))
}

// While OCSP answers, a list is had for the day when it does not (ECO.1.1.7).
func TestAListIsHeldWhileOCSPAnswers(t *testing.T) {
	t.Parallel()
	b := set(t, true, true)
	store := &memory{kept: map[string][]byte{}}
	with := func(c *revocation.Config) { c.Store = store }
	c, ctx := b.checker(with), context.Background()
	require.NoError(t, c.Check(ctx, b.chain))
	require.Len(t, store.kept, 2)
	b.down.Store(true)
	b.clock.Advance(12 * time.Hour)
	require.NoError(t, c.Check(ctx, b.chain))
	require.NoError(t, b.checker(with).Check(ctx, b.chain), "another run, from the beginning without the authority")

	// A server of lists that fails is no reason to refuse what OCSP says is good.
	b = set(t, true, true)
	b.noList.Store(true)
	var warned atomic.Int32
	c = b.checker(func(c *revocation.Config) { c.Warn = func(context.Context, error) { warned.Add(1) } })
	require.NoError(t, c.Check(ctx, b.chain))
	require.EqualValues(t, 2, warned.Load())
}

func TestStatusesThatAreRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, kind := range map[string][2]bool{"list": {true, false}, "OCSP": {false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, kind[0], kind[1])
			b.garbage.Store(true)
			require.ErrorIs(t, b.checker().Check(ctx, b.chain), revocation.ErrUnknown)
			b.garbage.Store(false)

			// What another authority signed under the same names.
			other, err := pki.NewAuthority(pki.WithClock(b.clock.Now), pki.WithStatus("http://127.0.0.1:1", "http://127.0.0.1:1"))
			require.NoError(t, err)
			own := b.status
			b.status = other.Status()
			require.ErrorIs(t, b.checker().Check(ctx, b.chain), revocation.ErrUnknown)
			b.status = own

			b.clock.Advance(-48 * time.Hour) // its clock, and ours as well: signed in the past
			var past []byte
			rec := httptest.NewRecorder()
			if kind[0] {
				own.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, b.chain[0].CRLDistributionPoints[0], nil))
				past = rec.Body.Bytes()
				b.clock.Advance(48 * time.Hour)
				b.old.Store(&past)
				err := b.checker().Check(ctx, b.chain)
				require.ErrorIs(t, err, revocation.ErrUnknown)
				require.ErrorContains(t, err, "expired")
			}
		})
	}
}

func TestACertificateWithoutSource(t *testing.T) {
	t.Parallel()
	b := set(t, false, false)
	var warned error
	c := b.checker(func(c *revocation.Config) { c.Warn = func(_ context.Context, err error) { warned = err } })
	require.NoError(t, c.Check(context.Background(), b.chain))
	require.ErrorIs(t, warned, revocation.ErrNoSource)
	strict := b.checker(func(c *revocation.Config) { c.RequireSource, c.Policy = true, revocation.SoftFail })
	require.ErrorIs(t, strict.Check(context.Background(), b.chain), revocation.ErrNoSource)
}

func TestOneRequestServesAll(t *testing.T) {
	t.Parallel()
	b := set(t, true, true)
	c := b.checker()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { require.NoError(t, c.Check(context.Background(), b.chain)) })
	}
	all.Wait()
	require.Equal(t, []string{"ocsp", "crl", "ocsp", "crl"}, b.status.Asked())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, b.checker().Check(ctx, b.chain), context.Canceled)
}

type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (m *memory) Load(address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.kept[address]; ok {
		return b, nil
	}
	return nil, errors.New("none")
}

func (m *memory) Save(address string, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[address] = b
	return nil
}
