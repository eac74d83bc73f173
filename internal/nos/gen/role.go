package main

import (
	"strings"

	"github.com/soclesante/socle"
)

// The value set of authors writes a role as one code: G15_21/A is profession 21
// (TRE_G15) and section A of the Ordre (TRE_G05), G15_10/SM26 profession 10 and
// savoir-faire SM26 (TRE_R01).

func profession(code, _, display string) socle.Code {
	code, ok := strings.CutPrefix(code, "G15_")
	if !ok || strings.Contains(code, "/") {
		return socle.Code{}
	}
	return socle.Code{Code: code, System: socle.OIDProfession, Display: display}
}

// section takes the codes of one or two letters: the others that a pharmacist
// has are savoir-faire.
func section(code, _, display string) socle.Code {
	code, ok := strings.CutPrefix(code, "G15_"+socle.ProfessionPharmacist+"/")
	if !ok || len(code) > 2 {
		return socle.Code{}
	}
	return socle.Code{Code: code, System: socle.OIDPharmacistSection, Display: display}
}

// expertise gives a savoir-faire the system that the assertions use: the
// directory has one system for each kind of savoir-faire.
func expertise(code, _, display string) socle.Code {
	return socle.Code{Code: code, System: socle.OIDSpeciality, Display: display}
}
