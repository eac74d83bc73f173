package dmp

import (
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
)

// Participant is who did something that a document tells.
type Participant struct {
	ID         string // national identifier (IDNPS), or another
	FamilyName string
	GivenName  string
	Role       socle.Code // profession and speciality, JDV_J01
	// Structure is the national identifier (IDNST) of the structure.
	Structure     string
	StructureName string
}

// Name gives the given name and the family name, or the structure's for who is no person.
func (a Participant) Name() string {
	if s := strings.TrimSpace(a.GivenName + " " + a.FamilyName); s != "" {
		return s
	}
	return a.StructureName
}

// participantOf reads an entity of a document.
func participantOf(e cda.Entity) *Participant {
	a := &Participant{ID: e.ID().Extension, Role: e.Code.Code}
	if id, ok := e.National(); ok {
		a.ID = id
	}
	if e.Person != nil {
		a.FamilyName, a.GivenName = e.Person.Person()
	}
	if o := e.Organization; o != nil {
		a.Structure, a.StructureName = o.ID().Extension, o.Name
	}
	return a
}

// entity gives the actor as a document writes it, with the frame of exercise of a performer.
func (a Participant) entity(practice socle.Code) cda.Entity {
	e := cda.Entity{IDs: []cda.ID{{Root: socle.OIDPerson, Extension: a.ID}}, Code: cda.Code{Code: a.Role}, Person: &cda.Name{}}
	if a.FamilyName != "" {
		e.Person.Family = []cda.NamePart{{Text: a.FamilyName}}
	}
	if a.GivenName != "" {
		e.Person.Given = []cda.NamePart{{Text: a.GivenName}}
	}
	if a.Structure != "" {
		e.Organization = &cda.Organization{IDs: []cda.ID{{Root: socle.OIDStructure, Extension: a.Structure}}, Name: a.StructureName,
			Industry: cda.Code{Code: practice}}
	}
	return e
}
