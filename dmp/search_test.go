package dmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/socletest"
)

// feed adds a document to a record, with the client of a card.
func feed(t testing.TB, c *dmp.Client, patient ins.Identity, change func(*dmp.Report)) *dmp.Document {
	t.Helper()
	r := report()
	if change != nil {
		change(&r)
	}
	s := prepared(t, c, patient, r)
	_, err := c.Submit(context.Background(), pharmacist, patient, s)
	require.NoError(t, err)
	return s.Documents[0]
}

func record(t testing.TB, c *dmp.Client, patient ins.Identity) dmp.Record {
	t.Helper()
	r, err := c.Exists(context.Background(), pharmacist, patient)
	require.NoError(t, err)
	return r
}

func TestSearchTellsWhatWasFed(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	at := time.Date(2026, 3, 2, 10, 30, 0, 0, time.FixedZone("", 3600))
	doc := feed(t, c, patient, func(r *dmp.Report) {
		r.Date, r.Comments, r.Visibility = at, "à relire", []dmp.Visibility{dmp.HiddenFromPatient}
	})
	found, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: record(t, c, patient)})
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	require.Equal(t, 1, found.Total)
	require.False(t, found.Truncated)
	require.NotEmpty(t, found.MessageID)
	e := found.Entries[0]
	stored := srv.Documents(find(t, "ORTIE").INS)[0]
	require.Equal(t, doc.ID(), e.ID)
	require.Equal(t, stored.EntryUUID, e.EntryUUID)
	require.Equal(t, stored.LogicalID, e.LogicalID)
	require.Equal(t, "1", e.Version)
	require.Equal(t, dmp.StatusApproved, e.Status)
	require.Equal(t, "Compte rendu d'entretien pharmaceutique", e.Title)
	require.Equal(t, "à relire", e.Comments)
	require.Equal(t, doc.Type(), e.Type)
	require.Equal(t, "10", e.Class.Code)
	require.Equal(t, "urn:ihe:iti:xds-sd:pdf:2008", e.Format.Code)
	require.Equal(t, "SA33", e.Facility.Code)
	require.Equal(t, dmp.Date("2026-03-02T09:30:00Z"), e.Created)
	require.Equal(t, doc.Hash(), e.Hash)
	require.Equal(t, doc.Size(), e.Size)
	require.Equal(t, "1.2.250.1.213.4.1.1.1.2", e.Repository)
	require.Equal(t, []dmp.Visibility{dmp.HiddenFromPatient}, e.Visibility)
	require.True(t, e.HiddenFrom(dmp.HiddenFromPatient))
	require.Len(t, e.Confidentiality, 2)
	require.False(t, e.FromPatient)
	require.Equal(t, "ARNICA", e.Authors[0].FamilyName)
	require.Equal(t, pharmacist.ID.String(), e.Authors[0].ID)
	require.Equal(t, "G15_21/A", e.Authors[0].Role.Code)
	require.Equal(t, pharmacy.ID.String(), e.Authors[0].Structure)
	require.Equal(t, pharmacist.ID.String(), e.Legal.ID)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), "entretien")

	uuid, err := c.TechnicalID(context.Background(), pharmacist, patient, record(t, c, patient), doc.ID())
	require.NoError(t, err)
	require.Equal(t, e.EntryUUID, uuid)
	_, err = c.TechnicalID(context.Background(), pharmacist, patient, record(t, c, patient), "1.2.3.4")
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	_, err = c.TechnicalID(context.Background(), pharmacist, patient, record(t, c, patient), uuid)
	require.ErrorIs(t, err, dmp.ErrQuery)
}

// A registry may give the references of all versions of the metadata.
func TestTechnicalIDAmongOlderVersions(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	ctx := context.Background()
	doc := feed(t, c, patient, nil)
	rec := record(t, c, patient)
	for range 2 {
		found, err := c.Search(ctx, pharmacist, patient, dmp.Query{Record: rec})
		require.NoError(t, err)
		hidden := []dmp.Visibility{dmp.HiddenFromProfessionals}
		if found.Entries[0].HiddenFrom(hidden[0]) {
			hidden = nil
		}
		_, err = c.SetVisibility(ctx, pharmacist, patient, rec, found.Entries[0], hidden...)
		require.NoError(t, err)
	}
	srv.Refuse(dmptest.Failure{Defect: dmptest.OlderReferences})
	uuid, err := c.TechnicalID(ctx, pharmacist, patient, rec, doc.ID())
	require.NoError(t, err)
	require.Equal(t, srv.Documents(find(t, "ORTIE").INS)[0].EntryUUID, uuid)
	// Who may not search cannot tell which.
	indirect := client(t, srv)
	srv.Refuse(dmptest.Failure{Defect: dmptest.OlderReferences})
	_, err = indirect.TechnicalID(ctx, pharmacist, patient, record(t, indirect, patient), doc.ID())
	require.ErrorIs(t, err, dmp.ErrAnswer)
}

