//go:build peers

package psc_test

import (
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// browse goes through the peer's pages as that person, to the callback.
func (p peer) browse(t *testing.T, address, person string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.config.Roots}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for range 10 {
		if strings.HasPrefix(address, callbackURI+"?") {
			u, err := url.Parse(address)
			require.NoError(t, err)
			return u.Query()
		}
		resp, err := c.Get(address)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 3, resp.StatusCode/100, "%s %d", resp.Request.URL.Path, resp.StatusCode)
		next, err := resp.Location()
		require.NoError(t, err)
		if strings.HasPrefix(next.Path, "/interaction/") {
			next.RawQuery = url.Values{"person": {person}}.Encode()
		}
		address = next.String()
	}
	t.Fatal("too many redirects")
	return nil
}

// The code flow of our client before an OpenID provider that we did not write,
// which asks for PKCE and gives iss (RFC 9207).
func TestPeerOIDCProviderCodeFlow(t *testing.T) {
	p := startPeer(t, 2, 120)
	c := p.client(t)
	require.True(t, p.config.Environment.ResponseIssuer)
	begin := func(person string) (*psc.Authorization, url.Values) {
		a, err := c.Authorize(psc.AuthRequest{RedirectURI: callbackURI, MaxAge: time.Hour, IdPHint: "x"})
		require.NoError(t, err)
		return a, p.browse(t, a.URL(), person)
	}
	a, q := begin(psctest.Titulaire)
	require.Equal(t, p.issuer, q.Get("iss"))
	s, err := c.Callback(t.Context(), a, q)
	require.NoError(t, err)
	who, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, psctest.Titulaire, who.ID.String())
	require.Equal(t, "eidas1", s.ACR())
	require.WithinDuration(t, time.Now(), s.AuthenticatedAt(), 10*time.Second)
	first, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		next, err := s.AccessToken(t.Context())
		return err == nil && next != first
	}, 5*time.Second, 100*time.Millisecond, "refreshed, with the nonce or without")
	require.NoError(t, s.Logout(t.Context()))

	a, q = begin("nobody")
	_, err = c.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrDenied)

	// Another person's code, in a login of one's own: PKCE of the peer stops it.
	_, theirs := begin(psctest.Titulaire)
	a, q = begin(psctest.Titulaire)
	q.Set("code", theirs.Get("code"))
	_, err = c.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrState)
	var e *psc.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "invalid_grant", e.Code)

	a, err = c.Authorize(psc.AuthRequest{RedirectURI: callbackURI, Prompt: psc.PromptNone})
	require.NoError(t, err)
	_, err = c.Callback(t.Context(), a, p.browse(t, a.URL(), ""))
	require.ErrorIs(t, err, psc.ErrInteraction)
}

// The code flow of a relying party that we did not write before our emulator.
func TestPeerOpenIDClientCodeFlow(t *testing.T) {
	srv, err := psctest.NewServer(psctest.Options{RequirePKCE: true})
	require.NoError(t, err)
	defer srv.Close()
	cert, err := srv.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	srv.RegisterRedirect(psctest.ClientID, callbackURI)
	program := oracle.StartNode(t, "client.mjs")
	program.Say(map[string]any{
		"discovery": srv.Environment().Issuer + "/.well-known/wallet-openid-configuration",
		"client":    psctest.ClientID, "redirect": callbackURI,
		"tls":    keyFiles(t, srv.Authority(), cert),
		"people": []string{psctest.Titulaire, "", psctest.Doctor},
	})
	for _, who := range []string{psctest.Titulaire, "", psctest.Doctor} {
		var asked struct{ Address string }
		program.Hear(&asked)
		back, err := srv.Browser().Login(t.Context(), asked.Address, who)
		require.NoError(t, err)
		program.Say(back)
		var h struct {
			Person, Error               string
			Expires                     int
			Refreshed                   bool
			Claims, Info, Before, After map[string]any
		}
		program.Hear(&h)
		if who == "" {
			require.Equal(t, "access_denied", h.Error)
			continue
		}
		require.Empty(t, h.Error)
		require.Equal(t, 120, h.Expires)
		require.True(t, h.Refreshed)
		require.Equal(t, who, h.Info["SubjectNameID"])
		require.NotEmpty(t, h.Claims["nonce"])
		require.Equal(t, true, h.Before["active"])
		require.Equal(t, map[string]any{"active": false}, h.After)
	}
}
