package ins

import "strings"

// ParseCX reads the identifier of a patient (CX) of XDS metadata, HL7v3 and
// VIHF, as [INS.CX] writes it, or of HL7v2 (see [Identity.HL7v2]). The matricule
// is read leniently, as identifiers of test are known with wrong keys: see
// [Matricule.KeyValid].
func ParseCX(s string) (INS, error) {
	if len(s) > 256 {
		return INS{}, invalid("CX", "more than 256 bytes")
	}
	c := strings.Split(s, "^")
	if len(c) < 5 {
		return INS{}, invalid("CX", "matricule^^^&OID&ISO^NH expected")
	}
	authority := strings.Split(c[3], "&")
	switch {
	case len(authority) != 3 || authority[2] != "ISO":
		return INS{}, invalid("CX", "authority: &OID&ISO expected")
	case c[4] != "NH" && c[4] != "INS" && !strings.HasPrefix(c[4], "INS-"):
		return INS{}, invalid("CX", "type NH, or INS in HL7v2, expected")
	}
	return ParseLenient(c[0], authority[1])
}

const mssDomain = "@patient.mssante.fr"

// ParseMSSante reads the address of a person in Mon espace santé, as
// [INS.MSSante] writes it. It tells the matricule and not the OID.
func ParseMSSante(address string) (Matricule, error) {
	local, ok := strings.CutSuffix(strings.ToLower(address), mssDomain)
	if !ok {
		return Matricule{}, invalid("address", "15 characters"+mssDomain+" expected")
	}
	return ParseMatriculeLenient(local)
}
