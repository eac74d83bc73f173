package nos

import "github.com/soclesante/socle"

// Profession gives the first role of a person: the profession (TRE_G15). ok
// tells whether the code is a known one; its system is given in any case.
func Profession(code string) (role socle.Code, ok bool) {
	return roleIn(Professions, code, socle.OIDProfession)
}

// Speciality gives the second role of a person: the section of the Ordre of a
// pharmacist (TRE_G05), the savoir-faire of another (TRE_R01). ok tells whether
// the code is a known one; its system is given in any case.
//
// With those of Profession these are the roles of a person in the value set
// JDV_J65-SubjectRole-DMP, but for its sixty hospital specialities SCH01 to
// SCH60, which the directory's own list of savoir-faire does not have.
func Speciality(profession, code string) (role socle.Code, ok bool) {
	if profession == socle.ProfessionPharmacist {
		return roleIn(PharmacistSections, code, socle.OIDPharmacistSection)
	}
	return roleIn(Expertises, code, socle.OIDSpeciality)
}

func roleIn(t *Table, code, system string) (socle.Code, bool) {
	if c, ok := Lookup(t, code); ok {
		return c, true
	}
	return socle.Code{Code: code, System: system}, false
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
