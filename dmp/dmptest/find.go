package dmptest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// maxCandidates is how many candidates an answer to TD0.5 holds.
const maxCandidates = 20

// findPatient answers TD0.5.
func (s *Server) findPatient(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	if f := s.may(who, opFind); f != nil {
		return soap.Message{}, f
	}
	q, err := readSearch(e.Body)
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	a := hl7v3.Candidates{
		Head: hl7v3.Head{
			ID: hl7v3.ID{Root: oidDMP + ".1", Extension: soap.NewUUID()}, Created: s.now().UTC(), Processing: "P",
			Receiver: q.sender, Sender: hl7v3.Device{OID: oidDMP, Software: "DMP"},
		},
		Ack: "AA", Target: q.id, QueryID: q.queryID, Query: "NF",
	}
	answer := func() (soap.Message, *soap.Fault) {
		return soap.Message{Action: hl7v3.ActionCandidates, Body: a.Marshal()}, nil
	}
	if f := s.injected(opFind); f != nil && f.Fault != nil {
		return soap.Message{}, f.Fault.soap()
	} else if f != nil && f.Ack != nil {
		a.Ack, a.Query, a.Details = "AE", "", f.details()
		return answer()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.records {
		score := q.fits(r)
		if score == 0 || r.State == dmp.StateNone {
			continue
		}
		c := candidate(id, r)
		c.Score = score
		a.List = append(a.List, c)
	}
	slices.SortFunc(a.List, func(x, y hl7v3.Candidate) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), strings.Compare(x.IDs[0].Extension, y.IDs[0].Extension))
	})
	a.Total = len(a.List)
	if len(a.List) > 0 {
		a.Query = "OK"
	}
	a.List = a.List[:min(len(a.List), maxCandidates)]
	a.Current, a.Remaining = len(a.List), a.Total-len(a.List)
	return answer()
}

func candidate(id patientID, r *record) hl7v3.Candidate {
	t := r.Traits
	c := hl7v3.Candidate{
		IDs: []hl7v3.ID{{Root: id.oid, Extension: id.matricule}}, Status: "active", Gender: string(t.Sex), Birth: strings.ReplaceAll(t.BirthDate.Wire(), "-", ""),
		Name:    hl7v3.Name{Prefix: r.Title, Given: []string{t.First()}, Used: cmp.Or(r.UsedName, t.BirthName), Birth: t.BirthName},
		Contact: hl7v3.Contact{Address: hl7v3.Address{City: r.Contact.Address.City, PostalCode: r.Contact.Address.PostalCode}}, Observations: oppositions(r)[1:],
	}
	if r.State == dmp.StateClosed {
		c.Status = "terminated"
	}
	return c
}

// search is a PRPA_IN201305UV02 as the emulator reads it, apart from the codec
// of the client.
type search struct {
	id, queryID                                    hl7v3.ID
	sender                                         hl7v3.Device
	family, given, gender, birth, postalCode, city string
}

// fits gives how well a record fits, in per cent; 0 is not at all. The names must
// begin like those searched for; the rest must be the same where it is known.
func (q search) fits(r *record) int {
	t := r.Traits
	begins := func(name, with string) int {
		name, with = fold(name), fold(with)
		switch {
		case name == with:
			return 100
		case strings.HasPrefix(name, with):
			return 80
		}
		return 0
	}
	score := max(begins(t.BirthName, q.family), begins(r.UsedName, q.family))
	if q.given != "" {
		score = min(score, begins(t.First(), q.given))
	}
	same := func(asked, known string) {
		if asked != "" && known != "" && !strings.HasPrefix(fold(known), fold(asked)) {
			score = 0
		}
	}
	same(q.gender, string(t.Sex))
	same(q.birth, strings.ReplaceAll(t.BirthDate.Wire(), "-", ""))
	same(q.postalCode, r.Contact.Address.PostalCode)
	same(q.city, r.Contact.Address.City)
	return score
}

// fold gives a name as the référentiel writes it, for comparison.
func fold(s string) string {
	if t, err := (ins.Traits{BirthName: s, FirstGivenName: "X", Sex: ins.Male, BirthDate: ins.BirthDate{Year: 2000, Month: 1, Day: 1}}).Normalize(); err == nil {
		return t.BirthName
	}
	return strings.ToUpper(s)
}

// readSearch reads a search and checks its form.
func readSearch(e *xmltree.Element) (search, error) {
	const name = "PRPA_IN201305UV02"
	if !e.Is(nsHL7, name) {
		return search{}, fmt.Errorf("soap:Body: expected %s of %s", name, nsHL7)
	}
	var r reading
	r.order(e, "id", "creationTime", "interactionId", "processingCode", "processingModeCode", "acceptAckCode", "receiver", "sender", "controlActProcess")
	act := e.Path("controlActProcess")
	r.order(act, "code", "queryByParameter")
	query := act.Path("queryByParameter")
	r.order(query, "queryId", "statusCode", "parameterList")
	for _, c := range []struct {
		e          *xmltree.Element
		attr, want string
	}{
		{e, "ITSVersion", "XML_1.0"},
		{e.Path("interactionId"), "root", "2.16.840.1.113883.1.6"},
		{e.Path("interactionId"), "extension", name},
		{e.Path("receiver", "device", "id"), "root", oidDMP},
		{act.Path("code"), "code", "PRPA_TE201305UV02"},
		{query.Path("statusCode"), "code", "new"},
	} {
		r.attr(c.e, c.attr, c.want)
	}
	id := func(e *xmltree.Element) hl7v3.ID {
		return hl7v3.ID{Root: e.Attr("root"), Extension: e.Attr("extension")}
	}
	q := search{id: id(e.Path("id")), queryID: id(query.Path("queryId")),
		sender: hl7v3.Device{OID: e.Path("sender", "device", "id").Attr("root"), Software: e.Path("sender", "device", "softwareName").Trimmed()}}
	semantics := map[string]string{"livingSubjectAdministrativeGender": "LivingSubject.administrativeGender", "livingSubjectBirthTime": "LivingSubject.birthTime",
		"livingSubjectName": "LivingSubject.name", "patientAddress": "Patient.addr"}
	last := ""
	for p := range query.Path("parameterList").Elements() {
		want, known := semantics[p.Name.Local]
		if !known || p.Name.Local <= last { // the order of the schema is that of the alphabet
			r.fail("parameterList: " + p.Name.Local + " was not expected there")
			continue
		}
		last = p.Name.Local
		r.order(p, "value", "semanticsText")
		if p.Path("semanticsText").Trimmed() != want {
			r.fail(p.Name.Local + "/semanticsText: expected " + want)
		}
		v := p.Path("value")
		switch p.Name.Local {
		case "livingSubjectAdministrativeGender":
			q.gender = v.Attr("code")
		case "livingSubjectBirthTime":
			q.birth = v.Attr("value")
		case "livingSubjectName":
			q.family, q.given = v.Path("family").Trimmed(), v.Path("given").Trimmed()
		case "patientAddress":
			q.postalCode, q.city = v.Path("postalCode").Trimmed(), v.Path("city").Trimmed()
		}
	}
	if len([]rune(q.family)) < 2 {
		r.fail("livingSubjectName/value/family: expected two letters at least")
	}
	if q.id.IsZero() || q.queryID.IsZero() || q.sender.OID == "" {
		r.fail("id, queryId, sender/device/id: expected a value")
	}
	return q, r.err
}
