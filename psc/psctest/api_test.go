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

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// The emulator of an API, by requests that no client of ours makes.
func TestAPIRefusesWithTheRule(t *testing.T) {
	t.Parallel()
	srv, err := psctest.NewServer(psctest.Options{Clock: emulator.NewClock(time.Time{})})
	require.NoError(t, err)
	defer srv.Close()
	cert, err := srv.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	api, err := psctest.NewAPI(psctest.APIOptions{PSC: srv})
	require.NoError(t, err)
	defer api.Close()
	require.NoError(t, api.Declare(cert))
	require.Error(t, api.Declare(tls.Certificate{}))
	_, err = psctest.NewAPI(psctest.APIOptions{})
	require.ErrorContains(t, err, "APIOptions.PSC")

	client, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: cert, Roots: srv.Roots(), Wait: srv.Wait, Watch: socle.Watch{Clock: srv.Clock().Now},
	})
	require.NoError(t, err)
	who, err := socle.ParsePersonID(psctest.Titulaire)
	require.NoError(t, err)
	session, err := client.Login(t.Context(), psc.LoginRequest{Person: who, Show: func(string) {}})
	require.NoError(t, err)
	access, err := session.AccessToken(t.Context())
	require.NoError(t, err)

	over := func(certs ...tls.Certificate) *http.Client {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: certs}}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	mine, naked := over(cert), over()
	post := func(c *http.Client, address, body, kind, bearer string) (int, map[string]any, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := c.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var m map[string]any
		_ = json.Unmarshal(raw, &m)
		return resp.StatusCode, m, resp.Header
	}
	form := func(change func(url.Values)) string {
		f := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {psctest.ClientID}, "scope": {"sign"},
			"subject_token": {access}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		}
		change(f)
		return f.Encode()
	}
	const formType = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		client *http.Client
		change func(url.Values)
		status int
		code   string
		rule   string
	}{
		"no certificate": {naked, func(url.Values) {}, 401, "invalid_client", "tls_client_auth"},
		"no client":      {mine, func(f url.Values) { f.Del("client_id") }, 401, "invalid_client", "client_id"},
		"other grant":    {mine, func(f url.Values) { f.Set("grant_type", "password") }, 400, "unsupported_grant_type", "grant_type"},
		"no subject":     {mine, func(f url.Values) { f.Del("subject_token") }, 400, "invalid_request", "subject_token"},
		"two subjects":   {mine, func(f url.Values) { f.Add("subject_token", "x") }, 400, "invalid_request", "form"},
		"dead subject":   {mine, func(f url.Values) { f.Set("subject_token", "x.y.z") }, 400, "invalid_token", "subject_token"},
		"actor no type":  {mine, func(f url.Values) { f.Set("actor_token", "a.b.c") }, 400, "invalid_request", "actor_token"},
		"type no actor":  {mine, func(f url.Values) { f.Set("actor_token_type", "x") }, 400, "invalid_request", "actor_token"},
	} {
		status, said, header := post(c.client, api.API().TokenURL, form(c.change), formType, "")
		require.Equal(t, c.status, status, name)
		require.Equal(t, c.code, said["error"], name)
		require.Contains(t, header.Get("X-Emulator-Rule"), c.rule+": expected ", name)
		refusals := api.Refusals()
		last := refusals[len(refusals)-1]
		require.Equal(t, c.rule, last.Rule, name)
		require.NotContains(t, last.Got, access)
	}

	status, given, _ := post(mine, api.API().TokenURL, form(func(url.Values) {}), formType, "")
	require.Equal(t, 200, status)
	require.NotContains(t, given, "issued_token_type", "as the ANS's server answers")
	token, _ := given["access_token"].(string)
	refresh, _ := given["refresh_token"].(string)
	sign := api.API().BaseURL + "/signsessiondata"
	good := `{"nationalId":"` + psctest.Titulaire + `","clientID":"c","proxy_session_id":"p","session_state":"` + session.SessionState() + `"}`
	for name, c := range map[string]struct {
		client       *http.Client
		address      string
		body, bearer string
		status       int
	}{
		"good":           {mine, sign, good, token, 200},
		"no token":       {mine, sign, good, "", 401},
		"stolen":         {naked, sign, good, token, 401},
		"refresh token":  {mine, sign, good, refresh, 401},
		"of PSC itself":  {mine, sign, good, access, 401},
		"other person":   {mine, sign, strings.Replace(good, psctest.Titulaire, psctest.Adjoint, 1), token, 401},
		"other session":  {mine, sign, strings.Replace(good, session.SessionState(), "x", 1), token, 401},
		"member missing": {mine, sign, `{"nationalId":"` + psctest.Titulaire + `"}`, token, 400},
		"not JSON":       {mine, sign, "x", token, 400},
		"other endpoint": {mine, sign + "x", good, token, 404},
	} {
		status, said, _ := post(c.client, c.address, c.body, "application/json", c.bearer)
		require.Equal(t, c.status, status, name)
		if status == 200 {
			signature, _ := said["signature"].(string)
			require.True(t, api.Signed(t.Context(), signature))
			require.False(t, api.Signed(t.Context(), signature[:len(signature)-8]+"AAAAAAAA"))
		}
	}
	status, _, _ = post(mine, api.Introspection(), url.Values{"client_id": {psctest.ClientID}, "token": {token}}.Encode(), formType, "")
	require.Equal(t, 200, status)
	status, _, _ = post(naked, api.Introspection(), url.Values{"client_id": {psctest.ClientID}, "token": {token}}.Encode(), formType, "")
	require.Equal(t, 401, status)
	status, _, _ = post(mine, api.API().RevocationURL, url.Values{"client_id": {psctest.ClientID}}.Encode(), formType, "")
	require.Equal(t, 400, status)
	srv.Clock().Advance(4 * time.Hour)
	status, _, header := post(mine, sign, good, "application/json", token)
	require.Equal(t, 401, status)
	require.Contains(t, header.Get("X-Emulator-Rule"), "exp: ")
	require.Contains(t, header.Get("WWW-Authenticate"), `error="invalid_token"`)
}
