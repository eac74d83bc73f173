package hl7v3

import (
	"iter"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

const interactionAnswer = "PRPA_IN201308UV02"

// Answer says what the DMP knows of one patient.
type Answer struct {
	Head
	Ack     string // "AA" accepted, "AE" or "AR" refused
	Target  ID     // id of the query
	Details []Detail
	// Attention holds what the DMP says beside the patient: the authorization
	// of the professional, whether they are the médecin traitant.
	Attention []Attention
	Reason    socle.Code // of the query, echoed
	QueryID   ID
	Query     string   // queryResponseCode: "OK" found, "NF" nobody
	Subject   *Subject // nil when nobody was found
	Others    int      // patients that the answer has beside Subject, of which nothing is read
}

// Detail is an acknowledgementDetail: the service's own code and words.
type Detail struct{ Type, Code, Text string }

// Attention is an attentionLine: a keyword and a code, or "true" or "false".
type Attention struct {
	Keyword socle.Code
	Value   socle.Code // a boolean has only Code
}

// Subject is the patient's record in the DMP.
type Subject struct {
	Registration string // statusCode of the registration, "completed"
	Status       string // statusCode of the patient: "active", or "terminated" when the DMP is closed
	IDs          []ID   // INS and, of older records, INS-C
	// Title and Used are the civilité and the nom utilisé, which a change of the
	// data must send back. Contact, Deceased and Relationships are administrative
	// data, which TD1.3a is for; the traits beside them are not read.
	Title, Used   string
	Contact       Contact
	Deceased      bool
	Relationships []Relationship
	Observations  []Observation
}

// Observation is an administrativeObservation.
type Observation struct {
	Code  socle.Code
	Value string // "true" or "false", or a code
}

// Code gives the code of the first detail, or else that of the acknowledgement.
func (a *Answer) Code() string {
	if len(a.Details) > 0 && a.Details[0].Code != "" {
		return a.Details[0].Code
	}
	return a.Ack
}

// Keyword gives the value of an attention line, and whether there is one.
func (a *Answer) Keyword(code string) (string, bool) {
	i := slices.IndexFunc(a.Attention, func(l Attention) bool { return strings.EqualFold(l.Keyword.Code, code) })
	if i < 0 {
		return "", false
	}
	return a.Attention[i].Value.Code, true
}

// Observation gives the value of an observation, and whether there is one.
func (s *Subject) Observation(code string) (string, bool) {
	if s == nil {
		return "", false
	}
	i := slices.IndexFunc(s.Observations, func(o Observation) bool { return o.Code.Code == code })
	if i < 0 {
		return "", false
	}
	return s.Observations[i].Value, true
}

// ParseAnswer reads an answer.
func ParseAnswer(e *xmltree.Element) (*Answer, error) {
	h, err := readHead(e, interactionAnswer)
	if err != nil {
		return nil, err
	}
	a := &Answer{Head: h}
	if a.Ack, a.Target, a.Details, err = readAcknowledgement(e, interactionAnswer); err != nil {
		return nil, err
	}
	for l := range e.All("", "attentionLine") {
		a.Attention = append(a.Attention, Attention{readCode(l.Path("keyWordText")), readValue(l.Path("value"))})
	}
	act := e.Path("controlActProcess")
	a.Query = act.Path("queryAck", "queryResponseCode").Attr("code")
	a.QueryID = readID(act.Path("queryAck", "queryId"))
	a.Reason = readCode(act.Path("reasonCode"))
	for event, patient := range patientsOf(act) {
		if a.Subject != nil {
			a.Others++
			continue
		}
		a.Subject = readSubject(event, patient)
	}
	return a, nil
}

// patientsOf goes over the registrations of an act and their patients.
func patientsOf(act *xmltree.Element) iter.Seq2[*xmltree.Element, *xmltree.Element] {
	return func(yield func(event, patient *xmltree.Element) bool) {
		for subject := range act.All("", "subject") {
			for event := range subject.All("", "registrationEvent") {
				for of := range event.All("", "subject1") {
					for patient := range of.All("", "patient") {
						if !yield(event, patient) {
							return
						}
					}
				}
			}
		}
	}
}

// readIDs reads the identifiers of a patient.
func readIDs(patient *xmltree.Element) (all []ID) {
	for id := range patient.All("", "id") {
		all = append(all, readID(id))
	}
	return all
}

// readAcknowledgement reads what every answer begins with.
func readAcknowledgement(e *xmltree.Element, interaction string) (code string, target ID, details []Detail, err error) {
	ack := e.Path("acknowledgement")
	code = ack.Attr("typeCode")
	if code == "" {
		code = ack.Path("typeCode").Attr("code") // the normative form, where the DMP has an attribute
	}
	if code == "" {
		return "", ID{}, nil, missing(interaction, "acknowledgement/@typeCode")
	}
	for d := range ack.All("", "acknowledgementDetail") {
		details = append(details, Detail{d.Attr("typeCode"), d.Path("code").Attr("code"), d.Path("text").Trimmed()})
	}
	return code, readID(ack.Path("targetMessage", "id")), details, nil
}

func readSubject(event, patient *xmltree.Element) *Subject {
	s := &Subject{Registration: event.Path("statusCode").Attr("code"), Status: patient.Path("statusCode").Attr("code")}
	s.IDs = readIDs(patient)
	person := patient.Path("patientPerson")
	name := readName(person.Path("name"))
	s.Title, s.Used = name.Prefix, name.Used
	s.Contact, s.Relationships = readContact(person), readRelationships(person)
	s.Deceased = person.Path("deceasedInd").Attr("value") == "true"
	s.Observations = readObservations(patient, "subjectOf")
	return s
}

// readValue reads a CV, or a BL whose value stands as the code.
func readValue(e *xmltree.Element) socle.Code {
	c := readCode(e)
	if c.Code == "" {
		c.Code = e.Attr("value")
	}
	return c
}

// Marshal gives the message in canonical form.
func (a Answer) Marshal() []byte {
	var w xmltree.Writer
	a.start(&w, interactionAnswer, "T", "NE")
	for _, l := range a.Attention {
		w.Start("attentionLine")
		writeCode(&w, "keyWordText", l.Keyword)
		writeValue(&w, l.Value)
		w.End()
	}
	w.Start("acknowledgement", "typeCode", a.Ack)
	writeAcknowledged(&w, a.Target, a.Details)
	w.End()
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	if !a.Reason.IsZero() {
		writeCode(&w, "reasonCode", a.Reason)
	}
	if a.Subject != nil {
		a.Subject.write(&w)
	}
	w.Start("queryAck") // after the subject, as the DMP writes it
	writeID(&w, "queryId", a.QueryID)
	return w.Empty("queryResponseCode", "code", a.Query).End().End().End().Bytes()
}

func writeAcknowledged(w *xmltree.Writer, target ID, details []Detail) {
	w.Start("targetMessage")
	writeID(w, "id", target)
	w.End()
	for _, d := range details {
		w.Start("acknowledgementDetail", "typeCode", d.Type)
		w.Empty("code", "code", d.Code).Leaf("text", d.Text).End()
	}
}

func writeCustodian(w *xmltree.Writer) {
	w.Start("custodian", "typeCode", "CST").Start("assignedEntity", "classCode", "ASSIGNED")
	w.Empty("id", "root", OIDDMP).End().End()
}

func (s *Subject) write(w *xmltree.Writer) {
	w.Start("subject", "typeCode", "SUBJ").Start("registrationEvent", "classCode", "REG", "moodCode", "EVN")
	w.Empty("statusCode", "code", s.Registration)
	w.Start("subject1", "typeCode", "SBJ").Start("patient", "classCode", "PAT")
	for _, id := range s.IDs {
		writeID(w, "id", id)
	}
	w.Empty("statusCode", "code", s.Status)
	named := s.Title != "" || s.Used != ""
	if named || len(s.Contact.Telecoms) > 0 || !s.Contact.Address.IsZero() || s.Deceased || len(s.Relationships) > 0 {
		w.Start("patientPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
		if named {
			Name{Prefix: s.Title, Used: s.Used}.write(w)
		}
		s.Contact.writeTelecoms(w)
		if s.Deceased {
			w.Empty("deceasedInd", "value", "true")
		}
		s.Contact.Address.write(w)
		writeRelationships(w, s.Relationships)
		w.End()
	}
	writeObservations(w, "subjectOf", s.Observations)
	w.End().End()
	writeCustodian(w)
	w.End().End()
}

func writeValue(w *xmltree.Writer, v socle.Code) {
	if v.System == "" && (v.Code == "true" || v.Code == "false") {
		w.Empty("value", "value", v.Code, "xsi:type", "BL")
		return
	}
	writeCode(w, "value", v, "xsi:type", "CV")
}
