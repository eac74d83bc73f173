package cda

import (
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Name is the name of a person (PN). French documents write a patient's name
// with the qualifiers BR (birth) and CL (used; SP in older ones) on family and
// given, and the whole list of the birth given names without qualifier.
type Name struct {
	Family []NamePart
	Given  []NamePart
	Prefix []string // "M", "MME"
	Suffix []string // "DR"
	Text   string   // a name that has no parts
	Null   string   // nullFlavor
}

// NamePart is a family or given name.
type NamePart struct{ Text, Qualifier string }

// NameOf reads a name.
func NameOf(e *xmltree.Element) Name {
	n := Name{Null: attr(e, "nullFlavor")}
	for c := range e.Elements() {
		if c.Name.Space != e.Name.Space {
			continue
		}
		t := deepText(c)
		if t == "" {
			continue
		}
		switch c.Name.Local {
		case "family":
			n.Family = append(n.Family, NamePart{t, attr(c, "qualifier")})
		case "given":
			n.Given = append(n.Given, NamePart{t, attr(c, "qualifier")})
		case "prefix":
			n.Prefix = append(n.Prefix, t)
		case "suffix":
			n.Suffix = append(n.Suffix, t)
		}
	}
	if len(n.Family)+len(n.Given) == 0 {
		n.Text = strings.Join(strings.Fields(e.Text()), " ")
	}
	return n
}

// IsZero reports whether nothing of the name is known.
func (n Name) IsZero() bool { return len(n.Family)+len(n.Given) == 0 && n.Text == "" }

// BirthFamily gives the birth name: the one so qualified, or the only one there is.
func (n Name) BirthFamily() string { return pick(n.Family, "BR", "") }

// BirthGivens gives the birth given names in order: the list that carries no
// qualifier, where one element may hold several, or the first one alone.
func (n Name) BirthGivens() []string {
	var all []string
	for _, g := range n.Given {
		if g.Qualifier == "" {
			all = append(all, strings.Fields(g.Text)...)
		}
	}
	if len(all) == 0 {
		if first := pick(n.Given, "BR"); first != "" {
			all = []string{first}
		}
	}
	return all
}

// FirstBirthGiven gives the first birth given name.
func (n Name) FirstBirthGiven() string {
	if first := pick(n.Given, "BR"); first != "" {
		return first
	}
	if all := n.BirthGivens(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// UsedFamily gives the used name, empty when the document has none.
func (n Name) UsedFamily() string { return pick(n.Family, "CL", "SP") }

// UsedGiven gives the used given name, empty when the document has none.
func (n Name) UsedGiven() string { return pick(n.Given, "CL") }

// Person gives the family and given name under which a person is known: the
// used ones where there are, else the birth ones.
func (n Name) Person() (family, given string) {
	if family = n.UsedFamily(); family == "" {
		family = pick(n.Family, "", "BR")
	}
	if given = n.UsedGiven(); given == "" {
		if given = pick(n.Given, ""); given == "" {
			given = pick(n.Given, "BR")
		}
	}
	if family == "" && given == "" {
		family = n.Text
	}
	return family, given
}

// Full gives the given name and the family name of Person.
func (n Name) Full() string {
	family, given := n.Person()
	return strings.TrimSpace(given + " " + family)
}

// pick gives the first part with the first qualifier that any part has.
func pick(parts []NamePart, qualifiers ...string) string {
	for _, q := range qualifiers {
		for _, p := range parts {
			for _, have := range append(strings.Fields(p.Qualifier), "") {
				if have == q && (have != "" || p.Qualifier == "") {
					return p.Text
				}
			}
		}
	}
	return ""
}
