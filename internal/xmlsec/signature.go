package xmlsec

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// signature is a ds:Signature read by the strict grammar of this package.
type signature struct {
	id          string
	info        *xmltree.Element
	method      Method // of SignedInfo
	algorithm   Algorithm
	references  []reference
	value       []byte
	certificate *x509.Certificate
	objects     []*xmltree.Element
}

// readSignature reads sig, in which nothing but ds elements, and what they are
// allowed to hold, is accepted. Objects are given as they are.
func readSignature(sig *xmltree.Element, sha1 bool) (*signature, error) {
	kids, err := children(sig)
	if err != nil {
		return nil, err
	}
	if len(kids) < 3 || !kids[0].Is(NSDSig, "SignedInfo") || !kids[1].Is(NSDSig, "SignatureValue") || !kids[2].Is(NSDSig, "KeyInfo") {
		return nil, &Error{Reason: ErrMalformed, Expected: "SignedInfo, SignatureValue and KeyInfo"}
	}
	s := &signature{id: sig.Attr("Id"), info: kids[0], objects: kids[3:]}
	for _, o := range s.objects {
		if !o.Is(NSDSig, "Object") {
			return nil, &Error{Reason: ErrMalformed, Expected: "Object after KeyInfo", Got: clip(o.Name.Local)}
		}
	}
	if err := s.readInfo(sha1); err != nil {
		return nil, err
	}
	if s.value, err = base64Of(kids[1]); err != nil {
		return nil, err
	}
	if s.certificate, err = readKeyInfo(kids[2]); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *signature) readInfo(sha1 bool) error {
	kids, err := children(s.info)
	if err != nil {
		return err
	}
	if len(kids) < 3 || !kids[0].Is(NSDSig, "CanonicalizationMethod") || !kids[1].Is(NSDSig, "SignatureMethod") {
		return &Error{Reason: ErrMalformed, Expected: "CanonicalizationMethod, SignatureMethod and Reference in SignedInfo"}
	}
	if s.method, err = readMethod(kids[0]); err != nil {
		return err
	}
	if len(kids[1].Children) > 0 {
		return &Error{Reason: ErrAlgorithm, Expected: "a SignatureMethod without parameters"}
	}
	if s.algorithm, err = signatureAlgorithm(kids[1].Attr("Algorithm"), sha1); err != nil {
		return err
	}
	for _, k := range kids[2:] {
		r, err := readReference(k, sha1)
		if err != nil {
			return err
		}
		s.references = append(s.references, r)
	}
	return nil
}

func readReference(e *xmltree.Element, sha1 bool) (r reference, err error) {
	if !e.Is(NSDSig, "Reference") {
		return r, &Error{Reason: ErrMalformed, Expected: "Reference", Got: clip(e.Name.Local)}
	}
	kids, err := children(e)
	if err != nil {
		return r, err
	}
	if len(kids) > 0 && kids[0].Is(NSDSig, "Transforms") {
		transforms, err := children(kids[0])
		if err != nil {
			return r, err
		}
		if len(transforms) == 0 || len(transforms) > 4 {
			return r, &Error{Reason: ErrTransform, Expected: "one to four Transform"}
		}
		for _, t := range transforms {
			if !t.Is(NSDSig, "Transform") {
				return r, &Error{Reason: ErrMalformed, Expected: "Transform", Got: clip(t.Name.Local)}
			}
			m, err := readMethod(t)
			if err != nil {
				return r, err
			}
			r.transforms = append(r.transforms, m)
		}
		kids = kids[1:]
	}
	if len(kids) != 2 || !kids[0].Is(NSDSig, "DigestMethod") || !kids[1].Is(NSDSig, "DigestValue") {
		return r, &Error{Reason: ErrMalformed, Expected: "DigestMethod and DigestValue in Reference"}
	}
	r.uri, r.typ = e.Attr("URI"), e.Attr("Type")
	if len(kids[0].Children) > 0 {
		return r, &Error{Reason: ErrAlgorithm, Expected: "a DigestMethod without parameters"}
	}
	if r.hash, err = digestAlgorithm(kids[0].Attr("Algorithm"), sha1); err != nil {
		return r, err
	}
	r.digest, err = base64Of(kids[1])
	return r, err
}

