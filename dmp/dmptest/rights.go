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
	AIREmployee  Profile = "non PS, AIR"
)

var profiles = [...]Profile{Doctor, Professional, Employee, Organisation, AIR, AIREmployee}

// Right is what a profile may do with an operation.
type Right int

// Rights.
const (
	Denied Right = iota
	Allowed
	// Own: on what the professional did, such as a document that they fed.
	Own
	// OfStructure: on what the structure did, or in its name.
	OfStructure
)

// Row holds the rights to one operation in the three access modes. A profile
// that is not there is denied.
type Row struct{ Normal, BreakGlass, Regulation map[Profile]Right }

// Rights is a matrix of functional rights: a row for each operation, by its name
// ("TD0.2"). What it does not allow is refused with DMPAccessDeniedByRightsService.
type Rights map[string]Row

func (s *session) profile() Profile {
	notPS := s.class.CardType == pki.CPE || s.class.CardType == pki.CPA
	switch {
	case s.vihf.Mode == saml.IndirectStrong && s.person():
		return AIR
	case s.vihf.Mode == saml.IndirectStrong:
		return AIREmployee
	case s.vihf.Mode == saml.Indirect:
		return Organisation
	case notPS:
		return Employee
	case s.vihf.Roles[0].Code == "10":
		return Doctor
	}
	return Professional
}

// person reports whether who asks has a professional number of their own: RPPS or ADELI.
func (s *session) person() bool {
	return len(s.vihf.NameID) > 0 && (s.vihf.NameID[0] == '8' || s.vihf.NameID[0] == '0' || s.vihf.NameID[0] == 'A')
}

// right gives the right of who asks to an operation, in their access mode.
func (s *Server) right(who *session, op string) Right {
	row := s.options.Rights[op]
	switch who.access {
	case dmp.BreakGlass:
		return row.BreakGlass[who.profile()]
	case dmp.Regulation:
		return row.Regulation[who.profile()]
	}
	return row.Normal[who.profile()]
}

// may applies the rights matrix, and names the operation for the access journal. Own and
// OfStructure are for the operation to look at: see right.
func (s *Server) may(who *session, op string) *soap.Fault {
	who.op = op
	if s.right(who, op) != Denied {
		return nil
	}
	text := op + ": the profile " + string(who.profile()) + " may not call it"
	if who.access != dmp.NormalAccess {
		text += " in the access mode " + who.vihf.Purpose.Code
	}
	return refuse(codeDenied, text)
}

// mayRead applies what the patient decided: the authorization of the
// professional, and the oppositions to the access modes. s.mu is held.
func (s *Server) mayRead(who *session, op string, r *record) *soap.Fault {
	denied := func(text string) *soap.Fault { return refuse(codeDenied, op+": "+text) }
	switch {
	case who.access == dmp.Regulation && r.OpposesRegulation:
		return denied("OPPOSITION_ACCES_URGENCE: the patient opposes an access by the Centre 15")
	case who.access == dmp.Regulation:
		return nil
	case who.access == dmp.BreakGlass && r.OpposesBreakGlass:
		return denied("OPPOSITION_BRIS_DE_GLACE: the patient opposes a bris de glace")
	}
	switch is := s.authorization(who, r); {
	case is == dmp.AuthorizationForbidden:
		return denied("the patient blocked the professional")
	case who.access == dmp.BreakGlass || is == dmp.AuthorizationValid:
		return nil
	default:
		return denied("the professional has no authorization in force: expected VALIDE, got " + string(is))
	}
}
