package dp

import (
	"slices"

	"github.com/soclesante/socle"
)

// Right is what a professional may do with dossiers.
type Right uint8

// Rights, a set of bits.
const (
	RightConsult Right = 1 << iota
	RightFeed
)

// AccessRule gives rights to the professionals that match it.
type AccessRule struct {
	Professions  []string // codes of TRE_G15; empty matches all
	Specialities []string // savoir-faire codes; empty matches all
	Sectors      []string // codes of TRE_R02; empty matches all
	Rights       Right
}

// AccessPolicy is the actor matrix as data (dp.md §3; L.1111-23 of the Code de
// la santé publique): a professional has the rights of every rule that matches.
type AccessPolicy []AccessRule

// Sectors of TRE_R02 that the matrix needs.
var (
	sectorsOfficine    = []string{"SA33", "SA38", "SA39", "SA65"}         // officine, minière, mutualiste, antenne
	sectorsHospital    = []string{"SA01", "SA02", "SA03", "SA04", "SA36"} // health and army establishments
	sectorsLaboratory  = []string{"SA25", "SA29", "SA59"}                 // biologie médicale
	specialityBiology  = []string{"SM03"}                                 // médecin biologiste
	professionPharmacy = []string{socle.ProfessionPharmacist, socle.ProfessionPreparer}
)

// DefaultAccess gives the matrix of the law: pharmacists, and préparateurs under
// their control, of an officine or of a pharmacie à usage intérieur consult and
// feed; doctors who treat the patient in a health establishment, and biologists,
// consult; nobody else does anything. Which sectors stand for each is *assumed*.
func DefaultAccess() AccessPolicy {
	return AccessPolicy{
		{Professions: professionPharmacy, Sectors: sectorsOfficine, Rights: RightConsult | RightFeed},
		{Professions: professionPharmacy, Sectors: sectorsHospital, Rights: RightConsult | RightFeed},
		{Professions: []string{socle.ProfessionDoctor}, Sectors: sectorsHospital, Rights: RightConsult},
		{Professions: []string{socle.ProfessionDoctor}, Specialities: specialityBiology, Sectors: sectorsLaboratory, Rights: RightConsult},
		{Professions: []string{socle.ProfessionPharmacist}, Sectors: sectorsLaboratory, Rights: RightConsult}, // pharmacien biologiste
	}
}

// Of gives the rights of a professional.
func (p AccessPolicy) Of(who socle.Professional) Right {
	match := func(codes []string, code string) bool { return len(codes) == 0 || slices.Contains(codes, code) }
	var r Right
	for _, rule := range p {
		if match(rule.Professions, who.Profession.Code) && match(rule.Specialities, who.Speciality.Code) && match(rule.Sectors, who.Structure.Sector.Code) {
			r |= rule.Rights
		}
	}
	return r
}
