package xmlsec

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmltree"
)

// Names that the lot's signature of the DMP uses (IHE DSG; TD2.1).
const (
	// PurposeSource is the purpose of the lot's signature: "Source".
	PurposeSource = "1.2.840.10065.1.12.1.14"

	typeSignedProperties = NSXAdES + "SignedProperties"
	idManifest           = "IHEManifest"
	idSignedProperties   = "S0-SignedProperties"
	idPurpose            = "purposeOfSignature"
)

// Lot is what the signature of a submission covers.
type Lot struct {
	// ID is the Id of the signature, a name: "_" and a UUID.
	ID string
	// SubmissionSet is the uniqueId of the submission set. The manifest names it
	// without a digest, for nothing of it exists as bytes.
	SubmissionSet string
	Documents     []LotDocument
	SigningTime   time.Time
	// Purpose is the OID of the purpose; empty means PurposeSource when signing.
	// It is not covered by the signature.
	Purpose string
}

// LotDocument is a document of a lot.
type LotDocument struct {
	UniqueID string
	// Digest is what [DigestXML] gives for an XML document, and the digest of its
	// bytes for a Binary one.
	Digest []byte
	Binary bool
}

// DigestXML gives the digest that the manifest of a lot holds for an XML
// document such as a CDA: that of its inclusive canonical form with comments.
func DigestXML(b []byte, a Algorithm, limits xmltree.Limits) ([]byte, error) {
	d, err := xmltree.Parse(b, limits)
	if err != nil {
		return nil, err
	}
	c, err := CanonicalDocument(d, Method{Algorithm: C14NWithComments})
	if err != nil {
		return nil, err
	}
	return a.digest(c), nil
}

// SignLot gives the XML document that signs a lot: an XML Signature over a
// Manifest, with the properties of XAdES 1.1.1, as the DMP wants it in entry
// "Signature01" (IHE DSG). The algorithm is that of every digest of it, those of
// the documents included. The intermediate authorities of the pair, if it has
// some, are named beside its certificate.
func SignLot(l Lot, pair tls.Certificate, a Algorithm) ([]byte, error) {
	leaf, err := signingLeaf(pair)
	if err != nil {
		return nil, err
	}
	if err := l.check(a); err != nil {
		return nil, err
	}
	manifest := l.manifest(a)
	properties, err := l.properties(pair, a)
	if err != nil {
		return nil, err
	}
	info := signedInfo("", C14NWithComments, a,
		reference{uri: "#" + idManifest, typ: uriManifest, digest: a.digest(manifest)},
		reference{uri: "#" + idSignedProperties, typ: typeSignedProperties, digest: a.digest(properties)})
	value, err := signValue(info, pair, a)
	if err != nil {
		return nil, err
	}
	purpose := l.Purpose
	if purpose == "" {
		purpose = PurposeSource
	}
	var w xmltree.Writer
	w.Start("Signature", "xmlns", NSDSig, "Id", l.ID)
	w.Raw(inside(info, NSDSig))
	writeValue(&w, "", value, leaf)
	w.Start("Object").Raw(inside(manifest, NSDSig)).End()
	w.Start("Object").Start("SignatureProperties")
	w.Leaf("SignatureProperty", purpose, "Id", idPurpose, "Target", "#"+l.ID)
	w.End().End()
	w.Start("Object").Start("QualifyingProperties", "xmlns", NSXAdES, "Target", "#"+l.ID)
	w.Raw(inside(properties, NSXAdES))
	return w.End().End().End().Bytes(), nil
}

// inside drops the declaration of the default namespace from the start of a
// canonical element, for a place where that namespace is in scope.
func inside(canonical []byte, space string) []byte {
	return bytes.Replace(canonical, []byte(` xmlns="`+space+`"`), nil, 1)
}

func (l Lot) check(a Algorithm) error {
	if !xmltree.IsNCName(l.ID) || l.ID == idManifest || l.ID == idSignedProperties || l.ID == idPurpose {
		return &Error{Reason: ErrReference, Expected: "Lot.ID to be a name of its own (it begins with a letter or _)"}
	}
	if l.SigningTime.IsZero() {
		return &Error{Reason: ErrReference, Expected: "Lot.SigningTime"}
	}
	seen := map[string]bool{}
	for _, id := range append([]string{l.SubmissionSet}, l.uniqueIDs()...) {
		if id == "" || strings.ContainsAny(id, " \t\r\n") {
			return &Error{Reason: ErrReference, Expected: "uniqueIds without white space for the submission set and each document"}
		}
		if seen[id] {
			return &Error{Reason: ErrReference, Expected: "one document for each uniqueId", Got: clip(id) + " twice"}
		}
		seen[id] = true
	}
	if len(l.Documents) == 0 {
		return &Error{Reason: ErrReference, Expected: "at least one document"}
	}
	for _, d := range l.Documents {
		if len(d.Digest) != a.Hash().Size() {
			return &Error{Reason: ErrDigest, Expected: "a " + a.Hash().String() + " digest of each document"}
		}
	}
	return nil
}

func (l Lot) uniqueIDs() []string {
	ids := make([]string, len(l.Documents))
	for i, d := range l.Documents {
		ids[i] = d.UniqueID
	}
	return ids
}

// manifest writes the canonical form of the Manifest.
func (l Lot) manifest(a Algorithm) []byte {
	var w xmltree.Writer
	w.Start("Manifest", "xmlns", NSDSig, "Id", idManifest)
	writeReference(&w, "", a, reference{uri: "urn:oid:" + l.SubmissionSet, digest: []byte{0}})
	for _, d := range l.Documents {
		r := reference{uri: "urn:oid:" + d.UniqueID, digest: d.Digest}
		if !d.Binary {
			r.transforms = []Method{{Algorithm: C14NWithComments}}
		}
		writeReference(&w, "", a, r)
	}
	return w.End().Bytes()
}

// properties writes the canonical form of the SignedProperties.
func (l Lot) properties(pair tls.Certificate, a Algorithm) ([]byte, error) {
	var w xmltree.Writer
	w.Start("SignedProperties", "xmlns", NSXAdES, "Id", idSignedProperties)
	w.Start("SignedSignatureProperties")
	w.Leaf("SigningTime", l.SigningTime.UTC().Format("2006-01-02T15:04:05.000Z"))
	w.Start("SigningCertificate")
	chain := pair.Certificate
	if len(chain) == 0 {
		chain = [][]byte{pair.Leaf.Raw}
	}
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &Error{Reason: ErrCertificate, Expected: "DER certificates in the pair", Err: err}
		}
		w.Start("Cert").Start("CertDigest")
		w.Empty("DigestMethod", "Algorithm", a.digestURI())
		w.Leaf("DigestValue", base64.StdEncoding.EncodeToString(a.digest(c.Raw)))
		w.End().Start("IssuerSerial")
		w.Leaf("X509IssuerName", issuerDN(c), "xmlns", NSDSig)
		w.Leaf("X509SerialNumber", c.SerialNumber.String(), "xmlns", NSDSig)
		w.End().End()
	}
	w.End().Start("SignaturePolicyIdentifier").Empty("SignaturePolicyImplied").End()
	w.End().Empty("SignedDataObjectProperties")
	return w.End().Bytes(), nil
}

func issuerDN(c *x509.Certificate) string {
	return pki.DN(&x509.Certificate{RawSubject: c.RawIssuer})
}
