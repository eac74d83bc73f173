package dmptest

import (
	"fmt"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
)

// reasonOf gives the reasonCode of a message, which says what it asks for.
func reasonOf(e *soap.Envelope) string {
	return e.Body.Path("controlActProcess", "reasonCode").Attr("code")
}

// administrative answers TD1.3a.
func (s *Server) administrative(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	return s.asked(who, e, opAdministrative, hl7v3.ReasonConsult, s.tell)
}

// tell says the administrative data, and nothing of the authorization: so does
// the sample. s.mu is held.
func (s *Server) tell(a *hl7v3.Answer, r *record, who *session) {
	s.describe(a, r, who)
	a.Attention = nil
	a.Subject.Title, a.Subject.Used, a.Subject.Deceased = r.Title, r.UsedName, r.Deceased
	a.Subject.Contact = wireContact(r.Contact)
	for _, p := range r.Representatives {
		x := hl7v3.Relationship{Code: p.Relation, Name: hl7v3.Name{Prefix: p.Title, Used: p.FamilyName}, Contact: wireContact(p.Contact)}
		if p.GivenName != "" {
			x.Name.Given = []string{p.GivenName}
		}
		a.Subject.Relationships = append(a.Subject.Relationships, x)
	}
	a.Subject.Observations = oppositions(r)
}

func oppositions(r *record) []hl7v3.Observation {
	return []hl7v3.Observation{
		{Code: socle.Code{Code: "OPPOSITION_BRIS_DE_GLACE", System: "1.2.250.1.213.4.1.2.3", Display: "opposition au mode bris de glace"}, Value: fmt.Sprint(r.OpposesBreakGlass)},
		{Code: socle.Code{Code: "OPPOSITION_ACCES_URGENCE", System: "1.2.250.1.213.4.1.2.3", Display: "opposition à l'accès au mode urgence"}, Value: fmt.Sprint(r.OpposesRegulation)},
	}
}

func wireContact(c dmp.Contact) hl7v3.Contact {
	x := hl7v3.Contact{Address: hl7v3.Address{Lines: c.Address.Lines, Additional: c.Address.Additional, PostalCode: c.Address.PostalCode, City: c.Address.City, Country: c.Address.Country}}
	for _, t := range c.Telecoms {
		x.Telecoms = append(x.Telecoms, hl7v3.Telecom{Use: t.Use, Value: t.URL})
	}
	return x
}
