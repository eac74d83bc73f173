package cda

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Parse reads a document. It fails on what is not XML within limits and on
// what is not a CDA; everything else is read, as it is.
func Parse(b []byte, limits xmltree.Limits) (*Document, error) {
	x, err := xmltree.Parse(b, limits)
	if err != nil {
		return nil, &Error{Op: "read", Text: "not an XML document", Err: err}
	}
	return FromXML(x)
}

// maxHeader is the most elements directly in a document; real ones have some tens.
const maxHeader = 2000

// Namespaces of a document that carries its own stylesheet (auto-présentable).
const (
	nsXSL     = "http://www.w3.org/1999/XSL/Transform"
	nsContent = "urn:asip-sante:ci-sis"
)

// FromXML reads a document that is parsed already. A document that carries its
// own stylesheet (auto-présentable: a stylesheet whose element Contenu holds the
// CDA) is read as the CDA that it holds.
func FromXML(x *xmltree.Document) (*Document, error) {
	r := x.Root
	if r.Is(nsXSL, "stylesheet") || r.Is(nsXSL, "transform") {
		if inner := r.First(nsContent, "Contenu").First(NS, "ClinicalDocument"); inner != nil {
			r = inner
		}
	}
	if !r.Is(NS, "ClinicalDocument") {
		return nil, &Error{Op: "read", Text: fmt.Sprintf("not a CDA document: its root is %.80q in namespace %.80q, ClinicalDocument in %s expected", r.Name.Local, r.Name.Space, NS)}
	}
	n := 0
	for range r.Elements() {
		if n++; n > maxHeader {
			return nil, &Error{Op: "read", Text: fmt.Sprintf("more than %d elements in the header", maxHeader)}
		}
	}
	d := &Document{
		XML:             x,
		Root:            r,
		TemplateIDs:     idsOf(r, "templateId"),
		ID:              IDOf(r.First("", "id")),
		Code:            CodeOf(r.First("", "code")),
		Title:           deepText(r.First("", "title")),
		EffectiveTime:   TimeOf(r.First("", "effectiveTime")),
		Confidentiality: CodeOf(r.First("", "confidentialityCode")),
		Language:        attr(r.First("", "languageCode"), "code"),
		SetID:           IDOf(r.First("", "setId")),
		Version:         intOf(r.First("", "versionNumber")),
		Custodian:       organizationOf(r.Path("custodian", "assignedCustodian", "representedCustodianOrganization")),
		Body:            bodyOf(r),
	}
	first := true
	for e := range r.All("", "recordTarget") {
		p := patientOf(e.First("", "patientRole"))
		if first {
			d.Patient, first = p, false
		} else {
			d.OtherPatients = append(d.OtherPatients, p)
		}
	}
	for e := range r.All("", "author") {
		d.Authors = append(d.Authors, AuthorOf(e))
	}
	for e := range r.All("", "informationRecipient") {
		d.Recipients = append(d.Recipients, participationOf(e, "intendedRecipient"))
	}
	if e := r.First("", "legalAuthenticator"); e != nil {
		p := participationOf(e, "assignedEntity")
		d.Legal = &p
	}
	for e := range r.All("", "authenticator") {
		d.Authenticators = append(d.Authenticators, participationOf(e, "assignedEntity"))
	}
	for e := range r.All("", "participant") {
		d.Participants = append(d.Participants, participationOf(e, "associatedEntity"))
	}
	for e := range r.All("", "inFulfillmentOf") {
		d.Orders = append(d.Orders, idsOf(e.First("", "order"), "id")...)
	}
	for e := range r.All("", "documentationOf") {
		d.Events = append(d.Events, eventOf(e.First("", "serviceEvent")))
	}
	for e := range r.All("", "relatedDocument") {
		parent := e.First("", "parentDocument")
		d.Related = append(d.Related, Related{
			Type: attr(e, "typeCode"), IDs: idsOf(parent, "id"),
			SetID: IDOf(parent.First("", "setId")), Version: intOf(parent.First("", "versionNumber")),
		})
	}
	for e := range r.All("", "authorization") {
		if c := CodeOf(e.Path("consent", "code")); c.Code.Code != "" {
			d.Consents = append(d.Consents, c)
		}
	}
	if e := r.Path("componentOf", "encompassingEncounter"); e != nil {
		d.Encounter = encounterOf(e)
	}
	return d, nil
}

func idsOf(e *xmltree.Element, local string) []ID {
	var ids []ID
	for c := range e.All("", local) {
		ids = append(ids, IDOf(c))
	}
	return ids
}

