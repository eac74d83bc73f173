package dmp_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
)

// checked asks for a record.
func checked(t testing.TB, c *dmp.Client, who socle.Professional, name string) dmp.Record {
	t.Helper()
	r, err := c.Exists(t.Context(), who, qualified(t, name))
	require.NoError(t, err)
	return r
}

func TestAuthorizationsComeAndGo(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now())
	srv, _ := setup(t, dmptest.Options{Clock: clock, MaxAge: 800 * 24 * time.Hour})
	var audit []socle.AuditRecord
	c := client(t, srv, air, audited(&audit), func(cfg *dmp.Config) { cfg.Clock = clock.Now })
	patient := qualified(t, "AUTORISEPAS")
	r := checked(t, c, pharmacist, "AUTORISEPAS")
	require.Equal(t, dmp.AuthorizationNone, r.Authorization)
	require.ErrorIs(t, r.CanRead(), dmp.ErrNotAuthorized)

	audit = nil
	consent := clock.Now()
	g, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: consent})
	require.NoError(t, err)
	require.False(t, g.Already)
	require.NotEmpty(t, g.MessageID)
	require.Len(t, audit, 1)
	require.Equal(t, "TD0.3", audit[0].Operation)
	require.Equal(t, "consent of the patient, "+consent.Format(time.RFC3339), audit[0].Reason)
	require.NoError(t, checked(t, c, pharmacist, "AUTORISEPAS").CanRead())

	g, err = c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: consent})
	require.NoError(t, err, "that it is already there is no error")
	require.True(t, g.Already)
	require.Equal(t, "Autorisation déjà présente aucune action effectuée", g.Context)

	clock.Advance(366 * 24 * time.Hour)
	r = checked(t, c, pharmacist, "AUTORISEPAS")
	require.Equal(t, dmp.AuthorizationExpired, r.Authorization)
	_, err = c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: clock.Now()})
	require.NoError(t, err)
	require.NoError(t, checked(t, c, pharmacist, "AUTORISEPAS").CanRead())

	_, err = c.Revoke(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: clock.Now()})
	require.NoError(t, err)
	require.ErrorIs(t, checked(t, c, pharmacist, "AUTORISEPAS").CanRead(), dmp.ErrNotAuthorized)
	g, err = c.Revoke(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: clock.Now()})
	require.NoError(t, err)
	require.NotEmpty(t, g.Context)
}

// With a card the VIHF has no name: the card does.
func TestTheCardNamesWhoIsAuthorized(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, direct)
	r := checked(t, c, pharmacist, "HALL")
	list, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "HALL"), r, "")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "Paule ARNICA", list[0].GivenName+" "+list[0].FamilyName)
	require.Equal(t, "Paule ARNICA", srv.Accesses(find(t, "HALL").INS)[0].Name)
}

func TestAnAuthorizationIsThatOfOneProfessional(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	other := pharmacist
	other.ID, other.GivenName = rpps("10000000025"), "Rose"
	r := checked(t, c, pharmacist, "AUTORISEPAS")
	_, err := c.Authorize(t.Context(), pharmacist, qualified(t, "AUTORISEPAS"), dmp.Decision{Record: r, At: time.Now()})
	require.NoError(t, err)
	require.ErrorIs(t, checked(t, c, other, "AUTORISEPAS").CanRead(), dmp.ErrNotAuthorized)
	require.Len(t, srv.Authorizations(find(t, "AUTORISEPAS").INS), 1)
}

