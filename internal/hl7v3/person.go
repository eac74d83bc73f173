package hl7v3

import (
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// Contact is how a person is reached.
type Contact struct {
	Telecoms []Telecom
	Address  Address
}

// Telecom is a telecom: a URL, "tel:0102030405" or "mailto:…", and its use, "HP"
// or "MC".
type Telecom struct{ Use, Value string }

// Address is an addr.
type Address struct {
	Lines      []string // streetAddressLine
	Additional string   // additionalLocator
	PostalCode string
	City       string
	Country    string
}

// IsZero reports whether nothing is known.
func (a Address) IsZero() bool {
	return len(a.Lines) == 0 && a.Additional == "" && a.PostalCode == "" && a.City == "" && a.Country == ""
}

// Name is a name of a person. Used and Birth are the family names of the
// qualifiers SP and BR; a family name without qualifier is Used.
type Name struct {
	Prefix      string
	Given       []string
	Used, Birth string
}

// Relationship is a personalRelationship: of a patient, a legal representative.
type Relationship struct {
	Code    socle.Code // FTH, MTH …
	Name    Name
	Contact Contact
}

func readContact(e *xmltree.Element) (c Contact) {
	for t := range e.All("", "telecom") {
		c.Telecoms = append(c.Telecoms, Telecom{Use: t.Attr("use"), Value: t.Attr("value")})
	}
	c.Address = readAddress(e.Path("addr"))
	return c
}

func readAddress(e *xmltree.Element) (a Address) {
	for l := range e.All("", "streetAddressLine") {
		if s := l.Trimmed(); s != "" {
			a.Lines = append(a.Lines, s)
		}
	}
	a.Additional, a.PostalCode = e.Path("additionalLocator").Trimmed(), e.Path("postalCode").Trimmed()
	a.City, a.Country = e.Path("city").Trimmed(), e.Path("country").Trimmed()
	return a
}

func readName(e *xmltree.Element) (n Name) {
	n.Prefix = e.Path("prefix").Trimmed()
	for g := range e.All("", "given") {
		if s := g.Trimmed(); s != "" {
			n.Given = append(n.Given, s)
		}
	}
	for f := range e.All("", "family") {
		if strings.Contains(f.Attr("qualifier"), "BR") {
			n.Birth = f.Trimmed()
		} else {
			n.Used = f.Trimmed()
		}
	}
	return n
}

func readRelationships(person *xmltree.Element) (all []Relationship) {
	for r := range person.All("", "personalRelationship") {
		all = append(all, Relationship{Code: readCode(r.Path("code")), Name: readName(r.Path("relationshipHolder1", "name")), Contact: readContact(r)})
	}
	return all
}

func (n Name) write(w *xmltree.Writer) {
	w.Start("name")
	if n.Prefix != "" {
		w.Leaf("prefix", n.Prefix)
	}
	for _, g := range n.Given {
		w.Leaf("given", g)
	}
	if n.Used != "" {
		w.Leaf("family", n.Used, "qualifier", "SP")
	}
	if n.Birth != "" {
		w.Leaf("family", n.Birth, "qualifier", "BR")
	}
	w.End()
}

func (c Contact) writeTelecoms(w *xmltree.Writer) {
	for _, t := range c.Telecoms {
		use := ""
		if t.Use != "" {
			use = "use"
		}
		w.Empty("telecom", use, t.Use, "value", t.Value)
	}
}

func (a Address) write(w *xmltree.Writer) {
	if a.IsZero() {
		return
	}
	w.Start("addr")
	for _, l := range a.Lines {
		w.Leaf("streetAddressLine", l)
	}
	for _, p := range []struct{ name, text string }{{"additionalLocator", a.Additional}, {"postalCode", a.PostalCode}, {"city", a.City}, {"country", a.Country}} {
		if p.text != "" {
			w.Leaf(p.name, p.text)
		}
	}
	w.End()
}

func writeRelationships(w *xmltree.Writer, all []Relationship) {
	for _, r := range all {
		w.Start("personalRelationship", "classCode", "PRS")
		writeCode(w, "code", r.Code)
		r.Contact.Address.write(w)
		r.Contact.writeTelecoms(w)
		w.Start("relationshipHolder1", "classCode", "PSN", "determinerCode", "INSTANCE")
		r.Name.write(w)
		w.End().End()
	}
}

func writeObservations(w *xmltree.Writer, name string, all []Observation) {
	for _, o := range all {
		w.Start(name, "typeCode", "SBJ").Start("administrativeObservation", "classCode", "OBS", "moodCode", "EVN")
		writeCode(w, "code", o.Code)
		writeValue(w, socle.Code{Code: o.Value})
		w.End().End()
	}
}

func readObservations(patient *xmltree.Element, name string) (all []Observation) {
	for of := range patient.All("", name) {
		for o := range of.All("", "administrativeObservation") {
			all = append(all, Observation{readCode(o.Path("code")), readValue(o.Path("value")).Code})
		}
	}
	return all
}
