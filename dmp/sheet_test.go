package dmp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// The patients of the official test set, by what they are for. The client's
// rules are all set aside, so that the emulator alone decides; then with its
// rules, nothing that the emulator refuses is sent.
func TestPatientsOfTheTestSetBehave(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	rules := client(t, srv, air)
	all := []dmp.Rule{dmp.RuleExistence, dmp.RuleAuthorization, dmp.RuleOpposition, dmp.RuleMode, dmp.RuleSecret}
	free := rules.Override("jeu de tests", all...)
	glass := dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient"}
	const yes, none, expired, blocked = "", "got INEXISTANTE", "got EXPIREE", "blocked the professional"
	const noGlass, noRegulation = "OPPOSITION_BRIS_DE_GLACE", "OPPOSITION_ACCES_URGENCE"
	for name, want := range map[string][3]string{ // normal, break glass, regulation
		"PAT-TROIS":    {yes, yes, yes},
		"PATB-QUATRE":  {yes, yes, yes},
		"AUTORISEPAS":  {none, yes, yes},
		"ENCHAINE":     {none, yes, yes},
		"EXPIRE":       {expired, yes, yes},
		"BLOCH":        {blocked, blocked, yes},
		"URGENCE":      {none, yes, yes},
		"PAT-VUN-UN":   {none, yes, noRegulation},
		"PAT-VUN-DEUX": {none, noGlass, noRegulation},
		"MELANGE":      {yes, yes, yes},
		"DESMAUX":      {yes, yes, yes},
		"CORSE":        {yes, yes, yes},
	} {
		patient := qualified(t, name)
		for i, access := range []dmp.Access{{}, glass, {Mode: dmp.Regulation}} {
			record := dmp.Record{State: dmp.StateUnknown}
			_, err := free.With(access).Search(t.Context(), pharmacist, patient, dmp.Query{Record: record})
			if want[i] == yes {
				require.NoError(t, err, "%s %s", name, access.Mode)
			} else {
				require.ErrorIs(t, err, dmp.ErrAccessDenied, "%s %s", name, access.Mode)
				require.Contains(t, err.(*dmp.Error).Text, want[i], "%s %s", name, access.Mode)
			}

			careful := rules.With(access)
			r, err := careful.Exists(t.Context(), pharmacist, patient)
			require.NoError(t, err)
			a, err := careful.Administrative(t.Context(), pharmacist, patient, r)
			require.NoError(t, err)
			sent := len(srv.Journal())
			_, err = careful.Search(t.Context(), pharmacist, patient, dmp.Query{Record: a.Record})
			if want[i] == yes {
				require.NoError(t, err, "%s %s", name, access.Mode)
				continue
			}
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), "%s %s: %v", name, access.Mode, err)
			require.Len(t, srv.Journal(), sent)
		}
	}
}

// INS-C is what an old record is known by too.
func TestARecordThatHasAnINSC(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	r := checked(t, c, pharmacist, "PATB-QUATRE")
	require.Equal(t, dmp.StateOpen, r.State)
	closed := checked(t, c, pharmacist, "MAXIMOP")
	require.Equal(t, dmp.StateClosed, closed.State)
	require.Equal(t, []dmp.Detail{{Code: "DMPClosed", Text: "Je ne veux plus de DMP"}}, closed.Details)
}