func TestAuthorizeRefusesBeforeItSends(t *testing.T) {
	t.Parallel()
	srv, indirect := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	good := checked(t, c, pharmacist, "HALL")
	now := time.Now()
	for name, x := range map[string]struct {
		client  *dmp.Client
		patient string
		d       dmp.Decision
		want    error
	}{
		"no record asked for": {c, "HALL", dmp.Decision{At: now}, dmp.ErrNotChecked},
		"no consent":          {c, "HALL", dmp.Decision{Record: good}, dmp.ErrNotAuthorized},
		"consent to come":     {c, "HALL", dmp.Decision{Record: good, At: now.Add(time.Hour)}, dmp.ErrNotAuthorized},
		"no doctor":           {c, "HALL", dmp.Decision{Record: good, At: now, TreatingDoctor: true}, dmp.ErrProfessional},
		"another patient":     {c, "ORTIE", dmp.Decision{Record: good, At: now}, dmp.ErrPatientMismatch},
		"blocked":             {c, "BLOCH", dmp.Decision{Record: checked(t, c, pharmacist, "BLOCH"), At: now}, dmp.ErrBlocked},
		"closed":              {c, "FERMETURE", dmp.Decision{Record: checked(t, c, pharmacist, "FERMETURE"), At: now}, dmp.ErrClosed},
		"mode INDIRECTE":      {indirect, "HALL", dmp.Decision{Record: good, At: now}, dmp.ErrAccessDenied},
	} {
		sent := len(srv.Journal())
		_, err := x.client.Authorize(t.Context(), pharmacist, qualified(t, x.patient), x.d)
		require.ErrorIs(t, err, x.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.Len(t, srv.Journal(), sent, name)
	}

	// Overridden, they are the DMP's to refuse.
	_, err := indirect.Override("homologation", dmp.RuleMode).Authorize(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Decision{Record: good, At: now})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	blocked := checked(t, c, pharmacist, "BLOCH")
	_, err = c.Override("homologation", dmp.RuleAuthorization).Authorize(t.Context(), pharmacist, qualified(t, "BLOCH"), dmp.Decision{Record: blocked, At: now})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, "Le patient a bloqué le professionnel", err.(*dmp.Error).Text)
	_, err = c.With(dmp.Access{Mode: dmp.Regulation}).Authorize(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Decision{Record: good, At: now})
	require.ErrorIs(t, err, dmp.ErrAccessDenied, "the matrix denies it in regulation")
}

func TestTheTreatingDoctor(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	doctor := pharmacist
	doctor.ID, doctor.Profession, doctor.Speciality = rpps("10000000033"), socle.Code{Code: "10"}, socle.Code{Code: "SM26"}
	d := dmp.Decision{Record: checked(t, c, doctor, "AUTORISEPAS"), At: time.Now(), TreatingDoctor: true}
	_, err := c.Authorize(t.Context(), doctor, qualified(t, "AUTORISEPAS"), d)
	require.NoError(t, err)
	r := checked(t, c, doctor, "AUTORISEPAS")
	require.True(t, r.TreatingDoctor)
	require.NoError(t, r.CanRead())
	list, err := c.ListAuthorized(t.Context(), doctor, dmp.AuthorizedQuery{From: time.Now().AddDate(-1, 0, 0)})
	require.NoError(t, err)
	require.True(t, list[0].TreatingDoctor)
	_, err = c.Revoke(t.Context(), doctor, qualified(t, "AUTORISEPAS"), d)
	require.NoError(t, err)
	r = checked(t, c, doctor, "AUTORISEPAS")
	require.False(t, r.TreatingDoctor)
	require.NoError(t, r.CanRead(), "the authorization stays")
}

func TestListProfessionals(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	p := find(t, "ORTIE")
	now := time.Now().UTC().Truncate(time.Second)
	srv.Decide(p.INS, dmptest.Authorization{Professional: rpps("10000000025"), FamilyName: "VERVEINE", GivenName: "Rose", Blocked: true, Start: now,
		Role: socle.Code{Code: "10"}, Speciality: socle.Code{Code: "SM26"}})
	srv.Decide(p.INS, dmptest.Authorization{Professional: rpps("10000000033"), FamilyName: "ARMOISE", Start: now.AddDate(-3, 0, 0)})
	srv.Decide(p.INS, dmptest.Authorization{Professional: rpps("10000000041"), Revoked: true})
	r := checked(t, c, pharmacist, "ORTIE")
	names := func(which dmp.Standing) (all []string) {
		list, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "ORTIE"), r, which)
		require.NoError(t, err)
		for _, x := range list {
			all = append(all, x.FamilyName+" "+string(x.Standing))
			require.Equal(t, "1.2.250.1.71.4.2.1", x.IDType)
		}
		return all
	}
	require.Equal(t, []string{"ARNICA ACTIVE"}, names(""))
	require.Equal(t, []string{"VERVEINE INTERDITE"}, names(dmp.BlockedProfessionals))
	require.Equal(t, []string{"ARNICA ACTIVE", "VERVEINE INTERDITE", "ARMOISE EXPIREE"}, names(dmp.AllProfessionals))

	list, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "ORTIE"), r, dmp.BlockedProfessionals)
	require.NoError(t, err)
	require.Equal(t, "810000000025", list[0].ID)
	require.Equal(t, []socle.Code{{Code: "G15_10/SM26", Display: "Médecin - Qualifié en Médecine Générale (SM)"}}, list[0].Specialities)
	require.Equal(t, now, list[0].Since)
	_, err = c.ListProfessionals(t.Context(), pharmacist, qualified(t, "ORTIE"), r, "ALL")
	require.ErrorIs(t, err, dmp.ErrQuery)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: now, By: "LASTAUTHORIZATION"})
	require.ErrorIs(t, err, dmp.ErrQuery)
}

