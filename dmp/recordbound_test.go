package dmp_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// colleague is a pharmacist of the same pharmacy.
func colleague() socle.Professional {
	b := pharmacist
	b.ID = rpps("10000000025")
	return b
}

func TestARecordThatExistsDidNotGiveIsRefused(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	c := client(t, srv, air, audited(&audit))
	patient, good := qualified(t, "HALL"), checked(t, c, pharmacist, "HALL")
	future, old := good, good
	future.CheckedAt, old.CheckedAt = time.Now().Add(time.Hour), time.Now().Add(-13*time.Hour)
	soon := good
	soon.CheckedAt = time.Now().Add(time.Minute)
	b, err := json.Marshal(good)
	require.NoError(t, err)
	var back dmp.Record
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, good.State, back.State)
	elsewhere := pharmacist
	elsewhere.Structure.ID = structure("10B0127189")
	for name, x := range map[string]struct {
		who    socle.Professional
		record dmp.Record
		want   string
	}{
		"as it came":         {pharmacist, good, ""},
		"clocks that differ": {pharmacist, soon, ""},
		"made by hand":       {pharmacist, dmp.Record{State: dmp.StateOpen, Authorization: dmp.AuthorizationValid, CheckedAt: time.Now()}, "Exists gave"},
		"written and read":   {pharmacist, back, "Exists gave"},
		"still to come":      {pharmacist, future, "still to come"},
		"long ago":           {pharmacist, old, "RecordAge"},
		"of a colleague":     {colleague(), good, "another professional"},
	} {
		doc, err := c.NewDocument(x.who, patient, report())
		require.NoError(t, err, name)
		audit = nil
		_, read := c.Search(t.Context(), x.who, patient, dmp.Query{Record: x.record})
		_, fed := c.Submit(t.Context(), x.who, patient, dmp.Submission{Record: x.record, Documents: []*dmp.Document{doc}})
		require.Len(t, audit, 2, name)
		for _, err := range []error{read, fed} {
			if x.want == "" {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, dmp.ErrNotChecked, name)
			require.ErrorContains(t, err, x.want, name)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		}
	}
	moved := client(t, srv, air, func(cfg *dmp.Config) { cfg.Dialect.OtherStructure = true })
	require.ErrorIs(t, dmp.AdmitRead(t.Context(), moved, elsewhere, patient, good), dmp.ErrNotChecked)

	audit = nil
	free := c.Override("panne du test d'existence", dmp.RuleExistence)
	require.NoError(t, dmp.AdmitRead(t.Context(), free, pharmacist, patient, back))
	require.Len(t, audit, 1)
	require.Equal(t, "override existence", audit[0].Code)
}

func TestStatesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, s := range []dmp.State{dmp.StateUnknown, dmp.StateNone, dmp.StateOpen, dmp.StateClosed} {
		b, err := s.MarshalText()
		require.NoError(t, err)
		var got dmp.State
		require.NoError(t, got.UnmarshalText(b))
		require.Equal(t, s, got)
	}
	var s dmp.State
	require.Error(t, s.UnmarshalText([]byte("ouvert")))
}

func TestAListOfAnotherOwnerGivesNoRecord(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, air)
	srv.AddStructure(dmptest.Structure{ID: pharmacy.ID, Professionals: []socle.PersonID{pharmacist.ID, colleague().ID}})
	patient, r := qualified(t, "ENCHAINE"), checked(t, c, pharmacist, "ENCHAINE")
	_, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: time.Now()})
	require.NoError(t, err)
	q := dmp.AuthorizedQuery{From: time.Now().Add(-time.Hour), Owner: pharmacist.ID}
	list, err := c.ListAuthorized(t.Context(), colleague(), q)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, x := range list {
		require.NotZero(t, x.INS)
		require.Zero(t, x.Record)
	}
	own, err := c.ListAuthorized(t.Context(), pharmacist, q)
	require.NoError(t, err)
	require.Len(t, own, len(list))
	require.NoError(t, own[0].Record.CanRead())
	for _, x := range own {
		if x.INS == find(t, "ENCHAINE").INS {
			require.NoError(t, dmp.AdmitRead(t.Context(), c, pharmacist, patient, x.Record))
			require.ErrorIs(t, dmp.AdmitRead(t.Context(), c, colleague(), patient, x.Record), dmp.ErrNotChecked)
		}
	}
}
