package hl7v3

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	interactionChange  = "PRPA_IN201314UV02"
	interactionChanged = "PRPA_IN201315UV02"
	// wrapper holds the answer, in the namespace of the CI-SIS.
	wrapper   = "PRPA_IN201314UV02_Response"
	nsWrapper = "asip:ci-sis:gdp:2010"
)

// wsa:Action of a change of the data of a record and of its answer.
const (
	ActionChange  = "urn:hl7-org:v3:PRPA_IN201314UV02"
	ActionChanged = "urn:hl7-org:v3:PRPA_IN201314ResponseUV02"
)

// OIDClosure is the system of the reasons of a closure.
const OIDClosure = "1.2.250.1.213.4.1.2.4"

// Reasons of changes, and of the consultation of administrative data.
var (
	ReasonConsult = socle.Code{Code: "CNSLT_DATA", System: OIDReason, Display: "Consultation des données de gestion de dossier"}
	ReasonAmend   = socle.Code{Code: "MODIF_DATA", System: OIDReason, Display: "Modification des données de gestion du dossier"}
	ReasonClose   = socle.Code{Code: "FERM", System: OIDReason, Display: "Fermeture de dossier"}
)

// Change asks for a change of the data of a record (MODIF_DATA), or to close it (FERM).
type Change struct {
	Head
	Reason        socle.Code
	Patient       ID
	Status        string // statusCode asked for: "active", "terminated"
	Name          Name
	Contact       Contact
	Gender        string
	Birth         string // yyyyMMdd
	Deceased      bool
	Observations  []Observation
	Relationships []Relationship
	Author        Author
	// Because is the reason of a closure, and Text its words.
	Because socle.Code
	Text    string
}

// Author is who asks for a change.
type Author struct {
	ID               ID
	Role             socle.Code
	Family, Given    string
	Organization     ID
	OrganizationName string
}

// Marshal gives the message in canonical form.
func (c Change) Marshal() []byte {
	var w xmltree.Writer
	c.start(&w, interactionChange, "T", "AL")
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	writeCode(&w, "reasonCode", c.Reason)
	w.Start("subject", "contextConductionInd", "false", "typeCode", "SUBJ").Start("registrationRequest", "classCode", "REG", "moodCode", "RQO")
	w.Empty("statusCode", "code", "active")
	w.Start("subject1", "typeCode", "SBJ").Start("patient", "classCode", "PAT")
	writeID(&w, "id", c.Patient)
	w.Empty("statusCode", "code", c.Status)
	w.Start("patientPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
	c.Name.write(&w)
	c.Contact.writeTelecoms(&w)
	if c.Gender != "" {
		w.Empty("administrativeGenderCode", "code", c.Gender)
	}
	if c.Birth != "" {
		w.Empty("birthTime", "value", c.Birth)
	}
	if c.Deceased {
		w.Empty("deceasedInd", "value", "true")
	}
	c.Contact.Address.write(&w)
	writeRelationships(&w, c.Relationships)
	w.End()
	writeObservations(&w, "subjectOf", c.Observations)
	w.End().End()
	c.Author.write(&w)
	w.End().End()
	if c.Because.Code != "" {
		w.Start("reasonOf", "typeCode", "RSON").Start("detectedIssueEvent", "classCode", "ALRT", "moodCode", "EVN")
		writeCode(&w, "code", c.Because)
		w.Leaf("text", c.Text).End().End()
	}
	return w.End().End().Bytes()
}

func (a Author) write(w *xmltree.Writer) {
	w.Start("author", "typeCode", "AUT").Start("assignedEntity", "classCode", "ASSIGNED")
	writeID(w, "id", a.ID)
	writeCode(w, "code", a.Role)
	w.Start("assignedPerson", "classCode", "PSN", "determinerCode", "INSTANCE").Start("name")
	w.Leaf("family", a.Family).Leaf("given", a.Given).End().End()
	w.Start("representedOrganization", "classCode", "ORG", "determinerCode", "INSTANCE")
	writeID(w, "id", a.Organization)
	w.Leaf("name", a.OrganizationName).Empty("contactParty", "classCode", "CON").End() // mandatory in the schema
	w.End().End()
}

// Changed answers Change.
type Changed struct {
	Head
	Ack     string
	Target  ID // id of the request
	Details []Detail
	Reason  socle.Code
	Status  string // statusCode of the patient: "active", "terminated"
	IDs     []ID   // of the patient; the DMP gives none
	Others  int    // patients that the answer has beside that one
}

// Code gives the code of the first detail, or else that of the acknowledgement.
func (c *Changed) Code() string { return (&Answer{Ack: c.Ack, Details: c.Details}).Code() }

// ParseChanged reads the answer to Change, in its wrapper or bare.
func ParseChanged(e *xmltree.Element) (*Changed, error) {
	if e.Is(nsWrapper, wrapper) {
		e = e.First(NS, interactionChanged)
	}
	h, err := readHead(e, interactionChanged)
	if err != nil {
		return nil, err
	}
	c := &Changed{Head: h}
	if c.Ack, c.Target, c.Details, err = readAcknowledgement(e, interactionChanged); err != nil {
		return nil, err
	}
	act := e.Path("controlActProcess")
	c.Reason = readCode(act.Path("reasonCode"))
	found := false
	for _, patient := range patientsOf(act) {
		if found {
			c.Others++
			continue
		}
		found, c.Status, c.IDs = true, patient.Path("statusCode").Attr("code"), readIDs(patient)
	}
	return c, nil
}

// Marshal gives the message, in its wrapper.
func (c Changed) Marshal() []byte {
	var w xmltree.Writer
	w.Start("ns2:"+wrapper, "xmlns:ns2", nsWrapper)
	c.start(&w, interactionChanged, "T", "NE")
	w.Start("acknowledgement", "typeCode", c.Ack)
	writeAcknowledged(&w, c.Target, c.Details)
	w.End()
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	writeCode(&w, "reasonCode", c.Reason)
	if c.Status != "" {
		w.Start("subject", "contextConductionInd", "false", "typeCode", "SUBJ").Start("registrationEvent", "classCode", "REG", "moodCode", "EVN")
		w.Empty("statusCode", "code", "completed")
		w.Start("subject1", "typeCode", "SBJ").Start("patient", "classCode", "PAT")
		for _, id := range c.IDs {
			writeID(&w, "id", id)
		}
		w.Empty("statusCode", "code", c.Status).End().End()
		writeCustodian(&w)
		w.End().End()
	}
	return w.End().End().End().Bytes()
}
