package cda

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/soclesante/socle"
)

// insOIDs are the authorities of the INS: production, temporary, test, demonstration.
var insOIDs = []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}

// INS gives the identifier of the patient whose authority is one of the INS,
// the first when there are several, and false when there is none or when they
// are those of two persons.
func (p Patient) INS() (ID, bool) {
	var first ID
	for _, id := range p.IDs {
		switch {
		case id.Extension == "" || !slices.Contains(insOIDs, id.Root):
		case first.IsZero():
			first = id
		case id.Extension != first.Extension:
			return ID{}, false
		}
	}
	return first, !first.IsZero()
}

// custodianDMP is the authority under which the DMP itself keeps documents.
const custodianDMP = "1.2.250.1.213.4.1"

// Check tells all that the French header profile demands and the document
// lacks, joined; each is an *Error with its path.
func (d *Document) Check() error {
	var p problems
	for _, t := range d.TemplateIDs {
		p.want(slices.Contains(d.models(), t), "templateId", "a document has the models of the header and of its body, and no others")
	}
	p.id("id", d.ID)
	p.code("code", d.Code)
	p.want(d.Title != "", "title", "mandatory")
	p.moment("effectiveTime", d.EffectiveTime)
	p.code("confidentialityCode", d.Confidentiality)
	p.want(d.Language != "", "languageCode", "mandatory, fr-FR")
	p.id("setId", d.SetID)
	p.want(d.Version > 0, "versionNumber", "a positive number is mandatory")
	p.patient(d.Patient)
	p.want(len(d.OtherPatients) == 0, "recordTarget", "one patient only")

	p.want(len(d.Authors) > 0, "author", "mandatory")
	for i, a := range d.Authors {
		path := fmt.Sprintf("author[%d]", i+1)
		p.moment(path+"/time", a.Time)
		p.entity(path+"/assignedAuthor", a.Entity, true)
		p.code(path+"/assignedAuthor/code", a.Code)
		p.want(a.Organization != nil, path+"/assignedAuthor/representedOrganization", "mandatory")
	}
	c := d.Custodian.ID()
	p.want(c.Root == socle.OIDStructure && c.Extension != "" || strings.HasPrefix(c.Root, custodianDMP), "custodian/assignedCustodian/representedCustodianOrganization/id",
		"mandatory, with root "+socle.OIDStructure+" or below "+custodianDMP)
	p.want(d.Custodian.Name != "", "custodian/assignedCustodian/representedCustodianOrganization/name", "mandatory")

	if d.Legal == nil {
		p.add("legalAuthenticator", "mandatory")
	} else {
		p.moment("legalAuthenticator/time", d.Legal.Time.Low)
		p.entity("legalAuthenticator/assignedEntity", d.Legal.Entity, false)
	}
	if len(d.Events) == 0 {
		p.add("documentationOf/serviceEvent", "mandatory: the act that the document is about")
	} else {
		p.event(d.Events[0])
	}
	for i, r := range d.Related {
		path := fmt.Sprintf("relatedDocument[%d]", i+1)
		p.want(slices.Contains([]string{"RPLC", "APND", "XFRM"}, r.Type), path+"/@typeCode", "RPLC, APND or XFRM expected")
		p.want(!firstID(r.IDs).IsZero(), path+"/parentDocument/id", "mandatory")
	}
	if d.Encounter == nil {
		p.add("componentOf/encompassingEncounter", "mandatory: the care and its place")
	} else {
		known := !d.Encounter.Period.Low.IsZero() || !d.Encounter.Period.High.IsZero()
		p.want(known, "componentOf/encompassingEncounter/effectiveTime", "a low or a high is mandatory")
		p.code("componentOf/encompassingEncounter/location/healthCareFacility/code", d.Encounter.Facility)
	}
	if d.Structured != nil {
		p.want(len(d.Structured.Models) > 0, "templateId", "a structured document has the model of its body")
		p.want(len(d.Structured.Sections) > 0, "component/structuredBody", "a section is mandatory")
		return p.err()
	}
	p.want(d.Content.MediaType != "", "component/nonXMLBody/text/@mediaType", "mandatory")
	p.want(d.Content.Open != nil && d.Content.Size > 0, "component/nonXMLBody/text", "a content with its size is mandatory")
	return p.err()
}

