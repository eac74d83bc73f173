package mss_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// A patient's opposition stops every way of sending, unless there is a reason.
func TestOppositionStopsEveryPath(t *testing.T) {
	t.Parallel()
	var opposes mss.Opposition
	var failure error
	var records []socle.AuditRecord
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) {
		c.Opposition = func(_ context.Context, patient ins.Matricule) (mss.Opposition, error) {
			if patient.Wire() != matricule {
				return mss.Opposition{}, errors.New("another patient was asked about")
			}
			return opposes, failure
		}
		c.Audit = func(_ context.Context, a socle.AuditRecord) { records = append(records, a) }
		c.AuditKey = []byte("clé")
	})
	m := b.open(t)
	ctx := context.Background()
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "x", Documents: [][]byte{small("1")}})
	require.NoError(t, err)
	got, err := m.Read(ctx, list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	patients := []ins.Identity{qualified(t, true)}
	document := []mss.Outgoing{{CDA: small("2"), PDF: pdfa}}
	_, err = m.Send(ctx, mss.Draft{To: []mss.Address{address(t, office)}, Patients: patients, Text: "x", Documents: document})
	require.NoError(t, err)
	sent := b.sentOne(t)

	ways := func(rule, despite string) map[string]func() (mss.SendReport, error) {
		to := []mss.Address{address(t, office)}
		if rule == "MSS/va1.20" {
			return map[string]func() (mss.SendReport, error){
				"send": func() (mss.SendReport, error) {
					return m.Send(ctx, mss.Draft{Patients: patients, Text: "x", DespiteOpposition: despite})
				},
				"reply": func() (mss.SendReport, error) {
					return m.Reply(ctx, got, mss.Draft{Text: "x", DespiteOpposition: despite})
				},
				"replyAll": func() (mss.SendReport, error) {
					return m.ReplyAll(ctx, got, mss.Draft{Text: "x", DespiteOpposition: despite})
				},
			}
		}
		return map[string]func() (mss.SendReport, error){
			"send": func() (mss.SendReport, error) {
				return m.Send(ctx, mss.Draft{To: to, Text: "x", Documents: document, DespiteOpposition: despite})
			},
			"forward": func() (mss.SendReport, error) {
				return m.Forward(ctx, got, mss.Draft{To: to, Text: "x", DespiteOpposition: despite})
			},
			"replace": func() (mss.SendReport, error) {
				return m.Replace(ctx, sent, mss.Draft{Patients: patients, Text: "x", Documents: []mss.Outgoing{{CDA: next("9", "2"), PDF: pdfa}}, DespiteOpposition: despite})
			},
			"withdraw": func() (mss.SendReport, error) {
				return m.Withdraw(ctx, sent, mss.Draft{Patients: patients, DespiteOpposition: despite})
			},
		}
	}
	journal := func() int { return len(b.server.Journal()) }
	for rule, o := range map[string]mss.Opposition{"MSS/va1.20": {ToPatient: true}, "MSS/va1.22": {ToProfessionals: true}} {
		opposes = o
		before := journal()
		for name, way := range ways(rule, "") {
			_, err := way()
			require.ErrorIs(t, err, mss.ErrOpposed, "%s %s", rule, name)
			require.ErrorContains(t, err, rule)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		}
		if rule == "MSS/va1.22" {
			_, err := m.Resend(ctx, sent, patients...)
			require.ErrorIs(t, err, mss.ErrOpposed)
		}
		require.Equal(t, before, journal(), "nothing went to the operator")
		for name, way := range ways(rule, "urgence vitale") {
			records = nil
			r, err := way()
			require.NoError(t, err, "%s %s", rule, name)
			require.Contains(t, r.Degraded, mss.Degraded{Rule: rule, Text: "it leaves although the patient opposes it"})
			require.Equal(t, "override "+rule, records[0].Code)
			require.Equal(t, "urgence vitale", records[0].Reason)
			require.NotEmpty(t, records[0].Patient)
		}
	}
	opposes, failure = mss.Opposition{}, errors.New("database away")
	_, err = m.Reply(ctx, got, mss.Draft{Text: "x"})
	require.ErrorIs(t, err, failure, "who does not know does not send")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = m.Send(ctx, draft(t))
	require.NoError(t, err, "nothing of a patient")
}
