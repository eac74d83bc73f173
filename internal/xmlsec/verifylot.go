package xmlsec

import (
	"bytes"
	"crypto/x509"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmltree"
)

// LotOptions says what is accepted of the signature of a lot.
type LotOptions struct {
	// AllowSHA1 accepts rsa-sha1 and SHA-1 digests, as the official sample has.
	AllowSHA1 bool
	// Certificate decides whether the certificate may sign: chain, validity,
	// usage. It is mandatory, and called only for a signature that matches.
	Certificate func(*x509.Certificate) error
	Limits      xmltree.Limits
}

// VerifiedLot is a lot as its signature says it is.
type VerifiedLot struct {
	Lot         // all of it but Purpose is covered by the signature
	Algorithm   Algorithm
	Certificate *x509.Certificate

	hashes []Algorithm // of the documents
	limits xmltree.Limits
}

// VerifyLot verifies the document that signs a lot and gives what its manifest
// says, read from the bytes whose digests were signed. Compare the documents of
// the submission with [VerifiedLot.Check]. Errors are *[Error] or
// *xmltree.SyntaxError.
func VerifyLot(b []byte, o LotOptions) (*VerifiedLot, error) {
	if o.Certificate == nil {
		return nil, &Error{Reason: ErrCertificate, Expected: "LotOptions.Certificate: who may sign is not said"}
	}
	d, err := xmltree.Parse(b, o.Limits)
	if err != nil {
		return nil, err
	}
	if !d.Root.Is(NSDSig, "Signature") {
		return nil, &Error{Reason: ErrElement, Expected: `"Signature" as root`, Got: clip(d.Root.Name.Local)}
	}
	if err := plain(d.Root); err != nil {
		return nil, err
	}
	s, err := readSignature(d.Root, o.AllowSHA1)
	if err != nil {
		return nil, err
	}
	objects, err := readObjects(s)
	if err != nil {
		return nil, err
	}
	if err := s.verifyValue(); err != nil {
		return nil, err
	}
	v := &VerifiedLot{Algorithm: s.algorithm, Certificate: s.certificate, limits: o.Limits}
	v.ID, v.Purpose = s.id, objects.purpose
	manifest, err := s.covered(uriManifest, objects.manifest, o)
	if err != nil {
		return nil, err
	}
	if err := v.readManifest(manifest, o.AllowSHA1); err != nil {
		return nil, err
	}
	properties, err := s.covered(typeSignedProperties, objects.properties, o)
	if err != nil {
		return nil, err
	}
	if err := v.readProperties(properties, o.AllowSHA1); err != nil {
		return nil, err
	}
	if err := o.Certificate(s.certificate); err != nil {
		return nil, &Error{Reason: ErrCertificate, Err: err}
	}
	return v, nil
}

// Check compares a document of the submission with the digest of the manifest.
func (v *VerifiedLot) Check(uniqueID string, content []byte) error {
	for i, d := range v.Documents {
		if d.UniqueID != uniqueID {
			continue
		}
		digest := v.hashes[i].digest(content)
		if !d.Binary {
			var err error
			if digest, err = DigestXML(content, v.hashes[i], v.limits); err != nil {
				return err
			}
		}
		if !bytes.Equal(digest, d.Digest) {
			return &Error{Reason: ErrDigest, Expected: "document " + clip(uniqueID) + " as it was signed"}
		}
		return nil
	}
	return &Error{Reason: ErrReference, Expected: "document " + clip(uniqueID) + " in the manifest"}
}

// lotObjects holds what the Objects of the signature of a lot hold.
type lotObjects struct {
	manifest, properties *xmltree.Element
	purpose              string
}

func readObjects(s *signature) (o lotObjects, err error) {
	for _, object := range s.objects {
		kids, err := children(object)
		if err != nil {
			return o, err
		}
		for _, k := range kids {
			switch {
			case k.Is(NSDSig, "Manifest") && o.manifest == nil:
				o.manifest = k
			case k.Is(NSXAdES, "QualifyingProperties") && o.properties == nil:
				if s.id == "" || k.Attr("Target") != "#"+s.id {
					return o, &Error{Reason: ErrReference, Expected: "QualifyingProperties with the signature as Target"}
				}
				props, err := children(k)
				if err != nil {
					return o, err
				}
				if len(props) != 1 || !props[0].Is(NSXAdES, "SignedProperties") {
					return o, &Error{Reason: ErrMalformed, Expected: "SignedProperties in QualifyingProperties"}
				}
				o.properties = props[0]
			case k.Name.Local == "SignatureProperties" && o.purpose == "":
				// The official sample has it in no namespace.
				for p := range k.Elements() {
					if p.Name.Local == "SignatureProperty" && p.Attr("Id") == idPurpose {
						o.purpose = p.Trimmed()
					}
				}
			default:
				return o, &Error{Reason: ErrMalformed, Expected: "one Manifest, SignatureProperties and QualifyingProperties in Objects", Got: clip(k.Name.Local)}
			}
		}
	}
	if o.manifest == nil || o.properties == nil {
		return o, &Error{Reason: ErrMalformed, Expected: "Manifest and QualifyingProperties in Objects"}
	}
	return o, nil
}