// readMethod reads a CanonicalizationMethod or a Transform: an algorithm of
// this package, with a PrefixList at most.
func readMethod(e *xmltree.Element) (m Method, err error) {
	kids, err := children(e)
	if err != nil {
		return m, err
	}
	m.Algorithm = e.Attr("Algorithm")
	switch m.Algorithm {
	case ExcC14N, ExcC14NWithComments:
		if len(kids) == 1 && kids[0].Is(NSExc, "InclusiveNamespaces") && len(kids[0].Children) == 0 {
			if m.Prefixes = strings.Fields(kids[0].Attr("PrefixList")); len(m.Prefixes) > 32 {
				return m, &Error{Reason: ErrTransform, Expected: "at most 32 prefixes in PrefixList"}
			}
			kids = nil
		}
	case C14N, C14NWithComments, uriEnveloped:
	default:
		return m, &Error{Reason: ErrTransform, Expected: "canonicalisation or enveloped-signature", Got: clip(m.Algorithm)}
	}
	if len(kids) > 0 {
		return m, &Error{Reason: ErrTransform, Expected: "no parameter but InclusiveNamespaces", Got: clip(kids[0].Name.Local)}
	}
	return m, nil
}

// readKeyInfo gives the certificate: the first of one X509Data. KeyName and
// KeyValue are ignored, anything else is refused.
func readKeyInfo(e *xmltree.Element) (*x509.Certificate, error) {
	kids, err := children(e)
	if err != nil {
		return nil, err
	}
	var data *xmltree.Element
	for _, k := range kids {
		switch {
		case k.Is(NSDSig, "KeyName"), k.Is(NSDSig, "KeyValue"):
		case k.Is(NSDSig, "X509Data") && data == nil:
			data = k
		default:
			return nil, &Error{Reason: ErrCertificate, Expected: "one X509Data in KeyInfo", Got: clip(k.Name.Local)}
		}
	}
	if data == nil {
		return nil, &Error{Reason: ErrCertificate, Expected: "X509Data in KeyInfo"}
	}
	if kids, err = children(data); err != nil {
		return nil, err
	}
	for _, k := range kids {
		if !k.Is(NSDSig, "X509Certificate") {
			continue
		}
		der, err := base64Of(k)
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &Error{Reason: ErrCertificate, Expected: "a DER certificate in X509Certificate", Err: err}
		}
		return c, strongKey(c)
	}
	return nil, &Error{Reason: ErrCertificate, Expected: "X509Certificate in X509Data"}
}

// verifyValue checks the signature value over the canonical form of SignedInfo.
func (s *signature) verifyValue() error {
	info, err := Canonical(s.info, s.method)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(s.certificate.PublicKey.(*rsa.PublicKey), s.algorithm.Hash(), s.algorithm.digest(info), s.value) != nil {
		return &Error{Reason: ErrSignature, Expected: "the " + s.algorithm.String() + " signature of SignedInfo by the certificate of KeyInfo"}
	}
	return nil
}

// children gives the child elements of e, which may hold nothing else but
// white space.
func children(e *xmltree.Element) ([]*xmltree.Element, error) {
	kids := make([]*xmltree.Element, 0, len(e.Children))
	for _, n := range e.Children {
		switch n := n.(type) {
		case *xmltree.Element:
			kids = append(kids, n)
		case xmltree.Text:
			if strings.Trim(string(n), " \t\r\n") != "" {
				return nil, &Error{Reason: ErrMalformed, Expected: "no text in " + clip(e.Name.Local)}
			}
		default:
			return nil, &Error{Reason: ErrComment, Expected: "none in " + clip(e.Name.Local)}
		}
	}
	return kids, nil
}

// base64Of gives the bytes of an element that holds one text: base64, with
// white space anywhere.
func base64Of(e *xmltree.Element) ([]byte, error) {
	malformed := &Error{Reason: ErrMalformed, Expected: "base64 in " + clip(e.Name.Local)}
	if len(e.Children) != 1 {
		return nil, malformed
	}
	text, ok := e.Children[0].(xmltree.Text)
	if !ok {
		return nil, malformed
	}
	s := string(text)
	if strings.ContainsAny(s, " \t\r\n") {
		s = strings.Join(strings.Fields(s), "")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil, malformed
	}
	return b, nil
}