// Each condition of a search finds what it should, and nothing else.
func TestSearchByEachCondition(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	day := func(n int) time.Time { return time.Date(2026, 2, n, 12, 0, 0, 0, time.UTC) }
	a := feed(t, c, patient, func(r *dmp.Report) {
		r.Date, r.Start, r.End = day(3), day(1), day(2)
		r.Event = socle.Code{Code: "YYYY001", System: "1.2.250.1.213.2.5", Display: "acte"}
	}).ID()
	b := feed(t, c, patient, func(r *dmp.Report) {
		r.Date, r.Type, r.Visibility = day(10), dmp.MedicationReview, []dmp.Visibility{dmp.HiddenFromRepresentatives}
		r.Practice = socle.Code{Code: "DEPISTAGE", System: "1.2.250.1.213.1.1.4.9"}
	}).ID()
	rec := record(t, c, patient)
	loinc := "2.16.840.1.113883.6.1"
	for name, test := range map[string]struct {
		q    dmp.Query
		want []string
	}{
		"nothing":          {dmp.Query{}, []string{b, a}},
		"type":             {dmp.Query{Types: []socle.Code{{Code: "78601-2"}}}, []string{a}},
		"types":            {dmp.Query{Types: []socle.Code{{Code: "78601-2"}, {Code: "56445-0", System: loinc}}}, []string{b, a}},
		"another type":     {dmp.Query{Types: []socle.Code{{Code: "local", System: "9.9"}}}, nil},
		"class":            {dmp.Query{Classes: []socle.Code{{Code: "10"}}}, []string{b, a}},
		"another class":    {dmp.Query{Classes: []socle.Code{{Code: "42"}}}, nil},
		"format":           {dmp.Query{Formats: []socle.Code{{Code: "urn:ihe:iti:xds-sd:pdf:2008"}}}, []string{b, a}},
		"facility":         {dmp.Query{Facilities: []socle.Code{{Code: "SA33"}}}, []string{b, a}},
		"another facility": {dmp.Query{Facilities: []socle.Code{{Code: "SA01"}}}, nil},
		"practice":         {dmp.Query{Practices: []socle.Code{{Code: "DEPISTAGE"}}}, []string{b}},
		"confidentiality":  {dmp.Query{Confidentiality: []socle.Code{{Code: string(dmp.HiddenFromRepresentatives)}}}, []string{b}},
		"event":            {dmp.Query{Events: []socle.Code{{Code: "YYYY001", System: "1.2.250.1.213.2.5"}}}, []string{a}},
		"author":           {dmp.Query{Author: "ARNICA"}, []string{b, a}},
		"author pattern":   {dmp.Query{Author: pharmacist.ID.String() + "^%"}, []string{b, a}},
		"another author":   {dmp.Query{Author: "L'ÉPINE"}, nil},
		"created from":     {dmp.Query{Created: dmp.Period{From: day(4)}}, []string{b}},
		"created to":       {dmp.Query{Created: dmp.Period{To: day(10)}}, []string{a}},
		"created at":       {dmp.Query{Created: dmp.Period{From: day(10), To: day(11)}}, []string{b}},
		"started":          {dmp.Query{Started: dmp.Period{To: day(2)}}, []string{a}},
		"ended":            {dmp.Query{Ended: dmp.Period{From: day(2), To: day(3)}}, []string{a}},
		"in another zone":  {dmp.Query{Created: dmp.Period{From: day(10).Add(time.Minute).In(time.FixedZone("", -5*3600))}}, nil},
		"statuses":         {dmp.Query{Statuses: []dmp.Status{dmp.StatusArchived, dmp.StatusApproved, dmp.StatusDeprecated}}, []string{b, a}},
		"both":             {dmp.Query{Types: []socle.Code{{Code: "78601-2"}}, Created: dmp.Period{From: day(4)}}, nil},
		"raw": {dmp.Query{Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryTypeCode", Values: []string{"56445-0^^" + loinc}},
			{Name: "$XDSDocumentEntryCreationTimeTo", Values: []string{"20260301"}}}}, []string{b}},
		"both raw": {dmp.Query{Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryConfidentialityCode", Values: []string{"N^^2.16.840.1.113883.5.25"}},
			{Name: "$XDSDocumentEntryConfidentialityCode", Values: []string{"INVISIBLE_REPRESENTANTS_LEGAUX^^1.2.250.1.213.1.1.4.13"}}}}, []string{b}},
		"one": {dmp.Query{Limit: 1}, []string{b}},
	} {
		test.q.Record = rec
		found, err := c.Search(context.Background(), pharmacist, patient, test.q)
		require.NoError(t, err, name)
		var got []string
		for _, e := range found.Entries {
			got = append(got, e.ID)
		}
		require.Equal(t, test.want, got, name)
		require.Equal(t, name == "one", found.Truncated, name)
	}
}

