package socle

import (
	"log/slog"
	"strings"
	"time"
)

// PersonKind is the first digit of a national professional identifier (PS_IdNat, TRE_G08).
type PersonKind byte

// Kinds of professional identifiers.
const (
	PersonADELI      PersonKind = '0' // 0 + ADELI
	PersonInFINESS   PersonKind = '3' // 3 + FINESS / internal id
	PersonInSIREN    PersonKind = '4' // 4 + SIREN / internal id
	PersonInSIRET    PersonKind = '5' // 5 + SIRET / internal id
	PersonInRPPSRang PersonKind = '6' // 6 + RPPS-rang / internal id
	PersonRPPS       PersonKind = '8' // 8 + RPPS
	// PersonTest is a test identity made with the ANS's editor of identities
	// (EDIT): the letters ANS and 14 digits. A client set to production refuses it.
	PersonTest PersonKind = 'A'
)

// OIDPerson is the authority of national professional identifiers (IDNPS).
const OIDPerson = "1.2.250.1.71.4.2.1"

// PersonID is a national professional identifier. It is comparable; the zero
// value means "none".
type PersonID struct {
	kind  PersonKind
	value string
}

// ParsePersonID reads the prefixed form: "8" and an RPPS, or "5", a SIRET, a
// slash and an internal identifier … or the form of a test identity, "ANS" and
// 14 digits.
func ParsePersonID(s string) (PersonID, error) {
	if s == "" {
		return PersonID{}, &IdentifierError{"professional id", "empty"}
	}
	id := PersonID{PersonKind(s[0]), s[1:]}
	owner, internal, slash := strings.Cut(id.value, "/")
	var err error
	switch id.kind {
	case PersonADELI:
		_, err = ParseADELI(id.value)
	case PersonRPPS:
		_, err = ParseRPPS(id.value)
	case PersonInFINESS, PersonInSIREN, PersonInSIRET, PersonInRPPSRang:
		kinds := map[PersonKind]string{PersonInFINESS: "1", PersonInSIREN: "2", PersonInSIRET: "3", PersonInRPPSRang: "4"}
		if !slash || internal == "" || strings.ContainsFunc(internal, func(r rune) bool { return r <= ' ' || r > '~' }) {
			err = &IdentifierError{"professional id", "structure number, slash and internal identifier expected"}
		} else {
			_, err = ParseStructureID(kinds[id.kind] + owner)
		}
	case PersonTest:
		if number, ok := strings.CutPrefix(id.value, "NS"); !ok || len(number) != 14 || !digits(number) {
			err = &IdentifierError{"professional id", "ANS and 14 digits expected of a test identity"}
		}
	default:
		err = &IdentifierError{"professional id", "prefix 0 (ADELI), 3, 4, 5, 6 (structure / internal id) or 8 (RPPS) expected"}
	}
	if err != nil {
		return PersonID{}, err
	}
	return id, nil
}

// FromRPPS gives the professional identifier of an RPPS number.
func FromRPPS(r RPPS) PersonID { return PersonID{PersonRPPS, r.v} }

// Kind gives the kind of the identifier.
func (id PersonID) Kind() PersonKind { return id.kind }

// RPPS gives the RPPS number, and false for another kind.
func (id PersonID) RPPS() (RPPS, bool) { return RPPS{id.value}, id.kind == PersonRPPS }

// Test reports whether it is a test identity, which production does not know.
func (id PersonID) Test() bool { return id.kind == PersonTest }

// IsZero reports whether there is no identifier.
func (id PersonID) IsZero() bool { return id.value == "" }

// String gives the prefixed form, as in a VIHF or an XCN.
func (id PersonID) String() string {
	if id.IsZero() {
		return ""
	}
	return string(id.kind) + id.value
}

// Professions of TRE_G15 that act in a pharmacy, and the OIDs of the role nomenclatures.
const (
	ProfessionDoctor     = "10" // Médecin
	ProfessionPharmacist = "21" // Pharmacien
	ProfessionPreparer   = "39" // Préparateur en pharmacie (officine)

	OIDProfession        = "1.2.250.1.71.1.2.7" // TRE_G15
	OIDSpeciality        = "1.2.250.1.71.4.2.5" // savoir-faire of doctors
	OIDPharmacistSection = "1.2.250.1.71.4.2.6" // sections of the Ordre des pharmaciens
	OIDSector            = "1.2.250.1.71.4.2.4" // TRE_R02
)

// Means tells how a professional was authenticated.
type Means string

// Means of authentication.
const (
	MeansCard        Means = "CARD"        // CPx card
	MeansMobile      Means = "MOBILE"      // e-CPS application
	MeansCertificate Means = "CERTIFICATE" // software certificate of the structure: nobody in particular
)

// Authentication tells how and when a professional proved who they are.
type Authentication struct {
	Means Means
	ACR   string    // level asked of and given by Pro Santé Connect, such as "eidas1"
	At    time.Time // when the person last proved their identity
}

// Professional is who acts, in one exercise situation: the same person at
// another place, or under another role, is another Professional.
type Professional struct {
	ID         PersonID
	FamilyName string // nom d'exercice
	GivenName  string // prénom d'exercice
	Profession Code   // TRE_G15
	// Speciality is the savoir-faire of a doctor or the section of the Ordre of
	// a pharmacist: the DMP demands it of both.
	Speciality Code
	Structure  Structure
	Authn      Authentication
}

// FullName gives the given name and the family name.
func (p Professional) FullName() string {
	return strings.TrimSpace(p.GivenName + " " + p.FamilyName)
}

// LogValue shows the role and the structure, not the person.
func (p Professional) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("profession", p.Profession.Code),
		slog.String("structure", p.Structure.ID.String()),
	)
}
