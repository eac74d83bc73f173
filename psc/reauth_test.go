package psc_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestASessionGoesOnAfterANewLogin(t *testing.T) {
	t.Parallel()
	var w *world
	var mu sync.Mutex
	asked := 0
	w = newWorld(t, func(c *psc.Config) {
		c.Reauthenticate = func(ctx context.Context, s *psc.Session, why error) (*psc.Session, error) {
			mu.Lock()
			asked++
			mu.Unlock()
			if !errors.Is(why, psc.ErrSessionExpired) {
				return nil, errors.New("for another reason")
			}
			p, err := s.UserInfo().Person()
			if err != nil {
				return nil, err
			}
			return w.client.Login(ctx, psc.LoginRequest{Person: p, Show: func(string) {}})
		}
	})
	store := &psc.MemoryStore{Clock: w.Clock().Now}
	s := w.login(t, psctest.Titulaire)
	require.NoError(t, s.Keep(t.Context(), store, "k"))
	before, over := s.ServiceID(), s.Done()
	w.Clock().Advance(40 * time.Minute)

	var wg sync.WaitGroup
	got := make([]string, 50)
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = s.AccessToken(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, asked)
	for _, token := range got {
		require.Equal(t, got[0], token)
	}
	require.NotEqual(t, before, s.ServiceID())
	require.True(t, s.AuthenticatedAt().After(morning.Add(40*time.Minute)))
	select {
	case <-over:
	default:
		t.Fatal("who waited for the end of the session was not told")
	}
	select {
	case <-s.Done():
		t.Fatal("the session that goes on is not over")
	default:
	}
	r, err := w.client.Restore(t.Context(), store, "k")
	require.NoError(t, err)
	require.Equal(t, s.ServiceID(), r.ServiceID())

	// Also after four hours, when the store has forgotten the session.
	w.Clock().Advance(5 * time.Hour)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, asked)
	r, err = w.client.Restore(t.Context(), store, "k")
	require.NoError(t, err)
	require.Equal(t, s.ServiceID(), r.ServiceID())
	w.Clock().Advance(3 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)

	// One that was logged out is not logged in again.
	require.NoError(t, s.Logout(t.Context()))
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	require.Equal(t, 2, asked)
}

func TestOnlyTheSamePersonGoesOn(t *testing.T) {
	t.Parallel()
	var w *world
	next := psctest.Adjoint
	w = newWorld(t, func(c *psc.Config) {
		c.Reauthenticate = func(ctx context.Context, _ *psc.Session, _ error) (*psc.Session, error) {
			if next == "" {
				return nil, errors.New("nobody is at the counter")
			}
			return w.client.Login(ctx, request(t, next))
		}
	})
	s := w.login(t, psctest.Titulaire)
	w.Clock().Advance(40 * time.Minute)
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrIDToken)
	require.Equal(t, 1, w.count("logout"), "the session of the other person is ended")

	next = ""
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	require.ErrorContains(t, err, "nobody is at the counter")
	next = psctest.Titulaire
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
}

func TestLimitsMayBeShorterThanTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *psc.Config) { c.SessionLimit, c.IdleLimit = time.Hour, 5*time.Minute })
	s := w.login(t, psctest.Titulaire)
	require.Equal(t, s.AuthenticatedAt().Add(time.Hour), s.ReauthAt())
	for range 14 {
		w.Clock().Advance(4 * time.Minute)
		_, err := s.AccessToken(t.Context())
		require.NoError(t, err)
		require.Equal(t, w.Clock().Now().Add(5*time.Minute), s.IdleAt())
	}
	w.Clock().Advance(5 * time.Minute)
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)

	s = w.login(t, psctest.Titulaire)
	w.Clock().Advance(5 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	require.ErrorContains(t, err, "idle")

	for _, d := range []time.Duration{-1, time.Second, 5 * time.Hour} {
		c := w.config
		c.SessionLimit, c.IdleLimit = d, d
		_, err := psc.New(c)
		require.ErrorContains(t, err, "SessionLimit")
		require.ErrorContains(t, err, "IdleLimit")
	}
}
