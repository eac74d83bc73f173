package psctest_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc/psctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// raw is a client that knows nothing of package psc.
type raw struct {
	t    *testing.T
	srv  *psctest.Server
	http *http.Client
	anon *http.Client // without a certificate
}

func start(t *testing.T) raw {
	t.Helper()
	srv, err := psctest.NewServer(psctest.Options{Clock: emulator.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cert, err := srv.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	client := func(certs ...tls.Certificate) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: certs, Time: srv.Clock().Now}}}
	}
	return raw{t, srv, client(cert), client()}
}

func (r raw) post(c *http.Client, address, form string) (int, map[string]any, http.Header) {
	r.t.Helper()
	resp, err := c.Post(address, "application/x-www-form-urlencoded", strings.NewReader(form))
	require.NoError(r.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	return resp.StatusCode, m, resp.Header
}

const good = "client_id=" + psctest.ClientID + "&scope=openid+scope_all&acr_values=eidas1&login_hint=" + psctest.Titulaire + "&binding_message=42"

func (r raw) tokens() map[string]any {
	r.t.Helper()
	e := r.srv.Environment()
	status, m, _ := r.post(r.http, e.CIBA, good)
	require.Equal(r.t, 200, status, m)
	status, m, _ = r.post(r.http, e.Token, poll(m))
	require.Equal(r.t, 200, status, m)
	return m
}

func poll(start map[string]any) string {
	return url.Values{"client_id": {psctest.ClientID}, "grant_type": {"urn:openid:params:grant-type:ciba"}, "auth_req_id": {start["auth_req_id"].(string)}}.Encode()
}

func TestStartRefusals(t *testing.T) {
	t.Parallel()
	r := start(t)
	with := func(k, v string) string {
		f, _ := url.ParseQuery(good)
		f.Set(k, v)
		return f.Encode()
	}
	without := func(k string) string {
		f, _ := url.ParseQuery(good)
		f.Del(k)
		return f.Encode()
	}
	for name, c := range map[string]struct {
		form, code, text, rule string
		status                 int
		anonymous              bool
	}{
		"no certificate":       {good, "invalid_client", "Invalid client or Invalid client credentials", "tls_client_auth", 401, true},
		"secret of nobody":     {good + "&client_secret=x", "invalid_client", "Invalid client or Invalid client credentials", "client_secret", 401, true},
		"unknown client":       {with("client_id", "x"), "invalid_client", "Invalid client or Invalid client credentials", "client_id", 401, false},
		"no client":            {without("client_id"), "invalid_client", "Missing client_id parameter", "client_id", 401, false},
		"no hint":              {without("login_hint"), "invalid_request", "missing parameter : login_hint", "login_hint", 400, false},
		"unknown person":       {with("login_hint", "899900009999"), "invalid_request", "invalid user", "login_hint", 400, false},
		"no scope":             {without("scope"), "invalid_request", "missing parameter : scope", "scope", 400, false},
		"unknown scope":        {with("scope", "openid x"), "invalid_scope", "Invalid scopes: openid x", "scope", 400, false},
		"scope without openid": {with("scope", "scope_all"), "invalid_scope", "Invalid scopes: scope_all", "scope", 400, false},
		"no binding number":    {without("binding_message"), "invalid_binding_message", "", "binding_message", 400, false},
		"one digit":            {with("binding_message", "4"), "invalid_binding_message", "", "binding_message", 400, false},
		"user code":            {with("user_code", "1"), "invalid_request", "User code not supported", "user_code", 400, false},
		"unknown channel":      {with("channel", "SMS"), "invalid_request", "", "channel", 400, false},
		"parameter twice":      {good + "&scope=openid", "invalid_request", "duplicated parameter", "form", 400, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := r.http
			if c.anonymous {
				client = r.anon
			}
			status, m, h := r.post(client, r.srv.Environment().CIBA, c.form)
			require.Equal(t, c.status, status)
			require.Equal(t, c.code, m["error"])
			if c.text != "" {
				require.Equal(t, c.text, m["error_description"])
			}
			require.True(t, strings.HasPrefix(h.Get("X-Emulator-Rule"), c.rule+": expected "), h.Get("X-Emulator-Rule"))
		})
	}
}

