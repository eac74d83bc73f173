package dmptest

import (
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

const actionQuery = "urn:ihe:iti:2007:RegistryStoredQuery"

// query answers TD3.1a, and TD3.1b when references are asked for.
func (s *Server) query(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	q, err := xds.ParseQuery(e.Body)
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	op := queryName(e)
	if f := s.may(who, op); f != nil {
		return soap.Message{}, f
	}
	planned := s.injected(op)
	if planned != nil && planned.Fault != nil {
		return soap.Message{}, planned.Fault.soap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.find(who.patient)
	if record != nil && record.State == dmp.StateClosed {
		return soap.Message{}, refuse(codeClosed, "le DMP du patient est fermé")
	}
	if record != nil && op == opSearch {
		if f := s.mayRead(who, op, record); f != nil {
			return soap.Message{}, f
		}
	}
	a := &registryAnswer{who: who, record: record, query: q}
	response := a.response()
	if planned != nil {
		planned.spoil(response, who, record)
	}
	return soap.Message{Action: actionQuery + "Response", Body: dress(response.Marshal())}, nil
}

// queryName gives the operation that a stored query is: TD3.1b is GetDocuments
// with references as answer. References of what else there is are a list of the
// record as any other, TD3.1a.
func queryName(e *soap.Envelope) string {
	if e.Body.First(xds.NSQuery, "ResponseOption").Attr("returnType") == "ObjectRef" &&
		e.Body.First(xds.NSRIM, "AdhocQuery").Attr("id") == xds.GetDocuments {
		return opIdentify
	}
	return opSearch
}

// registryAnswer is the answer to a stored query that is being made. Server.mu is held.
type registryAnswer struct {
	who    *session
	record *record // nil when there is none
	query  *xds.Query
	xds.QueryResponse
}

func (a *registryAnswer) fail(code xds.ErrorCode, context, location string) {
	a.Errors = append(a.Errors, xds.RegistryError{Code: code, Context: context, Location: location, Severity: xds.SeverityError})
}

// response checks the query, then answers it.
func (a *registryAnswer) response() *xds.QueryResponse {
	a.Status = xds.ResponseSuccess
	known, ok := storedQueries[a.query.ID]
	if !ok {
		a.fail("XDSUnknownStoredQuery", "AdhocQuery/@id: "+a.query.ID, "")
	} else {
		a.check(known)
	}
	if a.record == nil {
		a.fail("XDSUnknownPatientId", "no DMP for the patient of the VIHF (resource-id)", "")
	}
	if len(a.Errors) == 0 {
		known.answer(a)
	}
	if len(a.Errors) > 0 {
		return &xds.QueryResponse{Response: xds.Response{Status: xds.ResponseFailure, Errors: a.Errors}, Total: -1}
	}
	a.Total = len(a.Documents) + len(a.Sets) + len(a.Associations)
	if a.query.References {
		a.refer()
	}
	return &a.QueryResponse
}

// refer keeps the references of the objects only.
func (a *registryAnswer) refer() {
	for _, d := range a.Documents {
		a.References = append(a.References, d.ID)
	}
	for _, x := range a.Sets {
		a.References = append(a.References, x.ID)
	}
	for _, x := range a.Associations {
		a.References = append(a.References, x.ID)
	}
	a.Documents, a.Sets, a.Associations = nil, nil, nil
}

// findDocuments answers FindDocuments: the last version of the metadata of each
// document that is not deleted and that who asks may see.
func (a *registryAnswer) findDocuments() {
	for _, v := range a.record.current() {
		if a.sees(v) && a.matches(&v.entry) {
			a.Documents = append(a.Documents, v.entry)
		}
	}
}

func (a *registryAnswer) matches(d *xds.DocumentEntry) bool {
	one := func(c socle.Code) []string { return xds.Coded(c) }
	for _, p := range a.query.Params {
		var has []string
		switch p.Name {
		case xds.ParamPatient:
			continue
		case xds.ParamStatus:
			has = []string{d.Status}
		case xds.ParamType:
			has = one(d.Type)
		case xds.ParamClass:
			has = one(d.Class)
		case xds.ParamFormat:
			has = one(d.Format)
		case xds.ParamPractice:
			has = one(d.Practice)
		case xds.ParamFacility:
			has = one(d.Facility)
		case xds.ParamConfidentiality:
			has = xds.Coded(d.Confidentiality...)
		case xds.ParamEvent:
			has = xds.Coded(d.Events...)
		case xds.ParamAuthor:
			if !slices.ContainsFunc(d.Authors, func(x xds.Author) bool { return likeAny(p.Values, x.Person.Wire()) }) {
				return false
			}
			continue
		case xds.ParamCreationFrom, xds.ParamCreationTo:
			if !within(p, d.CreationTime) {
				return false
			}
			continue
		case xds.ParamStartFrom, xds.ParamStartTo:
			if !within(p, d.ServiceStart) {
				return false
			}
			continue
		case xds.ParamStopFrom, xds.ParamStopTo:
			if !within(p, d.ServiceStop) {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(has, func(v string) bool { return slices.Contains(p.Values, v) }) {
			return false
		}
	}
	return true
}

// within applies a bound: From is inside, To is outside. A moment that is not
// told is nowhere.
func within(p xds.Param, v string) bool {
	if v == "" {
		return false
	}
	// A moment that is told in part is its beginning.
	pad := func(s string) string { return (s + "00000101000000"[min(len(s), 14):])[:14] }
	if strings.HasSuffix(p.Name, "From") {
		return pad(v) >= pad(p.Values[0])
	}
	return pad(v) < pad(p.Values[0])
}

func likeAny(patterns []string, v string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return like([]rune(p), []rune(v)) })
}

// like is the LIKE of SQL: % stands for any characters, _ for one.
func like(p, v []rune) bool {
	for len(p) > 0 {
		if p[0] == '%' {
			for i := range len(v) + 1 {
				if like(p[1:], v[i:]) {
					return true
				}
			}
			return false
		}
		if len(v) == 0 || p[0] != '_' && p[0] != v[0] {
			return false
		}
		p, v = p[1:], v[1:]
	}
	return len(v) == 0
}

// getDocuments answers GetDocuments and the documents of GetDocumentsAndAssociations:
// by entryUUID any version of the metadata, by uniqueId the last.
func (a *registryAnswer) getDocuments() {
	for _, id := range a.query.Values(xds.ParamEntryUUID) {
		a.add(a.record.entry(id))
	}
	for _, id := range a.query.Values(xds.ParamUniqueID) {
		a.add(a.record.document(id))
	}
}

// add adds a version, once, that who asks may see.
func (a *registryAnswer) add(v *version) {
	if v != nil && a.sees(v) && !slices.ContainsFunc(a.Documents, func(d xds.DocumentEntry) bool { return d.ID == v.entry.ID }) {
		a.Documents = append(a.Documents, v.entry)
	}
}

// getDocumentsAndAssociations answers the query of that name.
func (a *registryAnswer) getDocumentsAndAssociations() {
	a.getDocuments()
	var ids []string
	for _, d := range a.Documents {
		ids = append(ids, d.ID)
	}
	a.associationsOf(ids)
}

// getAssociations answers the query of that name.
func (a *registryAnswer) getAssociations() { a.associationsOf(a.query.Values(xds.ParamUUID)) }

// associationsOf adds the associations that have one of the objects, between
// objects that who asks may see.
func (a *registryAnswer) associationsOf(ids []string) {
	hidden := func(id string) bool {
		v := a.record.entry(id)
		return v != nil && !a.sees(v)
	}
	for _, x := range a.record.associations {
		if (slices.Contains(ids, x.Source) || slices.Contains(ids, x.Target)) && !hidden(x.Source) && !hidden(x.Target) {
			a.Associations = append(a.Associations, x)
		}
	}
}

// findSubmissionSets answers the query of that name.
func (a *registryAnswer) findSubmissionSets() {
	for _, set := range a.record.sets {
		fits := true
		for _, p := range a.query.Params {
			switch p.Name {
			case xds.ParamSetStatus:
				fits = fits && slices.Contains(p.Values, set.Status)
			case xds.ParamSetTimeFrom, xds.ParamSetTimeTo:
				fits = fits && within(p, set.Time)
			}
		}
		if fits {
			a.Sets = append(a.Sets, set)
		}
	}
}
