package xmlsec

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Options says what is expected of a signed element.
type Options struct {
	Name xml.Name // namespace and local name of the signed element
	// IDAttr is the unprefixed attribute that identifies it; empty means "ID".
	IDAttr string
	// After is the local name of the child of the element, in the namespace of
	// the element, that the signature must follow immediately. Empty leaves the
	// place free among the children.
	After string
	// AllowSHA1 accepts rsa-sha1 and SHA-1 digests.
	AllowSHA1 bool
	// Certificate decides whether the certificate may sign: chain, validity,
	// usage. It is mandatory, and called only for a signature that matches.
	Certificate func(*x509.Certificate) error
	Limits      xmltree.Limits
}

// Verified is what a signature covers.
type Verified struct {
	// Document is the signed element, without its signature, parsed from the
	// canonical bytes whose digest was signed. Document.Source is those bytes.
	Document    *xmltree.Document
	Certificate *x509.Certificate
	Algorithm   Algorithm
}

// Verify parses b, whose root element is the signed one, and verifies it. Its
// errors are *[Error] or *xmltree.SyntaxError.
func Verify(b []byte, o Options) (*Verified, error) {
	d, err := xmltree.Parse(b, o.Limits)
	if err != nil {
		return nil, err
	}
	return VerifyElement(d.Root, o)
}

// VerifyElement verifies e, an element of a parsed document that the caller
// chose by its place. The caller must then read the Verified, not e.
func VerifyElement(e *xmltree.Element, o Options) (*Verified, error) {
	if o.Certificate == nil {
		return nil, &Error{Reason: ErrCertificate, Expected: "Options.Certificate: who may sign is not said"}
	}
	if o.Name.Local == "" || !e.Is(o.Name.Space, o.Name.Local) {
		return nil, &Error{Reason: ErrElement, Expected: clip(o.Name.Local)}
	}
	sig, err := findSignature(e, o)
	if err != nil {
		return nil, err
	}
	s, err := readSignature(sig, o.AllowSHA1)
	if err != nil {
		return nil, err
	}
	if err := checkEnveloped(e, s, o); err != nil {
		return nil, err
	}
	if err := s.verifyValue(); err != nil {
		return nil, err
	}
	r := s.references[0]
	content, err := canonical(e, r.transforms[1], sig)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(r.hash.digest(content), r.digest) {
		return nil, &Error{Reason: ErrDigest, Expected: "the signed element unchanged"}
	}
	if err := o.Certificate(s.certificate); err != nil {
		return nil, &Error{Reason: ErrCertificate, Err: err}
	}
	limits := o.Limits
	if limits.Bytes > 0 {
		limits.Bytes = max(limits.Bytes, len(content)) // canonical bounded it already
	}
	d, err := xmltree.Parse(content, limits)
	if err != nil {
		return nil, err
	}
	return &Verified{Document: d, Certificate: s.certificate, Algorithm: s.algorithm}, nil
}

// findSignature gives the one ds:Signature of e. Another anywhere in e is refused.
func findSignature(e *xmltree.Element, o Options) (*xmltree.Element, error) {
	var sig, before *xmltree.Element
	n := 0
	for c := range e.Elements() {
		if c.Is(NSDSig, "Signature") {
			if n++; n > 1 {
				return nil, &Error{Reason: ErrPlace, Expected: "one Signature", Got: "several"}
			}
			if sig = c; o.After != "" && !before.Is(e.Name.Space, o.After) {
				return nil, &Error{Reason: ErrPlace, Expected: "Signature just after " + o.After}
			}
		}
		before = c
	}
	if sig == nil {
		return nil, &Error{Reason: ErrUnsigned, Expected: "a Signature in " + clip(e.Name.Local)}
	}
	for d := range e.Descendants() {
		if d != sig && d.Is(NSDSig, "Signature") {
			return nil, &Error{Reason: ErrPlace, Expected: "one Signature", Got: "another inside the signed element"}
		}
	}
	return sig, plain(e)
}

// plain refuses comments and processing instructions in e: two readers could
// make different text of what is around them.
func plain(e *xmltree.Element) error {
	for d := range e.Descendants() {
		for _, c := range d.Children {
			switch c.(type) {
			case xmltree.Comment, xmltree.ProcInst:
				return &Error{Reason: ErrComment, Expected: "none in " + clip(e.Name.Local)}
			}
		}
	}
	return nil
}

// checkEnveloped checks the one profile of enveloped signatures.
func checkEnveloped(e *xmltree.Element, s *signature, o Options) error {
	if len(s.objects) > 0 {
		return &Error{Reason: ErrMalformed, Expected: "no Object in an enveloped signature"}
	}
	if s.method.Algorithm != ExcC14N {
		return &Error{Reason: ErrAlgorithm, Expected: ExcC14N + " for SignedInfo", Got: clip(s.method.Algorithm)}
	}
	if len(s.references) != 1 {
		return &Error{Reason: ErrReference, Expected: "one Reference", Got: "several"}
	}
	idAttr := o.IDAttr
	if idAttr == "" {
		idAttr = "ID"
	}
	id := e.Attr(idAttr)
	if r := s.references[0]; !xmltree.IsNCName(id) || r.uri != "#"+id {
		return &Error{Reason: ErrReference, Expected: "# and the " + idAttr + " of the signed element", Got: clip(r.uri)}
	}
	t := s.references[0].transforms
	if len(t) != 2 || t[0].Algorithm != uriEnveloped || t[1].Algorithm != ExcC14N {
		return &Error{Reason: ErrTransform, Expected: "enveloped-signature then exclusive canonicalisation"}
	}
	return uniqueID(e, id)
}

// uniqueID checks that one identifier of the whole document has that value: an
// attribute ID, Id or id of any namespace (wsu:Id, xml:id).
func uniqueID(e *xmltree.Element, id string) error {
	root := e
	for root.Parent != nil {
		root = root.Parent
	}
	n := 0
	for d := range root.Descendants() {
		for i := range d.Attrs {
			if d.Attrs[i].Value == id && strings.EqualFold(d.Attrs[i].Name.Local, "id") {
				n++
			}
		}
	}
	if n != 1 {
		return &Error{Reason: ErrDuplicateID, Expected: "the identifier of the signed element once in the document"}
	}
	return nil
}
