package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	pharmacy = pki.Organisation{Structure: "10B0152872", Name: "PHARMACIE DU MARCHÉ", State: "Rhône (69)", CommonName: "INSI-AUTO"}
	holder   = pki.Card{PersonID: "899900063480", FamilyName: "PHARMACIENX", GivenName: "ALIX", Title: "Pharmacien", Profession: "21", Type: pki.CPS}
)

func authority(t testing.TB) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority(pki.WithClock(func() time.Time { return noon }))
	require.NoError(t, err)
	return a
}

func must(t testing.TB) func(tls.Certificate, error) *x509.Certificate {
	return func(c tls.Certificate, err error) *x509.Certificate {
		t.Helper()
		require.NoError(t, err)
		leaf, err := pki.Leaf(c)
		require.NoError(t, err)
		return leaf
	}
}

// every certificate that the authority makes.
func every(t testing.TB, a *pki.Authority) map[string]*x509.Certificate {
	t.Helper()
	m := must(t)
	return map[string]*x509.Certificate{
		"org auth":  m(a.Organisation(pharmacy, pki.AuthClient)),
		"org sign":  m(a.Organisation(pharmacy, pki.Sign)),
		"org conf":  m(a.Organisation(pharmacy, pki.Confidentiality)),
		"server":    m(a.Server("localhost")),
		"card auth": m(a.Card(holder, pki.CardAuth)),
		"card sign": m(a.Card(holder, pki.CardSign)),
		"authority": a.Chain()[0],
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	got := map[string]pki.Class{}
	for k, c := range every(t, authority(t)) {
		got[k] = pki.Classify(c)
	}
	yesterday := noon.AddDate(0, 0, -1)
	org := pki.Class{Test: true, Issuer: "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS", CommonName: "INSI-AUTO", Structure: "10B0152872",
		Organization: "PHARMACIE DU MARCHÉ", NotBefore: yesterday, NotAfter: yesterday.AddDate(3, 0, 0)}
	card := pki.Class{Test: true, Issuer: "TEST AC IGC-SANTE FORT PERSONNES", CommonName: "899900063480", CardType: pki.CPS, Profession: "21",
		NotBefore: yesterday, NotAfter: yesterday.AddDate(3, 0, 0)}
	with := func(c pki.Class, u pki.Usage) pki.Class { c.Usage = u; return c }
	server := with(org, pki.ServerAuth)
	server.CommonName, server.Structure, server.Organization = "localhost", "", "EMULATEUR"
	want := map[string]pki.Class{
		"org auth": with(org, pki.AuthClient), "org sign": with(org, pki.Sign), "org conf": with(org, pki.Confidentiality),
		"card auth": with(card, pki.CardAuth), "card sign": with(card, pki.CardSign), "server": server,
		"authority": {Usage: pki.CA, Test: true, Issuer: "TEST AC RACINE IGC-SANTE ELEMENTAIRE", CommonName: "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS",
			Organization: "ASIP-SANTE", NotBefore: noon.AddDate(-20, 0, 0), NotAfter: noon.AddDate(20, 0, 0)},
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, pki.Class{}, pki.Classify(nil))
}

func TestCardTypes(t *testing.T) {
	t.Parallel()
	a := authority(t)
	for _, typ := range []pki.CardType{pki.CPS, pki.CPF, pki.CPE, pki.CPA} {
		c := holder
		c.Type = typ
		require.Equal(t, typ, pki.Classify(must(t)(a.Card(c, pki.CardSign))).CardType)
	}
	unnamed := pki.Classify(must(t)(a.Card(pki.Card{PersonID: "3580008803/12", Organization: "CLINIQUE", Type: pki.CPE}, pki.CardAuth)))
	require.Equal(t, pki.CPE, unnamed.CardType)
	require.Empty(t, unnamed.Profession)
	require.Equal(t, "CLINIQUE", unnamed.Organization)

	c := &x509.Certificate{Issuer: pkix.Name{CommonName: pki.IssuerPersons}}
	require.Equal(t, pki.CPX, pki.Classify(c).CardType, "a card without the extension")
	c.Extensions = []pkix.Extension{{Id: []int{1, 2, 250, 1, 71, 1, 2, 2}, Value: []byte{2, 1, 9}}, {Id: []int{1, 2, 250, 1, 71, 1, 2, 7}, Value: []byte{2, 1}}}
	require.Equal(t, pki.CPX, pki.Classify(c).CardType, "an unknown type")
	require.Empty(t, pki.Classify(c).Profession, "a truncated extension")
	require.False(t, pki.Classify(c).Test)
}

func TestChecksRefuseEveryMisuse(t *testing.T) {
	t.Parallel()
	a := authority(t)
	certs := every(t, a)
	certs["none"] = nil
	certs["old card auth"] = &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, NotBefore: noon, NotAfter: noon, Issuer: pkix.Name{CommonName: pki.IssuerPersons}}
	certs["S/MIME"] = &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, NotBefore: noon, NotAfter: noon}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certs["ECDSA sign"] = &x509.Certificate{KeyUsage: x509.KeyUsageContentCommitment, PublicKeyAlgorithm: x509.ECDSA, PublicKey: ec.Public(), NotBefore: noon, NotAfter: noon}
	past, future := pharmacy, pharmacy
	past.NotBefore, past.NotAfter = noon.AddDate(-4, 0, 0), noon.AddDate(-1, 0, 0)
	future.NotBefore = noon.AddDate(0, 0, 1)
	m := must(t)
	certs["expired auth"], certs["expired sign"] = m(a.Organisation(past, pki.AuthClient)), m(a.Organisation(past, pki.Sign))
	certs["future auth"], certs["future sign"] = m(a.Organisation(future, pki.AuthClient)), m(a.Organisation(future, pki.Sign))

	swapped := "look swapped"
	for _, tc := range []struct {
		cert            string
		authn, sign     error
		authnFix, sigFx string
	}{
		{cert: "org auth", sign: pki.ErrWrongUsage, sigFx: swapped},
		{cert: "org sign", authn: pki.ErrWrongUsage, authnFix: swapped},
		{cert: "card auth", sign: pki.ErrWrongUsage, sigFx: swapped},
		{cert: "card sign", authn: pki.ErrWrongUsage, authnFix: swapped},
		{cert: "old card auth", sign: pki.ErrWrongUsage, sigFx: swapped},
		{cert: "org conf", authn: pki.ErrWrongUsage, authnFix: "AUTH_CLI", sign: pki.ErrWrongUsage, sigFx: "SIGN"},
		{cert: "server", authn: pki.ErrWrongUsage, authnFix: "AUTH_CLI", sign: pki.ErrWrongUsage, sigFx: "SIGN"},
		{cert: "S/MIME", authn: pki.ErrWrongUsage, authnFix: "AUTH_CLI", sign: pki.ErrWrongUsage, sigFx: "SIGN"},
		{cert: "authority", authn: pki.ErrWrongUsage, authnFix: "AUTH_CLI", sign: pki.ErrWrongUsage, sigFx: "SIGN"},
		{cert: "none", authn: pki.ErrNoCertificate, authnFix: "LoadPKCS12", sign: pki.ErrNoCertificate, sigFx: "LoadPKCS12"},
		{cert: "ECDSA sign", authn: pki.ErrWrongUsage, authnFix: swapped, sign: pki.ErrKey, sigFx: "order a SIGN"},
		{cert: "expired auth", authn: pki.ErrExpired, authnFix: "renew", sign: pki.ErrWrongUsage, sigFx: swapped},
		{cert: "expired sign", authn: pki.ErrWrongUsage, authnFix: swapped, sign: pki.ErrExpired, sigFx: "renew"},
		{cert: "future auth", authn: pki.ErrNotYetValid, authnFix: "clock", sign: pki.ErrWrongUsage, sigFx: swapped},
		{cert: "future sign", authn: pki.ErrWrongUsage, authnFix: swapped, sign: pki.ErrNotYetValid, sigFx: "clock"},
	} {
		t.Run(tc.cert, func(t *testing.T) {
			t.Parallel()
			refused(t, tc.authn, tc.authnFix, pki.CheckAuthentication(certs[tc.cert], noon))
			refused(t, tc.sign, tc.sigFx, pki.CheckSignature(certs[tc.cert], noon))
		})
	}
}

