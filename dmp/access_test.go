package dmp_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

func air(cfg *dmp.Config) { cfg.Mode = dmp.AIR }

// audited keeps the audit records of a client.
func audited(to *[]socle.AuditRecord) func(*dmp.Config) {
	return func(cfg *dmp.Config) {
		cfg.AuditKey = []byte("key")
		cfg.Audit = func(_ context.Context, r socle.AuditRecord) { *to = append(*to, r) }
	}
}

func TestCanRead(t *testing.T) {
	t.Parallel()
	for want, r := range map[error]dmp.Record{
		dmp.ErrNoRecord:      {State: dmp.StateNone},
		dmp.ErrClosed:        {State: dmp.StateClosed},
		dmp.ErrNotChecked:    {},
		dmp.ErrNotAuthorized: {State: dmp.StateOpen, Authorization: dmp.AuthorizationExpired},
		dmp.ErrBlocked:       {State: dmp.StateOpen, Authorization: "INTERDIT"},
	} {
		require.ErrorIs(t, r.CanRead(), want)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(r.CanRead()))
	}
	require.ErrorIs(t, dmp.Record{State: dmp.StateOpen}.CanRead(), dmp.ErrNotAuthorized, "the DMP says nothing of an authorization")
	require.NoError(t, dmp.Record{State: dmp.StateOpen, Authorization: dmp.AuthorizationValid}.CanRead())
	require.NoError(t, dmp.Record{State: dmp.StateOpen, Authorization: "NOUVELLE"}.CanRead(), "the list is open: the DMP judges")
}

