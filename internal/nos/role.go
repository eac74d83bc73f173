package nos

import "github.com/soclesante/socle"

// Profession gives the code of a profession (TRE_G15), as the VIHF's first
// role wants it, with the label that AuthorSpecialty has for it.
func Profession(code string) (socle.Code, bool) {
	c, ok := Lookup(AuthorSpecialty, "G15_"+code)
	return socle.Code{Code: code, System: socle.OIDProfession, Display: c.Display}, ok
}

// Speciality gives the second role of a professional: the section of the Ordre
// of a pharmacist (TRE_G05), the savoir-faire of another (TRE_R01), with the
// label that AuthorSpecialty has for it.
func Speciality(profession, code string) (socle.Code, bool) {
	c, ok := Lookup(AuthorSpecialty, "G15_"+profession+"/"+code)
	system := socle.OIDSpeciality
	if profession == socle.ProfessionPharmacist {
		system, ok = socle.OIDPharmacistSection, ok && len(code) <= 2 // the others are functions, not sections
	}
	return socle.Code{Code: code, System: system, Display: c.Display}, ok
}

// Author gives the authorSpecialty of a professional from the profession
// (TRE_G15) and, where there is one, the section or savoir-faire: "21" and "A"
// give G15_21/A. It falls back on the profession alone.
func Author(profession, speciality string) (socle.Code, bool) {
	if speciality != "" {
		if c, ok := Lookup(AuthorSpecialty, "G15_"+profession+"/"+speciality); ok {
			return c, true
		}
	}
	return Lookup(AuthorSpecialty, "G15_"+profession)
}
