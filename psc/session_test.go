package psc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestTokenIsKeptUntilJustBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	first, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	w.Clock().Advance(104 * time.Second)
	again, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Zero(t, w.count("token.refresh"))

	w.Clock().Advance(time.Second) // 15 seconds are left
	next, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first, next)
	require.Equal(t, 1, w.count("token.refresh"))
	seen, err := w.Introspect(t.Context(), next)
	require.NoError(t, err)
	require.True(t, seen.Active)
	require.Equal(t, psctest.Titulaire, seen.Person)
}

func TestManyGoroutinesRefreshOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	old, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	w.Clock().Advance(3 * time.Minute)
	w.Fail(emulator.Fault{Operation: "token.refresh", Latency: 50 * time.Millisecond})
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for i := range 200 {
		wg.Go(func() {
			var token string
			var err error
			if i%2 == 0 {
				token, err = s.AccessToken(t.Context())
			} else {
				o, oerr := s.Token()
				err = oerr
				if err == nil {
					token = o.AccessToken
				}
			}
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			got[token]++
			mu.Unlock()
		})
	}
	wg.Wait()
	require.Len(t, got, 1)
	require.NotContains(t, got, old)
	require.Equal(t, 1, w.count("token.refresh"))
}

func TestOneWhoComesLateDoesNotRefreshAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	late := psc.LateRenewal(s)
	w.Clock().Advance(3 * time.Minute)
	token, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	again, err := late(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, again)
	require.Equal(t, 1, w.count("token.refresh"))
}

func TestOneWhoGivesUpDoesNotStopTheRefreshOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	w.Clock().Advance(3 * time.Minute)
	w.Fail(emulator.Fault{Operation: "token.refresh", Latency: 300 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := s.AccessToken(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 130*time.Millisecond)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, w.count("token.refresh"))
}

func TestSessionEndsFourHoursAfterTheAuthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	require.Equal(t, s.AuthenticatedAt().Add(4*time.Hour), s.ReauthAt())
	for w.Clock().Now().Add(20 * time.Minute).Before(s.ReauthAt()) {
		w.Clock().Advance(20 * time.Minute)
		_, err := s.AccessToken(t.Context())
		require.NoError(t, err)
	}
	refreshes := w.count("token.refresh")
	require.Equal(t, 11, refreshes)
	w.Clock().Set(s.ReauthAt().Add(-time.Second))
	token, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	w.Clock().Set(s.ReauthAt())
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
	require.Equal(t, refreshes+1, w.count("token.refresh"), "nothing is asked of a service for a session that is over")
	seen, err := w.Introspect(t.Context(), token)
	require.NoError(t, err)
	require.False(t, seen.Active, "the service is of the same opinion")
	require.NoError(t, s.Logout(t.Context()))
}

func TestFourHoursCountFromTheProofOfIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proved := morning.Add(-230 * time.Minute) // in another software, by single sign-on
	w.Script(psctest.Titulaire, psctest.Answer{IDToken: func(c map[string]any) { c["auth_time"] = proved.Unix() }})
	s := w.login(t, psctest.Titulaire)
	require.True(t, s.AuthenticatedAt().Equal(proved))
	w.Clock().Set(morning.Add(10*time.Minute - time.Second))
	_, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	w.Clock().Set(morning.Add(10 * time.Minute))
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	require.ErrorContains(t, err, "4 hours")
}

func TestSessionEndsAfterThirtyIdleMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	require.Equal(t, s.AuthenticatedAt().Add(30*time.Minute), s.IdleAt())
	w.Clock().Set(s.IdleAt())
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	require.Zero(t, w.count("token.refresh"))
	require.Zero(t, s.IdleAt())
}

func TestSessionEndedByTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	w.EndSessions(psctest.Titulaire)
	w.Clock().Advance(2 * time.Minute)
	for range 2 {
		_, err := s.AccessToken(t.Context())
		require.ErrorIs(t, err, psc.ErrSessionExpired)
		var e *psc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "invalid_grant", e.Code)
	}
	require.Equal(t, 1, w.count("token.refresh"), "asked once")
}

func TestRefreshFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   emulator.Fault
		works   bool
		outcome socle.Outcome
	}{
		"one 503":       {emulator.Fault{Status: 503}, true, 0},
		"one reset":     {emulator.Fault{ResetBefore: true}, true, 0},
		"answer lost":   {emulator.Fault{ResetAfter: true}, true, 0},
		"down for good": {emulator.Fault{Status: 503, Times: -1}, false, socle.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.login(t, psctest.Titulaire)
			w.Clock().Advance(2 * time.Minute)
			c.fault.Operation = "token.refresh"
			w.Fail(c.fault)
			_, err := s.AccessToken(t.Context())
			if c.works {
				require.NoError(t, err)
				return
			}
			require.True(t, socle.Retryable(err))
			require.Equal(t, c.outcome, socle.OutcomeOf(err))
			require.NotErrorIs(t, err, psc.ErrSessionExpired)
			w.Recover() // the session lives on
			_, err = s.AccessToken(t.Context())
			require.NoError(t, err)
		})
	}
}

func TestRefreshedIDTokenMustBeOfTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logins := 0
	w.Script(psctest.Titulaire, psctest.Answer{IDToken: func(c map[string]any) {
		if logins++; logins > 1 {
			c["sub"] = "f:550dc1c8:899900001019"
		}
	}})
	s := w.login(t, psctest.Titulaire)
	w.Clock().Advance(2 * time.Minute)
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrIDToken)
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrIDToken, "the session is not used any more")
}

func TestLogoutEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	token, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Logout(t.Context()))
	seen, err := w.Introspect(t.Context(), token)
	require.NoError(t, err)
	require.False(t, seen.Active)
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	require.NoError(t, s.Logout(t.Context()), "again")
	require.Equal(t, 1, w.count("logout"))
	require.Equal(t, 1, w.count("revoke"))
	for _, e := range w.Journal() {
		form, err := url.ParseQuery(string(e.Request))
		require.NoError(t, err)
		switch e.Operation {
		case "logout":
			require.NotEmpty(t, form.Get("id_token_hint"))
			require.Len(t, form, 1, "the hint alone, as the ANS's own proxy does")
			require.NotEmpty(t, e.ClientDN, "the certificate is presented")
		case "revoke":
			require.Equal(t, "refresh_token", form.Get("token_type_hint"))
		}
	}
}

func TestLogoutWithTheServiceDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	w.Fail(emulator.Fault{Operation: "logout", Status: 503})
	err := s.Logout(t.Context())
	require.True(t, socle.Retryable(err))
	require.Equal(t, 1, w.count("revoke"), "the refresh token dies all the same")
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
}

func TestLogoutDuringARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	w.Clock().Advance(2 * time.Minute)
	w.Fail(emulator.Fault{Operation: "token.refresh", Latency: 200 * time.Millisecond})
	failed := make(chan error)
	go func() {
		_, err := s.AccessToken(context.Background())
		failed <- err
	}()
	require.Eventually(t, func() bool { return s.IdleAt() != (time.Time{}) }, time.Second, time.Millisecond)
	require.NoError(t, s.Logout(t.Context()))
	require.Error(t, <-failed)
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
}

func TestEvictedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	first, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	s.Evict("another")
	same, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, same)
	s.Evict(first)
	next, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first, next)
}

func TestSessionIsATokenSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	token, err := s.Token()
	require.NoError(t, err)
	require.Equal(t, "Bearer", token.TokenType)
	require.Equal(t, w.Clock().Now().Add(2*time.Minute), token.Expiry)
	require.Empty(t, token.RefreshToken, "it never leaves the session")
}

func TestKeysRotateBetweenLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.login(t, psctest.Titulaire)
	require.NoError(t, w.RotateKey())
	w.Clock().Advance(time.Minute)
	w.login(t, psctest.Adjoint)
	require.Equal(t, 2, w.count("jwks"))
}

// A refresh need not give a new refresh token or ID token (RFC 6749 §6,
// OpenID Connect Core §12.2): the ones before stay.
func TestRefreshThatGivesAnAccessTokenOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cert, err := certificate()
	require.NoError(t, err)
	inner := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Roots(), Certificates: []tls.Certificate{cert}, Time: w.Clock().Now}}
	defer inner.CloseIdleConnections()
	w.config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err != nil || w.count("token.refresh") == 0 || !strings.HasSuffix(r.URL.Path, "/token") {
			return resp, err
		}
		defer resp.Body.Close()
		var m map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			return nil, err
		}
		delete(m, "id_token")
		delete(m, "refresh_token")
		b, err := json.Marshal(m)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		return resp, err
	})}
	w.client, err = psc.New(w.config)
	require.NoError(t, err)
	s := w.login(t, psctest.Titulaire)
	for range 2 {
		w.Clock().Advance(2 * time.Minute)
		_, err = s.AccessToken(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, s.Logout(t.Context()))
	require.Equal(t, 1, w.count("logout"))
	require.Equal(t, 1, w.count("revoke"))
}
