package jose

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type fixed map[string]crypto.PublicKey

func (f fixed) Key(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if k, ok := f[kid]; ok {
		return k, nil
	}
	return nil, &Error{Rule: "kid"}
}

func part(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }

func TestVerify(t *testing.T) {
	t.Parallel()
	rs, err := NewSigner("RS256")
	require.NoError(t, err)
	es, err := NewSigner("ES256")
	require.NoError(t, err)
	other, err := NewSigner("RS256")
	require.NoError(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	keys := fixed{rs.KeyID: rs.Public(), es.KeyID: es.Public(), "small": small.Public()}

	for _, s := range []*Signer{rs, es} {
		token, err := s.Sign(map[string]any{"sub": "x"})
		require.NoError(t, err)
		payload, err := Verify(t.Context(), token, []string{"RS256", "ES256"}, keys)
		require.NoError(t, err)
		require.JSONEq(t, `{"sub":"x"}`, string(payload))
	}

	good, err := rs.Sign(map[string]any{"sub": "x"})
	require.NoError(t, err)
	parts := strings.Split(good, ".")

	// HS256 keyed by the published public key: the classic confusion.
	der, err := x509.MarshalPKIXPublicKey(rs.Public())
	require.NoError(t, err)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	confused := part(`{"alg":"HS256","kid":"`+rs.KeyID+`"}`) + "." + parts[1]
	mac.Write([]byte(confused))
	confused += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))

	forged, err := (&Signer{Algorithm: "RS256", KeyID: rs.KeyID, key: other.key}).Sign(map[string]any{"sub": "x"})
	require.NoError(t, err)
	swapped, err := (&Signer{Algorithm: "ES256", KeyID: rs.KeyID, key: es.key}).Sign(map[string]any{"sub": "x"})
	require.NoError(t, err)

	for name, c := range map[string]struct{ token, rule string }{
		"none":                  {part(`{"alg":"none"}`) + "." + parts[1] + ".", "alg"},
		"HS256 with public key": {confused, "alg"},
		"algorithm not listed":  {part(`{"alg":"RS512","kid":"`+rs.KeyID+`"}`) + "." + parts[1] + "." + parts[2], "alg"},
		"another payload":       {parts[0] + "." + part(`{"sub":"y"}`) + "." + parts[2], "signature"},
		"another key":           {forged, "signature"},
		"key of another type":   {swapped, "key"},
		"short key":             {part(`{"alg":"RS256","kid":"small"}`) + "." + parts[1] + "." + parts[2], "key"},
		"unknown key":           {part(`{"alg":"RS256","kid":"nobody"}`) + "." + parts[1] + "." + parts[2], "kid"},
		"critical header":       {part(`{"alg":"RS256","crit":["exp"],"kid":"`+rs.KeyID+`"}`) + "." + parts[1] + "." + parts[2], "crit"},
		"two parts":             {parts[0] + "." + parts[1], "form"},
		"four parts":            {good + ".x", "form"},
		"empty":                 {"", "form"},
		"padded header":         {parts[0] + "=." + parts[1] + "." + parts[2], "form"},
		"header not JSON":       {part("no") + "." + parts[1] + "." + parts[2], "form"},
		"oversize":              {strings.Repeat("a", MaxToken+1), "size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Verify(t.Context(), c.token, []string{"RS256", "ES256"}, keys)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.rule, e.Rule)
			require.NotContains(t, err.Error(), parts[1])
		})
	}
}

func TestCheckAlgorithms(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckAlgorithms([]string{"RS256", "PS256", "ES256"}))
	for _, bad := range [][]string{nil, {"none"}, {"RS256", "HS256"}, {"rs256"}} {
		require.Error(t, CheckAlgorithms(bad))
	}
}

// The vector is that of RFC 7515 appendix A.2: a token that we did not make.
func TestVerifyForeignToken(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	const set = `{"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}`
	keys := NewKeySet(func(context.Context) ([]byte, error) { return []byte(set), nil }, now)
	payload, err := Verify(t.Context(), token, []string{"RS256"}, keys)
	require.NoError(t, err)
	var claims struct{ Iss string }
	require.NoError(t, json.Unmarshal(payload, &claims))
	require.Equal(t, "joe", claims.Iss)
}

func FuzzVerify(f *testing.F) {
	s, err := NewSigner("ES256")
	if err != nil {
		f.Fatal(err)
	}
	good, err := s.Sign(map[string]any{"sub": "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("..")
	f.Add(part(`{"alg":"none"}`) + "..")
	f.Fuzz(func(t *testing.T, token string) {
		_, err := Verify(t.Context(), token, []string{"ES256"}, fixed{s.KeyID: s.Public()})
		if err == nil && token != good {
			// ECDSA signatures are malleable, what they sign is not.
			if token[:strings.LastIndexByte(token, '.')] != good[:strings.LastIndexByte(good, '.')] {
				t.Fatal("another token was accepted")
			}
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
