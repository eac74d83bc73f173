package psc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

// Situation is an exercise situation (situation d'exercice): a profession at a
// place. A person with several chooses the one they act in, for the session.
type Situation struct {
	// Key names the situation: the same at each login, for as long as what
	// the directory says of it does not change. It can be stored.
	Key      string
	Practice Practice // its Activities are those of all situations of the practice
	Activity Activity // empty for a practice without an activity
}

// Situations lists the exercise situations of the person, in the order of the
// directory; none for a person without exercise data.
func (u UserInfo) Situations() []Situation {
	var all []Situation
	seen := map[string]int{}
	add := func(p Practice, a Activity) {
		key := situationKey(p, a)
		if seen[key]++; seen[key] > 1 {
			key = fmt.Sprintf("%s-%d", key, seen[key])
		}
		all = append(all, Situation{Key: key, Practice: p, Activity: a})
	}
	for _, p := range u.Reference.Practices {
		if len(p.Activities) == 0 {
			add(p, Activity{})
		}
		for _, a := range p.Activities {
			add(p, a)
		}
	}
	return all
}

// situationKey hashes what makes the situation: not the addresses and phone
// numbers, which change.
func situationKey(p Practice, a Activity) string {
	h := sha256.New()
	for _, s := range []string{
		p.Profession, p.Category, p.SpecialityKind, p.Speciality,
		a.Mode, a.Sector, a.PharmacistSection, a.Role, a.Kind,
		a.SIRET, a.SIREN, a.FINESS, a.LegalFINESS, a.StructureTechnicalID, a.StructureFormerID,
	} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return p.Profession + p.Category + "-" + hex.EncodeToString(h.Sum(nil)[:6])
}

// Role gives the profession and its complement: the section of the Ordre for a
// pharmacist, the savoir-faire for another, as the roles of JDV_J65. The
// complement may be absent; a code that the tables do not know has no label.
func (s Situation) Role() (profession, speciality socle.Code) {
	code := s.Practice.Profession
	if code == "" {
		return socle.Code{}, socle.Code{}
	}
	profession, _ = nos.Profession(code)
	complement := s.Practice.Speciality
	if code == socle.ProfessionPharmacist {
		complement = s.Activity.PharmacistSection
	}
	if complement != "" {
		speciality, _ = nos.Speciality(code, complement)
	}
	return profession, speciality
}

// Structure gives the place. Its identifier is the first that is valid of: the
// site's FINESS, the site's SIRET, the former identifier (which has its
// prefix), the legal FINESS, the SIREN. It is zero when there is none.
func (s Situation) Structure() socle.Structure {
	a := s.Activity
	place := socle.Structure{Name: a.Name, ID: a.structureID()}
	if place.Name == "" {
		place.Name = a.Brand
	}
	if a.Sector != "" {
		place.Sector, _ = nos.Lookup(nos.HealthcareFacility, a.Sector)
		place.Sector.Code, place.Sector.System = a.Sector, socle.OIDSector
	}
	return place
}

func (a Activity) structureID() socle.StructureID {
	for _, c := range []struct {
		kind   socle.StructureKind
		number string
	}{
		{socle.StructureFINESS, a.FINESS},
		{socle.StructureSIRET, a.SIRET},
		{0, a.StructureFormerID},
		{socle.StructureFINESS, a.LegalFINESS},
		{socle.StructureSIREN, a.SIREN},
	} {
		number := strings.TrimSpace(c.number)
		if number == "" {
			continue
		}
		if c.kind != 0 {
			number = string(c.kind) + number
		}
		if id, err := socle.ParseStructureID(number); err == nil {
			return id
		}
	}
	return socle.StructureID{}
}

// choose finds the situation with key, or the only one when key is empty.
func (u UserInfo) choose(key string) (Situation, error) {
	all := u.Situations()
	refuse := func(fix string) (Situation, error) {
		return Situation{}, &Error{Op: opSession, kind: ErrSituation, Fix: fix, outcome: socle.OutcomeNotSent}
	}
	switch {
	case len(all) == 0:
		return refuse("the directory holds no exercise of this person: they correct it with their Ordre or the ARS")
	case key == "" && len(all) > 1:
		return refuse(fmt.Sprintf("the person has %d: let them choose one of UserInfo.Situations and give its Key", len(all)))
	case key == "":
		return all[0], nil
	}
	for _, s := range all {
		if s.Key == key {
			return s, nil
		}
	}
	return refuse("the person no longer has the one with that key: let them choose again")
}

// Professional gives who acts, in the exercise situation with that key, or in
// the only one when key is empty. The names are those of exercise where the
// directory has them. Errors: [ErrSituation], and an identifier that is not a
// national one.
func (s *Session) Professional(key string) (socle.Professional, error) {
	who := s.identity()
	info := who.info()
	situation, err := info.choose(key)
	if err != nil {
		return socle.Professional{}, err
	}
	person, err := info.Person()
	if err != nil {
		return socle.Professional{}, &Error{Op: opSession, Err: err, outcome: socle.OutcomeNotSent}
	}
	p := socle.Professional{
		ID:         person,
		FamilyName: first(situation.Practice.FamilyName, info.FamilyName),
		GivenName:  first(situation.Practice.GivenName, info.GivenName),
		Structure:  situation.Structure(),
		Authn:      socle.Authentication{Means: means(info.AuthMode), ACR: who.acr, At: who.authTime},
	}
	p.Profession, p.Speciality = situation.Role()
	return p, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
