package ins_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/pki"
)

var foreign = sync.OnceValue(func() *pki.Authority {
	a, err := pki.NewAuthority()
	if err != nil {
		panic(err)
	}
	return a
})

func TestCertificatePreflight(t *testing.T) {
	t.Parallel()
	a, good := shared()
	make := func(o pki.Organisation, u pki.Usage) tls.Certificate {
		c, err := a.Organisation(o, u)
		require.NoError(t, err)
		return c
	}
	env := ins.Environment{URL: "https://localhost/lps"}
	when := time.Now()
	for _, row := range []struct {
		name string
		cert tls.Certificate
		env  ins.Environment
		at   time.Time
		says []string
	}{
		{"common name", make(pki.Organisation{Structure: structure, Name: "X", CommonName: "insi-manu"}, pki.AuthClient), env, when, []string{`"insi-manu"`, "exactly INSI-AUTO or INSI-MANU", "desir_560"}},
		{"signature certificate", make(pki.Organisation{Structure: structure, Name: "X", CommonName: ins.Manu}, pki.Sign), env, when, []string{"swapped"}},
		{"expired", good, env, when.AddDate(4, 0, 0), []string{"ended on", "renew"}},
		{"not yet valid", good, env, when.AddDate(-1, 0, 0), []string{"begins on"}},
		{"test certificate in production", good, ins.Production(), when, []string{"issuer", "other environment"}},
		{"none", tls.Certificate{}, env, when, []string{"LoadPKCS12"}},
	} {
		_, err := ins.CheckCertificate(row.cert, row.env, row.at)
		require.ErrorIs(t, err, ins.ErrNotAuthorized, row.name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), row.name)
		for _, s := range row.says {
			require.ErrorContains(t, err, s, row.name)
		}
	}
	id, err := ins.CheckCertificate(good, env, when)
	require.NoError(t, err)
	require.Equal(t, structure, id)
	_, err = ins.CheckCertificate(productionCertificate(t, "PHARMACIE"), ins.Production(), when)
	require.ErrorContains(t, err, "Emetteur")
}

func TestNewTellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ins.New(ins.Config{Attempts: -1, TestOID: ins.OIDNIR})
	for _, field := range []string{"Environment", "Software.Name", "Software.Install", "Software.Homologation[ins]", "Certificate", "Roots", "Attempts", "TestOID"} {
		require.ErrorContains(t, err, field)
	}
	_, err = ins.New(ins.Config{Environment: ins.Production(), TestOID: ins.OIDTest, Dialect: ins.Dialect{NotFoundAsFault: true}})
	require.ErrorContains(t, err, "TestOID")
	require.ErrorContains(t, err, "Dialect.NotFoundAsFault")
	_, err = ins.New(ins.Config{Environment: ins.Environment{URL: "http://localhost"}})
	require.ErrorContains(t, err, "https")
}

func TestACertificateThatExpiresLaterIsToldBeforeTheCall(t *testing.T) {
	t.Parallel()
	at := time.Now()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Clock = func() time.Time { return at } })
	at = at.AddDate(3, 0, 2)
	_, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.ErrorIs(t, err, pki.ErrExpired)
	require.Empty(t, srv.Journal())
}

func TestTLSRefusalIsNotAuthorized(t *testing.T) {
	t.Parallel()
	other, err := foreign().Organisation(pki.Organisation{Structure: structure, Name: "X", CommonName: ins.Manu}, pki.AuthClient)
	require.NoError(t, err)
	_, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Certificate = other })
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.False(t, socle.Retryable(err))
}

// A client set to production refuses fictitious identities, whatever INSi answers.
func TestProductionRefusesFictitiousIdentities(t *testing.T) {
	t.Parallel()
	certificate := productionCertificate(t, structure)
	production := func(srv *instest.Server, good tls.Certificate) *ins.Client {
		env := ins.Production()
		env.URL = srv.Environment().URL
		c, err := ins.New(ins.Config{Environment: env, Software: instest.Software(), Certificate: certificate,
			HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: []tls.Certificate{good}}}}})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	a, good := shared()
	for oid, refused := range map[ins.OID]bool{ins.OIDTest: true, ins.OIDDemo: true, ins.OIDNIR: false, ins.OIDNIA: false} {
		srv, err := instest.NewServer(instest.Options{Authority: a, OID: oid})
		require.NoError(t, err)
		t.Cleanup(srv.Close)
		r, err := production(srv, good).SearchByTraits(t.Context(), who, zoe(t))
		if refused {
			require.ErrorIs(t, err, ins.ErrFictitious)
			require.Equal(t, ins.Result{}, r)
		} else {
			require.NoError(t, err)
			require.Empty(t, r.Warnings)
		}
	}
}

// productionCertificate makes a certificate with the issuer's name of
// production; no test authority of the project issues such.
func productionCertificate(t *testing.T, unit string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: pki.IssuerOrganisations}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: ins.Auto, OrganizationalUnit: []string{unit}},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestEnvironmentsAreTheConfirmedOnes(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://qualiflps-services-ps-tlsm.ameli.fr/lps", ins.Qualification().URL)
	require.False(t, ins.Qualification().Production)
	require.Equal(t, "https://services-ps-tlsm.ameli.fr/lps", ins.Production().URL)
	require.True(t, ins.Production().Production)
}