func TestListAuthorized(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }))
	for _, name := range []string{"HALL", "ORTIE", "AUTORISEPAS", "BLOCH"} {
		checked(t, c, pharmacist, name)
	}
	year := time.Now().AddDate(-1, 0, 0)
	list, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: year})
	require.NoError(t, err)
	require.NotContains(t, last, "resource-id", "about nobody")
	require.Len(t, list, 2)
	var got []ins.INS
	for _, r := range list {
		got = append(got, r.INS)
		require.False(t, r.LastAccess.IsZero())
		require.True(t, r.LastDocument.IsZero())
	}
	require.ElementsMatch(t, []ins.INS{find(t, "HALL").INS, find(t, "ORTIE").INS}, got)
	for _, r := range list {
		if r.INS == find(t, "HALL").INS { // no TD0.2 needed
			_, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "HALL"), r.Record, "")
			require.NoError(t, err)
			require.NoError(t, r.Record.CanRead())
			require.ErrorIs(t, dmp.AdmitRead(t.Context(), c, pharmacist, qualified(t, "ORTIE"), r.Record), dmp.ErrPatientMismatch)
		}
	}
	require.NotContains(t, fmt.Sprintf("%+v %#v", list, list), find(t, "HALL").INS.Matricule.Wire())

	list, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: year, By: dmp.SinceDocument})
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = c.Submit(t.Context(), pharmacist, qualified(t, "HALL"), prepared(t, c, qualified(t, "HALL"), report()))
	require.NoError(t, err)
	list, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: year, By: dmp.SinceDocument})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.False(t, list[0].LastDocument.IsZero())
	list, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Empty(t, list)

	_, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{})
	require.ErrorIs(t, err, dmp.ErrQuery)
	other := dmp.AuthorizedQuery{From: year, Owner: rpps("10000000025")}
	_, err = c.ListAuthorized(t.Context(), pharmacist, other)
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	srv.AddStructure(dmptest.Structure{ID: pharmacy.ID, Professionals: []socle.PersonID{pharmacist.ID, other.Owner}})
	list, err = c.ListAuthorized(t.Context(), pharmacist, other)
	require.NoError(t, err)
	require.Empty(t, list)

	named := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }),
		func(cfg *dmp.Config) { cfg.Dialect.Nobody = find(t, "HALL").INS })
	_, err = named.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: year})
	require.NoError(t, err)
	require.Contains(t, last, "resource-id")
}

// The samples of TD0.4 and TD0.5 name a patient in the VIHF: so may each call.
func TestTheAssertionOfAListNamesThePatientOfTheCall(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }))
	list := func(p ins.Identity) error {
		_, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now(), Patient: p})
		return err
	}
	search := func(p ins.Identity) error {
		_, err := c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "HALL", Patient: p})
		return err
	}
	provisional, err := ins.NewIdentity(find(t, "HALL").Traits)
	require.NoError(t, err)
	for name, call := range map[string]func(ins.Identity) error{"TD0.4": list, "TD0.5": search} {
		require.NoError(t, call(qualified(t, "HALL")), name)
		require.Contains(t, last, find(t, "HALL").INS.Matricule.Wire()+"^^^", name)
		require.NoError(t, call(ins.Identity{}), name)
		require.NotContains(t, last, "resource-id", name)
		require.ErrorIs(t, call(provisional), ins.ErrNotQualified, name)
	}
}

