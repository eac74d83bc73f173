// Package pki knows the certificates of the IGC-Santé, the public key
// infrastructure of French digital health: what a certificate may be used for,
// who issued it, how its subject is written, and a throw-away authority of the
// same shape for tests and emulators.
//
// An organisation holds two pairs that must not be swapped: AUTH_CLI opens TLS
// connections, SIGN (cachet) signs assertions and documents. A card holds two
// as well. [CheckAuthentication] and [CheckSignature] tell them apart and say
// which file to use instead.
package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// Usage is what a certificate may be used for.
type Usage int

// Usages of the certificates of the IGC-Santé. An organisation's are AuthClient,
// Sign, Confidentiality and, for servers, ServerAuth.
const (
	UsageUnknown    Usage = iota
	AuthClient            // ORG AUTH_CLI: TLS client of an organisation
	Sign                  // ORG SIGN (cachet): signatures of an organisation
	ServerAuth            // SERV SSL_SERV: TLS server
	CardAuth              // authentication pair of a CPx card
	CardSign              // signature pair of a CPx card
	Confidentiality       // ORG CONF: encryption
	CA                    // certificate of an authority
)

// String names the usage as the offers of the IGC-Santé do.
func (u Usage) String() string {
	switch u {
	case AuthClient:
		return "ORG AUTH_CLI"
	case Sign:
		return "ORG SIGN"
	case ServerAuth:
		return "SERV SSL_SERV"
	case CardAuth:
		return "card authentication"
	case CardSign:
		return "card signature"
	case Confidentiality:
		return "ORG CONF"
	case CA:
		return "authority"
	}
	return "unknown usage"
}

// Leaf gives the certificate of a pair: its Leaf field, or its first
// certificate parsed. It fails with an *[Error] when there is none, when there
// is no key that can sign, or when the key is that of another certificate.
func Leaf(pair tls.Certificate) (*x509.Certificate, error) {
	leaf := pair.Leaf
	if leaf == nil {
		if len(pair.Certificate) == 0 {
			return nil, &Error{Op: "load", Reason: ErrNoCertificate, Expected: "a certificate and its key", Got: "an empty tls.Certificate",
				Fix: "load the .p12 file with socle.LoadPKCS12"}
		}
		var err error
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, &Error{Op: "load", Reason: ErrNoCertificate, Expected: "a DER certificate", Got: "bytes that do not parse",
				Fix: "load the .p12 file with socle.LoadPKCS12", Err: err}
		}
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, &Error{Op: "load", Reason: ErrKey, Expected: "a crypto.Signer as PrivateKey", Got: fmt.Sprintf("%T", pair.PrivateKey),
			Fix: "give the key of the certificate, or the signer of the card"}
	}
	if pub, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(leaf.PublicKey) {
		return nil, &Error{Op: "load", Reason: ErrKey, Expected: "the key of the certificate", Got: "the key of another certificate",
			Fix: "take the key and the certificate from the same .p12 file"}
	}
	return leaf, nil
}
