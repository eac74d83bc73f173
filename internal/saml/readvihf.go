package saml

import (
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// VIHF reads the attributes of a VIHF and refuses what the DMP refuses: a
// missing attribute, a mode that wants a signature, a doctor or pharmacist
// without second role, a structure that is not the certificate's. Whether the
// patient and the author are those of the message is for the caller to compare;
// whether there must be a patient too: a few messages are about none.
//
// The Issuer and Dialect fields of the result say what was read. With
// [ErrStructure] there is a result too, for a service that lets a legal entity
// act for its establishments.
func (a *Assertion) VIHF() (*VIHF, error) {
	v := &VIHF{ID: a.ID, Issuer: a.Issuer, NameID: a.NameID, AuthnInstant: a.AuthnInstant}
	v.Dialect = Dialect{Algorithm: a.Algorithm, AuthnContext: a.AuthnContext, AuthnContextDecl: a.AuthnContextDecl}
	if v.NameID == "" {
		return nil, missing("Subject/NameID")
	}
	if a.AuthnInstant.IsZero() || !strings.HasPrefix(a.AuthnContext, acClasses) {
		return nil, &Error{Reason: ErrMalformed, Field: "AuthnStatement", Expected: "AuthnInstant and an AuthnContextClassRef of SAML 2.0"}
	}
	if err := a.readMode(v); err != nil {
		return nil, err
	}
	for _, want := range []struct {
		name string
		to   *string
		must bool
	}{
		{attrStructure, &v.StructureID, true},
		{attrSector, &v.Sector.Code, true},
		{attrSubject, &v.SubjectName, v.Mode != Direct},
		{attrVersion, &v.Dialect.Version, true},
		{attrPatient, &v.PatientID, false},
		{attrReason, &v.Reason, false},
		{attrSoftwareInstall, &v.Software.Install, false},
		{attrSoftwareName, &v.Software.Name, true},
		{attrSoftwareVersion, &v.Software.Version, true},
		{attrHomologation, &v.Software.Homologation, true},
	} {
		if *want.to, _ = a.Text(want.name); want.must && *want.to == "" {
			return nil, missing(want.name)
		}
	}
	if !slices.Contains(readVersions, v.Dialect.Version) {
		return nil, &Error{Reason: ErrField, Field: attrVersion, Expected: strings.Join(readVersions, " or "), Got: v.Dialect.Version}
	}
	if urn, _ := a.Text(attrResource); urn != "urn:dmp" {
		return nil, &Error{Reason: ErrField, Field: attrResource, Expected: "urn:dmp"}
	}
	v.Sector = socle.ParseCode(v.Sector.Code)
	if v.Sector.System != socle.OIDSector {
		return nil, &Error{Reason: ErrField, Field: attrSector, Expected: "code^" + socle.OIDSector}
	}
	if _, err := socle.ParseStructureID(v.StructureID); err != nil {
		return nil, &Error{Reason: ErrField, Field: attrStructure, Expected: "a prefixed structure identifier"}
	}
	if _, there := a.Text(attrPatient); !there {
		v.Nobody = true
	} else if err := checkCX(v.PatientID); err != nil {
		return nil, err
	}
	if err := a.readCodes(v); err != nil {
		return nil, err
	}
	return v, a.checkSigner(v)
}

func missing(attribute string) error {
	return &Error{Reason: ErrField, Field: attribute, Expected: "a value"}
}

func (a *Assertion) readMode(v *VIHF) error {
	for _, name := range readModeAttributes {
		s, ok := a.Text(name)
		if !ok {
			continue
		}
		if v.Dialect.ModeAttribute != "" {
			return &Error{Reason: ErrField, Field: name, Expected: "one spelling of the mode attribute"}
		}
		v.Dialect.ModeAttribute, v.Mode = name, Mode(s)
	}
	switch v.Mode {
	case "":
		return missing(readModeAttributes[0])
	case Direct, Indirect, IndirectStrong:
	default:
		return &Error{Reason: ErrField, Field: v.Dialect.ModeAttribute, Expected: "DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE"}
	}
	if a.Certificate == nil && v.Mode != Direct {
		return &Error{Reason: ErrUnsigned, Field: v.Dialect.ModeAttribute, Expected: "a signed assertion in mode " + string(v.Mode), Fix: "sign with the SIGN certificate of the structure"}
	}
	return nil
}

// checkCX checks the form of the patient's identifier, without showing it.
func checkCX(cx string) error {
	parts := strings.Split(cx, "^")
	if len(parts) == 5 && len(parts[0]) == 15 && parts[1] == "" && parts[2] == "" && parts[4] == "NH" {
		if hd := strings.Split(parts[3], "&"); len(hd) == 3 && hd[0] == "" && strings.HasPrefix(hd[1], "1.2.250.1.213.1.4.") && hd[2] == "ISO" {
			return nil
		}
	}
	return &Error{Reason: ErrField, Field: attrPatient, Expected: "matricule^^^&OID of the INS&ISO^NH"}
}

func (a *Assertion) readCodes(v *VIHF) error {
	for _, at := range a.Attributes {
		var codes []CE
		for _, val := range at.Values {
			codes = append(codes, val.CE)
		}
		switch at.Name {
		case attrRole:
			v.Roles = codes
			if len(codes) > 2 || slices.ContainsFunc(at.Values, func(v Value) bool { return v.Element != "Role" || v.CE.Code == "" || v.CE.System == "" }) {
				return &Error{Reason: ErrField, Field: at.Name, Expected: "one or two values, each a Role with code and codeSystem"}
			}
		case attrPurpose:
			if len(codes) != 1 || at.Values[0].Element != "PurposeOfUse" || codes[0].Code == "" || codes[0].System != oidAccessMode {
				return &Error{Reason: ErrField, Field: at.Name, Expected: "a PurposeOfUse of " + oidAccessMode}
			}
			v.Purpose = codes[0]
		case attrConfidentiality:
			want := SecretConnection()
			if len(codes) != 1 || codes[0].Code != want.Code || codes[0].System != want.System {
				return &Error{Reason: ErrField, Field: at.Name, Expected: want.Code}
			}
			v.Secret, v.Dialect.ConfidentialityElement = true, at.Values[0].Element
		}
	}
	if len(v.Roles) == 0 {
		return missing(attrRole)
	}
	if v.Purpose == (CE{}) {
		return missing(attrPurpose)
	}
	needs := map[string]string{"10": "1.2.250.1.71.4.2.5", "21": "1.2.250.1.71.4.2.6"}
	if system := needs[v.Roles[0].Code]; system != "" && v.Roles[0].System == "1.2.250.1.71.1.2.7" && (len(v.Roles) < 2 || v.Roles[1].System != system) {
		return &Error{Reason: ErrSpeciality, Field: attrRole, Expected: "a second role of " + system,
			Fix: "«\u00a0Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins…\u00a0»"}
	}
	return nil
}

// checkSigner compares what the certificate says of its holder.
func (a *Assertion) checkSigner(v *VIHF) error {
	switch {
	case a.Certificate == nil:
	case v.Mode == Direct:
		cn := a.Certificate.Subject.CommonName
		if _, err := socle.ParsePersonID(cn); err == nil && cn != v.NameID {
			return &Error{Reason: ErrField, Field: "Subject/NameID", Expected: "the holder of the card that signed"}
		}
	default:
		if ou := pki.Classify(a.Certificate).Structure; ou != v.StructureID {
			return &Error{Reason: ErrStructure, Field: attrStructure, Expected: ou, Got: v.StructureID, Fix: "«\u00a0Erreur d'authentification de la personne morale\u00a0»"}
		}
	}
	return nil
}
