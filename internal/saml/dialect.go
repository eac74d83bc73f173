package saml

import (
	"cmp"
	"time"

	"github.com/soclesante/socle/internal/xmlsec"
)

// Dialect holds what public sources do not agree on, or do not say, about the
// VIHF. The zero value of each field is the default told beside it.
type Dialect struct {
	// Version is VIHF_Version. Default "3.0", as in all official samples; one
	// secondary source tabulates "4.0".
	Version string
	// ModeAttribute is the name of the mode attribute. Default
	// "Authentification_mode", as in the samples; the kit writes "Authentification_Mode".
	ModeAttribute string
	// Algorithm signs the assertion. Default RSA-SHA256, as today's kit; the
	// samples of 2019 and 2020 are RSA-SHA1.
	Algorithm xmlsec.Algorithm
	// AuthnContext is the AuthnContextClassRef. Default ContextSmartcard, as in
	// the samples of every mode. That it also suits a person authenticated by
	// e-CPS is *assumed*: one policy writes ContextMobile there.
	AuthnContext string
	// AuthnContextDecl is written in mode IndirectStrong only. Default: the
	// AuthnContext, as in the sample.
	AuthnContextDecl string
	// ConfidentialityElement is the element, of namespace urn:hl7-org:v3, that
	// holds the code of a secret connection. Default "ConfidentialityCode",
	// *assumed* after Role and PurposeOfUse: no public sample shows it.
	ConfidentialityElement string
	// Extra are attributes written after the others: a text for each name. They
	// are for versions of the VIHF that no public text describes.
	Extra []Text
	// OtherStructure lets an indirect VIHF name another structure than the
	// certificate: establishments under one legal entity (EJ/EG).
	OtherStructure bool
	// AnyKeyUsage signs with a certificate that is not made for signing.
	AnyKeyUsage bool
}

// Text is an attribute that holds a text.
type Text struct{ Name, Value string }

func (d Dialect) defaults() Dialect {
	d.Version = cmp.Or(d.Version, "3.0")
	d.ModeAttribute = cmp.Or(d.ModeAttribute, "Authentification_mode")
	d.AuthnContext = cmp.Or(d.AuthnContext, ContextSmartcard)
	d.AuthnContextDecl = cmp.Or(d.AuthnContextDecl, d.AuthnContext)
	d.ConfidentialityElement = cmp.Or(d.ConfidentialityElement, "ConfidentialityCode")
	return d
}

// oidAccessMode is the code system of access modes.
const (
	oidAccessMode  = "1.2.250.1.213.1.1.4.248"
	nameAccessMode = "mode acces VIHF 2.0"
)

// NormalAccess is the purpose of use of the official samples.
func NormalAccess() CE {
	return CE{Code: "normal", System: oidAccessMode, SystemName: nameAccessMode, Display: "Accès normal"}
}

// BrisDeGlace is the purpose of use of an access that the patient could not
// allow. Its code and display are *assumed*: no public sample shows them.
func BrisDeGlace() CE {
	return CE{Code: "bris_de_glace", System: oidAccessMode, SystemName: nameAccessMode, Display: "Accès bris de glace"}
}

// Centre15 is the purpose of use of emergency regulation. Its code and display
// are *assumed*: no public sample shows them.
func Centre15() CE {
	return CE{Code: "centre_15", System: oidAccessMode, SystemName: nameAccessMode, Display: "Accès centre 15"}
}

// SecretConnection is the confidentiality code of a connexion secrète: what is
// done stays invisible to the legal representatives of a minor. Its display is
// *assumed*.
func SecretConnection() CE {
	return CE{Code: "INVISIBLE_REPRESENTANTS_LEGAUX", System: "1.2.250.1.213.1.1.4.13", Display: "Invisible aux représentants légaux"}
}

// What a reader accepts of the time of an assertion, unless told otherwise:
// *assumed*, no public text gives the window of the DMP.
const (
	defaultMaxAge = time.Hour
	defaultSkew   = 5 * time.Minute
)

// Versions and mode attributes that a reader accepts: those that public sources show.
var (
	readVersions       = []string{"3.0", "4.0"}
	readModeAttributes = []string{"Authentification_mode", "Authentification_Mode"}
)
