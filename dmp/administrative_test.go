package dmp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/emulator"
)

func TestAdministrativeDataAreReadAndReplaced(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	patient := qualified(t, "MELANGE")
	r := checked(t, c, pharmacist, "MELANGE")
	a, err := c.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.Equal(t, dmp.StateOpen, a.State)
	require.Equal(t, dmp.AuthorizationValid, a.Authorization, "that of TD0.2: the answer tells none")
	require.NoError(t, a.CanRead())
	require.False(t, a.OpposesBreakGlass || a.OpposesRegulation || a.Deceased)
	require.Equal(t, find(t, "MELANGE").Representatives, a.Representatives)
	require.Zero(t, a.Contact)

	changed := a
	changed.OpposesBreakGlass = true
	changed.Contact = dmp.Contact{Telecoms: []dmp.Telecom{{URL: "tel:0199000000", Use: "HP"}, {URL: "mailto:melange@example.org"}},
		Address: dmp.Address{Lines: []string{"3 rue des Simples", "Bât. B"}, Additional: "Résidence <A & B>", PostalCode: "75000", City: "PARIS", Country: "France"}}
	ack, err := c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: changed, Title: "M", UsedName: "MELANGE-DUCHAMPS"})
	require.NoError(t, err)
	require.NotEmpty(t, ack.MessageID)
	again, err := c.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	require.Equal(t, changed.Contact, again.Contact)
	require.Equal(t, changed.Representatives, again.Representatives)
	require.True(t, again.OpposesBreakGlass)
	require.False(t, again.OpposesRegulation)

	shown := fmt.Sprintf("%v %+v %#v", again, again, again)
	for _, secret := range []string{"0199000000", "rue des Simples", "MELANGE", "BASTIEN", "0199000001"} {
		require.NotContains(t, shown, secret)
	}
}

func TestOppositionsForbidTheUrgentModes(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	glass := c.With(dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient"})
	for name, want := range map[string][2]error{
		"URGENCE": {nil, nil}, "PAT-VUN-UN": {nil, dmp.ErrOpposed}, "PAT-VUN-DEUX": {dmp.ErrOpposed, dmp.ErrOpposed},
	} {
		patient := qualified(t, name)
		a, err := c.Administrative(t.Context(), pharmacist, patient, checked(t, c, pharmacist, name))
		require.NoError(t, err)
		require.ErrorIs(t, dmp.AdmitRead(t.Context(), c, pharmacist, patient, a.Record), dmp.ErrNotAuthorized, name)
		for i, urgent := range []*dmp.Client{glass, c.With(regulation)} {
			err := dmp.AdmitRead(t.Context(), urgent, pharmacist, patient, a.Record)
			if want[i] == nil {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, want[i], name)
			require.NoError(t, dmp.AdmitRead(t.Context(), urgent.Override("homologation", dmp.RuleOpposition), pharmacist, patient, a.Record))
		}
	}
}

func TestAnAmendmentThatCannotBe(t *testing.T) {
	t.Parallel()
	srv, indirect := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	good, err := c.Administrative(t.Context(), pharmacist, qualified(t, "HALL"), checked(t, c, pharmacist, "HALL"))
	require.NoError(t, err)
	bad := good
	bad.Contact.Telecoms = []dmp.Telecom{{URL: "0102030405"}}
	worse := good
	worse.Representatives = []dmp.Representative{{Contact: bad.Contact}}
	for _, a := range []dmp.Administrative{bad, worse} {
		_, err := c.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{Administrative: a})
		require.ErrorIs(t, err, dmp.ErrQuery)
		require.NotContains(t, err.Error(), "0102030405")
	}
	_, err = c.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{})
	require.ErrorIs(t, err, dmp.ErrNotChecked)
	_, err = indirect.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{Administrative: good})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	srv.Refuse(dmptest.Failure{Operation: "TD1.3b", Ack: &dmp.Detail{Code: "DMPAccessDeniedByRightsService", Text: "mots"}})
	_, err = c.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{Administrative: good})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	srv.Fail(emulator.Fault{Operation: "TD1.3b", ResetAfter: true})
	_, err = c.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{Administrative: good})
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.False(t, err == nil)
}

func TestMessagesOfChangeThatBreakARule(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, air)
	r := checked(t, plain, pharmacist, "HALL")
	a, err := plain.Administrative(t.Context(), pharmacist, qualified(t, "HALL"), r)
	require.NoError(t, err)
	a.Contact = dmp.Contact{Telecoms: []dmp.Telecom{{URL: "tel:0199000000"}}}
	matricule, other := find(t, "HALL").INS.Matricule.Wire(), find(t, "ORTIE").INS.Matricule.Wire()
	const start, end = "<PRPA_IN201314UV02", "</PRPA_IN201314UV02>"
	for name, x := range map[string]struct {
		change     func([]byte) []byte
		code, text string
	}{
		"patient":    {within(start, end, replace(matricule, other)), "DMPInvalidVIHF", "resource-id"},
		"author":     {within(start, end, replace(pharmacist.ID.String(), "810000000025")), "DMPInvalidVIHF", "author"},
		"structure":  {within(start, end, replace(pharmacy.ID.String(), "10B0127189")), "DMPInvalidVIHF", "author"},
		"birth name": {within(start, end, replace(">HALL<", ">AUTRE<")), "DMPInvalidMessage", "birth name"},
		"no name":    {within(start, end, replace(`qualifier="BR"`, `qualifier="SP"`)), "DMPInvalidMessage", "qualifier=BR"},
		"status":     {within(start, end, replace(`<statusCode code="active"></statusCode><patientPerson`, `<statusCode code="terminated"></statusCode><patientPerson`)), "DMPInvalidMessage", "statusCode"},
		"order":      {within(start, end, pattern(`(<name>.*?</name>)(<telecom[^>]*></telecom>)`, "${2}${1}")), "DMPInvalidMessage", "not expected there"},
		"system":     {within(start, end, replace("1.2.250.1.213.4.1.2.3", "1.2.3")), "DMPInvalidMessage", "codeSystem"},
	} {
		c := client(t, srv, air, tampering(x.change))
		_, err := c.Amend(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Amendment{Administrative: a})
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, x.code, e.Code, "%s: %s", name, e.Text)
		require.Contains(t, e.Text, x.text, name)
		require.NotContains(t, err.Error(), matricule)
	}
}

func TestCloseRecord(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	c := client(t, srv, air, audited(&audit))
	patient := qualified(t, "HALL")
	r := checked(t, c, pharmacist, "HALL")
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour)} {
		_, err := c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: r, At: at})
		require.ErrorIs(t, err, dmp.ErrQuery)
	}
	audit = nil
	_, err := c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: r, At: time.Now(), Text: "Je ne veux plus de DMP"})
	require.NoError(t, err)
	require.Contains(t, audit[0].Reason, "demand of the patient")
	after := checked(t, c, pharmacist, "HALL")
	require.Equal(t, dmp.StateClosed, after.State)
	require.Equal(t, "Je ne veux plus de DMP", after.Details[0].Text)
	require.ErrorIs(t, after.CanFeed(), dmp.ErrClosed)
	_, err = c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: r, At: time.Now()})
	require.ErrorIs(t, err, dmp.ErrClosed, "the DMP refuses what the old Record let through")
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	_, err = c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: after, At: time.Now()})
	require.ErrorIs(t, err, dmp.ErrClosed)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}
