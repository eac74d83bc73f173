package dmptest

import (
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/xds"
)

// storedQuery is a stored query that the registry answers.
type storedQuery struct {
	params   map[string]arity
	required []string // one of each, its alternatives separated by a bar
	answer   func(*registryAnswer)
}

// arity is how often a parameter, and its value, may come.
type arity int

const (
	single   arity = iota // one value
	moment                // one number, quoted or not
	anyOf                 // a list
	allOfAny              // lists, that must all hold
)

// storedQueries by their ids (ITI TF-2 §3.18.4.1.2.3.7).
var storedQueries = map[string]storedQuery{
	xds.FindDocuments: {map[string]arity{
		xds.ParamPatient: single, xds.ParamStatus: anyOf, xds.ParamType: anyOf, xds.ParamClass: anyOf, xds.ParamFormat: anyOf,
		xds.ParamPractice: anyOf, xds.ParamFacility: anyOf, xds.ParamConfidentiality: allOfAny, xds.ParamEvent: allOfAny, xds.ParamAuthor: anyOf,
		xds.ParamCreationFrom: moment, xds.ParamCreationTo: moment, xds.ParamStartFrom: moment, xds.ParamStartTo: moment,
		xds.ParamStopFrom: moment, xds.ParamStopTo: moment,
	}, []string{xds.ParamPatient, xds.ParamStatus}, (*registryAnswer).findDocuments},
	xds.GetDocuments: {map[string]arity{xds.ParamEntryUUID: anyOf, xds.ParamUniqueID: anyOf},
		[]string{xds.ParamEntryUUID + "|" + xds.ParamUniqueID}, (*registryAnswer).getDocuments},
	xds.GetDocumentsAndAssociations: {map[string]arity{xds.ParamEntryUUID: anyOf, xds.ParamUniqueID: anyOf},
		[]string{xds.ParamEntryUUID + "|" + xds.ParamUniqueID}, (*registryAnswer).getDocumentsAndAssociations},
	xds.GetAssociations: {map[string]arity{xds.ParamUUID: anyOf}, []string{xds.ParamUUID}, (*registryAnswer).getAssociations},
	xds.FindSubmissionSets: {map[string]arity{xds.ParamSetPatient: single, xds.ParamSetStatus: anyOf, xds.ParamSetTimeFrom: moment, xds.ParamSetTimeTo: moment},
		[]string{xds.ParamSetPatient, xds.ParamSetStatus}, (*registryAnswer).findSubmissionSets},
}

// coded are the parameters whose values are code^^scheme.
var coded = []string{xds.ParamType, xds.ParamClass, xds.ParamFormat, xds.ParamPractice, xds.ParamFacility, xds.ParamConfidentiality, xds.ParamEvent}

// check verifies the parameters of the query.
func (a *registryAnswer) check(known storedQuery) {
	times := map[string]int{}
	for _, p := range a.query.Params {
		kind, ok := known.params[p.Name]
		times[p.Name]++
		switch {
		case !ok:
			a.fail(codeQuery, "a parameter that this query does not have", p.Name)
		case times[p.Name] > 1 && kind != allOfAny:
			a.fail("XDSStoredQueryParamNumber", "expected once", p.Name)
		case kind <= moment && (len(p.Values) != 1 || p.Form == xds.List):
			a.fail("XDSStoredQueryParamNumber", "expected one value and no list", p.Name)
		case kind == moment && !isMoment(p.Values[0]):
			a.fail(codeQuery, "expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC", p.Name)
		case kind >= anyOf && p.Form != xds.List:
			a.fail(codeQuery, "expected a list, in parentheses", p.Name)
		case slices.Contains(coded, p.Name) && slices.ContainsFunc(p.Values, func(v string) bool {
			code, system, ok := strings.Cut(v, "^^")
			return !ok || code == "" || system == ""
		}):
			a.fail(codeQuery, "expected code^^codingScheme", p.Name)
		case p.Name == xds.ParamPatient, p.Name == xds.ParamSetPatient:
			if x := xds.ParseCX(p.Values[0]); (patientID{x.Authority.ID, x.ID}) != a.who.patient {
				a.fail("XDSPatientIdDoesNotMatch", "expected the patient of the VIHF (resource-id)", p.Name)
			} else if component(p.Values[0], 4) != "&"+a.who.patient.oid+"&ISO" || component(p.Values[0], 5) != "NH" {
				a.fail(codeQuery, "expected matricule^^^&OID&ISO^NH", p.Name)
			}
		case (p.Name == xds.ParamStatus || p.Name == xds.ParamSetStatus) && slices.ContainsFunc(p.Values, func(v string) bool { return !slices.Contains(queriedStatuses, v) }):
			a.fail(codeQuery, "expected statuses among Approved, Deprecated and Archived", p.Name)
		case p.Name == xds.ParamStatus && !slices.Contains(p.Values, xds.StatusApproved):
			a.fail(codeQuery, "expected "+xds.StatusApproved+" among them (EX_3.1-1030)", p.Name)
		}
	}
	for _, r := range known.required {
		n := 0
		for name := range strings.SplitSeq(r, "|") {
			n += min(times[name], 1)
		}
		switch {
		case n == 0:
			a.fail("XDSStoredQueryMissingParam", "mandatory: "+strings.ReplaceAll(r, "|", " or "), "")
		case n > 1:
			a.fail("XDSStoredQueryParamNumber", "expected one of "+strings.ReplaceAll(r, "|", " and "), "")
		}
	}
}

// queriedStatuses are those of a search (dmp sheet §4 TD3.1).
var queriedStatuses = []string{"urn:oasis:names:tc:ebxml-regrep:StatusType:Approved", "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated",
	"urn:asip:ci-sis:2010:StatusType:Archived"}

func isMoment(s string) bool {
	return len(s) >= 4 && len(s) <= 14 && len(s)%2 == 0 && strings.Trim(s, "0123456789") == ""
}
