package psc_test

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestNewTellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := psc.New(psc.Config{Scope: "scope_all", Algorithms: []string{"HS256"}, Skew: -1})
	for _, field := range []string{"Environment.Issuer", "Environment.CIBA", "ClientID", "Certificate", "Roots", "Scope", "Algorithms", "Skew"} {
		require.ErrorContains(t, err, field)
	}
}

func TestNewRefusesACertificateThatCannotAuthenticate(t *testing.T) {
	t.Parallel()
	good, err := certificate()
	require.NoError(t, err)
	o := pki.Organisation{Structure: psctest.Pharmacy, Name: "X", CommonName: "lgo"}
	sign, err := authority().Organisation(o, pki.Sign)
	require.NoError(t, err)
	o.NotBefore, o.NotAfter = morning.Add(-48*time.Hour), morning.Add(-time.Hour)
	expired, err := authority().Organisation(o, pki.AuthClient)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		cert tls.Certificate
		want error
	}{
		"signature key": {sign, pki.ErrWrongUsage},
		"expired":       {expired, pki.ErrExpired},
		"no key":        {tls.Certificate{Certificate: good.Certificate}, pki.ErrKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := psc.New(psc.Config{
				Environment: psc.Sandbox(), ClientID: "x", Certificate: c.cert, Roots: authority().Roots(),
				Watch: socle.Watch{Clock: func() time.Time { return morning }},
			})
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, "Certificate")
		})
	}
}

func TestBuiltInEnvironmentsAreWhole(t *testing.T) {
	t.Parallel()
	for _, e := range []psc.Environment{psc.Production(), psc.Sandbox()} {
		_, err := psc.New(psc.Config{Environment: e, ClientID: "x", HTTPClient: &http.Client{}})
		require.NoError(t, err)
		require.NotContains(t, e.Authorization, e.Issuer)
	}
	require.NotEqual(t, psc.Production().Issuer, psc.Sandbox().Issuer)
	require.Contains(t, psc.Production().CIBA, "auth.esw.esante.gouv.fr", "never the sandbox's")
}

func TestGivenHTTPClientIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cert, err := certificate()
	require.NoError(t, err)
	calls := 0
	inner := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Roots(), Certificates: []tls.Certificate{cert}, Time: w.Clock().Now}}
	defer inner.CloseIdleConnections()
	client, err := psc.New(psc.Config{
		Environment: w.Environment(), ClientID: psctest.ClientID, Wait: w.Wait, Watch: w.config.Watch,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { calls++; return inner.RoundTrip(r) })},
	})
	require.NoError(t, err)
	_, err = client.Login(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	require.Equal(t, 4, calls, "start, poll, keys, userinfo")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
