package psc_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func newKey(t testing.TB) []byte {
	t.Helper()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	return key
}

func TestStoresKeepTheContract(t *testing.T) {
	t.Parallel()
	require.NoError(t, psctest.CheckSessionStore(t.Context(), func(now func() time.Time) (psc.SessionStore, error) {
		return &psc.MemoryStore{Clock: now}, nil
	}))
	require.NoError(t, psctest.CheckSessionStore(t.Context(), func(now func() time.Time) (psc.SessionStore, error) {
		f, err := psc.OpenFileStore(t.TempDir(), newKey(t))
		if err == nil {
			f.Clock = now
		}
		return f, err
	}))
}

// careless breaks one rule of the contract.
type careless struct {
	psc.MemoryStore
	rule string
	mu   sync.Mutex
	kept map[string]psc.StoredSession
}

func (c *careless) Save(ctx context.Context, s psc.StoredSession) error {
	switch c.rule {
	case "versions":
		_ = c.MemoryStore.Delete(ctx, s.Key)
		s.Version = 1
	case "context":
		ctx = context.WithoutCancel(ctx)
	case "copies":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kept[s.Key] = s
	}
	return c.MemoryStore.Save(ctx, s)
}

func (c *careless) Load(ctx context.Context, key string) (psc.StoredSession, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.kept[key]; ok && c.rule == "copies" && ctx.Err() == nil {
		return s, nil
	}
	return c.MemoryStore.Load(ctx, key)
}

func (c *careless) Find(ctx context.Context, sid, sub string) ([]string, error) {
	if c.rule == "find" {
		sub = ""
	}
	return c.MemoryStore.Find(ctx, sid, sub)
}

func TestTheContractFindsCarelessStores(t *testing.T) {
	t.Parallel()
	for rule, found := range map[string]string{
		"versions": "versions follow each other", "context": "context that ended", "copies": "keeps copies", "find": "found by sid and sub",
	} {
		err := psctest.CheckSessionStore(t.Context(), func(now func() time.Time) (psc.SessionStore, error) {
			return &careless{MemoryStore: psc.MemoryStore{Clock: now}, rule: rule, kept: map[string]psc.StoredSession{}}, nil
		})
		require.ErrorContains(t, err, found)
	}
}

func TestFilesAreSealed(t *testing.T) {
	t.Parallel()
	ctx, dir, key := t.Context(), t.TempDir(), newKey(t)
	f, err := psc.OpenFileStore(dir, key)
	require.NoError(t, err)
	s := psc.StoredSession{Key: "the-key-of-a", Version: 1, ServiceID: "the-sid", Subject: "f:1:899900001001", Until: time.Now().Add(time.Hour), Data: []byte("the-refresh-token")}
	require.NoError(t, f.Save(ctx, s))
	s.Key = "b"
	require.NoError(t, f.Save(ctx, s))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	var contents [][]byte
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		contents = append(contents, raw)
		for _, secret := range []string{"the-key-of-a", "the-sid", "899900001001", "the-refresh-token"} {
			require.NotContains(t, string(raw)+name, secret)
		}
		if runtime.GOOS != "windows" {
			info, err := os.Stat(name)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
	}

	// A program that comes after reads them; one with another key does not.
	again, err := psc.OpenFileStore(dir, key)
	require.NoError(t, err)
	got, err := again.Load(ctx, "the-key-of-a")
	require.NoError(t, err)
	require.Equal(t, "the-refresh-token", string(got.Data))
	other, err := psc.OpenFileStore(dir, newKey(t))
	require.NoError(t, err)
	_, err = other.Load(ctx, "the-key-of-a")
	require.ErrorContains(t, err, "not sealed under this key")
	require.NotErrorIs(t, err, psc.ErrNoSession)

	// One file in the place of another, one byte changed, one cut short.
	require.NoError(t, os.WriteFile(files[0], contents[1], 0o600))
	require.NoError(t, os.WriteFile(files[1], contents[0], 0o600))
	for _, key := range []string{"the-key-of-a", "b"} {
		_, err = f.Load(ctx, key)
		require.ErrorContains(t, err, "not sealed under this key")
	}
	for _, i := range []int{0, 25, len(contents[0]) - 1} {
		bad := append([]byte(nil), contents[0]...)
		bad[i] ^= 1
		require.NoError(t, os.WriteFile(files[0], bad, 0o600))
		_, err = f.Find(ctx, "the-sid", "")
		require.ErrorContains(t, err, "not sealed under this key")
	}
	require.NoError(t, os.WriteFile(files[0], contents[0][:25], 0o600))
	_, err = f.Find(ctx, "the-sid", "")
	require.Error(t, err)

	for _, short := range [][]byte{nil, make([]byte, 16), make([]byte, 33)} {
		_, err = psc.OpenFileStore(dir, short)
		require.ErrorContains(t, err, "32 random bytes")
	}
}

func TestWhatADeadProgramLeftIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".tmp-1"), []byte("half"), 0o600))
	_, err := psc.OpenFileStore(dir, newKey(t))
	require.NoError(t, err)
	_, err = os.Stat(filepath.Join(dir, ".tmp-1"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
