package dmptest

import (
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
)

// Patient is a patient as the emulator knows them.
type Patient struct {
	INS    ins.INS
	Traits ins.Traits
	// INSC is the identifier from before the INS, which old records have too.
	INSC string
	// State is whether there is a DMP; StateUnknown is refused.
	State dmp.State
	// Authorization is what the patient decides about any professional, the first
	// time that one asks; Server.Decide decides about one. Empty is none.
	Authorization dmp.Authorization
	// TreatingDoctor is the médecin traitant, if any.
	TreatingDoctor socle.PersonID
	// Account tells of an internet account, and MonEspaceSante that the record
	// is attached to Mon espace santé.
	Account, MonEspaceSante bool
	// Title and UsedName are the civilité and the nom utilisé.
	Title, UsedName string
	Deceased        bool
	Contact         dmp.Contact
	Representatives []dmp.Representative
	// ClosedBecause are the words of who closed the DMP.
	ClosedBecause string
	// OpposesBreakGlass and OpposesRegulation refuse an access in bris de glace
	// and by the Centre 15.
	OpposesBreakGlass, OpposesRegulation bool
	// Purpose says what the patient is for.
	Purpose string
}

type patientID struct{ oid, matricule string }

// AddPatient adds a patient, or replaces one and keeps their documents.
func (s *Server) AddPatient(p Patient) error {
	id := patientID{p.INS.OID.String(), p.INS.Matricule.Wire()}
	if p.INS.IsZero() || id.oid == "" || id.matricule == "" || p.State == dmp.StateUnknown {
		return errPatient
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id]; r != nil {
		r.Patient = p
	} else {
		s.records[id] = &record{Patient: p}
	}
	return nil
}

// Documents gives the documents accepted for a patient, whatever their status,
// in the order of arrival and as the last version of their metadata has them.
func (s *Server) Documents(id ins.INS) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Document
	if r := s.records[patientID{id.OID.String(), id.Matricule.Wire()}]; r != nil {
		for _, v := range r.current() {
			all = append(all, v.public())
		}
	}
	return all
}

// find gives the record of a patient, nil when there is none. s.mu is held.
func (s *Server) find(id patientID) *record {
	if r := s.records[id]; r != nil && r.State != dmp.StateNone {
		return r
	}
	return nil
}

// Qualified gives the qualified identity of a patient, as a counter would have
// it after INSi answered and an identity card was checked at the time at.
func (p Patient) Qualified(at time.Time) (ins.Identity, error) {
	id, err := ins.NewIdentity(p.Traits)
	if err != nil {
		return ins.Identity{}, err
	}
	t, err := p.Traits.Normalize()
	if err != nil {
		return ins.Identity{}, err
	}
	if id, err = id.Accept(ins.Result{Active: p.INS, Traits: t, At: at}, ins.Acceptance{At: at, By: "dmptest"}); err != nil {
		return ins.Identity{}, err
	}
	return id.Prove(ins.Evidence{Kind: ins.IDCard, At: at, By: "dmptest"})
}

// keyed completes a number of 13 digits of our own with its key, 97 - (n mod 97).
func keyed(number string) string {
	n := 0
	for _, c := range number {
		n = (n*10 + int(c-'0')) % 97
	}
	return fmt.Sprintf("%s%02d", number, 97-n)
}

// patient completes p. The catalogue holds no value that does not parse: a test
// goes over it.
func patient(p Patient, matricule, family, given string, sex ins.Sex, birth string) Patient {
	if p.INS.OID == 0 {
		p.INS.OID = ins.OIDTest
	}
	p.INS, _ = ins.Parse(matricule, p.INS.OID.String())
	p.Traits = ins.Traits{BirthName: family, GivenNames: given, FirstGivenName: given, Sex: sex}
	p.Traits.BirthDate, _ = ins.ParseBirthDate(birth)
	p.Traits.BirthPlace, _ = ins.ParseCOG(matricule[5:10])
	return p
}
