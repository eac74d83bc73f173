package dmp_test

import (
	"context"
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

func TestExistsTellsTheStateOfEachPatient(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	for _, p := range dmptest.Patients() {
		id, err := p.Qualified(time.Now())
		require.NoError(t, err, p.Purpose)
		r, err := c.Exists(context.Background(), pharmacist, id)
		require.NoError(t, err, p.Purpose)
		require.Equal(t, p.State, r.State, p.Purpose)
		require.Equal(t, p.MonEspaceSante, r.MonEspaceSante, p.Purpose)
		require.Equal(t, p.Account, r.Account, p.Purpose)
		require.NotEmpty(t, r.MessageID)
		switch p.State {
		case dmp.StateNone:
			require.ErrorIs(t, r.CanFeed(), dmp.ErrNoRecord)
			require.Empty(t, r.Details)
		case dmp.StateClosed:
			require.ErrorIs(t, r.CanFeed(), dmp.ErrClosed)
			require.Equal(t, "DMPClosed", r.Details[0].Code)
		default:
			require.NoError(t, r.CanFeed())
			require.Equal(t, p.Authorization, r.Authorization)
			require.Equal(t, "DMPFound", r.Details[0].Code)
		}
		require.False(t, r.TreatingDoctor)
	}
	require.Len(t, srv.Journal(), len(dmptest.Patients()))
}

func TestExistsTellsTheTreatingDoctor(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	p := find(t, "HALL")
	p.TreatingDoctor = pharmacist.ID
	require.NoError(t, srv.AddPatient(p))
	r, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.NoError(t, err)
	require.True(t, r.TreatingDoctor)
}

func TestTheCatalogueHoldsValidPatients(t *testing.T) {
	t.Parallel()
	for _, p := range dmptest.Patients() {
		require.True(t, p.INS.Matricule.KeyValid(), p.Purpose)
		require.True(t, p.Traits.BirthDate.Complete(), p.Purpose)
		require.NotEmpty(t, p.Traits.BirthPlace, p.Purpose)
	}
	srv, _ := setup(t, dmptest.Options{Patients: []dmptest.Patient{}})
	require.Error(t, srv.AddPatient(dmptest.Patient{}))
}

func TestOnlyAQualifiedIdentityIsSent(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	p := find(t, "HALL")
	id, err := ins.NewIdentity(p.Traits)
	require.NoError(t, err)
	recovered, err := id.Accept(ins.Result{Active: p.INS, Traits: p.Traits, At: time.Now()}, ins.Acceptance{At: time.Now()})
	require.NoError(t, err)
	for _, id := range []ins.Identity{{}, id, recovered} {
		_, err := c.Exists(context.Background(), pharmacist, id)
		require.ErrorIs(t, err, ins.ErrNotQualified)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		_, err = c.NewDocument(pharmacist, id, report())
		require.ErrorIs(t, err, ins.ErrNotQualified)
		_, err = c.Submit(context.Background(), pharmacist, id, dmp.Submission{})
		require.ErrorIs(t, err, ins.ErrNotQualified)
	}
	require.Empty(t, srv.Journal())
}

func TestAnIncompleteProfessionalIsRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	air := client(t, srv, func(cfg *dmp.Config) { cfg.Mode = dmp.AIR })
	card := client(t, srv, direct)
	other := pharmacy
	other.ID = structure("10B0127189")
	for want, call := range map[string]struct {
		client *dmp.Client
		change func(*socle.Professional)
	}{
		"Professional.ID":                  {c, func(p *socle.Professional) { p.ID = socle.PersonID{} }},
		"Professional.FamilyName":          {c, func(p *socle.Professional) { p.FamilyName = " " }},
		"Professional.Profession":          {c, func(p *socle.Professional) { p.Profession = socle.Code{} }},
		"Professional.Structure.ID":        {c, func(p *socle.Professional) { p.Structure = socle.Structure{} }},
		"Professional.Speciality":          {c, func(p *socle.Professional) { p.Speciality = socle.Code{} }},
		"is not the OU":                    {c, func(p *socle.Professional) { p.Structure = other }},
		"not the holder of the card":       {card, func(p *socle.Professional) { p.ID = rpps("10000000025") }},
		"authenticated by card or e-CPS":   {air, func(p *socle.Professional) { p.Authn.Means = socle.MeansCertificate }},
		"Professional.Structure.Sector":    {c, func(p *socle.Professional) { p.Structure.Sector = socle.Code{} }},
		"the second role (1.2.250.1.71.4":  {c, func(p *socle.Professional) { p.Speciality.System = "1.2.3" }},
		"a code of TRE_R02 such as SA33":   {c, func(p *socle.Professional) { p.Structure.Sector.Code = "33" }},
		"Professional.Structure.Name":      {c, func(p *socle.Professional) { p.Structure.Name = "" }},
		"« Aucune spécialité dans le vihf": {c, func(p *socle.Professional) { p.Speciality = socle.Code{} }},
	} {
		who := pharmacist
		call.change(&who)
		_, err := call.client.Exists(context.Background(), who, qualified(t, "HALL"))
		require.ErrorIs(t, err, dmp.ErrProfessional, want)
		if want != "the second role (1.2.250.1.71.4" {
			require.ErrorContains(t, err, want)
		}
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), want)
		require.False(t, socle.Retryable(err))
	}
	require.Empty(t, srv.Journal())
}