func TestStartAndPoll(t *testing.T) {
	t.Parallel()
	r := start(t)
	e := r.srv.Environment()
	r.srv.Script(psctest.Titulaire, psctest.Answer{Delay: 8 * time.Second})
	_, begun, _ := r.post(r.http, e.CIBA, good)
	require.EqualValues(t, 120, begun["expires_in"])
	require.EqualValues(t, 5, begun["interval"])
	expect := func(status int, code, text string) {
		t.Helper()
		got, m, _ := r.post(r.http, e.Token, poll(begun))
		require.Equal(t, status, got, m)
		require.Equal(t, code, m["error"])
		require.Equal(t, text, m["error_description"])
	}
	expect(400, "authorization_pending", "The authorization request is still pending as the end-user hasn't yet been authenticated.")
	r.srv.Clock().Advance(4 * time.Second)
	expect(400, "slow_down", "too early to access")
	r.srv.Clock().Advance(5 * time.Second)
	status, m, _ := r.post(r.http, e.Token, poll(begun))
	require.Equal(t, 200, status)
	require.EqualValues(t, 120, m["expires_in"])
	require.EqualValues(t, 1800, m["refresh_expires_in"])
	require.Equal(t, "Bearer", m["token_type"])
	require.Equal(t, "openid scope_all", m["scope"])
	require.EqualValues(t, 0, m["not-before-policy"])
	require.NotEmpty(t, m["session_state"])
	expect(400, "invalid_grant", "Invalid auth_req_id") // used up

	// Another client cannot redeem it.
	_, begun, _ = r.post(r.http, e.CIBA, good)
	r.srv.Register("other", "CN=nobody")
	got, m, _ := r.post(r.http, e.Token, strings.Replace(poll(begun), psctest.ClientID, "other", 1))
	require.Equal(t, 401, got, m)

	// Expired: told for a while, then forgotten.
	r.srv.Clock().Advance(2 * time.Minute)
	expect(400, "expired_token", "authentication timed out")
	r.srv.Clock().Advance(16 * time.Second)
	expect(400, "invalid_grant", "Invalid auth_req_id")
}

func TestTokenEndpointRefusals(t *testing.T) {
	t.Parallel()
	r := start(t)
	e := r.srv.Environment()
	given := r.tokens()
	id := "client_id=" + psctest.ClientID
	for name, c := range map[string]struct {
		form, code, text string
	}{
		"no grant type":          {id, "invalid_request", "Missing form parameter: grant_type"},
		"password":               {id + "&grant_type=password", "unsupported_grant_type", "Unsupported grant_type"},
		"no request id":          {id + "&grant_type=urn:openid:params:grant-type:ciba", "invalid_request", "Missing parameter: auth_req_id"},
		"invented request id":    {id + "&grant_type=urn:openid:params:grant-type:ciba&auth_req_id=x", "invalid_grant", "Invalid Auth Req ID"},
		"no refresh token":       {id + "&grant_type=refresh_token", "invalid_request", "No refresh token"},
		"invented refresh token": {id + "&grant_type=refresh_token&refresh_token=a.b.c", "invalid_grant", "Invalid refresh token"},
		"access token":           {id + "&grant_type=refresh_token&refresh_token=" + given["access_token"].(string), "invalid_grant", "Invalid refresh token"},
		"tampered refresh token": {id + "&grant_type=refresh_token&refresh_token=" + given["refresh_token"].(string) + "A", "invalid_grant", "Invalid refresh token"},
	} {
		t.Run(name, func(t *testing.T) {
			status, m, _ := r.post(r.http, e.Token, c.form)
			require.Equal(t, 400, status)
			require.Equal(t, c.code, m["error"])
			require.Equal(t, c.text, m["error_description"])
		})
	}
	refresh := id + "&grant_type=refresh_token&refresh_token=" + given["refresh_token"].(string)
	status, next, _ := r.post(r.http, e.Token, refresh)
	require.Equal(t, 200, status)
	r.srv.Clock().Advance(30 * time.Minute)
	status, m, _ := r.post(r.http, e.Token, id+"&grant_type=refresh_token&refresh_token="+next["refresh_token"].(string))
	require.Equal(t, 400, status)
	require.Equal(t, "Token is not active", m["error_description"])
}

func TestIntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	r := start(t)
	e := r.srv.Environment()
	given := r.tokens()
	id := "client_id=" + psctest.ClientID
	look := func(name string) map[string]any {
		t.Helper()
		status, m, _ := r.post(r.http, e.Introspection, id+"&token="+given[name].(string))
		require.Equal(t, 200, status)
		return m
	}
	m := look("access_token")
	require.Equal(t, true, m["active"])
	for name, want := range map[string]any{
		"typ": "Bearer", "azp": psctest.ClientID, "client_id": psctest.ClientID, "username": psctest.Titulaire, "preferred_username": psctest.Titulaire,
		"SubjectNameID": psctest.Titulaire, "acr": "eidas3", "authMode": "CARD", "nonce": "", "iss": e.Issuer, "scope": "openid scope_all",
	} {
		require.Equal(t, want, m[name], name)
	}
	require.NotContains(t, m, "aud")
	m = look("refresh_token")
	require.Equal(t, true, m["active"])
	require.NotContains(t, m, "SubjectNameID", "for an access token only")
	require.Equal(t, map[string]any{"active": false}, look("id_token"))

	status, m, _ := r.post(r.anon, e.Introspection, id+"&token="+given["access_token"].(string))
	require.Equal(t, 401, status, "for declared clients only")
	require.Equal(t, "Authentication failed.", m["error_description"])
	status, _, _ = r.post(r.http, e.Introspection, id)
	require.Equal(t, 400, status)

	in, err := r.srv.Introspect(t.Context(), given["access_token"].(string))
	require.NoError(t, err)
	require.Equal(t, psctest.Introspection{
		Active: true, Person: psctest.Titulaire, ClientID: psctest.ClientID, Scope: "openid scope_all", ACR: "eidas3",
		SessionID: given["session_state"].(string), Expiry: in.Expiry,
	}, in)
	require.True(t, in.Expiry.Equal(r.srv.Clock().Now().Add(2*time.Minute)))

	// An access token dies alone, a refresh token takes its session with it.
	status, _, _ = r.post(r.http, e.Revocation, id+"&token="+given["access_token"].(string))
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"active": false}, look("access_token"))
	require.Equal(t, true, look("refresh_token")["active"])
	status, _, _ = r.post(r.http, e.Revocation, id+"&token="+given["refresh_token"].(string))
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"active": false}, look("refresh_token"))
	status, m, _ = r.post(r.http, e.Revocation, id+"&token=invented")
	require.Equal(t, 200, status)
	require.Equal(t, "invalid_token", m["error"])

	given = r.tokens()
	r.srv.Clock().Advance(2 * time.Minute)
	require.Equal(t, map[string]any{"active": false}, look("access_token"), "expired")
}

func TestUserInfoRefusals(t *testing.T) {
	t.Parallel()
	r := start(t)
	given := r.tokens()
	get := func(authorization string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", r.srv.Environment().UserInfo, nil)
		require.NoError(t, err)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := r.anon.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	status, _ := get("Bearer " + given["access_token"].(string))
	require.Equal(t, 200, status)
	r.srv.Clock().Advance(2 * time.Minute)
	for _, a := range []string{"", "Bearer x", "Bearer " + given["id_token"].(string), "Bearer " + given["refresh_token"].(string), "Bearer " + given["access_token"].(string)} {
		status, challenge := get(a)
		require.Equal(t, 401, status)
		require.Contains(t, challenge, `error="invalid_token"`)
	}
}

func TestLogoutByHint(t *testing.T) {
	t.Parallel()
	r := start(t)
	e := r.srv.Environment()
	given := r.tokens()
	r.srv.Clock().Advance(10 * time.Minute) // the hint may be expired
	status, _, _ := r.post(r.http, e.EndSession, "id_token_hint="+given["access_token"].(string))
	require.Equal(t, 400, status)
	status, _, _ = r.post(r.http, e.EndSession, "")
	require.Equal(t, 400, status)
	status, _, _ = r.post(r.http, e.EndSession, "id_token_hint="+given["id_token"].(string))
	require.Equal(t, 200, status)
	status, m, _ := r.post(r.http, e.Token, "client_id="+psctest.ClientID+"&grant_type=refresh_token&refresh_token="+given["refresh_token"].(string))
	require.Equal(t, 400, status)
	require.Equal(t, "Session not active", m["error_description"])
}

func TestDiscoveryDocuments(t *testing.T) {
	t.Parallel()
	r := start(t)
	get := func(name string) map[string]any {
		resp, err := r.anon.Get(r.srv.Environment().Issuer + "/.well-known/" + name)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
		var m map[string]any
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
		return m
	}
	own, native := get("wallet-openid-configuration"), get("openid-configuration")
	require.Equal(t, own["issuer"], native["issuer"])
	require.Equal(t, r.srv.Environment().Authorization, own["authorization_endpoint"])
	require.NotContains(t, own["authorization_endpoint"], "/realms/")
	require.Contains(t, native["authorization_endpoint"], "/realms/esante-wallet/protocol/openid-connect/auth")
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := psctest.NewServer(psctest.Options{Interval: 1500 * time.Millisecond})
	require.ErrorContains(t, err, "Interval")
}

func TestPeopleAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range psctest.People() {
		require.False(t, seen[p.ID])
		seen[p.ID] = true
		require.NotEmpty(t, p.FamilyName)
	}
	for _, id := range []string{psctest.Titulaire, psctest.Adjoint, psctest.Preparateur, psctest.Doctor, psctest.TwoPractices, psctest.NoExercise, psctest.Auxiliary} {
		require.True(t, seen[id], id)
	}
}
