package instest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/soclesante/socle/ins"
)

// Person is somebody that the emulator knows.
type Person struct {
	INS     ins.INS
	Traits  ins.Traits // GivenNames is the whole list
	History []ins.Past
}

// AddPerson makes the emulator know p. Two people with the same traits are
// both kept: a search that fits both answers CR 02.
func (s *Server) AddPerson(p Person) error {
	t, err := p.Traits.Normalize()
	if err != nil {
		return fmt.Errorf("instest: %w", err)
	}
	if p.INS.CX() == "" {
		return errors.New("instest: a person has a matricule and an OID; see AddPatient to invent them")
	}
	p.Traits, p.History = t, slices.Clone(p.History)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = append(s.people, p)
	return nil
}

// AddPatient makes the emulator know somebody invented with these traits, and
// gives the person with a matricule that fits them, under the OID of test.
func (s *Server) AddPatient(t ins.Traits) (Person, error) {
	s.mu.Lock()
	s.invents++
	order := s.invents
	s.mu.Unlock()
	t, err := t.Normalize()
	if err != nil {
		return Person{}, fmt.Errorf("instest: %w", err)
	}
	sex := "1"
	if t.Sex == ins.Female {
		sex = "2"
	}
	place := string(t.BirthPlace)
	if place == "" {
		place = "99999"
	}
	month := t.BirthDate.Month
	if month < 1 || month > 12 {
		month = 20 // état civil incomplete
	}
	number := fmt.Sprintf("%s%02d%02d%s%03d", sex, t.BirthDate.Year%100, month, place, order%1000)
	for key := 1; key <= 97; key++ {
		if id, err := ins.Parse(fmt.Sprintf("%s%02d", number, key), ins.OIDTest.String()); err == nil {
			p := Person{INS: id, Traits: t}
			return p, s.AddPerson(p)
		}
	}
	return Person{}, errors.New("instest: no matricule fits these traits")
}

// find gives those who fit: name, sex and date the same, the place too when
// it is asked for, and the given names asked for at the beginning of the list.
// Hyphens and apostrophes count as spaces.
func (s *Server) find(q question) []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Person
	for _, p := range s.people {
		t := p.Traits
		if t.BirthName != q.birthName || string(t.Sex) != q.sex || t.BirthDate.Wire() != q.birthDate ||
			q.birthPlace != "" && string(t.BirthPlace) != q.birthPlace {
			continue
		}
		asked, list := tokens(strings.Join(q.given, " ")), tokens(t.GivenNames)
		if len(asked) <= len(list) && slices.Equal(asked, list[:len(asked)]) {
			found = append(found, p)
		}
	}
	return found
}

func tokens(s string) []string {
	return strings.Fields(strings.NewReplacer("-", " ", "'", " ").Replace(s))
}
