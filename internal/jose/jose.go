// Package jose holds the little of JOSE that the services need: verifying the
// compact JWS of a token against a published key set, and signing one. The
// library behind it never appears in a signature.
package jose

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// MaxToken is the size above which a token is refused unread.
const MaxToken = 64 << 10

// Error tells which rule a token broke. It never holds the token.
type Error struct {
	Rule     string // size, form, alg, kid, crit, signature, key
	Expected string
	Got      string // never anything secret
	Err      error
}

func (e *Error) Error() string {
	s := "token refused by rule " + e.Rule
	if e.Expected != "" {
		s += ": expected " + e.Expected
	}
	if e.Got != "" {
		s += ", got " + e.Got
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Header is the part of a JOSE header that decides how a token is verified.
type Header struct {
	Algorithm string   `json:"alg"`
	KeyID     string   `json:"kid"`
	Type      string   `json:"typ"`
	Critical  []string `json:"crit"`
}

// Keys gives the public key to verify a token with.
type Keys interface {
	Key(ctx context.Context, kid, alg string) (crypto.PublicKey, error)
}

// asymmetric are the algorithms that Verify can be asked to accept: a shared
// secret and "none" prove nothing of the issuer.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// CheckAlgorithms refuses an empty list and any algorithm that is not a public-key signature.
func CheckAlgorithms(algs []string) error {
	if len(algs) == 0 {
		return errors.New("no algorithm")
	}
	for _, a := range algs {
		if !slices.Contains(asymmetric, a) {
			return fmt.Errorf("algorithm %q is not one of %s", a, strings.Join(asymmetric, ", "))
		}
	}
	return nil
}

// Peek reads the header of a compact JWS without verifying anything.
func Peek(token string) (Header, error) {
	var h Header
	if len(token) > MaxToken {
		return h, &Error{Rule: "size", Expected: fmt.Sprintf("at most %d bytes", MaxToken), Got: fmt.Sprint(len(token))}
	}
	head, rest, ok := strings.Cut(token, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return h, &Error{Rule: "form", Expected: "a compact JWS of three parts", Got: fmt.Sprintf("%d", strings.Count(token, ".")+1)}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil {
		return h, &Error{Rule: "form", Expected: "a base64url header", Err: err}
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, &Error{Rule: "form", Expected: "a JSON header", Err: err}
	}
	return h, nil
}

// Verify checks the signature of a compact JWS made with one of algs by one of
// keys, and gives the bytes that were signed. Every refusal is an *[Error], but
// for a key set that cannot be had.
func Verify(ctx context.Context, token string, algs []string, keys Keys) ([]byte, error) {
	h, err := Peek(token)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(algs, h.Algorithm) || !slices.Contains(asymmetric, h.Algorithm) {
		return nil, &Error{Rule: "alg", Expected: strings.Join(algs, " or "), Got: fmt.Sprintf("%.20q", h.Algorithm)}
	}
	if len(h.Critical) > 0 {
		return nil, &Error{Rule: "crit", Expected: "no critical header"}
	}
	key, err := keys.Key(ctx, h.KeyID, h.Algorithm)
	if err != nil {
		return nil, err
	}
	if err := fits(h.Algorithm, key); err != nil {
		return nil, &Error{Rule: "key", Expected: "a key for " + h.Algorithm, Got: err.Error()}
	}
	alg, ok := jwa.LookupSignatureAlgorithm(h.Algorithm)
	if !ok {
		return nil, &Error{Rule: "alg", Expected: strings.Join(algs, " or ")}
	}
	payload, err := jws.VerifyCompactFast(key, []byte(token), alg)
	if err != nil {
		return nil, &Error{Rule: "signature", Expected: "a signature by the key named in the header", Err: err}
	}
	return payload, nil
}
