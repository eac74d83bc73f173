package pki_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/pki"
)

func TestAuthorityVerifiesItsOwnOnly(t *testing.T) {
	t.Parallel()
	a, other := authority(t), authority(t)
	for name, c := range every(t, a) {
		require.NoError(t, a.Verify(c, noon), name)
		require.ErrorIs(t, other.Verify(c, noon), pki.ErrIssuer, name)
		if name != "authority" {
			require.ErrorIs(t, a.Verify(c, noon.AddDate(4, 0, 0)), pki.ErrExpired, name)
			require.ErrorIs(t, a.Verify(c, noon.AddDate(-4, 0, 0)), pki.ErrNotYetValid, name)
		}
	}
	require.ErrorIs(t, a.Verify(nil, noon), pki.ErrNoCertificate)
}

func TestChainLeadsToTheRoots(t *testing.T) {
	t.Parallel()
	a := authority(t)
	for _, issue := range []func() (tls.Certificate, error){
		func() (tls.Certificate, error) { return a.Organisation(pharmacy, pki.AuthClient) },
		func() (tls.Certificate, error) { return a.Card(holder, pki.CardAuth) },
	} {
		c, err := issue()
		require.NoError(t, err)
		require.Len(t, c.Certificate, 2)
		issuer, err := x509.ParseCertificate(c.Certificate[1])
		require.NoError(t, err)
		between := x509.NewCertPool()
		between.AddCert(issuer)
		chains, err := c.Leaf.Verify(x509.VerifyOptions{Roots: a.Roots(), Intermediates: between, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		require.NoError(t, err)
		require.Len(t, chains[0], 3)
		require.GreaterOrEqual(t, c.Leaf.PublicKey.(*rsa.PublicKey).N.BitLen(), 2048)
	}
}

func TestPairsOfAnOrganisationHaveOneSubject(t *testing.T) {
	t.Parallel()
	a := authority(t)
	auth := must(t)(a.Organisation(pharmacy, pki.AuthClient))
	sign := must(t)(a.Organisation(pharmacy, pki.Sign))
	require.Equal(t, auth.RawSubject, sign.RawSubject)
	require.NotEqual(t, auth.SerialNumber, sign.SerialNumber)
	require.NotEqual(t, auth.PublicKey, sign.PublicKey)
}

func TestAuthorityRefusesWhatTheIGCDoesNotMake(t *testing.T) {
	t.Parallel()
	a := authority(t)
	for name, issue := range map[string]func() (tls.Certificate, error){
		"organisation card usage": func() (tls.Certificate, error) { return a.Organisation(pharmacy, pki.CardAuth) },
		"card organisation usage": func() (tls.Certificate, error) { return a.Card(holder, pki.Sign) },
		"no structure":            func() (tls.Certificate, error) { return a.Organisation(pki.Organisation{CommonName: "x"}, pki.Sign) },
		"no common name": func() (tls.Certificate, error) {
			return a.Organisation(pki.Organisation{Structure: "10B0152872"}, pki.Sign)
		},
		"no person":  func() (tls.Certificate, error) { return a.Card(pki.Card{}, pki.CardAuth) },
		"card type":  func() (tls.Certificate, error) { return a.Card(pki.Card{PersonID: "8", Type: pki.CPX}, pki.CardAuth) },
		"profession": func() (tls.Certificate, error) { return a.Card(pki.Card{PersonID: "8", Profession: "x"}, pki.CardAuth) },
		"no host":    func() (tls.Certificate, error) { return a.Server() },
		"ends too early": func() (tls.Certificate, error) {
			o := pharmacy
			o.NotBefore, o.NotAfter = noon, noon.Add(-time.Hour)
			return a.Organisation(o, pki.Sign)
		},
	} {
		_, err := issue()
		require.ErrorContains(t, err, "pki: ", name)
	}
}

func TestAuthorityIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	a := authority(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := a.Server("localhost")
			if err == nil {
				err = a.Verify(c.Leaf, noon)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkOrganisation(b *testing.B) {
	a := authority(b)
	for b.Loop() {
		if _, err := a.Organisation(pharmacy, pki.Sign); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthority(b *testing.B) {
	for b.Loop() {
		if _, err := pki.NewAuthority(); err != nil {
			b.Fatal(err)
		}
	}
}