// covered checks the reference of that type, which must be to e, and gives e
// parsed again from the bytes that it covers.
func (s *signature) covered(typ string, e *xmltree.Element, o LotOptions) (*xmltree.Element, error) {
	if len(s.references) != 2 {
		return nil, &Error{Reason: ErrReference, Expected: "two References in SignedInfo"}
	}
	for _, r := range s.references {
		if r.typ != typ {
			continue
		}
		id := e.Attr("Id")
		if !xmltree.IsNCName(id) || r.uri != "#"+id {
			return nil, &Error{Reason: ErrReference, Expected: "# and the Id of " + e.Name.Local, Got: clip(r.uri)}
		}
		if err := uniqueID(e, id); err != nil {
			return nil, err
		}
		method := Method{Algorithm: C14N}
		switch len(r.transforms) {
		case 0:
		case 1:
			method = r.transforms[0]
		default:
			return nil, &Error{Reason: ErrTransform, Expected: "one canonicalisation at most"}
		}
		content, err := canonical(e, method, nil)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(r.hash.digest(content), r.digest) {
			return nil, &Error{Reason: ErrDigest, Expected: e.Name.Local + " unchanged"}
		}
		limits := o.Limits
		if limits.Bytes > 0 {
			limits.Bytes = max(limits.Bytes, len(content))
		}
		d, err := xmltree.Parse(content, limits)
		if err != nil {
			return nil, err
		}
		return d.Root, nil
	}
	return nil, &Error{Reason: ErrReference, Expected: "a Reference of type " + typ}
}

func (v *VerifiedLot) readManifest(e *xmltree.Element, sha1 bool) error {
	kids, err := children(e)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, k := range kids {
		r, err := readReference(k, sha1)
		if err != nil {
			return err
		}
		id, ok := strings.CutPrefix(r.uri, "urn:oid:")
		if !ok || id == "" || seen[id] {
			return &Error{Reason: ErrReference, Expected: "urn:oid: and a uniqueId, each once, in the Manifest", Got: clip(r.uri)}
		}
		seen[id] = true
		if i == 0 {
			v.SubmissionSet = id
			continue
		}
		if len(r.transforms) > 1 || len(r.transforms) == 1 && r.transforms[0].Algorithm != C14NWithComments {
			return &Error{Reason: ErrTransform, Expected: C14NWithComments + " at most for a document"}
		}
		v.Documents = append(v.Documents, LotDocument{UniqueID: id, Digest: r.digest, Binary: len(r.transforms) == 0})
		v.hashes = append(v.hashes, r.hash)
	}
	if len(v.Documents) == 0 {
		return &Error{Reason: ErrReference, Expected: "the submission set, then its documents, in the Manifest"}
	}
	return nil
}

// readProperties reads the time and checks that the properties name the
// certificate of the signature, first.
func (v *VerifiedLot) readProperties(e *xmltree.Element, sha1 bool) error {
	ssp := e.Path("SignedSignatureProperties")
	at, err := time.Parse(time.RFC3339Nano, ssp.Path("SigningTime").Trimmed())
	if err != nil {
		return &Error{Reason: ErrMalformed, Expected: "a date and time with its zone in SigningTime"}
	}
	v.SigningTime = at
	cert := ssp.Path("SigningCertificate", "Cert")
	wrong := &Error{Reason: ErrCertificate, Expected: "the certificate of KeyInfo first in SigningCertificate"}
	hash, err := digestAlgorithm(cert.Path("CertDigest", "DigestMethod").Attr("Algorithm"), sha1)
	if err != nil {
		return err
	}
	value := cert.Path("CertDigest", "DigestValue")
	if value == nil {
		return wrong
	}
	digest, err := base64Of(value)
	if err != nil {
		return err
	}
	is := cert.Path("IssuerSerial")
	if !bytes.Equal(digest, hash.digest(v.Certificate.Raw)) ||
		is.First(NSDSig, "X509SerialNumber").Trimmed() != v.Certificate.SerialNumber.String() ||
		!pki.EqualDN(is.First(NSDSig, "X509IssuerName").Text(), issuerDN(v.Certificate)) {
		return wrong
	}
	return nil
}
