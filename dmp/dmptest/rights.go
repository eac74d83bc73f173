package dmptest

import (
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
)

// Profile is who asks, as the matrices of functional rights know them.
type Profile string

// Profiles.
const (
	Doctor       Profile = "médecin, carte"
	Professional Profile = "PS non médecin, carte" // a pharmacist with a CPS or CPF
	Employee     Profile = "non PS, carte"         // CDE, CPE, CPA
	Organisation Profile = "certificat d'organisation"
	AIR          Profile = "AIR"
)

// Rights tells which operations each profile may call. What it does not hold is
// refused with DMPAccessDeniedByRightsService.
type Rights map[string][]Profile

// DefaultRights gives the rows of the matrices PDT-INF-526 v1.8 and PDT-INF-606
// v1.3 for the operations that the emulator answers.
func DefaultRights() Rights {
	return Rights{
		opExists: {Doctor, Professional, Employee, Organisation, AIR},
		opSubmit: {Doctor, Professional, Organisation}, // AIR: "non" for everybody
	}
}

func (s *session) profile() Profile {
	switch {
	case s.vihf.Mode == saml.IndirectStrong:
		return AIR
	case s.vihf.Mode == saml.Indirect:
		return Organisation
	case s.class.CardType == pki.CPE || s.class.CardType == pki.CPA:
		return Employee
	case s.vihf.Roles[0].Code == "10":
		return Doctor
	}
	return Professional
}
