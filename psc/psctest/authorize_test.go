package psctest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc/psctest"
)

const back = "https://lgo.example/callback"

var verifier = strings.Repeat("v", 43)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// address is that of a login page, with changes by pairs; an empty value removes.
func (r raw) address(change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {psctest.ClientID}, "redirect_uri": {back}, "scope": {"openid scope_all"}, "acr_values": {"eidas1"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return r.srv.Environment().Authorization + "?" + q.Encode()
}

// come gives the parameters that the browser brings back.
func (r raw) come(b *psctest.Browser, address, person string) url.Values {
	r.t.Helper()
	to, err := b.Login(r.t.Context(), address, person)
	require.NoError(r.t, err)
	u, err := url.Parse(to)
	require.NoError(r.t, err)
	require.Equal(r.t, back, u.Scheme+"://"+u.Host+u.Path)
	require.Equal(r.t, "s", u.Query().Get("state"))
	require.Equal(r.t, r.srv.Environment().Issuer, u.Query().Get("iss"))
	return u.Query()
}

func (r raw) redeem(code string, change ...string) (int, map[string]any, http.Header) {
	f := url.Values{"client_id": {psctest.ClientID}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier}}
	for i := 0; i < len(change); i += 2 {
		f.Set(change[i], change[i+1])
	}
	return r.post(r.http, r.srv.Environment().Token, f.Encode())
}

func TestLoginPageRefusals(t *testing.T) {
	t.Parallel()
	r := start(t)
	_, err := r.srv.Browser().Login(t.Context(), r.address(), psctest.Titulaire)
	require.ErrorContains(t, err, "redirect_uri", "none is declared")
	r.srv.RegisterRedirect(psctest.ClientID, back)
	for name, c := range map[string]struct{ address, rule string }{
		"unknown client":        {r.address("client_id", "x"), "client_id"},
		"another address":       {r.address("redirect_uri", back+"/x"), "redirect_uri"},
		"address with a query":  {r.address("redirect_uri", back+"?x=1"), "redirect_uri"},
		"no address":            {r.address("redirect_uri", ""), "redirect_uri"},
		"a parameter twice":     {r.address() + "&state=t", "form"},
		"unknown person":        {"", ""},
		"loopback not declared": {r.address("redirect_uri", "http://127.0.0.1:4000/callback"), "redirect_uri"},
	} {
		if c.address == "" {
			_, err := r.srv.Browser().Login(t.Context(), r.address(), "899900001043")
			require.ErrorContains(t, err, "let nobody through")
			continue
		}
		_, err := r.srv.Browser().Login(t.Context(), c.address, psctest.Titulaire)
		require.ErrorContains(t, err, c.rule+": expected", name)
	}
	for name, c := range map[string]struct{ address, code string }{
		"implicit flow":      {r.address("response_type", "token"), "unsupported_response_type"},
		"unknown scope":      {r.address("scope", "openid x"), "invalid_scope"},
		"no openid":          {r.address("scope", "scope_all"), "invalid_scope"},
		"plain challenge":    {r.address("code_challenge_method", "plain"), "invalid_request"},
		"method alone":       {r.address("code_challenge", ""), "invalid_request"},
		"short challenge":    {r.address("code_challenge", "x"), "invalid_request"},
		"unknown prompt":     {r.address("prompt", "x"), "invalid_request"},
		"none and login":     {r.address("prompt", "none login"), "invalid_request"},
		"age not a number":   {r.address("max_age", "x"), "invalid_request"},
		"nobody is logged":   {r.address("prompt", "none"), "login_required"},
		"the person refuses": {r.address(), "access_denied"},
	} {
		require.Equal(t, c.code, r.come(r.srv.Browser(), c.address, "").Get("error"), name)
	}
	require.Greater(t, len(r.srv.Refusals()), 15)
	r.srv.Script(psctest.Doctor, psctest.Answer{Unreachable: true})
	require.Equal(t, "temporarily_unavailable", r.come(r.srv.Browser(), r.address(), psctest.Doctor).Get("error"))

	r.srv.RegisterRedirect(psctest.ClientID, "http://127.0.0.1/callback")
	for port, ok := range map[string]bool{":4000": true, ":1": true} {
		_, err := r.srv.Browser().Login(t.Context(), r.address("redirect_uri", "http://127.0.0.1"+port+"/callback"), psctest.Titulaire)
		require.Equal(t, ok, err == nil, port)
	}
	_, err = r.srv.Browser().Login(t.Context(), r.address("redirect_uri", "http://127.0.0.1:4000/other"), psctest.Titulaire)
	require.ErrorContains(t, err, "redirect_uri")
}

func TestPKCEMayBeRequired(t *testing.T) {
	t.Parallel()
	bare := []string{"code_challenge", "", "code_challenge_method", ""}
	for _, required := range []bool{false, true} {
		srv, err := psctest.NewServer(psctest.Options{RequirePKCE: required})
		require.NoError(t, err)
		t.Cleanup(srv.Close)
		srv.RegisterRedirect(psctest.ClientID, back)
		r := raw{t: t, srv: srv}
		q := r.come(srv.Browser(), r.address(bare...), psctest.Titulaire)
		require.Equal(t, required, q.Get("code") == "")
	}
}