func TestTheActionsOfTheWSDLToo(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }), func(cfg *dmp.Config) {
		cfg.Dialect.Actions = map[string]string{"TD0.3": "urn:hl7-org:v3:setAuthorization", "TD1.6": "urn:hl7-org:v3:listAuthorizationByPatient"}
	})
	r := checked(t, c, pharmacist, "HALL")
	_, err := c.Authorize(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Decision{Record: r, At: time.Now()})
	require.NoError(t, err)
	require.Contains(t, last, ">urn:hl7-org:v3:setAuthorization<")
	_, err = c.ListProfessionals(t.Context(), pharmacist, qualified(t, "HALL"), r, "")
	require.NoError(t, err)
}

func TestStatusesOfTheServicesOfTheDMP(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	r := checked(t, c, pharmacist, "HALL")
	calls := map[string]func() error{
		"TD0.3": func() error {
			_, err := c.Authorize(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Decision{Record: r, At: time.Now()})
			return err
		},
		"TD1.6": func() error {
			_, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "HALL"), r, "")
			return err
		},
		"TD0.4": func() error {
			_, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now()})
			return err
		},
	}
	for op, call := range calls {
		srv.Refuse(dmptest.Failure{Status: &dmp.Detail{Code: "DMPNouveau", Text: "mots"}})
		err := call()
		var e *dmp.Error
		require.ErrorAs(t, err, &e, op)
		require.Equal(t, []string{op, "DMPNouveau", "mots"}, []string{e.Op, e.Code, e.Text})
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		srv.Refuse(dmptest.Failure{Status: &dmp.Detail{Code: "DMPAccessDeniedByRightsService"}})
		require.ErrorIs(t, call(), dmp.ErrAccessDenied, op)
		srv.Refuse(dmptest.Failure{Status: &dmp.Detail{Code: "DMPOK"}})
		require.NoError(t, call(), op+": the case varies")
		srv.Refuse(dmptest.Failure{Operation: op, Fault: &dmptest.Fault{Subcode: "DMPInvalidCertificate", Reason: "x"}})
		require.ErrorIs(t, call(), dmp.ErrInvalidCertificate, op)
		srv.Refuse(dmptest.Failure{Status: &dmp.Detail{Code: " "}})
		require.ErrorIs(t, call(), dmp.ErrAnswer, op)
		srv.Fail(emulator.Fault{Operation: op, Status: 503})
		require.NoError(t, call(), op+": it is tried again")
	}
	srv.Fail(emulator.Fault{Operation: "TD0.3", ResetAfter: true, Times: 1})
	_, err := c.Revoke(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Decision{Record: r, At: time.Now()})
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err), "what takes away is not tried again")
}

func TestTheAccessJournalTellsWhoAndHow(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	p := find(t, "AIRTRIBUT")
	glass := c.With(dmp.Access{Mode: dmp.BreakGlass, Reason: "patiente inconsciente", Secret: true})
	r := checked(t, glass, pharmacist, "AIRTRIBUT")
	_, err := glass.Authorize(t.Context(), pharmacist, qualified(t, "AIRTRIBUT"), dmp.Decision{Record: r, At: time.Now()})
	require.True(t, errors.Is(err, dmp.ErrAccessDenied))
	got := srv.Accesses(p.INS)
	require.Len(t, got, 2)
	require.Equal(t, []string{"TD0.2", "TD0.3"}, []string{got[0].Operation, got[1].Operation})
	require.Equal(t, []string{"", "DMPAccessDeniedByRightsService"}, []string{got[0].Refused, got[1].Refused})
	require.Equal(t, dmp.BreakGlass, got[0].Access)
	require.Equal(t, "patiente inconsciente", got[0].Reason)
	require.True(t, got[0].Secret)
	require.Equal(t, pharmacist.ID.String(), got[0].Professional)
	require.Equal(t, "INDIRECTE_RENFORCEE", got[0].Mode)
	require.Empty(t, srv.Accesses(find(t, "HALL").INS))
}