func TestTestIdentitiesAreRefusedInProduction(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	_, err := dmp.InProduction(c).Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrEnvironment)
	require.ErrorContains(t, err, "INS-NIR-TEST")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Empty(t, srv.Journal())

	real, err := realPatient(t, "HALL").Qualified(time.Now())
	require.NoError(t, err)
	r, err := dmp.InProduction(c).Exists(context.Background(), pharmacist, real)
	require.NoError(t, err)
	require.Equal(t, dmp.StateNone, r.State, "the emulator knows test identities only")

	lenient := client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.TestIdentities = true })
	_, err = dmp.InProduction(lenient).Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.NoError(t, err)
}

func TestStructuresThatTheDMPDoesNotAccept(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	for want, s := range map[string]dmptest.Structure{
		"Structure introuvable ou Inactive":    {ID: pharmacy.ID, Inactive: true},
		"Impossible d'effectuer un test d'exi": {ID: pharmacy.ID, Sector: socle.Code{Code: "SA07"}},
		"PS et Structure non liés":             {ID: pharmacy.ID, Professionals: []socle.PersonID{rpps("10000000025")}},
	} {
		srv.AddStructure(s)
		_, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
		require.ErrorIs(t, err, dmp.ErrProfessional, want)
		require.Contains(t, err.(*dmp.Error).Text, want)
		require.Regexp(t, "« .+ »; .*Structure", err.Error(), "what is known of the words, and what to change")
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		var e *dmp.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 500, e.Status)
		require.NotEmpty(t, e.MessageID)
		require.NotEmpty(t, e.Fix)
	}
	srv.AddStructure(dmptest.Structure{ID: pharmacy.ID, Sector: pharmacy.Sector, Professionals: []socle.PersonID{pharmacist.ID}})
	_, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.NoError(t, err)
}

func TestRefusalsOfTheExistenceTest(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	for name, x := range map[string]struct {
		failure dmptest.Failure
		code    string
		kind    error
		outcome socle.Outcome
	}{
		"rights":      {dmptest.Failure{Fault: &dmptest.Fault{Subcode: "DMPAccessDeniedByRightsService", Reason: "non"}}, "DMPAccessDeniedByRightsService", dmp.ErrAccessDenied, socle.OutcomeRefused},
		"certificate": {dmptest.Failure{Fault: &dmptest.Fault{Subcode: "DMPInvalidCertificate", Reason: "Not a valid signature certificate"}}, "DMPInvalidCertificate", dmp.ErrInvalidCertificate, socle.OutcomeRefused},
		"fault in a status 200": {dmptest.Failure{Fault: &dmptest.Fault{Subcode: "DMPInvalidCertificate", Reason: "x", Status: 200}},
			"DMPInvalidCertificate", dmp.ErrInvalidCertificate, socle.OutcomeRefused},
		"code that nobody knows":  {dmptest.Failure{Fault: &dmptest.Fault{Subcode: "DMPNouveau", Reason: "mots nouveaux"}}, "DMPNouveau", nil, socle.OutcomeRefused},
		"fault without subcode":   {dmptest.Failure{Fault: &dmptest.Fault{Reason: "mots"}}, "Sender", nil, socle.OutcomeRefused},
		"acknowledgement AE":      {dmptest.Failure{Ack: &dmp.Detail{Code: "DMPAccessDeniedByRightsService", Text: "droits"}}, "DMPAccessDeniedByRightsService", dmp.ErrAccessDenied, socle.OutcomeRefused},
		"acknowledgement unknown": {dmptest.Failure{Ack: &dmp.Detail{Code: "DMPAutre", Text: "autre"}}, "DMPAutre", nil, socle.OutcomeRefused},
	} {
		srv.Refuse(x.failure)
		_, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, x.code, e.Code, name)
		require.NotEmpty(t, e.Text, name)
		require.Equal(t, x.outcome, socle.OutcomeOf(err), name)
		if x.kind != nil {
			require.ErrorIs(t, err, x.kind, name)
		}
	}
}

