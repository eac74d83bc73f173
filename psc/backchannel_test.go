package psc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func TestLogoutTokenRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	sec := func(d time.Duration) int64 { return w.Clock().Now().Add(d).Unix() }
	set := func(name string, v any) func(map[string]any) { return func(c map[string]any) { c[name] = v } }
	drop := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	for name, c := range map[string]struct {
		change  func(map[string]any)
		rule    string
		options psc.LogoutOptions
	}{
		"good":                     {},
		"with expiry":              {change: set("exp", sec(time.Minute)), options: psc.LogoutOptions{RequireExpiry: true}},
		"without session":          {change: drop("sid")},
		"without subject":          {change: drop("sub")},
		"neither":                  {change: func(c map[string]any) { delete(c, "sid"); delete(c, "sub") }, rule: "sub"},
		"no expiry where required": {rule: "exp", options: psc.LogoutOptions{RequireExpiry: true}},
		"expired":                  {change: set("exp", sec(-time.Minute)), rule: "exp"},
		"another issuer":           {change: set("iss", "https://evil.example"), rule: "iss"},
		"another client":           {change: set("aud", "other"), rule: "aud"},
		"no audience":              {change: drop("aud"), rule: "aud"},
		"from the future":          {change: set("iat", sec(time.Minute)), rule: "iat"},
		"old":                      {change: set("iat", sec(-3*time.Minute)), rule: "iat"},
		"old but allowed":          {change: set("iat", sec(-3*time.Minute)), options: psc.LogoutOptions{MaxAge: 5 * time.Minute}},
		"no date":                  {change: drop("iat"), rule: "iat"},
		"no id":                    {change: drop("jti"), rule: "jti"},
		"no events":                {change: drop("events"), rule: "events"},
		"other event":              {change: set("events", map[string]any{"x": map[string]any{}}), rule: "events"},
		"event not an object":      {change: set("events", map[string]any{logoutEvent: true}), rule: "events"},
		"event null":               {change: set("events", map[string]any{logoutEvent: nil}), rule: "events"},
		"events of another type":   {change: set("events", []string{logoutEvent}), rule: "claims"},
		"nonce":                    {change: set("nonce", "x"), rule: "nonce"},
		"nonce empty":              {change: set("nonce", ""), rule: "nonce"},
		"an ID token":              {change: set("typ", "ID"), rule: "typ"},
		"an access token":          {change: set("typ", "Bearer"), rule: "typ"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := w.LogoutToken(psctest.Titulaire, c.change)
			require.NoError(t, err)
			got, err := w.client.VerifyLogoutToken(t.Context(), token, c.options)
			if c.rule == "" {
				require.NoError(t, err)
				require.True(t, got.Names(s))
				_, err = w.client.VerifyLogoutToken(t.Context(), token, c.options)
				require.ErrorContains(t, err, "rule jti", "replayed")
				return
			}
			require.ErrorIs(t, err, psc.ErrLogoutToken)
			require.ErrorContains(t, err, "rule "+c.rule)
			require.NotContains(t, err.Error(), token)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		})
	}
	for _, bad := range []string{"", "a.b.c", "eyJhbGciOiJub25lIn0.e30."} {
		_, err := w.client.VerifyLogoutToken(t.Context(), bad, psc.LogoutOptions{})
		require.ErrorIs(t, err, psc.ErrLogoutToken)
	}
	other := w.login(t, psctest.Adjoint)
	token, err := w.LogoutToken(psctest.Titulaire, nil)
	require.NoError(t, err)
	got, err := w.client.VerifyLogoutToken(t.Context(), token, psc.LogoutOptions{})
	require.NoError(t, err)
	require.False(t, got.Names(other))
}

// The service posts a logout token when a session is ended there.
func TestBackchannelLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var s *psc.Session
	var failing error
	h := httptest.NewServer(w.client.BackchannelLogout(psc.LogoutOptions{}, func(ctx context.Context, token psc.LogoutToken) error {
		if failing != nil {
			return failing
		}
		if token.Names(s) {
			s.Forget(ctx)
		}
		return nil
	}))
	defer h.Close()
	w.RegisterBackchannel(psctest.ClientID, h.URL)
	s = w.login(t, psctest.Titulaire)
	w.EndSessions(psctest.Titulaire)
	require.Len(t, w.Notices(), 1)
	require.NoError(t, w.Notices()[0].Err)
	require.Equal(t, 200, w.Notices()[0].Status)
	_, err := s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	require.Zero(t, w.count("logout")+w.count("revoke"), "the service knows")

	s = w.login(t, psctest.Titulaire)
	token, err := w.LogoutToken(psctest.Titulaire, nil)
	require.NoError(t, err)
	post := func(body, kind string) (int, map[string]string) {
		resp, err := http.Post(h.URL, kind, strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		defer http.DefaultClient.CloseIdleConnections()
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var m map[string]string
		_ = json.Unmarshal(raw, &m)
		require.NotContains(t, string(raw), token)
		return resp.StatusCode, m
	}
	form := url.Values{"logout_token": {token}}.Encode()
	const kind = "application/x-www-form-urlencoded"
	failing = errors.New("the database at 10.0.0.1 is away")
	status, m := post(form, kind)
	require.Equal(t, 400, status)
	require.Equal(t, "the logout failed", m["error_description"])
	failing = nil
	status, _ = post(form, kind)
	require.Equal(t, 200, status, "what failed may be tried again")
	status, m = post(form, kind)
	require.Equal(t, 400, status)
	require.Contains(t, m["error_description"], "rule jti")
	for _, c := range [][2]string{{"", kind}, {form, "text/plain"}, {form + "&" + form, kind}, {"logout_token=x", kind}, {"logout_token=" + strings.Repeat("a", 1<<20), kind}, {"%", kind}} {
		status, m = post(c[0], c[1])
		require.Equal(t, 400, status)
		require.Equal(t, "invalid_request", m["error"])
	}
	resp, err := http.Get(h.URL)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 405, resp.StatusCode)
}

func FuzzLogoutToken(f *testing.F) {
	srv, err := psctest.NewServer(psctest.Options{Authority: authority()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	cert, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		f.Fatal(err)
	}
	c, err := psc.New(psc.Config{Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: cert, Roots: srv.Roots()})
	if err != nil {
		f.Fatal(err)
	}
	h := c.BackchannelLogout(psc.LogoutOptions{}, func(context.Context, psc.LogoutToken) error { f.Error("a forged token was obeyed"); return nil })
	f.Add("logout_token=a.b.c")
	f.Add("logout_token=eyJhbGciOiJub25lIn0.e30.&x=%zz")
	f.Add("logout_token=eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AAAA")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, 400, w.Code)
	})
}
