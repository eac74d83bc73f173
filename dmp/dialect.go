package dmp

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/nos"
)

// Dialect holds what no public text confirms: every value here is *assumed*,
// and may be replaced in [Config]. A zero field takes the value that its comment
// tells.
type Dialect struct {
	// VIHFVersion is the attribute VIHF_Version: "3.0", as in all official
	// samples; *assumed* still right, since another text has 4.0.
	VIHFVersion string
	// ModeAttribute is the name of the attribute of the mode:
	// "Authentification_mode", as in the official samples; *assumed*, since the
	// official kit writes Authentification_Mode.
	ModeAttribute string
	// UnsignedDirect leaves the VIHF of mode Direct unsigned, as the samples of
	// requests do. False: signed; *assumed* accepted, since a sample of a signed
	// one exists.
	UnsignedDirect bool
	// SHA1 signs the VIHF with rsa-sha1, as the samples of 2020 do. False:
	// rsa-sha256; *assumed* accepted, as the official kit does it.
	SHA1 bool
	// LotSHA256 signs lots with rsa-sha256 and SHA-256 digests. False: rsa-sha1,
	// as the only public sample; that the DMP takes SHA-256 there is not known,
	// and SHA-1 is *assumed* still needed.
	LotSHA256 bool
	// MaxDocumentSize is the largest document sent, in bytes: 5 MiB, *assumed*.
	MaxDocumentSize int64
	// Processing is the processingCode of HL7 v3 queries: "D", as in the
	// samples; *assumed* the same in production.
	Processing string
	// Content is the contentTypeCode of a lot: SA33 "Pharmacie d'officine" of
	// 1.2.250.1.71.4.2.4, *assumed* still in force (its last public value set is
	// of 2013). A professional of another sector gets that sector's code.
	Content socle.Code
	// Practice is the practiceSettingCode of a document that gives none:
	// AMBULATOIRE, *assumed* right for a pharmacy.
	Practice socle.Code
	// AuthnContext is the AuthnContextClassRef of a person who was authenticated
	// by e-CPS: …:MobileTwoFactorUnregistered, *assumed* from a public gateway.
	AuthnContext string
	// BreakGlass and Regulation are the PurposeOfUse codes of the two access
	// modes that are not normal: "bris_de_glace" and "centre_15", *assumed*; no
	// public sample shows them.
	BreakGlass, Regulation string
	// FilerAsAuthor names who files a document that somebody else made beside its
	// authors, in its metadata. False: the metadata have the authors of the
	// document alone, and who files it answers for the lot; that the DMP compares
	// the VIHF with the lot only is *assumed*: its refusal « Aucun
	// AuthorInstitution ne correspond à l'utilisateur du VIHF » does not tell.
	FilerAsAuthor bool
	// Actions replaces the wsa:Action of transactions, by their name ("TD0.3").
	// Those of the service habilitations are *assumed* to be those of the
	// samples: its WSDL has urn:hl7-org:v3:setAuthorization and
	// urn:hl7-org:v3:listAuthorizationByPatient.
	Actions map[string]string
	// Nobody is the patient that the VIHF of TD0.4 and TD0.5 names, which are
	// about nobody in particular, when the query gives no Patient. Zero: none, *assumed* accepted, although each
	// sample names one.
	Nobody ins.INS
	// Location is the zone of the dates of TD0.4 and TD1.6, which have none; nil
	// is UTC, *assumed*.
	Location *time.Location
	// Repository is the repositoryUniqueId asked for a document whose Entry has
	// none: 1.2.250.1.213.4.1.1.1.2, as in the samples; *assumed* the only one.
	Repository string
	// Uncorrelated takes answers without wsa:RelatesTo, and with any wsa:Action.
	// False: an answer must have the MessageID of its request and the action of its
	// answer, as in all samples; *assumed* always there.
	Uncorrelated bool
	// NoRecord are the acknowledgement codes that, in an answer AE with NF, say no
	// more than that the patient has no DMP. Nil: none; that the DMP then gives no
	// code is *assumed*, and what has one is an error, never a StateNone.
	NoRecord []string
	// AuthnContextDecl is the AuthnContextDecl of mode AIR. Empty: the
	// AuthnContextClassRef, as in the only sample, *assumed* right for e-CPS too;
	// a public connector writes APP_BROWSER_AUTH.
	AuthnContextDecl string
	// ConfidentialityElement is the element, of namespace urn:hl7-org:v3, that
	// holds the code of a connexion secrète: "ConfidentialityCode", *assumed*
	// after Role and PurposeOfUse; no public sample shows one.
	ConfidentialityElement string
	// Issuer writes the Issuer of the VIHF from the certificate that signs. Nil:
	// its subject as RFC 2253 orders it, with ST for the state, as in the samples;
	// *assumed* taken from all readers of the DMP.
	Issuer func(*x509.Certificate) string
	// VIHFAttributes are text attributes to add to the VIHF, for what a version
	// of it that is not public demands.
	VIHFAttributes []VIHFAttribute
	// OtherStructure lets the structure of the professional be another than the OU
	// of the certificate: an establishment under the legal entity that holds it
	// (EJ/EG). False: refused; that the DMP takes it is *assumed*.
	OtherStructure bool
	// TestIdentities lets test and demonstration identities through in
	// production. False: refused; *assumed*, since public samples show the test
	// OID only and some conclude that it is the DMP's own domain.
	TestIdentities bool
}

