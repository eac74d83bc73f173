package dmp_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// PAT-VUN-DEUX opposes both urgent modes.
func TestAnAmendmentErasesNothingBySilence(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	p := find(t, "PAT-VUN-DEUX")
	p.Title, p.UsedName, p.Deceased = "M", "DEUXIEME", true
	require.NoError(t, srv.AddPatient(p))
	var sent string
	c := client(t, srv, air, tampering(func(b []byte) []byte { sent = string(b); return b }))
	patient, r := qualified(t, "PAT-VUN-DEUX"), checked(t, c, pharmacist, "PAT-VUN-DEUX")
	told, err := c.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.True(t, told.OpposesBreakGlass && told.OpposesRegulation && told.Deceased)

	b, err := json.Marshal(told)
	require.NoError(t, err)
	var back dmp.Administrative
	_ = json.Unmarshal(b, &back)
	swapped, risen := told, told
	swapped.Record, risen.Deceased = r, false
	before := len(srv.Journal())
	for name, x := range map[string]struct {
		data dmp.Administrative
		want error
	}{
		"made by hand":       {dmp.Administrative{Record: r}, dmp.ErrNotChecked},
		"another Record":     {swapped, dmp.ErrNotChecked},
		"written and read":   {back, dmp.ErrNotChecked},
		"no longer deceased": {risen, dmp.ErrQuery},
	} {
		_, err := c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: x.data})
		require.ErrorIs(t, err, x.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
	}
	require.Len(t, srv.Journal(), before, "nothing was sent")

	told.Contact.Address.City = "PARIS"
	_, err = c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: told})
	require.NoError(t, err)
	for _, want := range []string{`<prefix>M</prefix>`, `<family qualifier="SP">DEUXIEME</family>`, `<deceasedInd value="true">`, `<city>PARIS</city>`} {
		require.Contains(t, sent, want)
	}
	again, err := c.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.True(t, again.OpposesBreakGlass && again.OpposesRegulation && again.Deceased)

	again.OpposesBreakGlass = false // the patient's decision, and told
	_, err = c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: again, UsedName: "TROISIEME"})
	require.NoError(t, err)
	require.Contains(t, sent, `<prefix>M</prefix>`)
	require.Contains(t, sent, `>TROISIEME<`)
	again, err = c.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.False(t, again.OpposesBreakGlass)
	require.True(t, again.OpposesRegulation)
}

func TestAnOppositionThatWasNotToldIsNotLifted(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	untold := pattern(`(?s)<subjectOf [^>]*><administrativeObservation [^>]*><code code="OPPOSITION_ACCES_URGENCE".*?</subjectOf>`, "")
	asking := client(t, srv, air, changedAnswers(untold))
	patient, r := qualified(t, "PAT-VUN-DEUX"), checked(t, asking, pharmacist, "PAT-VUN-DEUX")
	told, err := asking.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.False(t, told.OpposesRegulation, "nothing was told")
	var sent string
	c := client(t, srv, air, tampering(func(b []byte) []byte { sent = string(b); return b }))
	_, err = c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: told})
	require.NoError(t, err)
	require.Contains(t, sent, "OPPOSITION_BRIS_DE_GLACE")
	require.NotContains(t, sent, "OPPOSITION_ACCES_URGENCE")
}
