package dmptest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const actionAmend = "urn:hl7-org:v3:PRPA_IN201314UV02"

// amend answers TD1.3b.
func (s *Server) amend(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	return s.amendRecord(who, e, opAmend, func(r *record, c amendment) string {
		r.Title, r.UsedName, r.Contact, r.Representatives = c.title, c.used, c.contact, c.representatives
		r.OpposesBreakGlass, r.OpposesRegulation = c.observations["OPPOSITION_BRIS_DE_GLACE"], c.observations["OPPOSITION_ACCES_URGENCE"]
		r.Deceased = c.deceased
		return "active"
	})
}

// closeRecord answers TD1.4.
func (s *Server) closeRecord(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	return s.amendRecord(who, e, opCloseRecord, func(r *record, c amendment) string {
		r.State, r.ClosedBecause = dmp.StateClosed, c.text
		return "terminated"
	})
}

// amendRecord answers a change of the data of a record, which apply does.
func (s *Server) amendRecord(who *session, e *soap.Envelope, op string, apply func(*record, amendment) string) (soap.Message, *soap.Fault) {
	if f := s.may(who, op); f != nil {
		return soap.Message{}, f
	}
	c, err := readAmendment(e.Body, op)
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	switch {
	case c.patient != who.patient:
		return soap.Message{}, refuse(codeVIHF, "resource-id: expected the patient of the message, in patient/id")
	case c.author != who.vihf.NameID || c.organization != who.vihf.StructureID:
		return soap.Message{}, refuse(codeVIHF, "author: expected the professional and the structure of the VIHF")
	}
	a := hl7v3.Changed{
		Head: hl7v3.Head{
			ID: hl7v3.ID{Root: oidDMP + ".1", Extension: soap.NewUUID()}, Created: s.now().UTC(), Processing: "P",
			Receiver: c.sender, Sender: hl7v3.Device{OID: oidDMP, Software: "DMP"},
		},
		Ack: "AA", Target: c.id, Reason: c.reason,
	}
	answer := func() (soap.Message, *soap.Fault) {
		return soap.Message{Action: hl7v3.ActionChanged, Body: a.Marshal()}, nil
	}
	if f := s.injected(op); f != nil && f.Fault != nil {
		return soap.Message{}, f.Fault.soap()
	} else if f != nil && f.Ack != nil {
		a.Ack, a.Details = "AE", f.details()
		return answer()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(who.patient)
	if r == nil || r.State != dmp.StateOpen {
		a.Ack, a.Details = "AE", []hl7v3.Detail{{Type: "E", Code: codeClosed, Text: textNoDMP}}
		return answer()
	}
	if !strings.EqualFold(c.birthName, r.Traits.BirthName) {
		a.Ack, a.Details = "AE", []hl7v3.Detail{{Type: "E", Code: codeMessage, Text: "name: expected the birth name of the patient"}}
		return answer()
	}
	a.Status = apply(r, c)
	return answer()
}

// amendment is a PRPA_IN201314UV02 as the emulator reads it, apart from the codec
// of the client.
type amendment struct {
	id                     hl7v3.ID
	sender                 hl7v3.Device
	reason                 socle.Code
	patient                patientID
	title, used, birthName string
	contact                dmp.Contact
	representatives        []dmp.Representative
	observations           map[string]bool
	deceased               bool
	author, organization   string
	text                   string
}

// readAmendment reads a change and checks its form.
func readAmendment(e *xmltree.Element, op string) (amendment, error) {
	const name = "PRPA_IN201314UV02"
	if !e.Is(nsHL7, name) {
		return amendment{}, fmt.Errorf("soap:Body: expected %s of %s", name, nsHL7)
	}
	var r reading
	r.order(e, "id", "creationTime", "interactionId", "processingCode", "processingModeCode", "acceptAckCode", "receiver", "sender", "controlActProcess")
	act := e.Path("controlActProcess")
	reason, status := "MODIF_DATA", "active"
	if op == opCloseRecord {
		reason, status = "FERM", "terminated"
		r.order(act, "reasonCode", "subject", "reasonOf")
		r.attr(act.Path("reasonOf", "detectedIssueEvent", "code"), "codeSystem", "1.2.250.1.213.4.1.2.4")
	} else {
		r.order(act, "reasonCode", "subject")
	}
	request := act.Path("subject", "registrationRequest")
	r.order(request, "statusCode", "subject1", "author")
	patient, author := request.Path("subject1", "patient"), request.Path("author", "assignedEntity")
	r.order(author, "id", "code", "assignedPerson", "representedOrganization")
	for _, c := range []struct {
		e          *xmltree.Element
		attr, want string
	}{
		{e, "ITSVersion", "XML_1.0"},
		{e.Path("interactionId"), "extension", name},
		{e.Path("receiver", "device", "id"), "root", oidDMP},
		{act.Path("reasonCode"), "code", reason},
		{act.Path("reasonCode"), "codeSystem", "1.2.250.1.213.1.1.4.11"},
		{request, "moodCode", "RQO"},
		{patient.Path("statusCode"), "code", status},
		{author.Path("id"), "root", "1.2.250.1.71.4.2.1"},
		{author.Path("representedOrganization", "id"), "root", "1.2.250.1.71.4.2.2"},
	} {
		r.attr(c.e, c.attr, c.want)
	}
	person := patient.Path("patientPerson")
	var at int
	order := []string{"name", "telecom", "administrativeGenderCode", "birthTime", "deceasedInd", "addr", "personalRelationship"}
	for c := range person.Elements() {
		i := slices.Index(order, c.Name.Local)
		if i < at {
			r.fail("patientPerson: " + c.Name.Local + " was not expected there")
		}
		at = max(i, at)
	}
	id := func(e *xmltree.Element) hl7v3.ID {
		return hl7v3.ID{Root: e.Attr("root"), Extension: e.Attr("extension")}
	}
	who := id(patient.Path("id"))
	c := amendment{
		id: id(e.Path("id")), patient: patientID{who.Root, who.Extension}, title: person.Path("name", "prefix").Trimmed(),
		sender:  hl7v3.Device{OID: e.Path("sender", "device", "id").Attr("root"), Software: e.Path("sender", "device", "softwareName").Trimmed()},
		reason:  socle.Code{Code: reason, System: act.Path("reasonCode").Attr("codeSystem"), Display: act.Path("reasonCode").Attr("displayName")},
		contact: contactIn(person), deceased: person.Path("deceasedInd").Attr("value") == "true", observations: map[string]bool{}, author: author.Path("id").Attr("extension"),
		organization: author.Path("representedOrganization", "id").Attr("extension"), text: act.Path("reasonOf", "detectedIssueEvent", "text").Trimmed(),
	}
	for f := range person.Path("name").All(nsHL7, "family") {
		if f.Attr("qualifier") == "BR" {
			c.birthName = f.Trimmed()
		} else {
			c.used = f.Trimmed()
		}
	}
	for p := range person.All(nsHL7, "personalRelationship") {
		n := p.Path("relationshipHolder1", "name")
		c.representatives = append(c.representatives, dmp.Representative{
			Relation: socle.Code{Code: p.Path("code").Attr("code"), System: p.Path("code").Attr("codeSystem")}, Title: n.Path("prefix").Trimmed(),
			FamilyName: n.Path("family").Trimmed(), GivenName: n.Path("given").Trimmed(), Contact: contactIn(p),
		})
	}
	for o := range patient.All(nsHL7, "subjectOf") {
		x := o.Path("administrativeObservation")
		r.attr(x.Path("code"), "codeSystem", "1.2.250.1.213.4.1.2.3")
		c.observations[x.Path("code").Attr("code")] = x.Path("value").Attr("value") == "true"
	}
	for name, v := range map[string]string{"id/@root": c.id.Root, "sender/device/id/@root": c.sender.OID, "patient/id/@root": c.patient.oid,
		"patient/id/@extension": c.patient.matricule, "patientPerson/name/family[@qualifier=BR]": c.birthName, "author/id/@extension": c.author} {
		if v == "" {
			r.fail(name + ": expected a value")
		}
	}
	return c, r.err
}

func contactIn(e *xmltree.Element) (c dmp.Contact) {
	for t := range e.All(nsHL7, "telecom") {
		c.Telecoms = append(c.Telecoms, dmp.Telecom{URL: t.Attr("value"), Use: t.Attr("use")})
	}
	a := e.Path("addr")
	for l := range a.All(nsHL7, "streetAddressLine") {
		c.Address.Lines = append(c.Address.Lines, l.Trimmed())
	}
	c.Address.Additional, c.Address.PostalCode = a.Path("additionalLocator").Trimmed(), a.Path("postalCode").Trimmed()
	c.Address.City, c.Address.Country = a.Path("city").Trimmed(), a.Path("country").Trimmed()
	return c
}
