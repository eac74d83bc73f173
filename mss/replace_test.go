package mss_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// next is a document that replaces another, of the same patient.
func next(id, replaces string) []byte {
	return small(id, " <componentOf>", ` <relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.`+replaces+`"/></parentDocument></relatedDocument>
 <componentOf>`)
}

// sentOne gives the last message sent from the pharmacy, as it is kept.
func (b *bench) sentOne(t testing.TB) *mss.Message {
	t.Helper()
	l := b.server.Messages(pharmacy, "Sent")
	require.NotEmpty(t, l)
	return mss.ParseMessage(l[len(l)-1])
}

func TestCancelAndReplace(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	ctx := context.Background()
	d := draft(t)
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}
	_, err := m.Send(ctx, d)
	require.NoError(t, err)
	first := b.sentOne(t)

	r, err := m.Replace(ctx, first, mss.Draft{Text: "Erreur de posologie.", Documents: []mss.Outgoing{{CDA: next("2", "1"), PDF: pdfa}}})
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	got := b.latest(t, office)
	require.Empty(t, got.Faults)
	require.Equal(t, mss.ActionReplace, got.Documents[0].Action)
	require.Equal(t, []string{"1.2.250.1.999.1.1"}, got.Documents[0].Replaces)
	require.Equal(t, first.MessageID, got.InReplyTo)
	require.Equal(t, []string{first.MessageID}, got.References)
	require.Contains(t, got.Text, "annule et remplace mon message du ")
	require.Contains(t, got.Text, "Erreur de posologie.")

	_, err = m.Replace(ctx, first, mss.Draft{Text: "Annule et remplace le précédent.", Documents: []mss.Outgoing{{CDA: next("3", "1"), PDF: pdfa}}})
	require.NoError(t, err)
	require.Equal(t, "Annule et remplace le précédent.", b.latest(t, office).Text, "the text says it already")

	r, err = m.Withdraw(ctx, b.sentOne(t), mss.Draft{})
	require.NoError(t, err)
	require.Empty(t, r.Degraded, "what is to be deleted needs no PDF")
	got = b.latest(t, office)
	require.Equal(t, mss.ActionDelete, got.Documents[0].Action)
	require.Equal(t, "1.2.250.1.999.1.3", got.Documents[0].ID)
	require.Contains(t, got.Text, "Merci de supprimer les documents de mon message du ")
	require.Equal(t, []string{"11488-4"}, r.Codes)

	_, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	_, err = m.Replace(ctx, b.sentOne(t), mss.Draft{Text: "Bonjour."})
	require.NoError(t, err, "a text may be replaced too")
	require.Equal(t, "Annule et remplace : "+draft(t).Subject, b.latest(t, office).Subject)
}

func TestReplaceRefuses(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	ctx := context.Background()
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	d := mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Text: "Bonjour", Documents: []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}}
	_, err = m.Send(ctx, d)
	require.NoError(t, err)
	sent := b.sentOne(t)
	good := mss.Draft{Text: "x", Patients: d.Patients, Documents: []mss.Outgoing{{CDA: next("2", "1"), PDF: pdfa}}}
	_, err = m.Replace(ctx, sent, good)
	require.NoError(t, err)
	require.Len(t, b.server.Received(anne), 2)

	unrelated := good
	unrelated.Documents = []mss.Outgoing{{CDA: next("3", "77"), PDF: pdfa}}
	nothing := good
	nothing.Documents = nil
	nobody := good
	nobody.Patients = nil
	for name, x := range map[string]struct {
		rule string
		err  func() error
	}{
		"no message": {"AMBU.MSS/va1.02", func() error { _, err := m.Replace(ctx, nil, good); return err }},
		"of another mailbox": {"AMBU.MSS/va1.02", func() error {
			_, err := m.Replace(ctx, mss.ParseMessage(simple("<"+office+">", "x", "y")), good)
			return err
		}},
		"replaces something else": {"AMBU.MSS/va1.02", func() error { _, err := m.Replace(ctx, sent, unrelated); return err }},
		"without document":        {"AMBU.MSS/va1.02", func() error { _, err := m.Replace(ctx, sent, nothing); return err }},
		"patient not proven":      {"ECO.2.2.6", func() error { _, err := m.Replace(ctx, sent, nobody); return err }},
		"withdraw, not proven":    {"ECO.2.2.6", func() error { _, err := m.Withdraw(ctx, sent, mss.Draft{}); return err }},
		"nothing to withdraw": {"AMBU.MSS/va1.02", func() error {
			_, err := m.Withdraw(ctx, mss.ParseMessage(simple("<"+pharmacy+">", "x", "y")), mss.Draft{})
			return err
		}},
		"action without replaced document": {"AMBU.MSS/va1.02", func() error {
			e := draft(t)
			e.Documents = []mss.Outgoing{{CDA: small("5"), PDF: pdfa, Action: mss.ActionReplace}}
			_, err := m.Send(ctx, e)
			return err
		}},
		"no such action": {"AMBU.MSS/va1.02", func() error {
			e := draft(t)
			e.Documents = []mss.Outgoing{{CDA: small("5"), PDF: pdfa, Action: "X"}}
			_, err := m.Send(ctx, e)
			return err
		}},
	} {
		err := x.err()
		require.ErrorIs(t, err, mss.ErrNotConform, name)
		require.ErrorContains(t, err, x.rule, name)
		require.NotContains(t, err.Error(), matricule)
	}
	require.Len(t, b.server.Received(anne), 2)
}

