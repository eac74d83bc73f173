package hl7v3

import (
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

const (
	interactionFind       = "PRPA_IN201305UV02"
	interactionCandidates = "PRPA_IN201306UV02"
)

// wsa:Action of the search of a patient (PDQv3, IHE ITI-47) and of its answer.
const (
	ActionFind       = "urn:hl7-org:v3:PRPA_IN201305UV02"
	ActionCandidates = "urn:hl7-org:v3:PRPA_IN201306UV02"
)

// Find searches for a patient by traits.
type Find struct {
	Head
	QueryID       ID
	Family, Given string
	Gender        string // "M" or "F"; optional
	Birth         string // yyyyMMdd, or its beginning; optional
	PostalCode    string
	City          string
}

// Marshal gives the message in canonical form. The parameters are in the
// order of the schema.
func (f Find) Marshal() []byte {
	var w xmltree.Writer
	f.start(&w, interactionFind, "T", "AL")
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	w.Empty("code", "code", "PRPA_TE201305UV02", "codeSystem", OIDInteraction)
	w.Start("queryByParameter")
	writeID(&w, "queryId", f.QueryID)
	w.Empty("statusCode", "code", "new")
	w.Start("parameterList")
	if f.Gender != "" {
		w.Start("livingSubjectAdministrativeGender").Empty("value", "code", f.Gender).Leaf("semanticsText", "LivingSubject.administrativeGender").End()
	}
	if f.Birth != "" {
		w.Start("livingSubjectBirthTime").Empty("value", "value", f.Birth).Leaf("semanticsText", "LivingSubject.birthTime").End()
	}
	w.Start("livingSubjectName").Start("value").Leaf("family", f.Family)
	if f.Given != "" {
		w.Leaf("given", f.Given)
	}
	w.End().Leaf("semanticsText", "LivingSubject.name").End()
	if f.PostalCode != "" || f.City != "" {
		w.Start("patientAddress").Start("value")
		for _, p := range []struct{ name, text string }{{"postalCode", f.PostalCode}, {"city", f.City}} {
			if p.text != "" {
				w.Leaf(p.name, p.text)
			}
		}
		w.End().Leaf("semanticsText", "Patient.addr").End()
	}
	return w.End().End().End().End().Bytes()
}

// Candidates answers Find.
type Candidates struct {
	Head
	Ack                       string
	Target                    ID // id of the query
	Details                   []Detail
	QueryID                   ID
	Query                     string // queryResponseCode: "OK", "NF" nobody
	Total, Current, Remaining int    // result…Quantity; -1 when they are not told
	List                      []Candidate
}

// Candidate is a patient who may be the one searched for.
type Candidate struct {
	IDs          []ID
	Status       string // of the patient's record: "active", "terminated"
	Name         Name
	Contact      Contact
	Gender       string
	Birth        string // yyyyMMdd
	Score        int    // queryMatchObservation POURCENTAGE; -1 when there is none
	Observations []Observation
}

// Code gives the code of the first detail, or else that of the acknowledgement.
func (c *Candidates) Code() string { return (&Answer{Ack: c.Ack, Details: c.Details}).Code() }

// MaxCandidates is the most candidates that are read of one answer.
const MaxCandidates = 1000

// ParseCandidates reads the answer to Find.
func ParseCandidates(e *xmltree.Element) (*Candidates, error) {
	h, err := readHead(e, interactionCandidates)
	if err != nil {
		return nil, err
	}
	c := &Candidates{Head: h}
	if c.Ack, c.Target, c.Details, err = readAcknowledgement(e, interactionCandidates); err != nil {
		return nil, err
	}
	act := e.Path("controlActProcess")
	ack := act.Path("queryAck")
	c.Query, c.QueryID = ack.Path("queryResponseCode").Attr("code"), readID(ack.Path("queryId"))
	for _, q := range []struct {
		to   *int
		name string
	}{{&c.Total, "resultTotalQuantity"}, {&c.Current, "resultCurrentQuantity"}, {&c.Remaining, "resultRemainingQuantity"}} {
		*q.to = count(ack.Path(q.name).Attr("value"))
	}
	for s := range act.All("", "subject") {
		patient := s.Path("registrationEvent", "subject1", "patient")
		if patient == nil {
			continue
		}
		if len(c.List) == MaxCandidates {
			return nil, &Error{interactionCandidates, "more than " + strconv.Itoa(MaxCandidates) + " candidates"}
		}
		c.List = append(c.List, readCandidate(patient))
	}
	return c, nil
}

// count reads a quantity; -1 is none.
func count(s string) int {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && n >= 0 {
		return n
	}
	return -1
}

func readCandidate(patient *xmltree.Element) Candidate {
	person := patient.Path("patientPerson")
	c := Candidate{
		Status: patient.Path("statusCode").Attr("code"), Name: readName(person.Path("name")), Contact: readContact(person),
		Gender: person.Path("administrativeGenderCode").Attr("code"), Birth: person.Path("birthTime").Attr("value"),
		Score: -1, Observations: readObservations(patient, "subjectOf2"),
	}
	c.IDs = readIDs(patient)
	for of := range patient.All("", "subjectOf1") {
		if o := of.Path("queryMatchObservation"); o.Path("code").Attr("code") == "POURCENTAGE" {
			c.Score = count(o.Path("value").Attr("value"))
		}
	}
	return c
}

// Marshal gives the message in canonical form.
func (c Candidates) Marshal() []byte {
	var w xmltree.Writer
	c.start(&w, interactionCandidates, "T", "NE")
	w.Start("acknowledgement").Empty("typeCode", "code", c.Ack) // the normative form, where the other answers have an attribute
	writeAcknowledged(&w, c.Target, c.Details)
	w.End()
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	w.Empty("code", "code", "PRPA_TE201306UV02", "codeSystem", OIDInteraction)
	for _, x := range c.List {
		x.write(&w)
	}
	w.Start("queryAck")
	writeID(&w, "queryId", c.QueryID)
	w.Empty("queryResponseCode", "code", c.Query)
	for _, q := range []struct {
		name string
		n    int
	}{{"resultTotalQuantity", c.Total}, {"resultCurrentQuantity", c.Current}, {"resultRemainingQuantity", c.Remaining}} {
		if q.n >= 0 {
			w.Empty(q.name, "value", strconv.Itoa(q.n))
		}
	}
	return w.End().End().End().Bytes()
}

func (c Candidate) write(w *xmltree.Writer) {
	w.Start("subject", "contextConductionInd", "false", "typeCode", "SUBJ").Start("registrationEvent", "classCode", "REG", "moodCode", "EVN")
	w.Empty("statusCode", "code", "active")
	w.Start("subject1", "typeCode", "SBJ").Start("patient", "classCode", "PAT")
	for _, id := range c.IDs {
		writeID(w, "id", id)
	}
	w.Empty("statusCode", "code", c.Status)
	w.Start("patientPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
	c.Name.write(w)
	c.Contact.writeTelecoms(w)
	w.Empty("administrativeGenderCode", "code", c.Gender).Empty("birthTime", "value", c.Birth)
	c.Contact.Address.write(w)
	w.End()
	if c.Score >= 0 {
		w.Start("subjectOf1", "typeCode", "SBJ").Start("queryMatchObservation", "classCode", "COND", "moodCode", "EVN")
		w.Empty("code", "code", "POURCENTAGE").Empty("value", "value", strconv.Itoa(c.Score), "xsi:type", "INT").End().End()
	}
	writeObservations(w, "subjectOf2", c.Observations)
	w.End().End()
	writeCustodian(w)
	w.End().End()
}
