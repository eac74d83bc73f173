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

const (
	opExists     = "TD0.2"
	actionExists = "urn:hl7-org:v3:PRPA_IN201307UV02"
	nsHL7        = "urn:hl7-org:v3"
	oidDMP       = "1.2.250.1.213.4.1.1.1"
)

// exists answers TD0.2.
func (s *Server) exists(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	return s.asked(who, e, opExists, hl7v3.ReasonExistence, s.describe)
}

// asked answers the query about one patient, made for a reason: found says what
// the DMP knows.
func (s *Server) asked(who *session, e *soap.Envelope, op string, reason socle.Code, found func(*hl7v3.Answer, *record, *session)) (soap.Message, *soap.Fault) {
	if f := s.may(who, op); f != nil {
		return soap.Message{}, f
	}
	q, err := readQuery(e.Body, reason.Code)
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	if q.patient != who.patient {
		return soap.Message{}, refuse(codeVIHF, "resource-id: expected the patient of the message, in patientIdentifier")
	}
	a := s.reply(q)
	a.Reason = reason
	if f := s.injected(op); f != nil && f.Fault != nil {
		return soap.Message{}, f.Fault.soap()
	} else if f != nil && f.Ack != nil {
		a.Ack, a.Query, a.Details = "AE", "", f.details()
		return soap.Message{Action: hl7v3.ActionAnswer, Body: a.Marshal()}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(who.patient); r != nil {
		found(&a, r, who)
	}
	return soap.Message{Action: hl7v3.ActionAnswer, Body: a.Marshal()}, nil
}

// reply gives the answer that nobody was found.
func (s *Server) reply(q query) hl7v3.Answer {
	return hl7v3.Answer{
		Head: hl7v3.Head{
			ID: hl7v3.ID{Root: oidDMP + ".1", Extension: soap.NewUUID()}, Created: s.now().UTC(), Processing: "P",
			Receiver: q.sender, Sender: hl7v3.Device{OID: oidDMP, Software: "DMP"},
		},
		Ack: "AA", Target: q.id, QueryID: q.queryID, Query: "NF",
	}
}

// describe says what the DMP knows. s.mu is held.
func (s *Server) describe(a *hl7v3.Answer, r *record, who *session) {
	a.Attention = append(a.Attention, hl7v3.Attention{
		Keyword: socle.Code{Code: "AUTORISATION", System: hl7v3.OIDAttention},
		Value:   socle.Code{Code: string(s.authorization(who, r)), System: hl7v3.OIDAuthorized},
	})
	mt := !r.TreatingDoctor.IsZero() && r.TreatingDoctor.String() == who.vihf.NameID
	a.Attention = append(a.Attention, hl7v3.Attention{
		Keyword: socle.Code{Code: "STATUT_MT", System: hl7v3.OIDTreating},
		Value:   socle.Code{Code: fmt.Sprint(mt)},
	})
	a.Query = "OK"
	status, code := "active", "DMPFound"
	if r.State == dmp.StateClosed {
		status, code = "terminated", codeClosed
	}
	a.Details = []hl7v3.Detail{{Type: "I", Code: code, Text: r.ClosedBecause}}
	ids := []hl7v3.ID{{Root: who.patient.oid, Extension: who.patient.matricule}}
	if r.INSC != "" {
		ids = append([]hl7v3.ID{{Root: "1.2.250.1.213.1.4.2", Extension: r.INSC}}, ids...)
	}
	a.Subject = &hl7v3.Subject{
		Registration: "completed", Status: status,
		IDs: ids,
		Observations: []hl7v3.Observation{
			{Code: socle.Code{Code: "COMPTE_INTERNET_OUVERT", System: hl7v3.OIDAccount}, Value: fmt.Sprint(r.Account)},
			{Code: socle.Code{Code: "RATTACHEMENT_ENS", System: hl7v3.OIDObservation}, Value: fmt.Sprint(r.MonEspaceSante)},
		},
	}
}

// query is a PRPA_IN201307UV02 as the emulator reads it, apart from the codec
// of the client.
type query struct {
	id, queryID hl7v3.ID
	sender      hl7v3.Device
	patient     patientID
}

// readQuery reads a query and checks its form: the elements in their order, and
// the values that are fixed.
func readQuery(e *xmltree.Element, reason string) (query, error) {
	const name = "PRPA_IN201307UV02"
	if !e.Is(nsHL7, name) {
		return query{}, fmt.Errorf("soap:Body: expected %s of %s", name, nsHL7)
	}
	var r reading
	r.order(e, "id", "creationTime", "interactionId", "processingCode", "processingModeCode", "acceptAckCode", "receiver", "sender", "controlActProcess")
	act := e.Path("controlActProcess")
	r.order(act, "reasonCode", "queryByParameter")
	parameters := act.Path("queryByParameter")
	r.order(parameters, "queryId", "statusCode", "parameterList")
	r.order(parameters.Path("parameterList"), "patientIdentifier")
	identifier := parameters.Path("parameterList", "patientIdentifier")
	r.order(identifier, "value", "semanticsText")
	for _, c := range []struct {
		e          *xmltree.Element
		attr, want string
	}{
		{e, "ITSVersion", "XML_1.0"},
		{e.Path("interactionId"), "root", "2.16.840.1.113883.1.6"},
		{e.Path("interactionId"), "extension", name},
		{e.Path("processingModeCode"), "code", "T"},
		{e.Path("acceptAckCode"), "code", "AL"},
		{e.Path("receiver"), "typeCode", "RCV"},
		{e.Path("receiver", "device", "id"), "root", oidDMP},
		{e.Path("sender"), "typeCode", "SND"},
		{act, "classCode", "CACT"},
		{act, "moodCode", "EVN"},
		{act.Path("reasonCode"), "code", reason},
		{act.Path("reasonCode"), "codeSystem", "1.2.250.1.213.1.1.4.11"},
		{parameters.Path("statusCode"), "code", "new"},
	} {
		r.attr(c.e, c.attr, c.want)
	}
	if identifier.Path("semanticsText").Trimmed() != "Patient.id" {
		r.fail("semanticsText: expected Patient.id")
	}
	if code := e.Path("processingCode").Attr("code"); !slices.Contains([]string{"D", "T", "P"}, code) {
		r.fail("processingCode: expected D, T or P")
	}
	if at := e.Path("creationTime").Attr("value"); len(at) != 14 || !isMoment(at) {
		r.fail("creationTime: expected yyyyMMddHHmmss")
	}
	sender := e.Path("sender", "device")
	if !oidForm.MatchString(sender.Path("id").Attr("root")) {
		r.fail("sender/device/id/@root: expected an OID")
	}
	q := query{
		id:      hl7v3.ID{Root: e.Path("id").Attr("root"), Extension: e.Path("id").Attr("extension")},
		queryID: hl7v3.ID{Root: parameters.Path("queryId").Attr("root"), Extension: parameters.Path("queryId").Attr("extension")},
		sender:  hl7v3.Device{OID: sender.Path("id").Attr("root"), Software: sender.Path("softwareName").Trimmed()},
		patient: patientID{identifier.Path("value").Attr("root"), identifier.Path("value").Attr("extension")},
	}
	for name, v := range map[string]string{"id/@root": q.id.Root, "queryId/@root": q.queryID.Root, "sender/device/id/@root": q.sender.OID,
		"sender/device/softwareName": q.sender.Software, "patientIdentifier/value/@root": q.patient.oid, "patientIdentifier/value/@extension": q.patient.matricule} {
		if v == "" {
			r.fail(name + ": expected a value")
		}
	}
	return q, r.err
}

// reading keeps the first thing that is not as it should be.
type reading struct{ err error }

func (r *reading) fail(text string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s", text)
	}
}

// order checks the names of the children of e.
func (r *reading) order(e *xmltree.Element, want ...string) {
	var got []string
	for c := range e.Elements() {
		if c.Name.Space != nsHL7 {
			r.fail("an element of another namespace than " + nsHL7)
		}
		got = append(got, c.Name.Local)
	}
	if e != nil && !slices.Equal(got, want) {
		r.fail(fmt.Sprintf("%s: expected the elements %s, got %s", e.Name.Local, strings.Join(want, ", "), strings.Join(got, ", ")))
	}
}

func (r *reading) attr(e *xmltree.Element, name, want string) {
	if e == nil {
		r.fail("an element with " + name + "=" + want + " is missing")
	} else if got := e.Attr(name); got != want {
		r.fail(fmt.Sprintf("%s/@%s: expected %s", e.Name.Local, name, want))
	}
}