// What was sent since a time is found, whatever it is about, and what changed since.
func TestSearchSinceTheLastConnection(t *testing.T) {
	t.Parallel()
	clock := socletest.NewClock(time.Now())
	srv, c := setup(t, dmptest.Options{Clock: clock}, direct, func(cfg *dmp.Config) { cfg.Clock = clock.Now })
	patient := qualified(t, "ORTIE")
	old := func(r *dmp.Report) { r.Date = time.Now().AddDate(-5, 0, 0) }
	first, second := feed(t, c, patient, old), feed(t, c, patient, nil)
	clock.Advance(time.Hour)
	last := clock.Now()
	clock.Advance(time.Second)
	third := feed(t, c, patient, old)
	rec := record(t, c, patient)
	since := func(p dmp.Period) (all []string) {
		found, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec, Sent: p})
		require.NoError(t, err)
		require.False(t, found.Truncated)
		for _, e := range found.Entries {
			all = append(all, e.ID)
		}
		return all
	}
	require.Equal(t, []string{third.ID()}, since(dmp.Period{From: last}))
	require.ElementsMatch(t, []string{first.ID(), second.ID()}, since(dmp.Period{To: last}))
	found, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec, Created: dmp.Period{From: time.Now().AddDate(-1, 0, 0)}})
	require.NoError(t, err)
	require.Equal(t, second.ID(), found.Entries[0].ID)
	_, err = c.SetVisibility(context.Background(), pharmacist, patient, rec, found.Entries[0], dmp.HiddenFromProfessionals)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{second.ID(), third.ID()}, since(dmp.Period{From: last}))
	before := len(srv.Journal())
	_, err = c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec, Sent: dmp.Period{From: last, To: last}})
	require.ErrorIs(t, err, dmp.ErrQuery)
	require.Len(t, srv.Journal(), before)
}

func TestSearchesThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	rec := record(t, c, patient)
	before := len(srv.Journal())
	now := time.Now()
	for name, q := range map[string]dmp.Query{
		"unknown code":   {Types: []socle.Code{{Code: "local"}}},
		"no code":        {Classes: []socle.Code{{System: "1.2"}}},
		"event":          {Events: []socle.Code{{Code: "J09"}}},
		"period":         {Created: dmp.Period{From: now, To: now}},
		"patient":        {Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryPatientId", Values: []string{"x"}}}},
		"status":         {Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryStatus", Values: []string{"x"}}}},
		"no value":       {Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryTypeCode"}}},
		"no name":        {Raw: []dmp.Parameter{{Values: []string{"x"}}}},
		"no number":      {Raw: []dmp.Parameter{{Name: "$XDSDocumentEntryCreationTimeTo", Values: []string{"hier"}}}},
		"too long":       {Author: strings.Repeat("a", 300)},
		"below zero":     {Limit: -1},
		"control author": {Author: "a\x01b"},
	} {
		q.Record = rec
		_, err := c.Search(context.Background(), pharmacist, patient, q)
		require.ErrorIs(t, err, dmp.ErrQuery, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
	}
	require.Len(t, srv.Journal(), before, "nothing was sent")
}

// The rules of §7 that precede a consultation.
func TestConsultationIsRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	indirect := client(t, srv)
	ortie, other := qualified(t, "ORTIE"), qualified(t, "PAT-TROIS")
	ctx := context.Background()
	entry := []dmp.Entry{{ID: "1.2.3"}}
	for name, test := range map[string]struct {
		c       *dmp.Client
		patient ins.Identity
		record  dmp.Record
		want    error
	}{
		"not checked":     {c, ortie, dmp.Record{}, dmp.ErrNotChecked},
		"another patient": {c, ortie, record(t, c, other), dmp.ErrPatientMismatch},
		"closed":          {c, qualified(t, "FERMETURE"), record(t, c, qualified(t, "FERMETURE")), dmp.ErrClosed},
		"none":            {c, qualified(t, "CONTESTE"), record(t, c, qualified(t, "CONTESTE")), dmp.ErrNoRecord},
		"not authorized":  {c, qualified(t, "AUTORISEPAS"), record(t, c, qualified(t, "AUTORISEPAS")), dmp.ErrNotAuthorized},
		"blocked":         {c, qualified(t, "BLOCH"), record(t, c, qualified(t, "BLOCH")), dmp.ErrBlocked},
		"indirect":        {indirect, ortie, record(t, indirect, ortie), dmp.ErrAccessDenied},
	} {
		before := len(srv.Journal())
		_, err := test.c.Search(ctx, pharmacist, test.patient, dmp.Query{Record: test.record})
		require.ErrorIs(t, err, test.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		for doc, err := range test.c.Retrieve(ctx, pharmacist, test.patient, dmp.Retrieval{Record: test.record, Entries: entry}) {
			require.Nil(t, doc, name)
			require.ErrorIs(t, err, test.want, name)
		}
		require.Len(t, srv.Journal(), before, name)
	}
	// An organisation may ask for the technical identifier of a document.
	doc := feed(t, indirect, ortie, nil)
	uuid, err := indirect.TechnicalID(ctx, pharmacist, ortie, record(t, indirect, ortie), doc.ID())
	require.NoError(t, err)
	require.Equal(t, srv.Documents(find(t, "ORTIE").INS)[0].EntryUUID, uuid)
	// And what the client does not refuse, the emulator does.
	_, err = indirect.Override("essai", dmp.RuleMode).Search(ctx, pharmacist, ortie, dmp.Query{Record: record(t, indirect, ortie)})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	// In mode AIR an organisation may consult, but not feed.
	strong := client(t, srv, air)
	found, err := strong.Search(ctx, pharmacist, ortie, dmp.Query{Record: record(t, strong, ortie)})
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
}

// A document hidden from professionals is seen by its author only, deleted ones by nobody.
func TestSearchShowsWhatTheProfessionalMaySee(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	hidden := feed(t, c, patient, func(r *dmp.Report) { r.Visibility = []dmp.Visibility{dmp.HiddenFromProfessionals} })
	unseen := feed(t, c, patient, func(r *dmp.Report) { r.Visibility = []dmp.Visibility{dmp.HiddenFromPatient} })
	minor := feed(t, c, patient, func(r *dmp.Report) { r.Visibility = []dmp.Visibility{dmp.HiddenFromRepresentatives} })
	ids := func(c *dmp.Client, who socle.Professional) (all []string) {
		r, err := c.Exists(context.Background(), who, patient)
		require.NoError(t, err)
		found, err := c.Search(context.Background(), who, patient, dmp.Query{Record: r})
		require.NoError(t, err)
		for _, e := range found.Entries {
			all = append(all, e.ID)
		}
		return all
	}
	require.ElementsMatch(t, []string{hidden.ID(), unseen.ID(), minor.ID()}, ids(c, pharmacist))

	colleague := pharmacist
	colleague.ID, colleague.FamilyName = rpps("10000000025"), "BARDANE"
	auth, sign, err := srv.Card(colleague)
	require.NoError(t, err)
	srv.Decide(find(t, "ORTIE").INS, dmptest.Authorization{Professional: colleague.ID})
	other := client(t, srv, func(cfg *dmp.Config) { cfg.Certificate, cfg.Signature, cfg.Mode = auth, sign, dmp.Direct })
	require.ElementsMatch(t, []string{unseen.ID(), minor.ID()}, ids(other, colleague))

	r, err := other.Exists(context.Background(), colleague, patient)
	require.NoError(t, err)
	_, err = other.TechnicalID(context.Background(), colleague, patient, r, hidden.ID())
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	for doc, err := range other.Retrieve(context.Background(), colleague, patient, dmp.Retrieval{Record: r, Entries: []dmp.Entry{{ID: hidden.ID()}}}) {
		require.Nil(t, doc)
		require.ErrorIs(t, err, dmp.ErrNoDocument)
	}

	shown := func(v dmptest.Viewer) (all []string) {
		for _, d := range srv.Visible(find(t, "ORTIE").INS, v) {
			all = append(all, d.ID)
		}
		return all
	}
	require.ElementsMatch(t, []string{hidden.ID(), minor.ID()}, shown(dmptest.ByPatient))
	require.ElementsMatch(t, []string{hidden.ID()}, shown(dmptest.ByRepresentative))
}

func TestAnswersOfTheRegistryThatAreWrong(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	feed(t, c, patient, nil)
	rec := record(t, c, patient)
	search := func() (dmp.Results, error) {
		return c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec})
	}
	for defect, want := range map[dmptest.Defect]error{
		dmptest.AnotherPatient: dmp.ErrPatientMismatch, dmptest.EntityBomb: dmp.ErrAnswer, dmptest.NotXML: dmp.ErrAnswer,
	} {
		srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Defect: defect})
		found, err := search()
		require.ErrorIs(t, err, want, defect)
		require.Empty(t, found.Entries, defect)
	}
	srv.Refuse(dmptest.Failure{Defect: dmptest.OlderIdentifier})
	found, err := search()
	require.NoError(t, err, "an INS-C is accepted (EX_3.1-1055)")
	require.Len(t, found.Entries, 1)

	for _, status := range []int{200, 500} {
		srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Fault: &dmptest.Fault{Subcode: "DMPAccessDeniedByRightsService", Reason: "refus de M. X", Status: status}})
		_, err := search()
		var e *dmp.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, dmp.ErrAccessDenied)
		require.Equal(t, status, e.Status)
		require.Equal(t, "refus de M. X", e.Text)
		require.NotContains(t, err.Error(), "M. X")
	}
	for code, want := range map[string]error{"XDSTooManyResults": dmp.ErrTooMany, "XDSUnknownPatientId": dmp.ErrNoRecord, "XDSStoredQueryParamNumber": dmp.ErrQuery,
		"XDSResultNotSinglePatient": dmp.ErrPatientMismatch, "XDSRegistryMetadataError": dmp.ErrInvalidDocument} {
		srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Registry: []dmp.RegistryError{{Code: code}}})
		found, err := search()
		require.ErrorIs(t, err, want, code)
		require.Empty(t, found.Entries)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	}
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Registry: []dmp.RegistryError{{Code: "XDSRegistryNotAvailable", Context: "une partie"}}, Partial: true})
	found, err = search()
	var e *dmp.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Partial)
	require.Len(t, found.Entries, 1, "both the data and the error")
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Registry: []dmp.RegistryError{{Code: "XDSRegistryError", Severity: "Warning"}}})
	found, err = search()
	require.NoError(t, err)
	require.Len(t, found.Warnings, 1)

	// A busy registry is asked again.
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Registry: []dmp.RegistryError{{Code: "XDSRegistryBusy"}}})
	srv.Fail(emulator.Fault{Operation: "TD3.1a", Status: http.StatusServiceUnavailable})
	found, err = search()
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
}

