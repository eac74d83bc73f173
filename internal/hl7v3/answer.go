package hl7v3

import (
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
	QueryID   ID
	Query     string   // queryResponseCode: "OK" found, "NF" nobody
	Subject   *Subject // nil when nobody was found
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
	Observations []Observation
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
	ack := e.Path("acknowledgement")
	a := &Answer{Head: h, Ack: ack.Attr("typeCode"), Target: readID(ack.Path("targetMessage", "id"))}
	if a.Ack == "" {
		a.Ack = ack.Path("typeCode").Attr("code") // the normative form, where the DMP has an attribute
	}
	if a.Ack == "" {
		return nil, missing(interactionAnswer, "acknowledgement/@typeCode")
	}
	for d := range ack.All("", "acknowledgementDetail") {
		a.Details = append(a.Details, Detail{d.Attr("typeCode"), d.Path("code").Attr("code"), d.Path("text").Trimmed()})
	}
	for l := range e.All("", "attentionLine") {
		a.Attention = append(a.Attention, Attention{readCode(l.Path("keyWordText")), readValue(l.Path("value"))})
	}
	act := e.Path("controlActProcess")
	a.Query = act.Path("queryAck", "queryResponseCode").Attr("code")
	a.QueryID = readID(act.Path("queryAck", "queryId"))
	event := act.Path("subject", "registrationEvent")
	if patient := event.Path("subject1", "patient"); patient != nil {
		a.Subject = readSubject(event, patient)
	}
	return a, nil
}

func readSubject(event, patient *xmltree.Element) *Subject {
	s := &Subject{Registration: event.Path("statusCode").Attr("code"), Status: patient.Path("statusCode").Attr("code")}
	for id := range patient.All("", "id") {
		s.IDs = append(s.IDs, readID(id))
	}
	for of := range patient.All("", "subjectOf") {
		for o := range of.All("", "administrativeObservation") {
			s.Observations = append(s.Observations, Observation{readCode(o.Path("code")), readValue(o.Path("value")).Code})
		}
	}
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
	w.Start("targetMessage")
	writeID(&w, "id", a.Target)
	w.End()
	for _, d := range a.Details {
		w.Start("acknowledgementDetail", "typeCode", d.Type)
		w.Empty("code", "code", d.Code).Leaf("text", d.Text).End()
	}
	w.End()
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	if a.Subject != nil {
		a.Subject.write(&w)
	}
	w.Start("queryAck") // after the subject, as the DMP writes it
	writeID(&w, "queryId", a.QueryID)
	return w.Empty("queryResponseCode", "code", a.Query).End().End().End().Bytes()
}

func (s *Subject) write(w *xmltree.Writer) {
	w.Start("subject", "typeCode", "SUBJ").Start("registrationEvent", "classCode", "REG", "moodCode", "EVN")
	w.Empty("statusCode", "code", s.Registration)
	w.Start("subject1", "typeCode", "SBJ").Start("patient", "classCode", "PAT")
	for _, id := range s.IDs {
		writeID(w, "id", id)
	}
	w.Empty("statusCode", "code", s.Status)
	for _, o := range s.Observations {
		w.Start("subjectOf", "typeCode", "SBJ").Start("administrativeObservation", "classCode", "OBS", "moodCode", "EVN")
		writeCode(w, "code", o.Code)
		writeValue(w, socle.Code{Code: o.Value})
		w.End().End()
	}
	w.End().End()
	w.Start("custodian", "typeCode", "CST").Start("assignedEntity", "classCode", "ASSIGNED")
	w.Empty("id", "root", OIDDMP).End().End()
	w.End().End()
}

func writeValue(w *xmltree.Writer, v socle.Code) {
	if v.System == "" && (v.Code == "true" || v.Code == "false") {
		w.Empty("value", "value", v.Code, "xsi:type", "BL")
		return
	}
	writeCode(w, "value", v, "xsi:type", "CV")
}
