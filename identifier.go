package socle

import (
	"fmt"
	"strings"
)

// Identifiers of professionals and structures. Each is a comparable value whose
// zero value means "none" and that only its Parse function builds.
type (
	// RPPS is the national number of a health professional: 11 digits, the
	// last of which is a Luhn key.
	RPPS struct{ v string }
	// ADELI is the older national number: 9 characters, département first.
	// Its key is not checked: no public text gives the rule for every département.
	ADELI struct{ v string }
	// FINESS is the number of a health establishment: 9 characters, the last a
	// Luhn key. Numbers that hold a letter (Corsica, test numbers) have no
	// public key rule and are checked for their form only.
	FINESS struct{ v string }
	// SIREN is the number of a company: 9 digits with a Luhn key.
	SIREN struct{ v string }
	// SIRET is the number of a company's establishment: its SIREN and 5
	// digits, with a Luhn key over the 14 digits.
	SIRET struct{ v string }
)

// IdentifierError tells which identifier was refused and why. It does not hold
// the refused value.
type IdentifierError struct {
	Kind   string // "RPPS", "FINESS", "SIRET" …
	Reason string
}

func (e *IdentifierError) Error() string { return e.Kind + ": " + e.Reason }

// ParseRPPS reads an RPPS number of 11 digits.
func ParseRPPS(s string) (RPPS, error) {
	v, err := keyed("RPPS", s, 11)
	return RPPS{v}, err
}

// ParseSIREN reads a SIREN number of 9 digits.
func ParseSIREN(s string) (SIREN, error) {
	v, err := keyed("SIREN", s, 9)
	return SIREN{v}, err
}

// ParseSIRET reads a SIRET number of 14 digits. The establishments of La Poste
// (SIREN 356000000) may also follow their own rule: digits that add up to a
// multiple of five.
func ParseSIRET(s string) (SIRET, error) {
	v, err := keyed("SIRET", s, 14)
	if err != nil && len(s) == 14 && digits(s) && strings.HasPrefix(s, "356000000") {
		sum := 0
		for _, c := range s {
			sum += int(c - '0')
		}
		if sum%5 == 0 {
			return SIRET{s}, nil
		}
	}
	return SIRET{v}, err
}

// ParseADELI reads an ADELI number: 9 digits or capital letters.
func ParseADELI(s string) (ADELI, error) {
	if len(s) != 9 || !alphanumeric(s) {
		return ADELI{}, &IdentifierError{"ADELI", "9 digits or capital letters expected"}
	}
	return ADELI{s}, nil
}

// ParseFINESS reads a FINESS number of 9 characters.
func ParseFINESS(s string) (FINESS, error) {
	switch {
	case len(s) != 9 || !alphanumeric(s):
		return FINESS{}, &IdentifierError{"FINESS", "9 digits or capital letters expected"}
	case digits(s) && !luhn(s):
		return FINESS{}, &IdentifierError{"FINESS", "wrong key"}
	}
	return FINESS{s}, nil
}

// String gives the 11 digits.
func (r RPPS) String() string { return r.v }

// String gives the 9 characters.
func (a ADELI) String() string { return a.v }

// String gives the 9 characters.
func (f FINESS) String() string { return f.v }

// String gives the 9 digits.
func (s SIREN) String() string { return s.v }

// String gives the 14 digits.
func (s SIRET) String() string { return s.v }

// SIREN gives the company's part of s.
func (s SIRET) SIREN() SIREN {
	if s.v == "" {
		return SIREN{}
	}
	return SIREN{s.v[:9]}
}

func keyed(kind, s string, n int) (string, error) {
	switch {
	case len(s) != n || !digits(s):
		return "", &IdentifierError{kind, fmt.Sprintf("%d digits expected", n)}
	case !luhn(s):
		return "", &IdentifierError{kind, "wrong key"}
	}
	return s, nil
}

func alphanumeric(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'A' || s[i] > 'Z') {
			return false
		}
	}
	return s != ""
}