// Every registry error that is known keeps its own code, of a search and of a retrieval.
func TestRegistryErrorsByName(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	rec, doc := record(t, c, patient), feed(t, c, patient, nil)
	n := 0
	for name, f := range dmptest.Failures() {
		if f.Registry == nil {
			continue
		}
		n++
		for _, op := range []string{"TD3.1a", "TD3.2"} {
			f.Operation = op
			times := 1
			if slices.ContainsFunc([]string{"Busy", "NotAvailable", "OutOfResources"}, func(s string) bool { return strings.Contains(name, s) }) {
				times = 3 // they are tried again
			}
			for range times {
				srv.Refuse(f)
			}
			var err error
			if op == "TD3.1a" {
				_, err = c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec})
			} else {
				for _, err = range c.Retrieve(context.Background(), pharmacist, patient, dmp.Retrieval{Record: rec, Entries: []dmp.Entry{{ID: doc.ID()}}}) {
					continue
				}
			}
			var e *dmp.Error
			require.ErrorAs(t, err, &e, name)
			require.Equal(t, op, e.Op)
			require.Equal(t, f.Registry[0].Code, e.Code)
			require.Equal(t, f.Registry[0].Context, e.Text)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
		}
	}
	require.Greater(t, n, 30)
}

// An answer that is too large is bounded, and its error tells to narrow the search.
func TestOversizedAnswersToASearch(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	rec := record(t, plain, patient)
	large := officialAnswer(2500)
	many := bytes.Replace(officialAnswer(0), []byte("<ns4:RegistryObjectList>"), append([]byte("<ns4:RegistryObjectList>"), bytes.Repeat([]byte("<a/>"), 1_500_000)...), 1)
	objects := bytes.Replace(officialAnswer(0), []byte("<ns4:RegistryObjectList>"), append([]byte("<ns4:RegistryObjectList>"), bytes.Repeat([]byte("<ns4:ObjectRef/>"), 10_001)...), 1)
	for name, body := range map[string][]byte{"bytes": large, "nodes": many, "objects": objects} {
		asked := 0
		c := client(t, srv, direct, func(cfg *dmp.Config) {
			cfg.Dialect.Uncorrelated = true
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked++
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {soapType}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
			})}
		})
		_, err := c.Search(context.Background(), pharmacist, patient, dmp.Query{Record: rec})
		require.ErrorIs(t, err, dmp.ErrTooMany, name)
		require.Equal(t, 1, asked, name)
	}
}

