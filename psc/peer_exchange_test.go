//go:build peers

package psc_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// apiPeer is npm oidc-provider in the place of the authorization server of an
// API, before our emulator of Pro Santé Connect, which it introspects.
type apiPeer struct {
	w        *psctest.Server
	client   *psc.Client
	cert     tls.Certificate
	base     string
	resource *emulator.Server
	config   psc.ExchangerConfig
}

func startAPIPeer(t *testing.T, opaque bool) *apiPeer {
	t.Helper()
	a, err := pki.NewAuthority()
	require.NoError(t, err)
	p := &apiPeer{}
	p.w, err = psctest.NewServer(psctest.Options{Authority: a, Interval: -1})
	require.NoError(t, err)
	t.Cleanup(p.w.Close)
	p.cert, err = p.w.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	leaf, err := pki.Leaf(p.cert)
	require.NoError(t, err)
	introspects, err := a.Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "API", CommonName: "api"}, pki.AuthClient)
	require.NoError(t, err)
	other, err := pki.Leaf(introspects)
	require.NoError(t, err)
	p.w.Register("api", pki.DN(other))
	server, err := a.Server("127.0.0.1")
	require.NoError(t, err)
	program := oracle.StartNode(t, "exchange.mjs")
	program.Say(map[string]any{
		"tls": keyFiles(t, a, server), "client": map[string]string{"id": psctest.ClientID, "commonName": leaf.Subject.CommonName},
		"audience": "urn:api:test", "opaque": opaque,
		"introspection": map[string]any{"url": p.w.Environment().Introspection, "client": "api", "tls": keyFiles(t, a, introspects)},
	})
	var ready struct{ Port int }
	program.Hear(&ready)
	p.base = fmt.Sprintf("https://127.0.0.1:%d", ready.Port)
	p.client, err = psc.New(psc.Config{Environment: p.w.Environment(), ClientID: psctest.ClientID, Certificate: p.cert, Roots: a.Roots(), Wait: p.w.Wait})
	require.NoError(t, err)
	p.config = psc.ExchangerConfig{ClientID: psctest.ClientID, Certificate: p.cert, Roots: a.Roots(), APIs: []psc.API{{
		Name: "test", TokenURL: p.base + "/token", RevocationURL: p.base + "/token/revocation", Scopes: []string{"sign"}, SubjectIssuer: "psc",
	}}}
	return p
}

func (p *apiPeer) introspector(t *testing.T) *psc.Introspector {
	t.Helper()
	i, err := psc.NewIntrospector(psc.IntrospectorConfig{URL: p.base + "/token/introspection", ClientID: psctest.ClientID, Certificate: p.cert, Roots: p.w.Roots()})
	require.NoError(t, err)
	return i
}

// serve starts the API of a vendor behind a psc.Resource that trusts the peer.
func (p *apiPeer) serve(t *testing.T, opaque bool) {
	t.Helper()
	cfg := psc.ResourceConfig{Issuer: p.base, Roots: p.w.Roots(), Audiences: []string{"urn:api:test"}, Clients: []string{psctest.ClientID}, Scopes: []string{"sign"}}
	if opaque {
		cfg.Introspect = p.introspector(t).Introspect
	} else { // the peer introspects no JWT
		cfg.JWKS = p.base + "/jwks"
	}
	r, err := psc.NewResource(cfg)
	require.NoError(t, err)
	p.resource, err = emulator.New(emulator.Options{Authority: p.w.Authority(), ClientAuth: tls.VerifyClientCertIfGiven}, r.Protect(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		a, _ := psc.AccessOf(req.Context())
		_, _ = w.Write(a.Raw)
	})))
	require.NoError(t, err)
	t.Cleanup(p.resource.Close)
	p.config.APIs[0].BaseURL = p.resource.URL + "/api"
}

func TestPeerOIDCProviderExchange(t *testing.T) {
	for name, opaque := range map[string]bool{"signed": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			p := startAPIPeer(t, opaque)
			p.serve(t, opaque)
			x, err := psc.NewExchanger(p.config)
			require.NoError(t, err)
			s, err := p.client.Login(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire), Show: func(string) {}})
			require.NoError(t, err)
			token, err := x.Token(t.Context(), s, "test")
			require.NoError(t, err)

			resp, err := x.Client(s, "test").Get(p.resource.URL + "/api/x")
			require.NoError(t, err)
			raw, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 200, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
			var claims map[string]any
			require.NoError(t, json.Unmarshal(raw, &claims))
			leaf, err := pki.Leaf(p.cert)
			require.NoError(t, err)
			require.Equal(t, map[string]any{"x5t#S256": psc.ThumbprintOf(leaf).RFC8705()}, claims["cnf"], "the peer's own thumbprint is ours")
			if !opaque {
				require.Equal(t, psctest.Titulaire, claims["SubjectNameID"])
			}

			// The token alone, stolen, opens nothing.
			thief := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.w.Roots()}}}
			defer thief.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.resource.URL+"/api/x", nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err = thief.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 401, resp.StatusCode)

			if opaque {
				i := p.introspector(t)
				a, err := i.Introspect(t.Context(), token)
				require.NoError(t, err)
				require.WithinDuration(t, time.Now().Add(4*time.Hour), a.Expires, time.Minute)
				require.NoError(t, x.Forget(t.Context(), s))
				_, err = i.Introspect(t.Context(), token)
				require.ErrorIs(t, err, psc.ErrInactive, "revoked at the end")
			}
			_ = x.Close(t.Context())
			require.NoError(t, s.Logout(t.Context()))
		})
	}
}

func TestPeerOIDCProviderExchangeRefusals(t *testing.T) {
	p := startAPIPeer(t, false)
	p.config.APIs[0].BaseURL = p.base + "/api"
	s, err := p.client.Login(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire), Show: func(string) {}})
	require.NoError(t, err)
	other, err := p.w.Authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*psc.ExchangerConfig)
		kind   error
		code   string
	}{
		"scope":       {func(c *psc.ExchangerConfig) { c.APIs[0].Scopes = []string{"other"} }, psc.ErrExchange, "invalid_scope"},
		"type":        {func(c *psc.ExchangerConfig) { c.APIs[0].SubjectTokenType = psc.TokenTypeJWT }, psc.ErrExchange, "invalid_request"},
		"certificate": {func(c *psc.ExchangerConfig) { c.Certificate = other }, psc.ErrClientCertificate, "invalid_client"},
	} {
		cfg := p.config
		cfg.APIs = append([]psc.API(nil), p.config.APIs...)
		c.change(&cfg)
		x, err := psc.NewExchanger(cfg)
		require.NoError(t, err)
		_, err = x.Token(t.Context(), s, "test")
		require.ErrorIs(t, err, c.kind, name)
		var e *psc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, c.code, e.Code, name)
		require.NoError(t, x.Close(t.Context()))
	}
	require.NoError(t, s.Logout(t.Context()))
}