func TestReadingIsRefusedBeforeItIsSentAndAudited(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	now := time.Now()
	c := client(t, srv, air, audited(&audit), func(cfg *dmp.Config) { cfg.Clock = func() time.Time { return now } })
	indirect := client(t, srv)
	record := func(name string) dmp.Record {
		r, err := c.Exists(t.Context(), pharmacist, qualified(t, name))
		require.NoError(t, err)
		return r
	}
	good, other := record("HALL"), record("ORTIE")
	opposed := good
	opposed.OpposesBreakGlass, opposed.OpposesRegulation = true, true
	old := good
	old.CheckedAt = now.Add(-13 * time.Hour)
	glass := dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient"}
	for name, x := range map[string]struct {
		client  *dmp.Client
		patient string
		record  dmp.Record
		want    error
	}{
		"allowed":               {c, "HALL", good, nil},
		"mode INDIRECTE":        {indirect, "HALL", good, dmp.ErrAccessDenied},
		"not checked":           {c, "HALL", dmp.Record{}, dmp.ErrNotChecked},
		"checked long ago":      {c, "HALL", old, dmp.ErrNotChecked},
		"another patient":       {c, "HALL", other, dmp.ErrPatientMismatch},
		"none":                  {c, "CONTESTE", record("CONTESTE"), dmp.ErrNoRecord},
		"closed":                {c, "FERMETURE", record("FERMETURE"), dmp.ErrClosed},
		"expired":               {c, "EXPIRE", record("EXPIRE"), dmp.ErrNotAuthorized},
		"blocked":               {c, "BLOCH", record("BLOCH"), dmp.ErrBlocked},
		"none, regulation":      {c.With(dmp.Access{Mode: dmp.Regulation}), "AUTORISEPAS", record("AUTORISEPAS"), nil},
		"none, break glass":     {c.With(glass), "AUTORISEPAS", record("AUTORISEPAS"), nil},
		"blocked, break glass":  {c.With(glass), "BLOCH", record("BLOCH"), dmp.ErrBlocked},
		"blocked, regulation":   {c.With(dmp.Access{Mode: dmp.Regulation}), "BLOCH", record("BLOCH"), nil},
		"opposed, normal":       {c, "HALL", opposed, nil},
		"opposed, break glass":  {c.With(glass), "HALL", opposed, dmp.ErrOpposed},
		"opposed, regulation":   {c.With(dmp.Access{Mode: dmp.Regulation}), "HALL", opposed, dmp.ErrOpposed},
		"break glass, no words": {c.With(dmp.Access{Mode: dmp.BreakGlass, Reason: " "}), "HALL", good, dmp.ErrAccess},
		"no such mode":          {c.With(dmp.Access{Mode: 9}), "HALL", good, dmp.ErrAccess},
		"secret, of age":        {c.With(dmp.Access{Secret: true}), "HALL", good, dmp.ErrAccess},
	} {
		audit = nil
		err := dmp.AdmitRead(t.Context(), x.client, pharmacist, qualified(t, x.patient), x.record)
		if x.want == nil {
			require.NoError(t, err, name)
			require.Empty(t, audit, name)
			continue
		}
		require.ErrorIs(t, err, x.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		if x.client != indirect {
			require.Len(t, audit, 1, name)
			require.Equal(t, "TD3.1a", audit[0].Operation, name)
			require.Equal(t, socle.OutcomeNotSent, audit[0].Outcome, name)
			require.Equal(t, pharmacist.ID, audit[0].Actor, name)
		}
	}
}

func TestOverriddenRulesAreAudited(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	c := client(t, srv, air, audited(&audit))
	patient := qualified(t, "HALL")
	r := dmp.Record{}

	require.ErrorIs(t, dmp.AdmitRead(t.Context(), c.Override(" ", dmp.RuleExistence), pharmacist, patient, r), dmp.ErrNotChecked)
	require.ErrorContains(t, dmp.AdmitRead(t.Context(), c.Override("", dmp.RuleExistence), pharmacist, patient, r), "Override needs a reason")
	require.ErrorIs(t, dmp.AdmitRead(t.Context(), c.Override("test", dmp.RuleExistence), pharmacist, patient, r), dmp.ErrNotAuthorized, "the others stay")

	audit = nil
	free := c.Override("homologation", dmp.RuleExistence).Override("panne du test d'existence", dmp.RuleAuthorization)
	require.NoError(t, dmp.AdmitRead(t.Context(), free, pharmacist, patient, r))
	require.Len(t, audit, 2)
	require.Equal(t, []string{"override existence", "override authorization"}, []string{audit[0].Code, audit[1].Code})
	require.Equal(t, []string{"homologation", "panne du test d'existence"}, []string{audit[0].Reason, audit[1].Reason})
	require.Len(t, audit[0].Patient, 32)
	require.Equal(t, socle.OutcomeNotSent, audit[0].Outcome)

	audit = nil
	good, err := c.Exists(t.Context(), pharmacist, patient)
	require.NoError(t, err)
	require.NoError(t, dmp.AdmitRead(t.Context(), free, pharmacist, patient, good))
	require.Len(t, audit, 1, "nothing was overridden: TD0.2 alone")
	require.ErrorIs(t, dmp.AdmitRead(t.Context(), c, pharmacist, patient, dmp.Record{}), dmp.ErrNotChecked, "the client itself has not changed")
	require.ErrorIs(t, dmp.AdmitRead(t.Context(), free, pharmacist, qualified(t, "ORTIE"), good), dmp.ErrPatientMismatch, "this cannot be overridden")
}

func TestTheAccessModeIsInTheAssertionAndTheAudit(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	var last string
	c := client(t, srv, air, audited(&audit), tampering(func(b []byte) []byte { last = string(b); return b }))
	minor := qualified(t, "AIRTRIBUT")
	_, err := c.With(dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient", Secret: true}).Exists(t.Context(), pharmacist, minor)
	require.NoError(t, err)
	for _, want := range []string{`code="bris_de_glace"`, ">patient inconscient<", `code="INVISIBLE_REPRESENTANTS_LEGAUX"`} {
		require.Contains(t, last, want)
	}
	require.Equal(t, "patient inconscient", audit[0].Reason)

	_, err = c.Exists(t.Context(), pharmacist, minor)
	require.NoError(t, err)
	require.Contains(t, last, `code="normal"`)
	require.NotContains(t, last, "patient inconscient")
	require.NotContains(t, last, "INVISIBLE_REPRESENTANTS_LEGAUX")

	other := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }),
		func(cfg *dmp.Config) { cfg.Dialect.Regulation = "normal" })
	_, err = other.With(dmp.Access{Mode: dmp.Regulation}).Exists(t.Context(), pharmacist, minor)
	require.NoError(t, err)
	require.Contains(t, last, `code="normal"`)
}

func TestADocumentOfASecretConnectionIsHidden(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	c = c.With(dmp.Access{Secret: true})
	minor := qualified(t, "AIRTRIBUT")
	_, err := c.Submit(t.Context(), pharmacist, minor, prepared(t, c, minor, report()))
	require.ErrorIs(t, err, dmp.ErrAccess)
	require.ErrorContains(t, err, "HiddenFromRepresentatives")
	hidden := report()
	hidden.Visibility = []dmp.Visibility{dmp.HiddenFromRepresentatives}
	_, err = c.Submit(t.Context(), pharmacist, minor, prepared(t, c, minor, hidden))
	require.NoError(t, err)
}

func TestMinor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	for birth, want := range map[string]bool{
		"2008-06-15": false, "2008-06-16": true, "2008-07-01": true, "2008-05-30": false, "2010-01-01": true, "1950-01-01": false,
		"2008-06-00": true, "2008-00-00": true, "2007-00-00": false, "2008-20-01": true,
	} {
		b, err := ins.ParseBirthDate(birth)
		require.NoError(t, err)
		require.Equal(t, want, dmp.Minor(b, at), birth)
	}
	require.False(t, dmp.Minor(ins.BirthDate{}, at))
}
