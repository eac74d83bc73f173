package socle

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// LoadPKCS12 reads a .p12 file as the IGC-Santé delivers it: one key, its
// certificate and its chain. The certificate's Leaf is set. A card's key needs
// no file: build the tls.Certificate with the card's crypto.Signer as PrivateKey.
func LoadPKCS12(data []byte, password string) (tls.Certificate, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		if errors.Is(err, pkcs12.ErrIncorrectPassword) {
			return tls.Certificate{}, errors.New("pkcs12: wrong password")
		}
		return tls.Certificate{}, fmt.Errorf("pkcs12: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, errors.New("pkcs12: the key cannot sign")
	}
	if pub, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(signer.Public()) {
		return tls.Certificate{}, errors.New("pkcs12: the key is not that of the certificate")
	}
	c := tls.Certificate{PrivateKey: signer, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, ca := range chain {
		if !isRoot(ca) {
			c.Certificate = append(c.Certificate, ca.Raw)
		}
	}
	return c, nil
}

func isRoot(c *x509.Certificate) bool { return c.CheckSignatureFrom(c) == nil }