func TestExistsIsTriedAgainWhenTheDMPIsNotAvailable(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	for name, plan := range map[string]func(){
		"gateway":      func() { srv.Fail(emulator.Fault{Operation: "TD0.2", Status: 503}) },
		"reset before": func() { srv.Fail(emulator.Fault{Operation: "TD0.2", ResetBefore: true}) },
		"reset after":  func() { srv.Fail(emulator.Fault{Operation: "TD0.2", ResetAfter: true}) },
		"receiver": func() {
			srv.Refuse(dmptest.Failure{Operation: "TD0.2", Fault: &dmptest.Fault{Code: "Receiver", Reason: "en panne"}})
		},
	} {
		plan()
		before := len(srv.Journal())
		var attempts []int
		var ids []string
		watched := client(t, srv, func(cfg *dmp.Config) {
			cfg.Observe = func(_ context.Context, x socle.Exchange) {
				attempts, ids = append(attempts, x.Attempt), append(ids, x.MessageID)
			}
		})
		r, err := watched.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
		require.NoError(t, err, name)
		require.Equal(t, dmp.StateOpen, r.State)
		require.Len(t, srv.Journal(), before+2, name)
		require.Equal(t, []int{1, 2}, attempts, name)
		require.NotEqual(t, ids[0], ids[1], "each attempt is a new message")
	}
	srv.Fail(emulator.Fault{Operation: "TD0.2", Status: 502, Times: -1})
	_, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.True(t, socle.Retryable(err))
}

func TestExistsStopsWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	srv.Fail(emulator.Fault{Operation: "TD0.2", Latency: time.Minute})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := c.Exists(ctx, pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Second)
	var e *dmp.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "TD0.2", e.Op)
}

func TestAClockThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	for _, shift := range []time.Duration{-2 * time.Hour, time.Hour} {
		c := client(t, srv, func(cfg *dmp.Config) { cfg.Clock = func() time.Time { return time.Now().Add(shift) } })
		who := pharmacist
		who.Authn.At = time.Time{}
		_, err := c.Exists(context.Background(), who, qualified(t, "HALL"))
		require.ErrorIs(t, err, dmp.ErrInvalidVIHF)
		require.Contains(t, err.(*dmp.Error).Text, "IssueInstant")
	}
}

// The clock of Pro Santé Connect may be a little ahead of the counter's.
func TestAnAuthenticationThatIsStillToCome(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	who := pharmacist
	who.Authn.At = time.Now().Add(time.Minute)
	_, err := c.Exists(context.Background(), who, qualified(t, "HALL"))
	require.NoError(t, err)
	who.Authn.At = time.Now().Add(time.Hour)
	_, err = c.Exists(context.Background(), who, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrInvalidVIHF)
	require.ErrorContains(t, err, "NTP")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Len(t, srv.Journal(), 1)
}

func TestATestProfessionalIsRefusedInProduction(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	who := pharmacist
	var err error
	who.ID, err = socle.ParsePersonID("ANS20000000000123")
	require.NoError(t, err)
	_, err = c.Exists(context.Background(), who, qualified(t, "HALL"))
	require.NoError(t, err)
	_, err = dmp.InProduction(c).Exists(context.Background(), who, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrEnvironment)
	require.ErrorContains(t, err, "professional")
	both := dmp.InProduction(c).Override("essai", dmp.RuleTestIdentity)
	_, err = both.Exists(context.Background(), who, qualified(t, "HALL"))
	require.NoError(t, err)
	require.Len(t, srv.Journal(), 2)
}

func TestCertificatesThatExpireBetweenCalls(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	now := time.Now()
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Clock = func() time.Time { return now } })
	now = now.AddDate(4, 0, 0)
	_, err := c.Exists(context.Background(), pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrInvalidCertificate)
	require.ErrorContains(t, err, "expired")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestAuditTellsWhoAndNotWhom(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var got []socle.AuditRecord
	c := client(t, srv, func(cfg *dmp.Config) {
		cfg.AuditKey = []byte("key")
		cfg.Audit = func(_ context.Context, r socle.AuditRecord) { got = append(got, r) }
	})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	_, err := c.Submit(context.Background(), pharmacist, patient, s)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []string{"TD0.2", "TD2.1"}, []string{got[0].Operation, got[1].Operation})
	require.Equal(t, pharmacist.ID, got[1].Actor)
	require.Equal(t, s.Documents[0].ID(), got[1].Reference)
	require.Equal(t, socle.OutcomeDone, got[1].Outcome)
	require.Len(t, got[0].Patient, 32)
	require.Equal(t, got[0].Patient, got[1].Patient)
	require.NotContains(t, fmt.Sprintf("%+v", got), find(t, "HALL").INS.Matricule.Wire())
}