// VIHFAttribute is an attribute of the VIHF that holds a text.
type VIHFAttribute struct{ Name, Value string }

// Actions of the services of the DMP's own, as in the samples: see Dialect.Actions.
const (
	actionAuthorize     = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization"
	actionProfessionals = "urn:si-dmp-habilitations:HabilitationsEndPoint:listAuthorizationByPatient"
	actionAuthorized    = "urn:si-dmp-patients:PatientSpecificEndPoint:patientList"
)

// Authorization is what the DMP says of the professional's authorization on a
// record. The list is open: a value that is not named here is kept as it came.
type Authorization string

// Authorizations. AuthorizationValid is in the official samples; the spelling
// of the others is *assumed*.
const (
	AuthorizationValid     Authorization = "VALIDE"
	AuthorizationExpired   Authorization = "EXPIREE"
	AuthorizationForbidden Authorization = "INTERDITE"
	AuthorizationNone      Authorization = "INEXISTANTE"
)

// kind gives the authorization that a spelling stands for: the codes are
// *assumed*, so that what begins like one of them is taken for it. That the DMP
// says nothing of an authorization that does not exist is *assumed* too.
func (a Authorization) kind() Authorization {
	s := strings.ToUpper(string(a))
	for _, k := range []struct {
		prefix string
		is     Authorization
	}{{"VALID", AuthorizationValid}, {"EXPIR", AuthorizationExpired}, {"INTERDI", AuthorizationForbidden}, {"INEXIST", AuthorizationNone}} {
		if strings.HasPrefix(s, k.prefix) {
			return k.is
		}
	}
	if s == "" {
		return AuthorizationNone
	}
	return a
}

// majority is the age from which no connexion secrète is needed, in years. That
// it is the one of the law is *assumed*: the rules of age (EX_GEN-1550) are not public.
const majority = 18

// maxSkew is by how much the clock of who authenticated the professional may be
// ahead of ours: *assumed*, no public text gives a window.
const maxSkew = 5 * time.Minute

// assumedVerdicts completes verdicts with codes that are *assumed*: the official
// list is not public.
var assumedVerdicts = []verdict{
	{code: "DMPInvalidVIHF", kind: ErrInvalidVIHF},
	{code: "DMPInvalidMessage", fix: "Error.Text says where the message is not as expected: compare with the Dialect"},
	{code: "XDSRepositoryError", text: "document size", kind: ErrDocumentTooLarge},
}

func (d Dialect) defaults() Dialect {
	text := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	text(&d.VIHFVersion, "3.0")
	text(&d.ModeAttribute, "Authentification_mode")
	text(&d.Processing, "D")
	text(&d.Repository, "1.2.250.1.213.4.1.1.1.2")
	text(&d.AuthnContext, "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered")
	if d.Location == nil {
		d.Location = time.UTC
	}
	if d.MaxDocumentSize == 0 {
		d.MaxDocumentSize = 5 << 20
	}
	if d.Practice.IsZero() {
		d.Practice, _ = nos.Lookup(nos.PracticeSetting, "AMBULATOIRE")
	}
	return d
}

// contentType gives the contentTypeCode of a lot sent by who.
func (d Dialect) contentType(who socle.Professional) socle.Code {
	if !d.Content.IsZero() {
		return d.Content
	}
	return sector(who)
}

// sector gives the sector of activity with its label.
func sector(who socle.Professional) socle.Code {
	c := who.Structure.Sector
	if c.System == "" {
		c.System = socle.OIDSector
	}
	if known, ok := nos.Lookup(nos.HealthcareFacility, c.Code); ok && c.Display == "" {
		c.Display = known.Display
	}
	return c
}

// udiRoot gives the authority of a UDI from the mark that it begins with. That
// of GS1 is in the official examples; the two others, which the rules accept,
// are *assumed* to go with the marks of HIBCC and ICCBBA.
func udiRoot(udi string) string {
	switch {
	case strings.HasPrefix(udi, "(01)"):
		return "2.51.1.1"
	case strings.HasPrefix(udi, "+"):
		return "1.0.15961.10.816"
	case strings.HasPrefix(udi, "="):
		return "2.16.840.1.113883.6.18.1.34"
	}
	return ""
}
