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
	// State is whether there is a DMP; StateUnknown is refused.
	State dmp.State
	// Authorization is that of any professional; empty: the DMP says nothing.
	Authorization dmp.Authorization
	// TreatingDoctor is the médecin traitant, if any.
	TreatingDoctor socle.PersonID
	// Account tells of an internet account, and MonEspaceSante that the record
	// is attached to Mon espace santé.
	Account, MonEspaceSante bool
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

// Patients gives the patients of a new Server: official fictitious ones of the
// DMP's test platforms (dmp sheet §8), then neighbours of our own. All are of
// the test OID 1.2.250.1.213.1.4.10, and their place of birth is the one that
// their matricule holds.
func Patients() []Patient {
	open := func(purpose string) Patient {
		return Patient{State: dmp.StateOpen, Authorization: dmp.AuthorizationValid, Purpose: purpose}
	}
	with := func(p Patient, a dmp.Authorization) Patient { p.Authorization = a; return p }
	ens := open("attached to Mon espace santé")
	ens.Account, ens.MonEspaceSante = true, true
	none := Patient{State: dmp.StateNone, Purpose: "no DMP"}
	closed := Patient{State: dmp.StateClosed, Purpose: "closed DMP"}
	return []Patient{
		patient(open("common"), "279035121518989", "PAT-TROIS", "DOMINIQUE", ins.Female, "1979-03-28"),
		patient(none, "153078987658513", "CONTESTE", "JEAN", ins.Male, "1953-07-24"),
		patient(closed, "270108604926542", "FERMETURE", "FLORENCE", ins.Female, "1970-10-12"),
		patient(closed, "202096615708958", "MAXIMOP", "NADINE", ins.Female, "2002-09-18"),
		patient(with(open("gives no authorization"), dmp.AuthorizationNone), "265025544371476", "AUTORISEPAS", "HELENE", ins.Female, "1965-02-26"),
		patient(with(open("authorization expired"), dmp.AuthorizationExpired), "241030750595179", "EXPIRE", "ELVIRE", ins.Female, "1941-03-01"),
		patient(with(open("professional blocked"), dmp.AuthorizationForbidden), "138080427231017", "BLOCH", "DIDER", ins.Male, "1938-08-23"),
		patient(ens, "148026322000195", "ENS-GRUBER", "HANS", ins.Male, "1948-02-21"),
		patient(open("feed, replace, delete"), "287080883795737", "HALL", "ANNIE", ins.Female, "1987-08-20"),
		patient(open("AIR mode"), "211046322000147", "AIRTRIBUT", "PAULINE", ins.Female, "2011-04-15"),
		// Ours.
		patient(open("neighbour"), keyed("2840692050123"), "ORTIE", "CAPUCINE", ins.Female, "1984-06-11"),
		patient(ens, keyed("1620113055217"), "TILLEUL", "ACHILLE", ins.Male, "1962-01-30"),
		patient(closed, keyed("1911135238044"), "GENTIANE", "BASILE", ins.Male, "1991-11-05"),
		patient(none, keyed("2030575114090"), "MELISSE", "FLORE", ins.Female, "2003-05-17"),
	}
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
	p.INS, _ = ins.Parse(matricule, "1.2.250.1.213.1.4.10")
	p.Traits = ins.Traits{BirthName: family, GivenNames: given, FirstGivenName: given, Sex: sex}
	p.Traits.BirthDate, _ = ins.ParseBirthDate(birth)
	p.Traits.BirthPlace, _ = ins.ParseCOG(matricule[5:10])
	return p
}
