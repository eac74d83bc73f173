package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/saml"
)

func BenchmarkSignVIHF(b *testing.B) {
	k := testKeys(b)
	v := pharmacist(saml.Indirect)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Sign(k.orgSign, now); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor of signing: one RSA-2048 PKCS#1 v1.5 signature of a digest.
func BenchmarkSignVIHFFloor(b *testing.B) {
	key := testKeys(b).orgSign.PrivateKey.(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("floor"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyVIHF(b *testing.B) {
	signed, o := signedVIHF(b)
	b.SetBytes(int64(len(signed)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := saml.Verify(signed, o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.VIHF(); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor of verifying: one RSA-2048 PKCS#1 v1.5 verification of a digest.
func BenchmarkVerifyVIHFFloor(b *testing.B) {
	key := testKeys(b).orgSign.PrivateKey.(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("floor"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], sig); err != nil {
			b.Fatal(err)
		}
	}
}

// signedVIHF leaves the chain out of the options: its cost is the authorities'
// key sizes, and a server checks a chain once.
func signedVIHF(b testing.TB) ([]byte, saml.Options) {
	signed, err := pharmacist(saml.Indirect).Sign(testKeys(b).orgSign, now)
	require.NoError(b, err)
	return signed, saml.Options{Now: now, Certificate: func(*x509.Certificate) error { return nil }}
}

func TestAllocationBudget(t *testing.T) {
	k := testKeys(t)
	v := pharmacist(saml.Indirect)
	sign := testing.AllocsPerRun(20, func() { _, _ = v.Sign(k.orgSign, now) })
	require.LessOrEqual(t, sign, 150.0, "signing a VIHF")
	signed, o := signedVIHF(t)
	verify := testing.AllocsPerRun(20, func() { _, _ = saml.Verify(signed, o) })
	require.LessOrEqual(t, verify, 480.0, "verifying a VIHF")
	t.Logf("sign %v, verify %v allocations", sign, verify)
}
