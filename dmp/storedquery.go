package dmp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// wsa:Action of ITI-18.
const actionQuery = "urn:ihe:iti:2007:RegistryStoredQuery"

// An answer to a query is bounded: 2,000 entries as the DMP writes them make 21 MB
// and less than 1,200,000 nodes.
const maxAnswer = 24 << 20

var answerLimits = xmltree.Limits{Bytes: maxAnswer, Nodes: 1_400_000}

// paramForm is that of the name of a parameter of a stored query.
var paramForm = regexp.MustCompile(`^\$[A-Za-z][A-Za-z0-9]{0,127}$`)

// stored gives the FindDocuments of a search.
func (q Query) stored(patient ins.INS) (*xds.Query, error) {
	s := &xds.Query{ID: xds.FindDocuments, Params: []xds.Param{{Name: xds.ParamPatient, Values: []string{patient.CX()}}}}
	statuses := []string{xds.StatusApproved}
	for _, status := range q.Statuses {
		if urn := status.urn(); !slices.Contains(statuses, urn) {
			statuses = append(statuses, urn)
		}
	}
	s.Params = append(s.Params, xds.Param{Name: xds.ParamStatus, Form: xds.List, Values: statuses})
	var problems []string
	for _, c := range []struct {
		field, name string
		codes       []socle.Code
		table       *nos.Table
	}{
		{"Types", xds.ParamType, q.Types, nos.TypeCode},
		{"Classes", xds.ParamClass, q.Classes, nos.ClassCode},
		{"Formats", xds.ParamFormat, q.Formats, nos.FormatCode},
		{"Facilities", xds.ParamFacility, q.Facilities, nos.HealthcareFacility},
		{"Practices", xds.ParamPractice, q.Practices, nos.PracticeSetting},
		{"Confidentiality", xds.ParamConfidentiality, q.Confidentiality, nos.Confidentiality},
		{"Events", xds.ParamEvent, q.Events, nil},
	} {
		codes := slices.Clone(c.codes)
		for i := range codes {
			if codes[i].System == "" && c.table != nil {
				codes[i], _ = nos.Lookup(c.table, codes[i].Code)
			}
			if codes[i].Code == "" || codes[i].System == "" {
				problems = append(problems, fmt.Sprintf("Query.%s[%d]: a code with its system is mandatory", c.field, i))
			}
		}
		if len(codes) > 0 {
			s.Params = append(s.Params, xds.Param{Name: c.name, Form: xds.List, Values: xds.Coded(codes...)})
		}
	}
	if author := strings.TrimSpace(q.Author); author != "" {
		if !strings.Contains(author, "%") {
			author = "%" + author + "%"
		}
		s.Params = append(s.Params, xds.Param{Name: xds.ParamAuthor, Form: xds.List, Values: []string{author}})
	}
	for _, p := range []struct {
		field, from, to string
		Period
	}{
		{"Created", xds.ParamCreationFrom, xds.ParamCreationTo, q.Created},
		{"Started", xds.ParamStartFrom, xds.ParamStartTo, q.Started},
		{"Ended", xds.ParamStopFrom, xds.ParamStopTo, q.Ended},
		{"Sent", "", "", q.Sent}, // asked of the lots
	} {
		if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
			problems = append(problems, "Query."+p.field+": To must be after From")
		}
		if p.from != "" {
			s.Params = append(s.Params, append(moment(p.from, p.From), moment(p.to, p.To)...)...)
		}
	}
	for i, p := range q.Raw {
		param := xds.Param{Name: p.Name, Form: xds.List, Values: p.Values}
		switch {
		case !paramForm.MatchString(p.Name): // it may be anything, and is not repeated
			problems = append(problems, fmt.Sprintf("Query.Raw[%d].Name: the name of a parameter, $ and letters, expected", i))
			continue
		case p.Name == xds.ParamPatient, p.Name == xds.ParamStatus:
			problems = append(problems, fmt.Sprintf("Query.Raw[%d]: %s is not the caller's to give", i, p.Name))
		case strings.HasSuffix(p.Name, "TimeFrom"), strings.HasSuffix(p.Name, "TimeTo"):
			param.Form = xds.Number
		}
		s.Params = append(s.Params, param)
	}
	if q.Limit < 0 {
		problems = append(problems, "Query.Limit: below zero")
	}
	if len(problems) > 0 {
		return nil, refusal(opSearch, ErrQuery, strings.Join(problems, "; "), "")
	}
	return s, asked(opSearch, s)
}

