package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// Signer signs tokens with one key.
type Signer struct {
	Algorithm string
	KeyID     string
	key       crypto.Signer
}

// NewSigner makes a key for RS256, PS256 or ES256; its id is its RFC 7638 thumbprint.
func NewSigner(alg string) (*Signer, error) {
	var key crypto.Signer
	var err error
	switch alg {
	case "RS256", "PS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = fmt.Errorf("no key is made for algorithm %q", alg)
	}
	if err != nil {
		return nil, err
	}
	public, err := jwk.Import(key.Public())
	if err != nil {
		return nil, err
	}
	print, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return &Signer{Algorithm: alg, KeyID: base64.RawURLEncoding.EncodeToString(print), key: key}, nil
}

// Sign gives the compact JWS of the JSON of claims, with header typ JWT.
func (s *Signer) Sign(claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	alg, ok := jwa.LookupSignatureAlgorithm(s.Algorithm)
	if !ok {
		return "", fmt.Errorf("unknown algorithm %q", s.Algorithm)
	}
	h := jws.NewHeaders()
	for name, value := range map[string]any{jws.KeyIDKey: s.KeyID, jws.TypeKey: "JWT"} {
		if err := h.Set(name, value); err != nil {
			return "", err
		}
	}
	token, err := jws.Sign(payload, jws.WithKey(alg, s.key, jws.WithProtectedHeaders(h)))
	return string(token), err
}

// Public gives the public key.
func (s *Signer) Public() crypto.PublicKey { return s.key.Public() }

// Publish gives the JSON of the JWK set of the public keys of signers.
func Publish(signers ...*Signer) ([]byte, error) {
	set := jwk.NewSet()
	for _, s := range signers {
		key, err := jwk.Import(s.key.Public())
		if err != nil {
			return nil, err
		}
		for name, value := range map[string]any{jwk.KeyIDKey: s.KeyID, jwk.AlgorithmKey: s.Algorithm, jwk.KeyUsageKey: "sig"} {
			if err := key.Set(name, value); err != nil {
				return nil, err
			}
		}
		if err := set.AddKey(key); err != nil {
			return nil, err
		}
	}
	return json.Marshal(set)
}

// Thumbprint gives the x5t#S256 of a certificate (RFC 8705 §3.1): base64url
// without padding of the SHA-256 of its DER.
func Thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// HalfHash gives the at_hash of a token (OpenID Connect Core §3.1.3.6): the
// left half of its hash under the hash of alg.
func HalfHash(alg, token string) string {
	var h hash.Hash
	switch {
	case strings.HasSuffix(alg, "384"):
		h = sha512.New384()
	case strings.HasSuffix(alg, "512"), alg == "EdDSA":
		h = sha512.New()
	default:
		h = sha256.New()
	}
	h.Write([]byte(token))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
