package mss

import (
	"cmp"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xds"
)

// person is whom a document is about, to be compared with that of another.
type person struct {
	id xds.CX // patientId of the metadata
	Patient
}

// traitsOf gives the patient of a document but for the INS.
func traitsOf(c *cda.Document) Patient {
	return Patient{BirthName: c.Patient.Name.BirthFamily(), GivenName: c.Patient.Name.FirstBirthGiven(),
		BirthDate: c.Patient.BirthTime.ISO(), Sex: c.Patient.Gender.Code.Code}
}

// other reports whether two documents are about two people: an identifier of one
// authority or a trait that both tell is not the same.
func (p person) other(q person) bool {
	switch {
	case !p.id.IsZero() && !q.id.IsZero() && p.id.Authority.ID == q.id.Authority.ID && p.id.ID != q.id.ID:
		return true
	case !p.Matricule.IsZero() && !q.Matricule.IsZero() && p.Matricule != q.Matricule:
		return true
	}
	return len(p.differs(q.Patient)) > 0
}

// alike reports whether everything that two documents tell is the same.
func (p person) alike(q person) bool {
	return p.id.ID == q.id.ID && p.id.Authority.ID == q.id.Authority.ID && !p.other(q) && (p.BirthName != "" || p.id.ID != "")
}

// differs names the traits that both tell and that are not the same, without
// case, accents and punctuation.
func (p Patient) differs(q Patient) (traits []string) {
	for _, t := range []struct {
		name string
		a, b string
		same func(a, b string) bool
	}{
		{"birth name", p.BirthName, q.BirthName, sameTitle},
		{"first birth given name", p.GivenName, q.GivenName, sameTitle},
		{"birth date", p.BirthDate, q.BirthDate, func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }},
		{"sex", p.Sex, q.Sex, func(a, b string) bool { return a == b }},
	} {
		if t.a != "" && t.b != "" && !t.same(t.a, t.b) {
			traits = append(traits, t.name)
		}
	}
	return traits
}

func sameTitle(a, b string) bool { return plainTitle(a) == plainTitle(b) }

// people counts the patients of documents, and tells whether all that the
// documents say of theirs is the same.
func people(l []person) (n int, alike bool) {
	var distinct []person
	alike = true
	for i, p := range l {
		known := false
		for _, d := range distinct {
			known = known || !p.other(d)
		}
		if !known {
			distinct = append(distinct, p)
		}
		alike = alike && (i == 0 || p.alike(l[0]))
	}
	return len(distinct), alike
}

// and adds what the i-th document of a draft tells of its patient, who must be
// the one of those before it (SC.MSS/CONF.23): by the identifier, and by each
// trait that two of them tell, since one may say what another does not.
func (p person) and(q person, i int) (person, error) {
	switch traits := p.differs(q.Patient); {
	case i == 0:
		return q, nil
	case p.id != q.id:
		return p, notConform("SC.MSS/CONF.23", "Documents[%d]: the patient is not that of the first document: one patient in a message", i)
	case len(traits) > 0:
		return p, notConform("SC.MSS/CONF.23", "Documents[%d]: the patient has not the %s of the documents before it: one patient in a message", i, strings.Join(traits, ", "))
	}
	p.BirthName, p.GivenName, p.Sex = cmp.Or(p.BirthName, q.BirthName), cmp.Or(p.GivenName, q.GivenName), cmp.Or(p.Sex, q.Sex)
	if len(q.BirthDate) > len(p.BirthDate) {
		p.BirthDate = q.BirthDate
	}
	return p, nil
}
