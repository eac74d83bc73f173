package psc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
)

func TestThumbprintHasTwoEncodings(t *testing.T) {
	t.Parallel()
	cert, err := certificate()
	require.NoError(t, err)
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	sum := sha256.Sum256(leaf.Raw)
	rfc := base64.RawURLEncoding.EncodeToString(sum[:])
	cisis := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:])))
	want := psc.ThumbprintOf(leaf)
	require.Equal(t, rfc, want.RFC8705())
	require.Equal(t, cisis, want.CISIS())
	require.True(t, strings.HasSuffix(cisis, "=="), "padded, as in the samples of the ANS")
	for _, form := range []string{rfc, cisis} {
		got, err := psc.ParseThumbprint(form)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.True(t, got.Matches(leaf))
	}
	require.False(t, psc.Thumbprint{}.Matches(leaf), "no binding is not any binding")
	require.False(t, want.Matches(nil))
	other, err := authority().Organisation(pki.Organisation{Structure: "1990000028", Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	otherLeaf, err := pki.Leaf(other)
	require.NoError(t, err)
	require.False(t, want.Matches(otherLeaf))
}

func TestThumbprintRefusesAnythingElse(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("x"))
	digits := hex.EncodeToString(sum[:])
	for name, bad := range map[string]string{
		"empty":             "",
		"hexadecimal":       digits,
		"padded base64url":  base64.URLEncoding.EncodeToString(sum[:]),
		"capital digits":    base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(digits))),
		"unpadded":          base64.RawStdEncoding.EncodeToString([]byte(digits)),
		"not hexadecimal":   base64.StdEncoding.EncodeToString([]byte(strings.Repeat("zz", 32))),
		"SHA-1":             base64.RawURLEncoding.EncodeToString(sum[:20]),
		"trailing bits set": base64.RawURLEncoding.EncodeToString(sum[:])[:42] + "_",
		"line break inside": base64.RawURLEncoding.EncodeToString(sum[:])[:42] + "\n",
		"standard alphabet": strings.Repeat("+", 43),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := psc.ParseThumbprint(bad)
			require.ErrorContains(t, err, "x5t#S256")
			if bad != "" {
				require.NotContains(t, err.Error(), bad)
			}
		})
	}
}

func TestThumbprintProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p psc.Thumbprint
		copy(p[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "sum"))
		for _, form := range []string{p.RFC8705(), p.CISIS()} {
			got, err := psc.ParseThumbprint(form)
			require.NoError(t, err)
			require.Equal(t, p, got)
		}
	})
}

func FuzzThumbprint(f *testing.F) {
	var p psc.Thumbprint
	f.Add(p.RFC8705())
	f.Add(p.CISIS())
	f.Add("YTIzYThiYThjNWNm")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := psc.ParseThumbprint(s)
		if err == nil && p.RFC8705() != s && p.CISIS() != s {
			t.Fatalf("%q was taken and is not written so", s)
		}
	})
}
