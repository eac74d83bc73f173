package ins

import "log/slog"

// INS is the identifier of a person: a matricule and the authority that gives
// it its meaning. The one never travels without the other. It is comparable,
// and its zero value means "none".
type INS struct {
	Matricule Matricule
	OID       OID
}

// Parse reads a matricule of 15 characters, strictly, and its OID.
func Parse(matricule, oid string) (INS, error) { return parse(matricule, oid, ParseMatricule) }

// ParseLenient is Parse with [ParseMatriculeLenient].
func ParseLenient(matricule, oid string) (INS, error) {
	return parse(matricule, oid, ParseMatriculeLenient)
}

func parse(matricule, oid string, read func(string) (Matricule, error)) (INS, error) {
	m, err := read(matricule)
	if err != nil {
		return INS{}, err
	}
	o, err := ParseOID(oid)
	if err != nil {
		return INS{}, err
	}
	return INS{m, o}, nil
}

// IsZero reports whether there is no INS.
func (i INS) IsZero() bool { return i == INS{} }

// complete reports whether both halves are there.
func (i INS) complete() bool {
	return !i.Matricule.IsZero() && i.OID >= OIDNIR && i.OID <= OIDDemo
}

// CX gives the form of XDS metadata, HL7v3 and VIHF attributes:
// <15 characters>^^^&<OID>&ISO^NH (CI-SIS). Empty when i is not complete.
func (i INS) CX() string {
	if !i.complete() {
		return ""
	}
	return i.Matricule.Wire() + "^^^&" + i.OID.String() + "&ISO^NH"
}

// MSSante gives the address of the person in Mon espace santé:
// <15 characters>@patient.mssante.fr. Empty when i is not complete.
func (i INS) MSSante() string {
	if !i.complete() {
		return ""
	}
	return i.Matricule.Wire() + "@patient.mssante.fr"
}

// String gives the kind and hides the matricule.
func (i INS) String() string {
	if i.IsZero() {
		return ""
	}
	return i.OID.Kind() + " " + redacted
}

// GoString hides the matricule.
func (i INS) GoString() string { return "ins.INS{" + i.String() + "}" }

// MarshalText hides the matricule.
func (i INS) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// LogValue shows the kind and hides the matricule.
func (i INS) LogValue() slog.Value { return slog.StringValue(i.String()) }
