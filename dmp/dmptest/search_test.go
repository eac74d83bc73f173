package dmptest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xds"
)

// asker is a pharmacist who asks about the patient of stored documents.
func asker() *session {
	return &session{patient: patientID{"1.2.250.1.213.1.4.10", "284069205012375"}, vihf: &saml.VIHF{NameID: "810000000017", StructureID: "1750000010"}}
}

func answerTo(who *session, r *record, q *xds.Query) *xds.QueryResponse {
	return (&registryAnswer{who: who, record: r, query: q}).response()
}

func list(name string, values ...string) xds.Param {
	return xds.Param{Name: name, Form: xds.List, Values: values}
}

func text(name, value string) xds.Param { return xds.Param{Name: name, Values: []string{value}} }

func digits(name, value string) xds.Param {
	return xds.Param{Name: name, Form: xds.Number, Values: []string{value}}
}

// Each parameter that is not as it should be is refused, with its name.
func TestParametersAreVerified(t *testing.T) {
	t.Parallel()
	patient, status := text(xds.ParamPatient, "284069205012375^^^&1.2.250.1.213.1.4.10&ISO^NH"), list(xds.ParamStatus, xds.StatusApproved)
	find := func(params ...xds.Param) *xds.Query { return &xds.Query{ID: xds.FindDocuments, Params: params} }
	type want struct {
		code     xds.ErrorCode
		location string
	}
	for name, test := range map[string]struct {
		q *xds.Query
		want
	}{
		"unknown query":     {&xds.Query{ID: "urn:uuid:0"}, want{"XDSUnknownStoredQuery", ""}},
		"no patient":        {find(status), want{"XDSStoredQueryMissingParam", ""}},
		"no status":         {find(patient), want{"XDSStoredQueryMissingParam", ""}},
		"not Approved":      {find(patient, list(xds.ParamStatus, xds.StatusArchived)), want{codeQuery, xds.ParamStatus}},
		"another patient":   {find(text(xds.ParamPatient, "1^^^&1.2&ISO"), status), want{"XDSPatientIdDoesNotMatch", xds.ParamPatient}},
		"two patients":      {find(list(xds.ParamPatient, "a", "b"), status), want{"XDSStoredQueryParamNumber", xds.ParamPatient}},
		"patient twice":     {find(patient, patient, status), want{"XDSStoredQueryParamNumber", xds.ParamPatient}},
		"no list":           {find(patient, status, text(xds.ParamType, "a^^b")), want{codeQuery, xds.ParamType}},
		"no scheme":         {find(patient, status, list(xds.ParamType, "a")), want{codeQuery, xds.ParamType}},
		"class twice":       {find(patient, status, list(xds.ParamClass, "a^^b"), list(xds.ParamClass, "c^^d")), want{"XDSStoredQueryParamNumber", xds.ParamClass}},
		"no moment":         {find(patient, status, digits(xds.ParamStartFrom, "123")), want{codeQuery, xds.ParamStartFrom}},
		"unknown":           {find(patient, status, text("$XDSFolder", "a")), want{codeQuery, "$XDSFolder"}},
		"by nothing":        {&xds.Query{ID: xds.GetDocuments}, want{"XDSStoredQueryMissingParam", ""}},
		"by both":           {&xds.Query{ID: xds.GetDocuments, Params: []xds.Param{list(xds.ParamUniqueID, "a"), list(xds.ParamEntryUUID, "b")}}, want{"XDSStoredQueryParamNumber", ""}},
		"associations of 0": {&xds.Query{ID: xds.GetAssociations}, want{"XDSStoredQueryMissingParam", ""}},
		"sets of another": {&xds.Query{ID: xds.FindSubmissionSets, Params: []xds.Param{text(xds.ParamSetPatient, "1"), list(xds.ParamSetStatus, xds.StatusApproved)}},
			want{"XDSPatientIdDoesNotMatch", xds.ParamSetPatient}},
	} {
		r := answerTo(asker(), &record{}, test.q)
		require.Equal(t, xds.ResponseFailure, r.Status, name)
		require.Len(t, r.Errors, 1, name)
		require.Equal(t, test.want, want{r.Errors[0].Code, r.Errors[0].Location}, name)
		require.NotContains(t, r.Errors[0].Context, "284069205012375")
	}
	require.Equal(t, xds.ResponseSuccess, answerTo(asker(), &record{}, find(patient, status, list(xds.ParamEvent, "a^^b"), list(xds.ParamEvent, "c^^d"))).Status)
	require.Equal(t, xds.ErrorCode("XDSUnknownPatientId"), answerTo(asker(), nil, find(patient, status)).Errors[0].Code)
}

func TestLike(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{"ARNICA": false, "%ARNICA%": true, "81%^P%": true, "8_^%": true, "%": true, "": false, "%é": false, "81^ARNICA^Paule_": false} {
		require.Equal(t, want, like([]rune(p), []rune("81^ARNICA^Paule")), p)
	}
}

