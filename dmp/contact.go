package dmp

import (
	"log/slog"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/hl7v3"
)

const hidden = "[redacted]"

// Contact is how a person is reached. Its fields are plain values, for screens;
// the whole shows itself in no log.
type Contact struct {
	Telecoms []Telecom
	Address  Address
}

// Telecom is a telephone number or a mail address.
type Telecom struct {
	// URL has a scheme: "tel:0102030405", "mailto:…".
	URL string
	// Use is "HP" at home, "MC" mobile, "WP" at work …, or empty.
	Use string
}

// Address is a postal address.
type Address struct {
	Lines      []string
	Additional string // complément
	PostalCode string
	City       string
	Country    string
}

// Representative is a legal representative (représentant légal) of a patient.
// Like a Contact, it shows itself in no log.
type Representative struct {
	// Relation is FTH father, MTH mother … of HL7's roles of persons.
	Relation              socle.Code
	Title                 string // "M", "Mme"
	FamilyName, GivenName string
	Contact               Contact
}

// String hides everything.
func (Contact) String() string { return "contact " + hidden }

// GoString gives the same as String.
func (c Contact) GoString() string { return c.String() }

// LogValue gives the same as String.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String hides everything.
func (Telecom) String() string { return "telecom " + hidden }

// GoString gives the same as String.
func (t Telecom) GoString() string { return t.String() }

// String hides everything.
func (Address) String() string { return "address " + hidden }

// GoString gives the same as String.
func (a Address) GoString() string { return a.String() }

// String gives the relation and hides the person.
func (r Representative) String() string { return "representative " + r.Relation.Code + " " + hidden }

// GoString gives the same as String.
func (r Representative) GoString() string { return r.String() }

// LogValue gives the same as String.
func (r Representative) LogValue() slog.Value { return slog.StringValue(r.String()) }

func contactOf(x hl7v3.Contact) Contact {
	c := Contact{Address: Address{Lines: x.Address.Lines, Additional: x.Address.Additional, PostalCode: x.Address.PostalCode, City: x.Address.City, Country: x.Address.Country}}
	for _, t := range x.Telecoms {
		c.Telecoms = append(c.Telecoms, Telecom{URL: t.Value, Use: t.Use})
	}
	return c
}

func (c Contact) wire() hl7v3.Contact {
	x := hl7v3.Contact{Address: hl7v3.Address{Lines: c.Address.Lines, Additional: c.Address.Additional, PostalCode: c.Address.PostalCode, City: c.Address.City, Country: c.Address.Country}}
	for _, t := range c.Telecoms {
		x.Telecoms = append(x.Telecoms, hl7v3.Telecom{Use: t.Use, Value: t.URL})
	}
	return x
}

// problems tells what is wrong with c, without its values.
func (c Contact) problems(field string) (all []string) {
	for _, t := range c.Telecoms {
		scheme, rest, ok := strings.Cut(t.URL, ":")
		if !ok || rest == "" || scheme != "tel" && scheme != "mailto" && scheme != "fax" {
			all = append(all, field+".Telecoms: tel:, mailto: or fax: and a value expected")
			break
		}
	}
	return all
}

func representativeOf(x hl7v3.Relationship) Representative {
	r := Representative{Relation: x.Code, Title: x.Name.Prefix, GivenName: strings.Join(x.Name.Given, " "), FamilyName: x.Name.Used, Contact: contactOf(x.Contact)}
	if r.FamilyName == "" {
		r.FamilyName = x.Name.Birth
	}
	return r
}

func (r Representative) wire() hl7v3.Relationship {
	x := hl7v3.Relationship{Code: r.Relation, Name: hl7v3.Name{Prefix: r.Title, Used: r.FamilyName}, Contact: r.Contact.wire()}
	if r.GivenName != "" {
		x.Name.Given = []string{r.GivenName}
	}
	return x
}
