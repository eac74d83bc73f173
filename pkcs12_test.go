package socle_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/soclesante/socle"
)

func TestLoadPKCS12(t *testing.T) {
	t.Parallel()
	ca, caKey := certificate(t, "CA", nil, nil)
	leaf, key := certificate(t, "leaf", ca, caKey)
	for name, enc := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern2023, "legacy": pkcs12.LegacyDES} {
		data, err := enc.Encode(key, leaf, []*x509.Certificate{ca}, "secret")
		require.NoError(t, err)
		got, err := socle.LoadPKCS12(data, "secret")
		require.NoError(t, err, name)
		require.True(t, got.Leaf.Equal(leaf))
		require.True(t, key.Equal(got.PrivateKey))
		require.Len(t, got.Certificate, 1, "a root does not belong in the chain that is sent")

		_, err = socle.LoadPKCS12(data, "wrong")
		require.EqualError(t, err, "pkcs12: wrong password")
		_, err = socle.LoadPKCS12(data[:len(data)/2], "secret")
		require.Error(t, err)
	}
	_, other := certificate(t, "other", ca, caKey)
	data, err := pkcs12.Modern2023.Encode(other, leaf, nil, "secret")
	require.NoError(t, err)
	_, err = socle.LoadPKCS12(data, "secret")
	require.ErrorContains(t, err, "not that of the certificate")
}

func certificate(t *testing.T, cn string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: ca == nil, BasicConstraintsValid: true}
	if ca == nil {
		ca, caKey = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c, key
}
