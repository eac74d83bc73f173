package xmlsec

import (
	"crypto"
	_ "crypto/sha1" // the official samples of 2019 and 2020 are signed with it
	_ "crypto/sha256"
)

// Algorithm is a signature method with the digest method that goes with it.
type Algorithm int

// Algorithms.
const (
	// RSASHA256 is RSA PKCS#1 v1.5 with SHA-256, and SHA-256 digests.
	RSASHA256 Algorithm = iota
	// RSASHA1 is RSA PKCS#1 v1.5 with SHA-1, and SHA-1 digests: for servers that
	// know no better. A verifier refuses it unless it is told otherwise.
	RSASHA1
)

// Identifiers of RFC 9231 and XML Signature.
const (
	uriRSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	uriRSASHA1   = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	uriSHA256    = "http://www.w3.org/2001/04/xmlenc#sha256"
	uriSHA1      = "http://www.w3.org/2000/09/xmldsig#sha1"
	uriEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	uriManifest  = "http://www.w3.org/2000/09/xmldsig#Manifest"
)

// String names the algorithm.
func (a Algorithm) String() string {
	if a == RSASHA1 {
		return "rsa-sha1"
	}
	return "rsa-sha256"
}

// Hash is the digest of the algorithm.
func (a Algorithm) Hash() crypto.Hash {
	if a == RSASHA1 {
		return crypto.SHA1
	}
	return crypto.SHA256
}

func (a Algorithm) signatureURI() string {
	if a == RSASHA1 {
		return uriRSASHA1
	}
	return uriRSASHA256
}

func (a Algorithm) digestURI() string {
	if a == RSASHA1 {
		return uriSHA1
	}
	return uriSHA256
}

func (a Algorithm) digest(b []byte) []byte {
	h := a.Hash().New()
	h.Write(b)
	return h.Sum(nil)
}

// signatureAlgorithm and digestAlgorithm read identifiers; sha1 tells whether
// SHA-1 is allowed.
func signatureAlgorithm(uri string, sha1 bool) (Algorithm, error) {
	switch {
	case uri == uriRSASHA256:
		return RSASHA256, nil
	case uri == uriRSASHA1 && sha1:
		return RSASHA1, nil
	}
	return 0, &Error{Reason: ErrAlgorithm, Expected: accepted("rsa", sha1), Got: clip(uri)}
}

func digestAlgorithm(uri string, sha1 bool) (Algorithm, error) {
	switch {
	case uri == uriSHA256:
		return RSASHA256, nil
	case uri == uriSHA1 && sha1:
		return RSASHA1, nil
	}
	return 0, &Error{Reason: ErrAlgorithm, Expected: accepted("digest", sha1), Got: clip(uri)}
}

func accepted(what string, sha1 bool) string {
	if sha1 {
		return what + " with sha256 or sha1"
	}
	return what + " with sha256"
}
