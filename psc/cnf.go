package psc

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// Thumbprint is the SHA-256 of the DER of a certificate, to which an access
// token is bound by its claim cnf, member x5t#S256 (RFC 8705 §3.1). The zero
// value is none.
type Thumbprint [sha256.Size]byte

// ThumbprintOf gives the thumbprint of a certificate.
func ThumbprintOf(c *x509.Certificate) Thumbprint { return sha256.Sum256(c.Raw) }

// ParseThumbprint reads the value of x5t#S256 in either of its encodings: that
// of RFC 8705, unpadded base64url of the 32 bytes (43 characters), and that of
// the CI-SIS and of the ANS's own servers, padded standard base64 of the 64
// lower-case hexadecimal digits (88 characters). Nothing else is taken.
func ParseThumbprint(s string) (Thumbprint, error) {
	var t Thumbprint
	var err error
	var b []byte
	switch len(s) {
	case 43:
		b, err = base64.RawURLEncoding.Strict().DecodeString(s)
	case 88:
		var digits []byte
		if digits, err = base64.StdEncoding.Strict().DecodeString(s); err == nil {
			b, err = lowerHex(digits)
		}
	default:
		err = errors.New("length")
	}
	if err != nil || len(b) != len(t) {
		return Thumbprint{}, errors.New("psc: x5t#S256: expected base64url of the SHA-256 of a certificate, or base64 of its hexadecimal digits")
	}
	copy(t[:], b)
	return t, nil
}

func lowerHex(digits []byte) ([]byte, error) {
	for _, c := range digits {
		if c >= 'A' && c <= 'F' {
			return nil, errors.New("capital digit")
		}
	}
	b := make([]byte, hex.DecodedLen(len(digits)))
	_, err := hex.Decode(b, digits)
	return b, err
}

// RFC8705 gives the encoding of RFC 8705 §3.1.
func (t Thumbprint) RFC8705() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// CISIS gives the encoding of the CI-SIS, « volet Transport pour API REST ».
func (t Thumbprint) CISIS() string {
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(t[:])))
}

// IsZero reports whether t is none.
func (t Thumbprint) IsZero() bool { return t == Thumbprint{} }

// Matches reports whether c is the certificate that t names; never for the zero value.
func (t Thumbprint) Matches(c *x509.Certificate) bool {
	if c == nil || t.IsZero() {
		return false
	}
	sum := sha256.Sum256(c.Raw)
	return subtle.ConstantTimeCompare(t[:], sum[:]) == 1
}

// confirmation is the claim cnf (RFC 7800). A binding that cannot be read is
// an error: a token that is bound to something unknown is not a free one.
type confirmation struct {
	thumbprint Thumbprint
	present    bool
}

func (c *confirmation) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return errBinding("cnf: an object expected")
	}
	raw, ok := members["x5t#S256"]
	if !ok {
		if len(members) > 0 {
			return errBinding("cnf: member x5t#S256 expected")
		}
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errBinding("cnf: x5t#S256: a string expected")
	}
	t, err := ParseThumbprint(text)
	if err != nil {
		return errBinding("cnf: x5t#S256: neither of its two encodings")
	}
	c.thumbprint, c.present = t, true
	return nil
}

// errBinding is a binding that cannot be read. It quotes nothing.
type errBinding string

func (e errBinding) Error() string { return string(e) }