func (p *problems) want(ok bool, path, text string) {
	if !ok {
		p.add(path, text)
	}
}

// rootForm is that of the root of an identifier (HL7 v3 data types, UID).
var rootForm = regexp.MustCompile(`^([0-2](\.(0|[1-9][0-9]*))+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)

func (p *problems) id(path string, id ID) {
	p.want(rootForm.MatchString(id.Root), path, "an identifier whose root is an OID or a UUID is mandatory")
	p.want(len(id.Root) <= 64 && len(id.Extension) <= 64, path, "root and extension of 64 characters at most expected")
}

func (p *problems) code(path string, c Code) {
	p.want(c.Code.Code != "" && c.System != "", path, "a code with its system is mandatory")
}

func (p *problems) moment(path string, t Time) {
	p.want(!t.IsZero() && (t.Zoned || t.Digits <= 8), path, "a moment with its zone is mandatory")
}

func (p *problems) patient(who Patient) {
	const path = "recordTarget/patientRole"
	if _, ok := who.INS(); !ok {
		p.add(path+"/id", "an INS with its root ("+strings.Join(insOIDs, ", ")+") is mandatory, of one person")
	}
	null, known := 0, 0
	for _, t := range who.Telecoms {
		if t.Value == "" {
			null++
		} else {
			known++
		}
	}
	p.want(null == 0 || known == 0, path+"/telecom", "one without value may not stand beside others")
	p.want(pick(who.Name.Family, "BR") != "", path+"/patient/name/family[@qualifier='BR']", "the birth name is mandatory")
	p.want(pick(who.Name.Given, "BR") != "", path+"/patient/name/given[@qualifier='BR']", "the first birth given name is mandatory")
	p.want(pick(who.Name.Given, "") != "", path+"/patient/name/given", "the list of birth given names is mandatory")
	p.want(slices.Contains([]string{"M", "F", "UN"}, who.Gender.Code.Code), path+"/patient/administrativeGenderCode", "M, F or UN expected")
	p.want(!who.BirthTime.IsZero() || who.BirthTime.Null != "", path+"/patient/birthTime", "mandatory")
	p.want(who.BirthPlace != "", path+"/patient/birthplace/place/addr/county", "the code of the birth place (COG) is mandatory")
}

// entity checks a role; an author only may be a device.
func (p *problems) entity(path string, e Entity, device bool) {
	_, ok := e.National()
	p.want(ok, path+"/id", "a national identifier with root "+socle.OIDPerson+" is mandatory")
	switch {
	case e.Person == nil && device:
		p.want(e.Device != nil, path+"/assignedPerson", "a person or a device is mandatory")
	case e.Person == nil:
		p.add(path+"/assignedPerson", "mandatory")
	default:
		family, _ := e.Person.Person()
		p.want(family != "", path+"/assignedPerson/name/family", "mandatory")
	}
	if e.Organization != nil {
		_, ok := e.Organization.Structure()
		p.want(ok, path+"/representedOrganization/id", "a national identifier with root "+socle.OIDStructure+" is mandatory")
		p.want(e.Organization.Name != "", path+"/representedOrganization/name", "mandatory")
	}
}

func (p *problems) event(s ServiceEvent) {
	const path = "documentationOf[1]/serviceEvent"
	p.moment(path+"/effectiveTime/low", s.Period.Low)
	if len(s.Performers) == 0 {
		p.add(path+"/performer", "mandatory")
		return
	}
	who := s.Performers[0]
	p.entity(path+"/performer/assignedEntity", who.Entity, false)
	if who.Organization == nil || who.Organization.Industry.Code.Code == "" {
		p.add(path+"/performer/assignedEntity/representedOrganization/standardIndustryClassCode", "the frame of exercise is mandatory")
	}
}
