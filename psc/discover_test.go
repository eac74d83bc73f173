package psc_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc"
)

func TestDiscover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := psc.Config{Environment: psc.Environment{Name: "emulator", Issuer: w.Environment().Issuer}, Roots: w.Roots(), Watch: w.config.Watch}
	w.Fail(emulator.Fault{Operation: "discovery", Status: 502}) // a read: tried again
	got, err := psc.Discover(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, w.Environment(), got)
	require.Contains(t, got.Authorization, "localhost", "the wallet is on another host")
}

func TestDiscoverRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(d map[string]any, issuer string)
		want   string
	}{
		"the native login page": {func(d map[string]any, issuer string) {
			d["authorization_endpoint"] = issuer + "/protocol/openid-connect/auth"
		}, "native"},
		"no login page":             {func(d map[string]any, _ string) { delete(d, "authorization_endpoint") }, "authorization_endpoint"},
		"another issuer":            {func(d map[string]any, _ string) { d["issuer"] = "https://evil.example" }, "issuer"},
		"no CIBA":                   {func(d map[string]any, _ string) { delete(d, "backchannel_authentication_endpoint") }, "CIBA"},
		"token endpoint over http":  {func(d map[string]any, _ string) { d["token_endpoint"] = "http://x.example/token" }, "Token"},
		"address of another nature": {func(d map[string]any, _ string) { d["jwks_uri"] = "file:///etc/passwd" }, "JWKS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var srv *emulator.Server
			srv, err := emulator.New(emulator.Options{Authority: authority(), Clock: emulator.NewClock(morning)}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/.well-known/wallet-openid-configuration") {
					http.NotFound(w, r)
					return
				}
				issuer := srv.URL + "/realms/x"
				d := map[string]any{"issuer": issuer, "authorization_endpoint": "https://wallet.example/auth"}
				for _, n := range []string{"token", "userinfo", "introspection", "revocation", "end_session", "backchannel_authentication"} {
					d[n+"_endpoint"] = issuer + "/" + n
				}
				d["jwks_uri"] = issuer + "/certs"
				c.change(d, issuer)
				_ = json.NewEncoder(w).Encode(d)
			}))
			require.NoError(t, err)
			defer srv.Close()
			_, err = psc.Discover(t.Context(), psc.Config{
				Environment: psc.Environment{Issuer: srv.URL + "/realms/x"}, Roots: srv.Roots(), Watch: socle.Watch{Clock: srv.Clock().Now},
			})
			require.ErrorIs(t, err, psc.ErrEnvironment)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestDiscoverIgnoresTheNativeDocument(t *testing.T) {
	t.Parallel()
	srv, err := emulator.New(emulator.Options{Authority: authority(), Clock: emulator.NewClock(morning)}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") && !strings.Contains(r.URL.Path, "wallet") {
			t.Error("the native document was asked for")
		}
		http.NotFound(w, r)
	}))
	require.NoError(t, err)
	defer srv.Close()
	_, err = psc.Discover(t.Context(), psc.Config{Environment: psc.Environment{Issuer: srv.URL}, Roots: srv.Roots(), Watch: socle.Watch{Clock: srv.Clock().Now}})
	var e *psc.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 404, e.Status)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}

func TestDiscoverNeedsAnIssuerAndRoots(t *testing.T) {
	t.Parallel()
	_, err := psc.Discover(t.Context(), psc.Config{})
	require.ErrorContains(t, err, "Environment.Issuer")
	_, err = psc.Discover(t.Context(), psc.Config{Environment: psc.Sandbox()})
	require.ErrorContains(t, err, "Roots")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}
