package saml

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// Sign checks the VIHF and gives its signed assertion, issued at now. The pair
// is the card's signature pair in mode Direct, the structure's SIGN (cachet)
// pair in the others; an authentication pair is refused as the DMP would
// (DMPInvalidCertificate). Errors are *[Error] joined, *pki.Error, or the card's.
//
// The bytes are an element that can be put into any document as it is.
func (v VIHF) Sign(pair tls.Certificate, now time.Time) ([]byte, error) {
	leaf, err := pki.Leaf(pair)
	if err != nil {
		return nil, err
	}
	if !v.Dialect.AnyKeyUsage {
		if err := pki.CheckSignature(leaf, now); err != nil {
			return nil, err
		}
	}
	d, err := v.write(leaf, now)
	if err != nil {
		return nil, err
	}
	sig, err := xmlsec.SignEnveloped(d.canonical, d.id, pair, v.Dialect.Algorithm)
	if err != nil {
		return nil, err
	}
	return d.with(sig), nil
}

// Unsigned gives the assertion without signature that mode Direct allows: card
// is the certificate of the card that opens the connection.
func (v VIHF) Unsigned(card *x509.Certificate, now time.Time) ([]byte, error) {
	if v.Mode != Direct {
		return nil, &Error{Reason: ErrUnsigned, Field: "Mode", Expected: string(Direct), Got: string(v.Mode), Fix: "sign it with the SIGN certificate of the structure"}
	}
	if card == nil {
		return nil, &Error{Reason: ErrField, Field: "card", Expected: "the certificate of the card that opens the connection"}
	}
	d, err := v.write(card, now)
	if err != nil {
		return nil, err
	}
	return d.with(nil), nil
}

// draft is an assertion to sign.
type draft struct {
	id        string
	canonical []byte // exclusive canonical form, without signature
	declare   int    // where namespaces are declared in the root
	sign      int    // where the signature goes: after Issuer
}

// with gives the assertion with its signature. The prefix xs, which only values
// of xsi:type use, is declared in the root: exclusive canonicalisation leaves
// that declaration out, readers that know schemas need it.
func (d draft) with(signature []byte) []byte {
	const xs = ` xmlns:xs="` + nsXS + `"`
	b := make([]byte, 0, len(d.canonical)+len(xs)+len(signature))
	b = append(append(b, d.canonical[:d.declare]...), xs...)
	b = append(append(b, d.canonical[d.declare:d.sign]...), signature...)
	return append(b, d.canonical[d.sign:]...)
}

func (v VIHF) write(cert *x509.Certificate, now time.Time) (draft, error) {
	if err := v.Check(); err != nil {
		return draft{}, err
	}
	if err := v.checkHolder(cert); err != nil {
		return draft{}, err
	}
	dialect := v.Dialect.defaults()
	d := draft{id: cmp.Or(v.ID, newID())}
	issued, authenticated := instant(now), instant(now)
	if !v.AuthnInstant.IsZero() {
		authenticated = instant(v.AuthnInstant)
	}
	const declaration = `<saml2:Assertion xmlns:saml2="` + NS + `"`
	d.declare = len(declaration)
	var w xmltree.Writer
	w.Grow(6 << 10) // a VIHF takes about 4 KiB
	w.Start("saml2:Assertion", "xmlns:saml2", NS, "ID", d.id, "IssueInstant", issued, "Version", "2.0")
	w.Leaf("saml2:Issuer", cmp.Or(v.Issuer, pki.DN(cert)), "Format", formatDN)
	d.sign = w.Len()
	w.Start("saml2:Subject").Leaf("saml2:NameID", v.NameID).End()
	w.Start("saml2:AuthnStatement", "AuthnInstant", authenticated).Start("saml2:AuthnContext")
	w.Leaf("saml2:AuthnContextClassRef", dialect.AuthnContext)
	if v.Mode == IndirectStrong {
		w.Leaf("saml2:AuthnContextDecl", dialect.AuthnContextDecl)
	}
	w.End().End().Start("saml2:AttributeStatement")
	v.writeAttributes(&w, dialect)
	d.canonical = w.End().End().Bytes()
	return d, nil
}

// writeAttributes keeps the order of the official samples.
func (v VIHF) writeAttributes(w *xmltree.Writer, dialect Dialect) {
	text := func(name, value string) {
		w.Start("saml2:Attribute", "Name", name)
		w.Leaf("saml2:AttributeValue", value, "xmlns:xsi", xmltree.NSXSI, "xsi:type", "xs:string")
		w.End()
	}
	optional := func(name, value string) {
		if value != "" {
			text(name, value)
		}
	}
	coded := func(name, element string, values ...CE) {
		w.Start("saml2:Attribute", "Name", name)
		for _, c := range values {
			systemName := ""
			if c.SystemName != "" {
				systemName = "codeSystemName"
			}
			w.Start("saml2:AttributeValue")
			w.Empty(element, "xmlns", nsHL7, "xmlns:xsi", xmltree.NSXSI, "code", c.Code, "codeSystem", c.System,
				systemName, c.SystemName, "displayName", c.Display, "xsi:type", "CE")
			w.End()
		}
		w.End()
	}
	text(attrStructure, v.StructureID)
	text(attrSector, v.Sector.Code+"^"+socle.OIDSector)
	if v.Mode != Direct {
		text(attrSubject, v.SubjectName)
	}
	coded(attrRole, "Role", v.Roles...)
	text(attrVersion, dialect.Version)
	text(dialect.ModeAttribute, string(v.Mode))
	optional(attrPatient, v.PatientID)
	text(attrResource, "urn:dmp")
	if v.Purpose == (CE{}) {
		v.Purpose = NormalAccess()
	}
	coded(attrPurpose, "PurposeOfUse", v.Purpose)
	if v.Secret {
		coded(attrConfidentiality, dialect.ConfidentialityElement, SecretConnection())
	}
	optional(attrReason, v.Reason)
	optional(attrSoftwareInstall, v.Software.Install)
	text(attrSoftwareName, v.Software.Name)
	text(attrSoftwareVersion, v.Software.Version)
	text(attrHomologation, v.Software.Homologation)
	for _, x := range dialect.Extra {
		text(x.Name, x.Value)
	}
}

// checkHolder compares the VIHF with the holder of the certificate.
func (v VIHF) checkHolder(cert *x509.Certificate) error {
	if v.Mode != Direct {
		if ou := pki.Classify(cert).Structure; ou != v.StructureID && !v.Dialect.OtherStructure {
			return &Error{Reason: ErrStructure, Field: "StructureID", Expected: "the OU of the certificate, " + ou, Got: v.StructureID,
				Fix: "take the structure of the certificate, or set Dialect.OtherStructure for an establishment of the same legal entity; the DMP answers «\u00a0Erreur d'authentification de la personne morale\u00a0»"}
		}
		return nil
	}
	if _, err := socle.ParsePersonID(cert.Subject.CommonName); err == nil && cert.Subject.CommonName != v.NameID {
		return &Error{Reason: ErrField, Field: "NameID", Expected: "the identifier of the holder of the card", Fix: "the card in the reader is another person's"}
	}
	return nil
}

// instant writes a time as the samples do: UTC, milliseconds, Z.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newID draws "_" and a UUID: an identifier must be a name, which no digit begins.
func newID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return strings.ToLower(fmt.Sprintf("_%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
}
