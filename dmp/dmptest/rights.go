package dmptest

import (
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
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

// mayRead applies what the patient decided: the authorization of the
// professional, and the oppositions to the access modes. s.mu is held.
func (s *Server) mayRead(who *session, op string, r *record) *soap.Fault {
	denied := func(text string) *soap.Fault { return refuse(codeDenied, op+": "+text) }
	regulation, glass := who.vihf.Purpose.Code == saml.Centre15().Code, who.vihf.Purpose.Code == saml.BrisDeGlace().Code
	switch {
	case regulation && r.OpposesRegulation:
		return denied("OPPOSITION_ACCES_URGENCE: the patient opposes an access by the Centre 15")
	case regulation:
		return nil
	case glass && r.OpposesBreakGlass:
		return denied("OPPOSITION_BRIS_DE_GLACE: the patient opposes a bris de glace")
	case r.Authorization == dmp.AuthorizationForbidden:
		return denied("the patient blocked the professional")
	case glass || r.Authorization == dmp.AuthorizationValid:
		return nil
	}
	return denied("the professional has no authorization in force: expected VALIDE, got " + string(r.Authorization))
}
