// Package saml writes and reads the SAML 2.0 assertions of the French health
// services: the VIHF (vecteur d'identification et d'habilitation formelles) of
// the CI-SIS, that each call to the DMP carries in its wsse:Security header.
//
// [VIHF] is the writer's side: [VIHF.Sign] gives the assertion of a signed
// mode, [VIHF.Unsigned] the one that a card holder may send unsigned.
// [Verify] and [Assertion.VIHF] are the reader's side, for emulators; they share
// no code with the writer but the names of this file.
package saml

import (
	"errors"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Namespaces and formats.
const (
	NS        = "urn:oasis:names:tc:SAML:2.0:assertion"
	NSWSSE    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsHL7     = "urn:hl7-org:v3"
	nsXS      = "http://www.w3.org/2001/XMLSchema"
	formatDN  = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
	acClasses = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
)

// Authentication contexts.
const (
	ContextSmartcard   = acClasses + "SmartcardPKI"
	ContextPassword    = acClasses + "Password"
	ContextTLSClient   = acClasses + "TLSClient"
	ContextUnspecified = acClasses + "unspecified"
	ContextMobile      = acClasses + "MobileTwoFactorUnregistered"
)

// Names of the attributes of a VIHF, in the order of the official samples
// (dmp sheet §3.2).
const (
	attrStructure       = "Identifiant_Structure"
	attrSector          = "Secteur_Activite"
	attrSubject         = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
	attrRole            = "urn:oasis:names:tc:xacml:2.0:subject:role"
	attrVersion         = "VIHF_Version"
	attrPatient         = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
	attrResource        = "Ressource_URN"
	attrPurpose         = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
	attrConfidentiality = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
	attrReason          = "Mode_Acces_Raison"
	attrSoftwareInstall = "LPS_ID"
	attrSoftwareName    = "LPS_Nom"
	attrSoftwareVersion = "LPS_Version"
	attrHomologation    = "LPS_ID_HOMOLOGATION_DMP"
)

// OIDs of the roles of what is no person: AUTOMATE, DISPOSITIF, SECRETARIAT_MEDICAL.
const oidNonPerson = "1.2.250.1.213.1.1.4.6"

// Mode is how the person and the structure are authenticated.
type Mode string

// Modes of a VIHF.
const (
	// Direct: the professional's card opens the connection and signs, if anything is signed.
	Direct Mode = "DIRECTE"
	// Indirect: the structure's certificates do, and vouch for the professional.
	Indirect Mode = "INDIRECTE"
	// IndirectStrong: as Indirect, and the professional was really authenticated
	// (CPx card, e-CPS): "AIR".
	IndirectStrong Mode = "INDIRECTE_RENFORCEE"
)

// CE is a coded value (HL7 v3 CE).
type CE struct {
	Code       string
	System     string // OID
	SystemName string // optional
	Display    string
}

// Role is a role of the subject.
type Role = CE

// Software is the vendor's program, as the LPS_ attributes name it.
type Software struct {
	Install      string // LPS_ID, optional
	Name         string // LPS_Nom
	Version      string // LPS_Version
	Homologation string // LPS_ID_HOMOLOGATION_DMP
}

// Reasons for which an assertion is refused, for errors.Is.
var (
	ErrField      = errors.New("invalid field")
	ErrSpeciality = errors.New("second role missing")
	ErrStructure  = errors.New("structure is not that of the certificate")
	ErrMalformed  = errors.New("malformed assertion")
	ErrUnsigned   = errors.New("unsigned assertion")
	ErrClock      = errors.New("assertion out of its time")
	ErrIssuer     = errors.New("issuer is not the subject of the certificate")
)

// Error tells which rule an assertion breaks, what was expected, what came and
// what to change. It holds no patient identifier and no name of a person.
type Error struct {
	Reason   error  // one of the Err values of this package
	Field    string // of VIHF, or attribute of the assertion
	Expected string
	Got      string
	Fix      string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("saml: " + e.Reason.Error())
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	if e.Expected != "" {
		b.WriteString(": expected " + e.Expected)
	}
	if e.Got != "" {
		b.WriteString(", got " + e.Got)
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Reason }

// Security wraps assertions, as Sign gives them, into the wsse:Security header
// block of a message. Without assertion it is the empty header that some
// services want.
func Security(assertions ...[]byte) []byte {
	var w xmltree.Writer
	w.Start("wsse:Security", "xmlns:wsse", NSWSSE)
	for _, a := range assertions {
		w.Raw(a)
	}
	return w.End().Bytes()
}
