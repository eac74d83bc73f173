//go:build peers

package psc_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

const peerClient = "ans-lgo-peer"

// peer is npm oidc-provider in the place of the service.
type peer struct {
	issuer string
	config psc.Config
}

func startPeer(t *testing.T, accessLife, requestLife int) peer {
	t.Helper()
	a, err := pki.NewAuthority()
	require.NoError(t, err)
	server, err := a.Server("127.0.0.1", "localhost")
	require.NoError(t, err)
	cert, err := a.Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "PHARMACIE DE TEST", CommonName: "lgo-peer"}, pki.AuthClient)
	require.NoError(t, err)
	who := func(hint, decision string, more map[string]any) map[string]any {
		claims := map[string]any{
			"sub": "f:peer:" + hint, "preferred_username": hint, "SubjectNameID": hint, "given_name": "CAMILLE", "family_name": "TITULAIRE0000100",
			"SubjectRefPro": map[string]any{"exercices": []any{map[string]any{
				"codeProfession": "21", "codeCategorieProfessionnelle": "C",
				"activities": []any{map[string]any{"codeSectionPharmacien": "A", "codeSecteurDactivite": "SA33", "numeroFinessSite": psctest.Pharmacy[1:]}},
			}}},
		}
		for k, v := range more {
			claims[k] = v
		}
		return map[string]any{"hint": hint, "decision": decision, "claims": claims}
	}
	program := oracle.StartNode(t, "server.mjs")
	program.Say(map[string]any{
		"tls":        keyFiles(t, a, server),
		"client":     map[string]any{"id": peerClient, "commonName": "lgo-peer", "redirects": []string{callbackURI}},
		"accessLife": accessLife, "requestLife": requestLife,
		"people": []any{
			who(psctest.Titulaire, "approve", nil),
			who(psctest.Adjoint, "deny", nil),
			who(psctest.Preparateur, "ignore", nil),
			who(psctest.Doctor, "approve", map[string]any{"SubjectNameID": psctest.Titulaire}),
		},
	})
	var ready struct{ Port int }
	program.Hear(&ready)

	p := peer{issuer: fmt.Sprintf("https://127.0.0.1:%d/auth/realms/esante-wallet", ready.Port)}
	p.config = psc.Config{
		Environment: psc.Environment{Name: "oidc-provider", Issuer: p.issuer},
		ClientID:    peerClient,
		Certificate: cert,
		Roots:       a.Roots(),
		Wait: func(ctx context.Context, _ time.Duration) error { // it asks for no interval
			select {
			case <-time.After(100 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	p.config.Environment, err = psc.Discover(t.Context(), p.config)
	require.NoError(t, err)
	return p
}

// keyFiles gives what TLS of Node wants, as PEM.
func keyFiles(t *testing.T, a *pki.Authority, cert tls.Certificate) map[string]string {
	t.Helper()
	return oracle.NodeKeys(t, a.Chain(), cert)
}

func (p peer) client(t *testing.T) *psc.Client {
	t.Helper()
	c, err := psc.New(p.config)
	require.NoError(t, err)
	return c
}

func TestPeerOIDCProviderLogin(t *testing.T) {
	p := startPeer(t, 120, 120)
	require.True(t, strings.HasPrefix(p.config.Environment.Authorization, "https://localhost:"), "the wallet's, not the native one")
	require.Equal(t, p.issuer+"/protocol/openid-connect/ext/ciba/auth", p.config.Environment.CIBA)
	s, err := p.client(t).Login(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire), Channel: psc.ChannelCard, Show: func(string) {}})
	require.NoError(t, err)
	require.Equal(t, "eidas1", s.ACR())
	require.WithinDuration(t, time.Now(), s.AuthenticatedAt(), 10*time.Second)
	who, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, "A", who.Speciality.Code)
	require.Equal(t, psctest.Pharmacy, who.Structure.ID.String())

	token, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.True(t, p.active(t, token))
	require.NoError(t, s.Logout(t.Context()))
	require.False(t, p.active(t, token), "revoking the refresh token ended the grant")
}

