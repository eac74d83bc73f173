package socle

import "strings"

// StructureKind is the first digit of a national structure identifier (Struct_IdNat).
type StructureKind byte

// Kinds of structure identifiers.
const (
	StructureFINESS   StructureKind = '1' // 1 + FINESS
	StructureSIREN    StructureKind = '2' // 2 + SIREN
	StructureSIRET    StructureKind = '3' // 3 + SIRET
	StructureRPPSRang StructureKind = '4' // 4 + RPPS and the rank of the practice, 3 digits
)

// OIDStructure is the authority of national structure identifiers (IDNST).
const OIDStructure = "1.2.250.1.71.4.2.2"

// StructureID is a national structure identifier: a kind and the number that
// it prefixes. It is comparable; the zero value means "none".
type StructureID struct {
	kind  StructureKind
	value string
}

// ParseStructureID reads the prefixed form, such as "1" followed by a FINESS number.
func ParseStructureID(s string) (StructureID, error) {
	if s == "" {
		return StructureID{}, &IdentifierError{"structure id", "empty"}
	}
	id := StructureID{StructureKind(s[0]), s[1:]}
	var err error
	switch id.kind {
	case StructureFINESS:
		_, err = ParseFINESS(id.value)
	case StructureSIREN:
		_, err = ParseSIREN(id.value)
	case StructureSIRET:
		_, err = ParseSIRET(id.value)
	case StructureRPPSRang:
		if len(id.value) != 14 || !digits(id.value) {
			err = &IdentifierError{"RPPS-rang", "RPPS of 11 digits and rank of 3 digits expected"}
		} else {
			_, err = ParseRPPS(id.value[:11])
		}
	default:
		err = &IdentifierError{"structure id", "prefix 1 (FINESS), 2 (SIREN), 3 (SIRET) or 4 (RPPS-rang) expected"}
	}
	if err != nil {
		return StructureID{}, err
	}
	return id, nil
}

// FromFINESS, FromSIREN and FromSIRET give the structure identifier of a number.
func FromFINESS(f FINESS) StructureID { return StructureID{StructureFINESS, f.v} }

// FromSIREN gives the structure identifier of a SIREN number.
func FromSIREN(s SIREN) StructureID { return StructureID{StructureSIREN, s.v} }

// FromSIRET gives the structure identifier of a SIRET number.
func FromSIRET(s SIRET) StructureID { return StructureID{StructureSIRET, s.v} }

// Kind gives the kind of the identifier.
func (id StructureID) Kind() StructureKind { return id.kind }

// Value gives the number without its prefix.
func (id StructureID) Value() string { return id.value }

// IsZero reports whether there is no identifier.
func (id StructureID) IsZero() bool { return id.value == "" }

// String gives the prefixed form, as in the OU of an IGC-Santé certificate.
func (id StructureID) String() string {
	if id.IsZero() {
		return ""
	}
	return string(id.kind) + id.value
}

// Structure is the place where a professional acts.
type Structure struct {
	ID     StructureID
	Name   string
	Sector Code // TRE_R02, such as SA33 (pharmacie d'officine)
}

// Code is a code of a nomenclature.
type Code struct {
	Code    string `json:"code"`
	System  string `json:"system,omitempty"` // OID of the nomenclature
	Display string `json:"display,omitempty"`
}

// String gives "code^system", the form of Pro Santé Connect and VIHF claims.
func (c Code) String() string {
	if c.System == "" {
		return c.Code
	}
	return c.Code + "^" + c.System
}

// IsZero reports whether there is no code.
func (c Code) IsZero() bool { return c.Code == "" }

// ParseCode reads "code^system" or a bare code.
func ParseCode(s string) Code {
	code, system, _ := strings.Cut(s, "^")
	return Code{Code: code, System: system}
}