// moment gives a bound of a period, in UTC (EX_3.1-1070).
func moment(name string, t time.Time) []xds.Param {
	if t.IsZero() {
		return nil
	}
	return []xds.Param{{Name: name, Form: xds.Number, Values: []string{t.UTC().Format(utc)}}}
}

// technical gives the query of TD3.1b.
func technical(document string) (*xds.Query, error) {
	q := &xds.Query{ID: xds.GetDocuments, References: true,
		Params: []xds.Param{{Name: xds.ParamUniqueID, Form: xds.List, Values: []string{document}}}}
	if strings.HasPrefix(document, "urn:uuid:") {
		return nil, refusal(opIdentify, ErrQuery, "the uniqueId of the document expected, not its entryUUID", "")
	}
	return q, asked(opIdentify, q)
}

// asked refuses a query that cannot be written.
func asked(op string, q *xds.Query) error {
	if _, err := q.Marshal(); err != nil {
		e := refusal(op, ErrQuery, strings.ReplaceAll(err.Error(), "\n", "; "), "")
		e.Err = err
		return e
	}
	return nil
}

// answered is the answer to a stored query.
type answered struct {
	xds.QueryResponse
	sent
	warnings []RegistryError
}

// query asks a stored query, which must be one that can be written. With an
// error that is Partial comes the answer too, and with another what is known of
// the exchange.
func (c *Client) query(ctx context.Context, op string, who socle.Professional, id ins.INS, past []ins.Past, q *xds.Query) (*answered, error) {
	body, err := q.Marshal()
	if err != nil {
		return nil, asked(op, q)
	}
	a := &answered{}
	a.sent, err = c.send(ctx, message{
		op: op, service: serviceRegistry, action: actionQuery, who: who, patient: id, again: true, maxBytes: maxAnswer, limits: answerLimits,
		body:  func(time.Time) []byte { return body },
		check: func(e *soap.Envelope) (string, error) { return a.check(op, e, id, past) },
	})
	if errors.Is(err, soap.ErrTooLarge) || errors.Is(err, transport.ErrTooLarge) || errors.Is(err, xmltree.ErrLimit) || errors.Is(err, xds.ErrLimit) {
		if own, ok := errors.AsType[*Error](err); ok {
			own.kind, own.Fix, own.retry = ErrTooMany, "narrow the search: dates, types", false
		}
	}
	if err != nil && !partial(err) {
		return &answered{sent: a.sent}, err
	}
	return a, err
}

// check reads the answer, and refuses one that is about another patient.
func (a *answered) check(op string, e *soap.Envelope, id ins.INS, past []ins.Past) (string, error) {
	r, err := xds.ParseQueryResponse(e.Body)
	if err != nil {
		return "", unusable(op, err.Error(), err)
	}
	r.Keep(e.Body, e.Doc.Source)
	a.QueryResponse, a.warnings = *r, nil
	for i := range r.Documents {
		if !about(r.Documents[i].PatientID, id, past) {
			return "", &Error{Op: op, Text: "the answer has a document of another patient: nothing of it is given", kind: ErrPatientMismatch, ours: true}
		}
	}
	for i := range r.Sets {
		if !about(r.Sets[i].PatientID, id, past) {
			return "", &Error{Op: op, Text: "the answer has a lot of another patient: nothing of it is given", kind: ErrPatientMismatch, ours: true}
		}
	}
	code, warnings, err := outcome(op, r.Response)
	a.warnings = warnings
	return code, err
}

// entries gives the documents found in the record of patient.
func (a *answered) entries(patient *ins.INS) []Entry {
	if len(a.Documents) == 0 {
		return nil
	}
	all := make([]Entry, len(a.Documents))
	for i := range a.Documents {
		all[i] = entryOf(&a.Documents[i], patient)
	}
	return all
}

// entryUUID is the form of the identifier of a stored version of metadata.
var entryUUID = regexp.MustCompile(`^urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// reference gives the only reference of an answer.
func (a *answered) reference() (string, error) {
	switch len(a.References) {
	case 0:
		return "", (&Error{Op: opIdentify, Text: "the DMP has no document of this uniqueId that the professional may know of", kind: ErrNoDocument, ours: true,
			MessageID: a.messageID}).refused()
	case 1:
		if !entryUUID.MatchString(a.References[0]) {
			return "", unusable(opIdentify, "the technical identifier is not a urn:uuid:", nil)
		}
		return a.References[0], nil
	}
	return "", unusable(opIdentify, fmt.Sprintf("%d technical identifiers of one document", len(a.References)), nil)
}
