package psc_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestASessionOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store, err := psc.OpenFileStore(t.TempDir(), newKey(t))
	require.NoError(t, err)
	store.Clock = w.Clock().Now
	s := w.loginByCode(t, psctest.Adjoint)
	require.NoError(t, s.Keep(t.Context(), store, "poste-1"))
	require.Error(t, s.Keep(t.Context(), store, "poste-2"), "kept once")
	first, err := s.AccessToken(t.Context())
	require.NoError(t, err)

	w.Clock().Advance(time.Minute)
	next, err := psc.New(w.config) // another program
	require.NoError(t, err)
	r, err := next.Restore(t.Context(), store, "poste-1")
	require.NoError(t, err)
	require.Equal(t, s.UserInfo(), r.UserInfo())
	require.Equal(t, s.ACR(), r.ACR())
	require.Equal(t, s.ServiceID(), r.ServiceID())
	require.Equal(t, s.SessionState(), r.SessionState())
	require.True(t, s.ReauthAt().Equal(r.ReauthAt()))
	token, err := r.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, token)

	w.Clock().Advance(2 * time.Minute)
	token, err = r.AccessToken(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first, token)
	require.Equal(t, 1, w.count("token.refresh"))

	// The first program finds the new tokens instead of asking for others.
	same, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, same)
	require.Equal(t, 1, w.count("token.refresh"))

	// A logout of one is one of the other.
	require.NoError(t, r.Logout(t.Context()))
	_, err = store.Load(t.Context(), "poste-1")
	require.ErrorIs(t, err, psc.ErrNoSession)
	w.Clock().Advance(2 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	_, err = next.Restore(t.Context(), store, "poste-1")
	require.ErrorIs(t, err, psc.ErrNoSession)
}

func TestASessionDeletedWhileItIsRefreshedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	store := &hooked{MemoryStore: psc.MemoryStore{Clock: w.Clock().Now}}
	require.NoError(t, s.Keep(t.Context(), store, "k"))
	w.Clock().Advance(2 * time.Minute)
	store.before = func() { require.NoError(t, store.Delete(t.Context(), "k")) }
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	require.Equal(t, 1, w.count("logout"), "the new tokens are given back")
	_, err = store.Load(t.Context(), "k")
	require.ErrorIs(t, err, psc.ErrNoSession)
}

// hooked does something just before a Save, or fails.
type hooked struct {
	psc.MemoryStore
	before func()
	err    error
}

func (h *hooked) Save(ctx context.Context, s psc.StoredSession) error {
	if f := h.before; f != nil {
		h.before = nil
		f()
	}
	if h.err != nil {
		return h.err
	}
	return h.MemoryStore.Save(ctx, s)
}

func TestTwoWhoRefreshAtOnceAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &hooked{MemoryStore: psc.MemoryStore{Clock: w.Clock().Now}}
	s := w.login(t, psctest.Titulaire)
	require.NoError(t, s.Keep(t.Context(), store, "k"))
	other, err := w.client.Restore(t.Context(), store, "k")
	require.NoError(t, err)
	w.Clock().Advance(2 * time.Minute)
	var theirs string
	store.before = func() {
		theirs, err = other.AccessToken(t.Context())
		require.NoError(t, err)
	}
	mine, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, theirs, mine)
	require.Equal(t, 2, w.count("token.refresh"))
}

func TestAStoreThatFailsDoesNotEndTheSession(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := newWorld(t, func(c *psc.Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
	store := &hooked{MemoryStore: psc.MemoryStore{Clock: w.Clock().Now}}
	s := w.login(t, psctest.Titulaire)
	require.NoError(t, s.Keep(t.Context(), store, "k"))
	store.err = errors.New("the disk is full")
	w.Clock().Advance(2 * time.Minute)
	_, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Contains(t, out.String(), "the disk is full")
	store.err = nil
	w.Clock().Advance(2 * time.Minute)
	token, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	r, err := w.client.Restore(t.Context(), store, "k")
	require.NoError(t, err)
	again, err := r.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, again)
}

func TestRestoreRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &psc.MemoryStore{Clock: w.Clock().Now}
	s := w.login(t, psctest.Titulaire)
	require.NoError(t, s.Keep(t.Context(), store, "k"))

	other := w.config
	other.ClientID = "another"
	c, err := psc.New(other)
	require.NoError(t, err)
	_, err = c.Restore(t.Context(), store, "k")
	require.ErrorContains(t, err, "another environment or client id")

	other = w.config
	other.Environment.Issuer = psc.Sandbox().Issuer
	c, err = psc.New(other)
	require.NoError(t, err)
	_, err = c.Restore(t.Context(), store, "k")
	require.ErrorContains(t, err, "another environment or client id")

	for _, data := range []string{"", "{}", `{"Issuer":"x"}`, "\xff"} {
		require.NoError(t, store.Delete(t.Context(), "bad"))
		require.NoError(t, store.Save(t.Context(), psc.StoredSession{Key: "bad", Version: 1, Until: w.Clock().Now().Add(time.Hour), Data: []byte(data)}))
		_, err = w.client.Restore(t.Context(), store, "bad")
		require.ErrorContains(t, err, "psc: store: ")
	}
	for _, key := range []string{"", string(make([]byte, 257))} {
		require.ErrorContains(t, w.login(t, psctest.Doctor).Keep(t.Context(), store, key), "256 bytes")
	}

	w.Clock().Advance(31 * time.Minute) // nobody used it
	_, err = w.client.Restore(t.Context(), store, "k")
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	_, err = store.Load(t.Context(), "k")
	require.ErrorIs(t, err, psc.ErrNoSession)
}

func FuzzRestore(f *testing.F) {
	c, err := psc.New(psc.Config{Environment: psc.Sandbox(), ClientID: "x", Secret: "y", Roots: authority().Roots()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"Issuer":"` + psc.Sandbox().Issuer + `","ClientID":"x","Subject":"f:1:2","Access":"YQ==","Info":"eyJzdWIiOiJmOjE6MiJ9","AuthTime":"2026-03-02T09:00:00Z"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := &psc.MemoryStore{}
		require.NoError(t, store.Save(t.Context(), psc.StoredSession{Key: "k", Version: 1, Until: time.Now().Add(time.Hour), Data: data}))
		s, err := c.Restore(t.Context(), store, "k")
		require.Equal(t, err == nil, s != nil)
	})
}
