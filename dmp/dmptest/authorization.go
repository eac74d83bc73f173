package dmptest

import (
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/saml"
)

// Authorization is what a patient decided about a professional.
type Authorization struct {
	// Professional has the authorization, or Structure when it was given to an
	// employee of one.
	Professional          socle.PersonID
	Structure             socle.StructureID
	FamilyName, GivenName string
	Role, Speciality      socle.Code
	Start                 time.Time // zero: now
	Expires               time.Time // zero: Options.AuthorizationLife after Start
	LastAction            time.Time // of the professional on the record; zero: Start
	// Blocked forbids the professional to read, until the patient lifts it.
	Blocked bool
	// Revoked says that there was an authorization and is none any more.
	Revoked bool
}

// holder is who has the authorization, as a VIHF names them.
func (a Authorization) holder() string {
	if a.Professional.IsZero() {
		return a.Structure.String()
	}
	return a.Professional.String()
}

// is gives the value of the keyword AUTORISATION.
func (a *Authorization) is(now time.Time) dmp.Authorization {
	switch {
	case a == nil || a.Revoked:
		return dmp.AuthorizationNone
	case a.Blocked:
		return dmp.AuthorizationForbidden
	case !now.Before(a.Expires):
		return dmp.AuthorizationExpired
	}
	return dmp.AuthorizationValid
}

// Decide records what a patient decided about a professional, as in Mon espace
// santé: it replaces what was decided before.
func (s *Server) Decide(patient ins.INS, a Authorization) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide(patientOf(patient), a)
}

// decide completes and keeps an authorization. s.mu is held.
func (s *Server) decide(patient patientID, a Authorization) *Authorization {
	if a.Start.IsZero() {
		a.Start = s.now()
	}
	if a.LastAction.IsZero() {
		a.LastAction = a.Start
	}
	if a.Expires.IsZero() {
		a.Expires = a.Start.Add(s.options.AuthorizationLife)
	}
	if s.decided[patient] == nil {
		s.decided[patient] = map[string]*Authorization{}
	}
	s.decided[patient][a.holder()] = &a
	return &a
}

// Authorizations gives what a patient decided, in no order.
func (s *Server) Authorizations(patient ins.INS) []Authorization {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Authorization
	for _, a := range s.decided[patientOf(patient)] {
		all = append(all, *a)
	}
	return all
}

func patientOf(id ins.INS) patientID { return patientID{id.OID.String(), id.Matricule.Wire()} }

// newAuthorization is one for who asks: for their structure when they are an employee.
func newAuthorization(who *session) Authorization {
	v := who.vihf
	a := Authorization{}
	switch who.profile() {
	case Employee, AIREmployee:
		a.Structure, _ = socle.ParseStructureID(v.StructureID)
	default:
		a.Professional, _ = socle.ParsePersonID(v.NameID)
	}
	a.GivenName, a.FamilyName = who.names()
	a.Role = code(v.Roles[0])
	if len(v.Roles) > 1 {
		a.Speciality = code(v.Roles[1])
	}
	return a
}

func code(c saml.CE) socle.Code {
	return socle.Code{Code: c.Code, System: c.System, Display: c.Display}
}

// decision gives what a patient decided about who asks, nil for nothing. A patient of the
// catalogue has an attitude towards anybody, Patient.Authorization, which becomes a
// decision about the first who comes. s.mu is held.
func (s *Server) decision(who *session, r *record) *Authorization {
	id := patientOf(r.INS)
	a := newAuthorization(who)
	if known := s.decided[id][a.holder()]; known != nil {
		return known
	}
	now, life := s.now(), s.options.AuthorizationLife
	switch r.Authorization {
	case dmp.AuthorizationValid:
		a.Start = now.Add(-life / 10)
	case dmp.AuthorizationExpired:
		a.Start = now.Add(-life - life/10)
	case dmp.AuthorizationForbidden:
		a.Start, a.Blocked = now.Add(-life/10), true
	default:
		return nil
	}
	return s.decide(id, a)
}

// authorization gives the value of the keyword AUTORISATION. s.mu is held.
func (s *Server) authorization(who *session, r *record) dmp.Authorization {
	return s.decision(who, r).is(s.now())
}
