// Package xmlsec signs and verifies XML: canonical XML, XML Signature, and the
// XAdES signature of a submission to the DMP.
//
// # Signing
//
// What is signed is written canonical in the first place: [SignEnveloped] takes
// the canonical bytes of an element and gives the ds:Signature that the caller
// puts inside it, where its schema wants it. Keys are those of a
// tls.Certificate: any crypto.Signer, a card's too.
//
// # Verifying
//
// [Verify] is told which element is signed and never looks for it. It accepts
// one profile of XML Signature and refuses all else: one ds:Signature, child of
// the element, at the place where it is expected; one reference, to the
// element's own identifier, unique in the document; the enveloped-signature and
// exclusive canonicalisation transforms, in that order; RSA with SHA-256, and
// SHA-1 only where the caller allows it. It gives the element parsed again from
// the very bytes whose digest was signed: a caller who reads only that cannot
// read what was not signed. Whether the certificate may sign is the caller's
// decision, and a mandatory one.
package xmlsec

import (
	"errors"
	"strings"
)

// Namespaces.
const (
	NSDSig  = "http://www.w3.org/2000/09/xmldsig#"
	NSExc   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	NSXAdES = "http://uri.etsi.org/01903/v1.1.1#"
)

// Reasons for which a signature is refused, for errors.Is.
var (
	ErrMalformed   = errors.New("malformed signature")
	ErrUnsigned    = errors.New("no signature")
	ErrPlace       = errors.New("signature not where it is expected")
	ErrElement     = errors.New("wrong signed element")
	ErrReference   = errors.New("wrong reference")
	ErrDuplicateID = errors.New("identifier used twice")
	ErrTransform   = errors.New("transform not accepted")
	ErrAlgorithm   = errors.New("algorithm not accepted")
	ErrComment     = errors.New("comment or processing instruction in what is signed")
	ErrDigest      = errors.New("digest does not match")
	ErrSignature   = errors.New("signature value does not match")
	ErrCertificate = errors.New("certificate not accepted")
	ErrNamespace   = errors.New("relative namespace")
	ErrLimit       = errors.New("canonical form too large")
)

// Error tells which rule a signature breaks, what was expected and what came.
// It never holds the content of what is signed.
type Error struct {
	Reason   error // one of the Err values of this package
	Expected string
	Got      string
	Err      error // cause, if any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("xmlsec: " + e.Reason.Error())
	if e.Expected != "" {
		b.WriteString(": expected " + e.Expected)
	}
	if e.Got != "" {
		b.WriteString(", got " + e.Got)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the reason of e.
func (e *Error) Is(target error) bool { return target == e.Reason }