func intOf(e *xmltree.Element) int {
	n, err := strconv.Atoi(attr(e, "value"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func addressesOf(e *xmltree.Element) (all []Address) {
	for c := range e.All("", "addr") {
		all = append(all, AddressOf(c))
	}
	return all
}

func telecomsOf(e *xmltree.Element) (all []Telecom) {
	for c := range e.All("", "telecom") {
		all = append(all, TelecomOf(c))
	}
	return all
}

func patientOf(role *xmltree.Element) Patient {
	who := role.First("", "patient")
	place := who.Path("birthplace", "place")
	p := Patient{
		IDs:            idsOf(role, "id"),
		Addresses:      addressesOf(role),
		Telecoms:       telecomsOf(role),
		Name:           bestName(who),
		Gender:         CodeOf(who.First("", "administrativeGenderCode")),
		BirthTime:      TimeOf(who.First("", "birthTime")),
		BirthPlace:     deepText(place.Path("addr", "county")),
		BirthPlaceName: deepText(place.Path("addr", "city")),
	}
	if p.BirthPlaceName == "" {
		p.BirthPlaceName = deepText(place.First("", "name"))
	}
	for g := range who.All("", "guardian") {
		n := NameOf(g.Path("guardianPerson", "name"))
		if n.IsZero() {
			n.Text = deepText(g.Path("guardianOrganization", "name"))
		}
		p.Guardians = append(p.Guardians, n)
	}
	return p
}

// bestName gives the name that holds a birth name, where there are several, and
// else the first.
func bestName(e *xmltree.Element) Name {
	var first *Name
	for c := range e.All("", "name") {
		n := NameOf(c)
		if pick(n.Family, "BR") != "" {
			return n
		}
		if first == nil {
			first = &n
		}
	}
	if first == nil {
		return Name{}
	}
	return *first
}

// AuthorOf reads an author element, of the header or of an entry.
func AuthorOf(e *xmltree.Element) Author {
	return Author{
		Function: CodeOf(e.First("", "functionCode")),
		Time:     TimeOf(e.First("", "time")),
		Entity:   EntityOf(e.First("", "assignedAuthor")),
	}
}

// EntityOf reads a role and who plays it: assignedAuthor, assignedEntity,
// associatedEntity, intendedRecipient…
func EntityOf(e *xmltree.Element) Entity {
	out := Entity{
		IDs: idsOf(e, "id"), Code: CodeOf(e.First("", "code")),
		Addresses: addressesOf(e), Telecoms: telecomsOf(e),
	}
	for c := range e.Elements() {
		if c.Name.Space != e.Name.Space {
			continue
		}
		switch c.Name.Local {
		case "assignedPerson", "associatedPerson", "informationRecipient", "playingEntity", "relatedPerson":
			n := bestName(c)
			out.Person = &n
		case "assignedAuthoringDevice", "playingDevice":
			out.Device = &Device{Model: deepText(c.First("", "manufacturerModelName")), Software: deepText(c.First("", "softwareName"))}
		case "representedOrganization", "scopingOrganization", "receivedOrganization":
			o := organizationOf(c)
			out.Organization = &o
		}
	}
	return out
}

func organizationOf(e *xmltree.Element) Organization {
	return Organization{
		IDs: idsOf(e, "id"), Name: deepText(e.First("", "name")),
		Telecoms: telecomsOf(e), Addresses: addressesOf(e),
		Industry: CodeOf(e.First("", "standardIndustryClassCode")),
	}
}

func participationOf(e *xmltree.Element, role string) Participation {
	return Participation{
		Type: attr(e, "typeCode"), Function: CodeOf(e.First("", "functionCode")),
		Time: IntervalOf(e.First("", "time")), Signature: attr(e.First("", "signatureCode"), "code"),
		Entity: EntityOf(e.First("", role)),
	}
}

func eventOf(e *xmltree.Element) ServiceEvent {
	s := ServiceEvent{
		Class: attr(e, "classCode"), IDs: idsOf(e, "id"),
		Code: CodeOf(e.First("", "code")), Period: IntervalOf(e.First("", "effectiveTime")),
	}
	for p := range e.All("", "performer") {
		s.Performers = append(s.Performers, participationOf(p, "assignedEntity"))
	}
	return s
}

func encounterOf(e *xmltree.Element) *Encounter {
	facility := e.Path("location", "healthCareFacility")
	out := &Encounter{
		IDs: idsOf(e, "id"), Code: CodeOf(e.First("", "code")), Period: IntervalOf(e.First("", "effectiveTime")),
		FacilityIDs: idsOf(facility, "id"), Facility: CodeOf(facility.First("", "code")),
		FacilityName: strings.TrimSpace(deepText(facility.Path("location", "name"))),
	}
	if p := e.First("", "responsibleParty"); p != nil {
		r := participationOf(p, "assignedEntity")
		out.Responsible = &r
	}
	return out
}
