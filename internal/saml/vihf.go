package saml

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// VIHF says who acts, in which structure, with which software, for which
// patient. Fields are mandatory unless their comment says otherwise.
type VIHF struct {
	Mode Mode
	// NameID is the national identifier of the professional (PS_IdNat): 8 and
	// the RPPS number, 0 and the ADELI number, or a structure's and an internal one.
	NameID string
	// SubjectName is the full name of the professional. Mandatory in the indirect
	// modes; the samples leave it out of the direct one.
	SubjectName string
	// StructureID is the prefixed identifier of the structure (Struct_IdNat). In
	// the indirect modes it is the OU of the certificate.
	StructureID string
	// Sector is the secteur d'activité of the structure, in the same exercise
	// situation, such as SA33. System may be empty.
	Sector socle.Code
	// Roles holds the profession (TRE_G15), and after it the speciality of a
	// doctor or the section of a pharmacist.
	Roles []Role
	// PatientID is the INS as an HL7 CX: matricule^^^&OID&ISO^NH. Empty, with
	// Nobody, for a message that is about no patient in particular.
	PatientID string
	Nobody    bool
	// Purpose is the mode d'accès; zero means NormalAccess.
	Purpose CE
	// Reason is Mode_Acces_Raison: free text, mandatory for BrisDeGlace, else optional.
	Reason string
	// Secret makes the connection secret for a minor's legal representatives.
	Secret   bool
	Software Software

	ID           string    // identifier of the assertion, a name; empty: "_" and a new UUID
	Issuer       string    // DN; empty: the subject of the certificate
	AuthnInstant time.Time // when the person was authenticated; zero: when it is signed
	Dialect      Dialect
}

// String shows the mode and the structure, not the people.
func (v VIHF) String() string { return "VIHF " + string(v.Mode) + " of structure " + v.StructureID }

// GoString is String.
func (v VIHF) GoString() string { return v.String() }

// LogValue is String.
func (v VIHF) LogValue() slog.Value { return slog.StringValue(v.String()) }

var cxForm = regexp.MustCompile(`^[0-9]{5}[0-9AB]{2}[0-9]{8}\^\^\^&[0-2](\.(0|[1-9][0-9]*))+&ISO\^NH$`)

// Check reports everything that the DMP would refuse, joined; each is an
// *[Error] that names the field and the fix.
func (v VIHF) Check() error {
	var errs []error
	bad := func(field, expected, fix string) {
		errs = append(errs, &Error{Reason: ErrField, Field: field, Expected: expected, Fix: fix})
	}
	indirect := v.Mode == Indirect || v.Mode == IndirectStrong
	if v.Mode != Direct && !indirect {
		bad("Mode", "DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE", "")
	}
	if _, err := socle.ParsePersonID(v.NameID); err != nil && !v.nonPerson() || v.NameID == "" {
		bad("NameID", "a national identifier of professional (8 and RPPS, 0 and ADELI, 3 and FINESS/internal …)", "take socle.Professional.ID")
	}
	if indirect && strings.TrimSpace(v.SubjectName) == "" {
		bad("SubjectName", "the full name of the professional in mode "+string(v.Mode), "take socle.Professional.FullName")
	}
	if _, err := socle.ParseStructureID(v.StructureID); err != nil {
		bad("StructureID", "a prefixed structure identifier (1 and FINESS, 3 and SIRET …)", "take it from the same exercise situation as Sector")
	}
	if !strings.HasPrefix(v.Sector.Code, "SA") || v.Sector.System != "" && v.Sector.System != socle.OIDSector {
		bad("Sector", "a code of TRE_R02 such as SA33", "take it from the same exercise situation as StructureID")
	}
	if err := v.checkRoles(); err != nil {
		errs = append(errs, err)
	}
	if !cxForm.MatchString(v.PatientID) && !(v.Nobody && v.PatientID == "") {
		bad("PatientID", "matricule^^^&OID&ISO^NH", "take the CX of a qualified INS")
	}
	if v.Purpose.Code == BrisDeGlace().Code && strings.TrimSpace(v.Reason) == "" {
		bad("Reason", "the reason of a bris de glace", "ask the user for it")
	}
	if v.Purpose != (CE{}) && (v.Purpose.Code == "" || v.Purpose.System == "") {
		bad("Purpose", "a code and its system", "leave it zero for a normal access")
	}
	for _, f := range [][2]string{{"Name", v.Software.Name}, {"Version", v.Software.Version}, {"Homologation", v.Software.Homologation}} {
		if strings.TrimSpace(f[1]) == "" {
			bad("Software."+f[0], "a value", "take it from socle.Software: the LPS_ attributes are mandatory")
		}
	}
	if v.ID != "" && !xmltree.IsNCName(v.ID) {
		bad("ID", "a name: it begins with a letter or _", "leave it empty, or put _ before the UUID")
	}
	return errors.Join(errs...)
}

// nonPerson reports whether the role is that of an automaton, a device or a secretariat.
func (v VIHF) nonPerson() bool { return len(v.Roles) > 0 && v.Roles[0].System == oidNonPerson }

func (v VIHF) checkRoles() error {
	if len(v.Roles) == 0 || len(v.Roles) > 2 {
		return &Error{Reason: ErrField, Field: "Roles", Expected: "the profession, and the speciality or section after it"}
	}
	for _, r := range v.Roles {
		if r.Code == "" || r.System == "" || r.Display == "" {
			return &Error{Reason: ErrField, Field: "Roles", Expected: "code, system and display of each role"}
		}
	}
	first := v.Roles[0]
	if first.System != socle.OIDProfession && first.System != oidNonPerson {
		return &Error{Reason: ErrField, Field: "Roles", Expected: "a profession of TRE_G15 (" + socle.OIDProfession + ") first"}
	}
	second, name := "", ""
	switch {
	case first.System != socle.OIDProfession:
	case first.Code == socle.ProfessionDoctor:
		second, name = socle.OIDSpeciality, "speciality of a doctor"
	case first.Code == socle.ProfessionPharmacist:
		second, name = socle.OIDPharmacistSection, "section of the Ordre of a pharmacist"
	}
	switch {
	case second == "":
		return nil
	case len(v.Roles) == 1:
		return &Error{Reason: ErrSpeciality, Field: "Roles", Expected: "the " + name + " (" + second + ") as second role",
			Fix: "take socle.Professional.Speciality; the DMP answers «\u00a0Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins…\u00a0»"}
	case v.Roles[1].System != second:
		return &Error{Reason: ErrSpeciality, Field: "Roles", Expected: "the " + name + " (" + second + ") as second role", Got: "a code of another system",
			Fix: "a pharmacist's is the section (A, D, E …), a doctor's the speciality (SM26 …)"}
	}
	return nil
}