func TestCodeRefusals(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.srv.RegisterRedirect(psctest.ClientID, back)
	fresh := func() string { return r.come(r.srv.Browser(), r.address(), psctest.Titulaire).Get("code") }
	for name, c := range map[string]struct {
		change []string
		rule   string
	}{
		"another verifier":  {[]string{"code_verifier", "x"}, "code_verifier"},
		"no verifier":       {[]string{"code_verifier", ""}, "code_verifier"},
		"another address":   {[]string{"redirect_uri", back + "/"}, "redirect_uri"},
		"no code":           {[]string{"code", ""}, "code"},
		"an unknown code":   {[]string{"code", "x"}, "code"},
		"an unknown client": {[]string{"client_id", "x"}, "client_id"},
	} {
		status, m, h := r.redeem(fresh(), c.change...)
		require.NotEqual(t, 200, status, name)
		require.NotEmpty(t, m["error"])
		require.True(t, strings.HasPrefix(h.Get("X-Emulator-Rule"), c.rule+": expected"), "%s: %s", name, h.Get("X-Emulator-Rule"))
	}
	code := fresh()
	r.srv.Clock().Advance(time.Minute)
	status, m, _ := r.redeem(code)
	require.Equal(t, 400, status)
	require.Equal(t, "invalid_grant", m["error"])

	code = fresh()
	status, m, _ = r.redeem(code)
	require.Equal(t, 200, status)
	access := m["access_token"].(string)
	seen, err := r.srv.Introspect(t.Context(), access)
	require.NoError(t, err)
	require.True(t, seen.Active)
	status, m, _ = r.redeem(code)
	require.Equal(t, 400, status)
	require.Equal(t, "invalid_grant", m["error"])
	seen, err = r.srv.Introspect(t.Context(), access)
	require.NoError(t, err)
	require.False(t, seen.Active, "what a code gave that is used twice is taken back")
}

// A browser that logged in is known until its session ends.
func TestBrowserIsRemembered(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.srv.RegisterRedirect(psctest.ClientID, back)
	r.srv.RegisterGoodbye(psctest.ClientID, "https://lgo.example/bye")
	b := r.srv.Browser()
	b.Mode = "MOBILE"
	_, m, _ := r.redeem(r.come(b, r.address(), psctest.Titulaire).Get("code"))
	hint := m["id_token"].(string)
	require.NotEmpty(t, r.come(b, r.address("prompt", "none"), "").Get("code"))
	r.srv.Clock().Advance(10 * time.Minute)
	require.Equal(t, "login_required", r.come(b, r.address("prompt", "none", "max_age", "60"), "").Get("error"))
	require.NotEmpty(t, r.come(b, r.address("prompt", "none", "max_age", "3600"), "").Get("code"))
	_, err := b.Visit(t.Context(), r.srv.Environment().EndSession+"?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.example"}}.Encode())
	require.ErrorContains(t, err, "post_logout_redirect_uri")
	require.NotEmpty(t, r.come(b, r.address("prompt", "none"), "").Get("code"), "and nobody was logged out")
	to, err := b.Visit(t.Context(), r.srv.Environment().EndSession+"?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://lgo.example/bye"}, "state": {"z"}}.Encode())
	require.NoError(t, err)
	require.Equal(t, "https://lgo.example/bye?state=z", to)
	require.Equal(t, "login_required", r.come(b, r.address("prompt", "none"), "").Get("error"))
}

// The two sessions of one browser end together, and each client is told.
func TestLogoutIsToldToEveryClient(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.srv.RegisterRedirect(psctest.ClientID, back)
	told := make(chan string, 4)
	rp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { told <- q.FormValue("logout_token") }))
	defer rp.Close()
	r.srv.RegisterBackchannel(psctest.ClientID, rp.URL)
	b := r.srv.Browser()
	_, one, _ := r.redeem(r.come(b, r.address(), psctest.Titulaire).Get("code"))
	_, two, _ := r.redeem(r.come(b, r.address(), "").Get("code"))
	require.NotEqual(t, one["session_state"], two["session_state"])
	_, err := b.Visit(t.Context(), r.srv.Environment().EndSession+"?"+url.Values{"id_token_hint": {one["id_token"].(string)}}.Encode())
	require.NoError(t, err)
	require.Len(t, told, 2)
	require.Len(t, r.srv.Notices(), 2)
	for _, token := range []string{one["access_token"].(string), two["access_token"].(string)} {
		seen, err := r.srv.Introspect(t.Context(), token)
		require.NoError(t, err)
		require.False(t, seen.Active)
	}
	_, err = r.srv.LogoutToken(psctest.Titulaire, nil)
	require.Error(t, err, "there is no session any more")
}

func TestSecretsOfClients(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.srv.RegisterSecret(psctest.ClientID, "right/é")
	try := func(user, password string, basic bool, form string) int {
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.srv.Environment().CIBA, strings.NewReader(form))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if basic {
			req.SetBasicAuth(user, password)
		}
		resp, err := r.anon.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	encoded := url.QueryEscape("right/é")
	require.Equal(t, 200, try(psctest.ClientID, encoded, true, good))
	require.Equal(t, 200, try("", "", false, good+"&client_secret="+encoded))
	for _, status := range []int{
		try(psctest.ClientID, "wrong", true, good), try("other", encoded, true, good), try(psctest.ClientID, "%zz", true, good),
		try(psctest.ClientID, encoded, true, good+"&client_secret="+encoded), try("", "", false, good+"&client_secret=wrong"), try("", "", false, good),
	} {
		require.Equal(t, 401, status)
	}
}
