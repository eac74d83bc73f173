package jose

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func now() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

type issuer struct {
	mu      sync.Mutex
	signers []*Signer
	err     error
	fetches atomic.Int64
	at      atomic.Int64
}

func (i *issuer) fetch(context.Context) ([]byte, error) {
	i.fetches.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return nil, i.err
	}
	return Publish(i.signers...)
}

func (i *issuer) now() time.Time { return now().Add(time.Duration(i.at.Load())) }

func newIssuer(t *testing.T) (*issuer, *KeySet, *Signer) {
	t.Helper()
	s, err := NewSigner("ES256")
	require.NoError(t, err)
	i := &issuer{signers: []*Signer{s}}
	return i, NewKeySet(i.fetch, i.now), s
}

func TestKeySetIsFetchedOnceForAThousand(t *testing.T) {
	t.Parallel()
	i, keys, s := newIssuer(t)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			_, err := keys.Key(t.Context(), s.KeyID, "ES256")
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, i.fetches.Load())
}

func TestKeySetFollowsRotation(t *testing.T) {
	t.Parallel()
	i, keys, old := newIssuer(t)
	_, err := keys.Key(t.Context(), old.KeyID, "ES256")
	require.NoError(t, err)

	next, err := NewSigner("ES256")
	require.NoError(t, err)
	i.mu.Lock()
	i.signers = []*Signer{next}
	i.mu.Unlock()
	i.at.Store(int64(MinRefetch))
	_, err = keys.Key(t.Context(), next.KeyID, "ES256")
	require.NoError(t, err)
	_, err = keys.Key(t.Context(), old.KeyID, "ES256")
	require.Error(t, err, "a key that is no longer published")
	require.EqualValues(t, 2, i.fetches.Load())
}

func TestKeySetSurvivesAFloodOfUnknownKeys(t *testing.T) {
	t.Parallel()
	i, keys, s := newIssuer(t)
	for n := range 500 {
		_, err := keys.Key(t.Context(), fmt.Sprint("k", n), "ES256")
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "kid", e.Rule)
	}
	require.EqualValues(t, 1, i.fetches.Load())
	_, err := keys.Key(t.Context(), s.KeyID, "ES256")
	require.NoError(t, err)
}

func TestKeySetKeepsOldKeysWhenTheServiceIsDown(t *testing.T) {
	t.Parallel()
	i, keys, s := newIssuer(t)
	_, err := keys.Key(t.Context(), s.KeyID, "ES256")
	require.NoError(t, err)
	i.mu.Lock()
	i.err = errors.New("down")
	i.mu.Unlock()
	i.at.Store(int64(2 * MaxAge))
	_, err = keys.Key(t.Context(), s.KeyID, "ES256")
	require.NoError(t, err)
	require.EqualValues(t, 2, i.fetches.Load())
	_, err = keys.Key(t.Context(), "new", "ES256")
	require.Error(t, err)
}

func TestKeySetFetchFailureIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	i, keys, s := newIssuer(t)
	i.err = errors.New("down")
	_, err := keys.Key(t.Context(), s.KeyID, "ES256")
	require.ErrorIs(t, err, i.err)
	i.err = nil
	_, err = keys.Key(t.Context(), s.KeyID, "ES256")
	require.NoError(t, err)
}

func TestKeySetCallerMayGiveUp(t *testing.T) {
	t.Parallel()
	s, err := NewSigner("ES256")
	require.NoError(t, err)
	release := make(chan struct{})
	keys := NewKeySet(func(context.Context) ([]byte, error) { <-release; return Publish(s) }, now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = keys.Key(ctx, s.KeyID, "ES256")
	require.ErrorIs(t, err, context.Canceled)
	close(release) // the fetch goes on for the others
	_, err = keys.Key(t.Context(), s.KeyID, "ES256")
	require.NoError(t, err)
}

func TestKeySetWithoutKeyID(t *testing.T) {
	t.Parallel()
	i, keys, _ := newIssuer(t)
	_, err := keys.Key(t.Context(), "", "ES256")
	require.NoError(t, err, "one key: no doubt")
	second, err := NewSigner("ES256")
	require.NoError(t, err)
	i.mu.Lock()
	i.signers = append(i.signers, second)
	i.mu.Unlock()
	i.at.Store(int64(2 * MaxAge))
	_, err = keys.Key(t.Context(), "", "ES256")
	require.Error(t, err, "two keys: no choice is made")
}

func TestKeySetSkipsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s, err := NewSigner("RS256")
	require.NoError(t, err)
	one, err := Publish(s)
	require.NoError(t, err)
	mixed := `{"keys":[{"kty":"FUTURE","kid":"f"},{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","kid":"h"},` + string(one[len(`{"keys":[`):])
	keys := NewKeySet(func(context.Context) ([]byte, error) { return []byte(mixed), nil }, now)
	_, err = keys.Key(t.Context(), s.KeyID, "RS256")
	require.NoError(t, err)
	_, err = keys.Key(t.Context(), "h", "RS256")
	require.Error(t, err)
	for _, bad := range []string{"", "{", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"h"}]}`} {
		keys := NewKeySet(func(context.Context) ([]byte, error) { return []byte(bad), nil }, now)
		_, err := keys.Key(t.Context(), "h", "RS256")
		require.Error(t, err, bad)
	}
}

func FuzzKeySet(f *testing.F) {
	s, err := NewSigner("ES256")
	if err != nil {
		f.Fatal(err)
	}
	good, _ := Publish(s)
	f.Add(good)
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseKeys(raw)
		if err == nil && len(keys) == 0 {
			t.Fatal("no key and no error")
		}
	})
}