func refused(t *testing.T, reason error, fix string, err error) {
	t.Helper()
	if reason == nil {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, reason)
	var e *pki.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Fix, fix)
	require.NotEmpty(t, e.Expected)
	require.NotEmpty(t, e.Got)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
	require.NotContains(t, err.Error(), "899900063480", "a card's holder is not named")
}

func TestCheckOrganisation(t *testing.T) {
	t.Parallel()
	certs := every(t, authority(t))
	production := &x509.Certificate{Issuer: pkix.Name{CommonName: "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"}}
	require.NoError(t, pki.CheckOrganisation(certs["org auth"], true))
	require.NoError(t, pki.CheckOrganisation(production, false))
	refused(t, pki.ErrIssuer, "use a production certificate", pki.CheckOrganisation(certs["org auth"], false))
	refused(t, pki.ErrIssuer, "use a test certificate", pki.CheckOrganisation(production, true))
	refused(t, pki.ErrIssuer, "order an ORG certificate", pki.CheckOrganisation(certs["card auth"], true))
	refused(t, pki.ErrNoCertificate, "LoadPKCS12", pki.CheckOrganisation(nil, true))
	for _, cn := range []string{"", "TEST TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS", "ac igc-sante elementaire organisations", "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS "} {
		require.ErrorIs(t, pki.CheckOrganisation(&x509.Certificate{Issuer: pkix.Name{CommonName: cn}}, false), pki.ErrIssuer, cn)
	}
}

func TestLeafRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	a := authority(t)
	one, err := a.Organisation(pharmacy, pki.AuthClient)
	require.NoError(t, err)
	two, err := a.Organisation(pharmacy, pki.Sign)
	require.NoError(t, err)

	bare := one
	bare.Leaf = nil
	leaf, err := pki.Leaf(bare)
	require.NoError(t, err)
	require.True(t, leaf.Equal(one.Leaf))

	_, err = pki.Leaf(tls.Certificate{})
	refused(t, pki.ErrNoCertificate, "LoadPKCS12", err)
	_, err = pki.Leaf(tls.Certificate{Certificate: [][]byte{{1, 2}}})
	refused(t, pki.ErrNoCertificate, "LoadPKCS12", err)
	_, err = pki.Leaf(tls.Certificate{Certificate: one.Certificate})
	refused(t, pki.ErrKey, "signer", err)
	_, err = pki.Leaf(tls.Certificate{Certificate: one.Certificate, PrivateKey: two.PrivateKey})
	refused(t, pki.ErrKey, "same .p12", err)
}
