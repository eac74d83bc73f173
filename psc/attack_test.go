package psc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// Each attack on the code flow is a case of its own, against the whole of the
// client and of a web server. Those on the signature of an ID token are made
// again here by who holds the connection to the service.

// tamper is a client between which and the service somebody changes what comes
// from the token endpoint.
func (w *world) tamper(t *testing.T, change func(idToken string) string) *psc.Client {
	t.Helper()
	cert, err := certificate()
	require.NoError(t, err)
	inner := mutual(w, cert)
	t.Cleanup(inner.CloseIdleConnections)
	c := w.config
	c.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err == nil && strings.HasSuffix(r.URL.Path, "/token") {
			err = rewrite(resp, "id_token", change)
		}
		return resp, err
	})}
	client, err := psc.New(c)
	require.NoError(t, err)
	return client
}

func TestAttackForgedIDToken(t *testing.T) {
	t.Parallel()
	head := func(alg string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `"}`))
	}
	for name, forge := range map[string]func(string) string{
		"alg none":             func(s string) string { p := strings.Split(s, "."); return head("none") + "." + p[1] + "." },
		"alg none, signature":  func(s string) string { p := strings.Split(s, "."); return head("none") + "." + p[1] + "." + p[2] },
		"HS256 with a secret":  func(s string) string { return hs256(head("HS256")+"."+strings.Split(s, ".")[1], []byte("secret")) },
		"HS256 with no secret": func(s string) string { return hs256(head("HS256")+"."+strings.Split(s, ".")[1], nil) },
		"signature cut": func(s string) string {
			p := strings.Split(s, ".")
			return p[0] + "." + p[1] + "."
		},
		"claims changed": func(s string) string {
			p := strings.Split(s, ".")
			b, _ := base64.RawURLEncoding.DecodeString(p[1])
			b = []byte(strings.ReplaceAll(string(b), psctest.Titulaire, psctest.Adjoint))
			return p[0] + "." + base64.RawURLEncoding.EncodeToString(b) + "." + p[2]
		},
		"no token": func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.client = w.tamper(t, forge)
			a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
			_, err := w.client.Callback(t.Context(), a, q)
			require.ErrorIs(t, err, psc.ErrIDToken)
		})
	}
}

func hs256(signed string, key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func TestAttackClaims(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(map[string]any)
		rule   string
	}{
		"wrong issuer":            {func(c map[string]any) { c["iss"] = "https://evil.example/auth/realms/esante-wallet" }, "iss"},
		"token of another client": {func(c map[string]any) { c["aud"], c["azp"] = "another", "another" }, "aud"},
		"nonce of another login":  {func(c map[string]any) { c["nonce"] = strings.Repeat("n", 43) }, "nonce"},
		"nonce left out":          {func(c map[string]any) { delete(c, "nonce") }, "nonce"},
		"expired":                 {func(c map[string]any) { c["exp"] = morning.Add(-time.Minute).Unix() }, "exp"},
		"issued in the future":    {func(c map[string]any) { c["iat"] = morning.Add(time.Minute).Unix() }, "iat"},
		"another access token":    {func(c map[string]any) { c["at_hash"] = strings.Repeat("A", 22) }, "at_hash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Script(psctest.Titulaire, psctest.Answer{IDToken: c.change})
			a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
			_, err := w.client.Callback(t.Context(), a, q)
			require.ErrorIs(t, err, psc.ErrIDToken)
			require.ErrorContains(t, err, "rule "+c.rule)
		})
	}
}

func TestAttackReplayedState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	kept, err := a.MarshalBinary()
	require.NoError(t, err)
	_, err = w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	_, err = w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrState)
	var again psc.Authorization // also from what was kept of it
	require.NoError(t, again.UnmarshalBinary(kept))
	_, err = w.client.Callback(t.Context(), &again, q)
	require.ErrorIs(t, err, psc.ErrState)
	require.Equal(t, 1, w.count("code.token"))
}

func TestAttackForgedState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	state := q.Get("state")
	for _, bad := range []string{"", "x", state + "x", state[:42]} {
		q.Set("state", bad)
		_, err := w.client.Callback(t.Context(), a, q)
		require.ErrorIs(t, err, psc.ErrState)
	}
	q["state"] = []string{state, state}
	_, err := w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrCallback)
	q.Set("state", state)
	w.Clock().Advance(10 * time.Minute)
	_, err = w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrState, "too old")
	require.Zero(t, w.count("code.token"))
}

// Who has the code of another person, and a login of their own under way.
func TestAttackCodeInjection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, victim := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	mine, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Adjoint)
	q.Set("code", victim.Get("code"))
	_, err := w.client.Callback(t.Context(), mine, q)
	require.ErrorIs(t, err, psc.ErrState)
	var e *psc.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "invalid_grant", e.Code)
	refusals := w.Refusals()
	require.Equal(t, "code_verifier", refusals[len(refusals)-1].Rule, "PKCE stopped it")
}

func TestAttackMixUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, iss := range map[string][]string{"another service": {"https://evil.example"}, "none, where one is announced": nil, "two": {w.Environment().Issuer, "https://evil.example"}} {
		a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
		q.Del("iss")
		for _, v := range iss {
			q.Add("iss", v)
		}
		_, err := w.client.Callback(t.Context(), a, q)
		require.ErrorIs(t, err, psc.ErrCallback, name)
	}
	require.Zero(t, w.count("code.token"))
	c := w.config
	c.Environment.ResponseIssuer = false
	var err error
	w.client, err = psc.New(c)
	require.NoError(t, err)
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	q.Del("iss")
	_, err = w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
}

func TestAttackStolenCodeIsOfNoUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	s, err := w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	thief, err := psc.New(w.config) // the same software, elsewhere, with all of the login
	require.NoError(t, err)
	_, err = thief.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrState)
	w.Clock().Advance(2 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrSessionExpired, "and the service ends what the code gave")
}

func TestAttackLoginOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, location, _, _ := x.do(t, "GET", "/login")
	callback, err := x.Browser().Login(t.Context(), location, psctest.Adjoint)
	require.NoError(t, err)
	x.newBrowser(t) // the victim follows the attacker's address
	status, _, _, cookies := x.do(t, "GET", callback)
	require.Equal(t, 400, status)
	require.Empty(t, cookies)
	require.Zero(t, x.count("code.token"))
}

func TestAttackReplayedCallback(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, location, _, cookies := x.do(t, "GET", "/login")
	callback, err := x.Browser().Login(t.Context(), location, psctest.Titulaire)
	require.NoError(t, err)
	status, _, _, _ := x.do(t, "GET", callback)
	require.Equal(t, 303, status)
	status, _, _, _ = x.do(t, "GET", callback, "Cookie", cookies[0].Name+"="+cookies[0].Value)
	require.Equal(t, 400, status, "even by who kept the cookie")
	require.Equal(t, 1, x.count("code.token"))
}

func TestAttackSessionFixation(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	u, err := url.Parse(x.url)
	require.NoError(t, err)
	fixed := strings.Repeat("A", 43)
	x.http.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-psc-session", Value: fixed, Path: "/", Secure: true}})
	_, status, _ := x.enter(t, "/login", psctest.Titulaire)
	require.Equal(t, 303, status)
	value := func() string {
		for _, c := range x.http.Jar.Cookies(u) {
			if c.Name == "__Host-psc-session" {
				return c.Value
			}
		}
		return ""
	}
	first := value()
	require.NotEqual(t, fixed, first)
	_, status, _ = x.enter(t, "/login", psctest.Adjoint)
	require.Equal(t, 303, status)
	second := value()
	require.NotEqual(t, first, second, "each login has its own name")
	for _, old := range []string{fixed, first} {
		x.newBrowser(t)
		status, _, _, _ = x.do(t, "GET", "/", "Cookie", "__Host-psc-session="+old)
		require.Equal(t, 303, status, "the one before opens nothing")
	}
	require.Equal(t, 1, x.count("revoke"), "and is ended at the service")
}

func TestAttackOpenRedirect(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	for _, to := range []string{
		"https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example\t", "javascript:alert(1)", "evil", "",
		"/\r\nSet-Cookie: a=b", "https:evil.example", "/" + strings.Repeat("a", 2000), "///evil.example", "/\x00", "http:///evil.example",
	} {
		_, _, location := x.enter(t, "/login?"+url.Values{"return": {to}}.Encode(), psctest.Titulaire)
		require.Equal(t, "/home", location, "%q", to)
	}
	for _, to := range []string{"/", "/a?b=c#d", "/a%2fb", "/https://x"} {
		require.Equal(t, to, psc.Local(to))
	}
}

func TestAttackLogoutByAnotherSite(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, status, _ := x.enter(t, "/login", psctest.Titulaire)
	require.Equal(t, 303, status)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", x.url+"/logout", nil)
		require.NoError(t, err)
		req.Header.Set(header[0], header[1])
		resp, err := x.http.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 403, resp.StatusCode)
	}
	resp, err := x.http.Get(x.url + "/logout")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 405, resp.StatusCode)
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 200, status)
}

func TestAttackLogoutTokenReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.login(t, psctest.Titulaire)
	token, err := w.LogoutToken(psctest.Titulaire, nil)
	require.NoError(t, err)
	_, err = w.client.VerifyLogoutToken(t.Context(), token, psc.LogoutOptions{})
	require.NoError(t, err)
	for _, later := range []time.Duration{0, time.Minute, 89 * time.Second, time.Hour} {
		w.Clock().Advance(later)
		_, err = w.client.VerifyLogoutToken(t.Context(), token, psc.LogoutOptions{})
		require.ErrorIs(t, err, psc.ErrLogoutToken)
	}
}