func TestMomentsAreWithinTheirBounds(t *testing.T) {
	t.Parallel()
	from, to := digits(xds.ParamStartFrom, "202603"), digits(xds.ParamStartTo, "20260401")
	for v, want := range map[string][2]bool{"20260301": {true, true}, "2026": {false, true}, "20260331235959": {true, true}, "20260401": {true, false}, "202604": {true, false}, "": {false, false}} {
		require.Equal(t, want, [2]bool{within(from, v), within(to, v)}, v)
	}
}

// history is a record with a document that was replaced, one whose metadata
// changed, one that was deleted, one that is hidden, and the signature of their lot.
func history() *record {
	r := &record{}
	of := func(id, author string, hide ...string) *version {
		e := xds.DocumentEntry{ID: id, UniqueID: "1." + id, Confidentiality: []socle.Code{{Code: "N"}}}
		for _, h := range hide {
			e.Confidentiality = append(e.Confidentiality, socle.Code{Code: h})
		}
		return &version{entry: e, author: author, at: time.Unix(0, 0)}
	}
	signature := of("9", "810000000017", "MASQUE_PS", "INVISIBLE_PATIENT")
	signature.entry.Format = socle.Code{Code: "http://www.w3.org/2000/09/xmldsig#", System: "URN"}
	lot := []*version{of("1", "810000000017"), of("2", "899999999999"), of("3", "899999999999"), of("4", "899999999999", "MASQUE_PS"), signature}
	var members []xds.Association
	for _, v := range lot {
		members = append(members, xds.Member("set", v.entry.ID))
	}
	r.keep(xds.SubmissionSet{ID: "set", UniqueID: "1.1", Time: "20260301"}, lot, members)
	next := of("5", "810000000017")
	r.keep(xds.SubmissionSet{ID: "set", UniqueID: "1.2", Time: "20260302"}, []*version{next},
		[]xds.Association{xds.Member("set", "5"), {Type: xds.Replaces, Source: "5", Target: lot[0].entry.ID}})
	lot[0].entry.Status = xds.StatusDeprecated
	lot[2].entry.Status = xds.StatusDeleted
	changed := *lot[1]
	changed.entry.ID, changed.entry.Version = "6", "2"
	r.keep(xds.SubmissionSet{ID: "set", UniqueID: "1.3", Time: "20260303"}, []*version{&changed}, []xds.Association{xds.Member("set", "6")})
	lot[1].entry.Status = xds.StatusDeprecated
	return r
}

func TestQueriesOfSynchronization(t *testing.T) {
	t.Parallel()
	r := history()
	sets := answerTo(asker(), r, &xds.Query{ID: xds.FindSubmissionSets, Params: []xds.Param{
		text(xds.ParamSetPatient, "284069205012375^^^&1.2.250.1.213.1.4.10&ISO^NH"), list(xds.ParamSetStatus, xds.StatusApproved), digits(xds.ParamSetTimeFrom, "20260302")}})
	require.Equal(t, 2, sets.Total)
	require.Equal(t, "1.2", sets.Sets[0].UniqueID)

	bound := answerTo(asker(), r, &xds.Query{ID: xds.GetAssociations, Params: []xds.Param{list(xds.ParamUUID, sets.Sets[0].ID, sets.Sets[1].ID)}})
	require.Equal(t, 2, bound.Total)
	first := answerTo(asker(), r, &xds.Query{ID: xds.GetAssociations, Params: []xds.Param{list(xds.ParamUUID, r.sets[0].ID)}})
	require.Len(t, first.Associations, 3, "neither the document that is deleted nor the one that is hidden")

	ids := []string{bound.Associations[0].Target, bound.Associations[1].Target}
	docs := answerTo(asker(), r, &xds.Query{ID: xds.GetDocumentsAndAssociations, Params: []xds.Param{list(xds.ParamEntryUUID, ids...)}})
	require.Len(t, docs.Documents, 2)
	require.Len(t, docs.Associations, 3, "two memberships and a replacement")
	require.Equal(t, []string{"1.5", "1.2"}, []string{docs.Documents[0].UniqueID, docs.Documents[1].UniqueID})

	// An older version is given by its entryUUID; by the uniqueId, the last one is.
	old := answerTo(asker(), r, &xds.Query{ID: xds.GetDocuments, Params: []xds.Param{list(xds.ParamEntryUUID, r.versions[1].entry.ID)}})
	require.Equal(t, xds.StatusDeprecated, old.Documents[0].Status)
	last := answerTo(asker(), r, &xds.Query{ID: xds.GetDocuments, References: true, Params: []xds.Param{list(xds.ParamUniqueID, "1.2")}})
	require.Equal(t, []string{docs.Documents[1].ID}, last.References)
	require.Empty(t, last.Documents)
}