// active asks the peer itself about a token.
func (p peer) active(t *testing.T, token string) bool {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.config.Roots, Certificates: []tls.Certificate{p.config.Certificate}}}}
	defer c.CloseIdleConnections()
	resp, err := c.PostForm(p.config.Environment.Introspection, url.Values{"client_id": {peerClient}, "token": {token}})
	require.NoError(t, err)
	defer resp.Body.Close()
	var m struct{ Active bool }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
	return m.Active
}

func TestPeerOIDCProviderRefresh(t *testing.T) {
	p := startPeer(t, 2, 120) // replaced after one second
	s, err := p.client(t).Login(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire), Show: func(string) {}})
	require.NoError(t, err)
	first, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		next, err := s.AccessToken(t.Context())
		return err == nil && next != first
	}, 5*time.Second, 100*time.Millisecond)
	require.NoError(t, s.Logout(t.Context()))
}

func TestPeerOIDCProviderRefusals(t *testing.T) {
	p := startPeer(t, 120, 2)
	c := p.client(t)
	login := func(id string) error {
		_, err := c.Login(t.Context(), psc.LoginRequest{Person: person(t, id), Show: func(string) {}})
		return err
	}
	err := login(psctest.Adjoint)
	require.ErrorIs(t, err, psc.ErrDenied)
	err = login(psctest.Preparateur)
	require.ErrorIs(t, err, psc.ErrExpired)
	err = login("899900001043")
	require.ErrorIs(t, err, psc.ErrUnknownUser)
	var e *psc.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "unknown_user_id", e.Code)
	err = login(psctest.Doctor) // answered by another person
	require.ErrorIs(t, err, psc.ErrIDToken)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))

	a, err := pki.NewAuthority()
	require.NoError(t, err)
	p.config.Certificate, err = a.Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "X", CommonName: "lgo-peer"}, pki.AuthClient)
	require.NoError(t, err)
	c = p.client(t)
	require.ErrorIs(t, login(psctest.Titulaire), psc.ErrClientCertificate, "a certificate of another authority")
}

// Our emulator before a relying party that we did not write.
func TestPeerOpenIDClient(t *testing.T) {
	srv, err := psctest.NewServer(psctest.Options{Interval: time.Second})
	require.NoError(t, err)
	defer srv.Close()
	cert, err := srv.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	srv.Script(psctest.Adjoint, psctest.Answer{Decision: psctest.Deny})
	srv.Script(psctest.Doctor, psctest.Answer{Delay: 1500 * time.Millisecond})
	program := oracle.StartNode(t, "client.mjs")
	program.Say(map[string]any{
		"discovery": srv.Environment().Issuer + "/.well-known/wallet-openid-configuration",
		"client":    psctest.ClientID,
		"tls":       keyFiles(t, srv.Authority(), cert),
		"people":    []string{psctest.Titulaire, psctest.Adjoint, psctest.Doctor, "899900001043"},
	})
	type happened struct {
		Person, Error, Text         string
		Status, Expires             int
		Refreshed                   bool
		Claims, Info, Before, After map[string]any
	}
	next := func() happened {
		var h happened
		program.Hear(&h)
		return h
	}
	for _, want := range []string{"", "access_denied", "", "invalid_request"} {
		h := next()
		require.Equal(t, want, h.Error, "%+v", h)
		if want != "" {
			require.Equal(t, 400, h.Status)
			continue
		}
		require.Equal(t, 120, h.Expires)
		require.True(t, h.Refreshed)
		require.Equal(t, h.Person, h.Info["SubjectNameID"])
		require.Equal(t, h.Claims["sub"], h.Info["sub"])
		require.Equal(t, "eidas3", h.Claims["acr"])
		require.Equal(t, true, h.Before["active"])
		require.Equal(t, map[string]any{"active": false}, h.After)
	}
}