// The connection is lost after DATA. The folder of sent messages tells, where
// the operator keeps copies, and the message is sent again as the same.
func TestUncertainMessageIsSearchedAndSentAgain(t *testing.T) {
	t.Parallel()
	var records []socle.AuditRecord
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) {
		c.Audit = func(_ context.Context, a socle.AuditRecord) { records = append(records, a) }
	})
	m := b.open(t)
	ctx := context.Background()
	d := draft(t)
	d.MessageID, d.DeliveryReceipt = "stable.1@pharmacie.formation.mssante.fr", true
	follow := mss.NewSent(d.MessageID, b.server.Clock().Now(), d.To...)
	require.True(t, follow.Submitting(b.server.Clock().Now()))
	b.server.Fail(emulator.Fault{Operation: msstest.OpSubmit, ResetAfter: true})
	_, err := m.Send(ctx, d)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	follow.Submitted(err, b.server.Clock().Now())
	require.Equal(t, mss.StatusUncertain, follow.Status())
	found, err := m.InSent(ctx, d.MessageID)
	require.NoError(t, err)
	require.False(t, found, "this operator keeps no copy: nothing is told")

	raw := b.server.Messages(office, "INBOX")[0] // as an outbox would have kept it
	records = nil
	r, err := m.Resend(ctx, mss.ParseMessage(raw))
	require.NoError(t, err)
	require.True(t, r.Submitted)
	require.True(t, r.SentCopy)
	require.Equal(t, d.MessageID, r.MessageID)
	require.Equal(t, "smtp.resend", records[1].Operation)
	both := b.server.Messages(office, "INBOX")
	require.Len(t, both, 2)
	require.Equal(t, mss.ParseMessage(both[0]).MessageID, mss.ParseMessage(both[1]).MessageID)
	found, err = m.InSent(ctx, d.MessageID)
	require.NoError(t, err)
	require.True(t, found)
	follow.Submitted(nil, b.server.Clock().Now())
	require.Equal(t, mss.StatusAccepted, follow.Status())
	require.Empty(t, list(t, m, mss.UID{}), "the inbox is open again")

	_, err = m.Resend(ctx, b.sentOne(t))
	require.NoError(t, err)
	require.Len(t, b.server.Messages(pharmacy, "Sent"), 1, "no second copy")
	_, err = m.InSent(ctx, "<x")
	require.ErrorIs(t, err, mss.ErrNotConform)
}

// Where the operator keeps copies itself, the folder of sent messages tells what
// became of a message whose connection was lost.
func TestUncertainMessageIsFoundAmongTheSent(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{KeepsSent: true}, func(c *mss.Config) { c.Dialect.OperatorKeepsSent = true })
	m := b.open(t)
	ctx := context.Background()
	r, err := m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.True(t, r.SentCopy)
	require.Empty(t, r.Degraded)
	require.Len(t, b.server.Messages(pharmacy, "Sent"), 1, "not twice")
	d := draft(t)
	d.MessageID = "stable.2@pharmacie.formation.mssante.fr"
	b.server.Fail(emulator.Fault{Operation: msstest.OpSubmit, ResetAfter: true})
	_, err = m.Send(ctx, d)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	found, err := m.InSent(ctx, d.MessageID)
	require.NoError(t, err)
	require.True(t, found, "it left")

	b = set(t, msstest.Options{}, func(c *mss.Config) { c.Dialect.OperatorKeepsSent = true })
	r, err = b.open(t).Send(ctx, d)
	require.NoError(t, err)
	require.False(t, r.SentCopy)
	require.Equal(t, "Sent", r.Degraded[0].Rule)
}

func TestResendRefuses(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	ctx := context.Background()
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	patients := []ins.Identity{qualified(t, true)}
	_, err = m.Send(ctx, mss.Draft{Patients: patients, Text: "Bonjour"})
	require.NoError(t, err)
	sent := b.sentOne(t)
	_, err = m.Resend(ctx, sent)
	require.ErrorContains(t, err, "ECO.2.2.6")
	_, err = m.Resend(ctx, sent, patients...)
	require.NoError(t, err)
	require.Len(t, b.server.Received(anne), 2)

	_, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	_, err = m.Resend(ctx, b.sentOne(t), patients...)
	require.ErrorContains(t, err, "ECO.2.2.6", "nobody is added")
	for _, bad := range []*mss.Message{nil, {}, mss.ParseMessage(simple("<"+office+">", "x", "y")), mss.ParseMessage(simple("<"+pharmacy+">", "x", "y"))} {
		_, err = m.Resend(ctx, bad)
		require.ErrorIs(t, err, mss.ErrNotConform)
		var e *mss.Error
		require.True(t, errors.As(err, &e))
	}
}