// Who may only ask for the technical identifier of a document may not list the
// record by asking for references alone.
func TestReferencesOfAListAreAList(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "ORTIE")
	doc := feed(t, c, patient, nil)
	rec := record(t, c, patient)
	_, err := c.TechnicalID(t.Context(), pharmacist, patient, rec, doc.ID())
	require.NoError(t, err)
	id, err := patient.Sendable()
	require.NoError(t, err)
	slot := func(name, value string) string {
		return `<rim:Slot name="` + name + `"><rim:ValueList><rim:Value>` + value + `</rim:Value></rim:ValueList></rim:Slot>`
	}
	cx := strings.ReplaceAll(id.CX(), "&", "&amp;")
	for name, query := range map[string]string{
		"documents": `<rim:AdhocQuery xmlns:rim="` + xds.NSRIM + `" id="` + xds.FindDocuments + `">` + slot("$$XDSDocumentEntryPatientId", "'"+cx+"'") +
			slot("$$XDSDocumentEntryStatus", "('"+xds.StatusApproved+"')") + `</rim:AdhocQuery>`,
		"lots": `<rim:AdhocQuery xmlns:rim="` + xds.NSRIM + `" id="` + xds.FindSubmissionSets + `">` + slot("$$XDSSubmissionSetPatientId", "'"+cx+"'") +
			slot("$$XDSSubmissionSetStatus", "('"+xds.StatusApproved+"')") + `</rim:AdhocQuery>`,
	} {
		sly := client(t, srv, tampering(pattern(`(?s)<rim:AdhocQuery .*</rim:AdhocQuery>`, query)))
		_, err := sly.TechnicalID(t.Context(), pharmacist, patient, rec, doc.ID())
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "DMPAccessDeniedByRightsService", e.Code, name)
	}
}

// The name of a parameter may be anything: it is not repeated.
func TestANameOfAParameterIsNotRepeated(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	matricule := find(t, "ORTIE").INS.Matricule.Wire()
	_, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: record(t, c, patient), Raw: []dmp.Parameter{{Name: matricule, Values: []string{"a"}}}})
	require.ErrorIs(t, err, dmp.ErrQuery)
	require.NotContains(t, err.Error(), matricule)
}

// A query that is not as the sheet has it is refused.
func TestQueriesThatBreakARuleAreRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	rec := record(t, plain, patient)
	for name, change := range map[string]func([]byte) []byte{
		"unknown status":     replace("('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')", "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved','urn:x')"),
		"patient of no kind": replace("&amp;ISO^NH'", "&amp;ISO'"),
	} {
		_, err := client(t, srv, direct, tampering(change)).Search(t.Context(), pharmacist, patient, dmp.Query{Record: rec})
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), "%s: %v", name, err)
	}
}
