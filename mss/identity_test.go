package mss_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// A patient is answered where they wrote from: a Message that the application
// made, or changed, opens no way around the qualified identity.
func TestReplyTakesNoPatientsAddressByHand(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	made := &mss.Message{Summary: mss.Summary{Sender: mss.Sender{Kind: mss.SenderPatient, Address: address(t, anne)}, MessageID: "x@y.fr"}}
	disguised := &mss.Message{Summary: mss.Summary{Sender: mss.Sender{Kind: mss.SenderProfessional, Address: address(t, anne)}, MessageID: "x@y.fr"}}
	changed := mss.ParseMessage(simple("<"+office+">", "x", "y"))
	changed.Sender = made.Sender
	two := mss.ParseMessage([]byte("From: <" + anne + ">\r\nFrom: <" + office + ">\r\nMessage-ID: <a@b.fr>\r\nSubject: x\r\n\r\nx"))
	for name, msg := range map[string]*mss.Message{"made": made, "disguised": disguised, "changed": changed, "two senders": two} {
		for _, reply := range []func(context.Context, *mss.Message, mss.Draft) (mss.SendReport, error){m.Reply, m.ReplyAll} {
			_, err := reply(context.Background(), msg, mss.Draft{Text: "Bonjour", Subject: "x"})
			require.ErrorIs(t, err, mss.ErrNotConform, name)
			require.ErrorContains(t, err, "ECO.2.2.6", name)
			require.NotContains(t, err.Error(), matricule)
		}
	}
	require.Empty(t, b.server.Received(anne))
	_, err = m.Reply(context.Background(), mss.ParseMessage(simple("<"+anne+">", "x", "y")), mss.Draft{Text: "Bonjour"})
	require.NoError(t, err)
}

// The patient who wrote is asked about what is sent on, and the report tells
// where nobody can be.
func TestOppositionIsAskedOrTold(t *testing.T) {
	t.Parallel()
	var asked []string
	opposes := mss.Opposition{ToProfessionals: true}
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) {
		c.Opposition = func(_ context.Context, patient ins.Matricule) (mss.Opposition, error) {
			asked = append(asked, patient.Wire())
			return opposes, nil
		}
	})
	m := b.open(t)
	ctx := context.Background()
	to := []mss.Address{address(t, office)}
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Ordonnance", Text: "x",
		Files: map[string][]byte{"p.jpg": []byte("\xff\xd8\xff")}})
	require.NoError(t, err)
	photo, err := m.Read(ctx, list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	_, err = m.Forward(ctx, photo, mss.Draft{To: to, Text: "Voir."})
	require.ErrorIs(t, err, mss.ErrOpposed)
	require.ErrorContains(t, err, "MSS/va1.22")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Equal(t, []string{matricule}, asked)
	require.Empty(t, b.server.Messages(office, "INBOX"))

	asked, opposes = nil, mss.Opposition{}
	r, err := m.Forward(ctx, photo, mss.Draft{To: to, Text: "Voir.", Documents: []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}})
	require.NoError(t, err)
	require.Equal(t, []string{matricule}, asked, "once for one patient")
	require.Empty(t, r.Degraded)

	asked = nil
	untold := "MSS/va1.22"
	r, err = m.Send(ctx, mss.Draft{To: to, Text: "x", Documents: []mss.Outgoing{{CDA: withoutINS("1", "L1"), PDF: pdfa}}})
	require.NoError(t, err)
	require.Empty(t, asked)
	require.Equal(t, untold, r.Degraded[len(r.Degraded)-1].Rule)
	r, err = m.Resend(ctx, b.sentOne(t))
	require.NoError(t, err)
	require.Equal(t, untold, r.Degraded[0].Rule)
	r, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.Empty(t, r.Degraded, "nothing of a patient")
}

// A number whose key does not follow from it is no INS.
func TestINSWithAWrongKeyIsNotQualified(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	for number, want := range map[string]string{matricule: "O", "279035121518900": "N", "190012A00400162": "N"} {
		d := draft(t)
		d.Documents = []mss.Outgoing{{CDA: small("1", matricule, number), PDF: pdfa}}
		r, err := b.open(t).Send(context.Background(), d)
		require.NoError(t, err)
		require.Equal(t, want, r.INS)
		require.Empty(t, b.latest(t, office).Faults)
	}
}

// No archive travels as a file, whatever its name is made to look like, and no
// subject announces documents that are not there.
func TestNothingIsSmuggledAsAnArchive(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	content := []byte(zipOf(t, nil, small("1")))
	for _, name := range []string{"=?utf-8?q?IHE=5FXDM.ZIP?=", "=?utf-8?b?SUhFX1hETS5aSVA=?=", "IHE_XDM.ZIP ", " ihe-xdm.zip"} {
		d := draft(t)
		d.Files = []mss.File{{Name: name, MediaType: "application/zip", Content: content}}
		_, err := m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, name)
	}
	require.Empty(t, b.server.Messages(office, "INBOX"))
	for _, subject := range []string{"=?utf-8?q?XDM/1.0/DDM+faux?=", "XDM/1.0/DDM+XDM/1.0/DDM+faux", "Re: XDM/1.0/DDM+ XDM/1.0/DDM + faux", "X=?utf-8?q?DM/1.0/DDM+faux?="} {
		d := draft(t)
		d.Subject = subject
		_, err := m.Send(context.Background(), d)
		require.NoError(t, err)
		got := b.latest(t, office)
		require.False(t, got.XDM, subject)
		require.Empty(t, got.Documents)
		answered := mss.ParseMessage(simple("<"+office+">", subject, "x"))
		_, err = m.Reply(context.Background(), answered, mss.Draft{Text: "x"})
		require.NoError(t, err)
		require.False(t, b.latest(t, office).XDM, subject)
	}
}

// Letters of another case are no other mailbox.
func TestAddressesAreComparedWithoutCase(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	shouted := strings.ToUpper(pharmacy[:6]) + pharmacy[6:]
	asked := mss.ParseMessage([]byte("From: <" + office + ">\r\nTo: <" + shouted + ">, <" + strings.ToUpper(office[:3]) + office[3:] + ">\r\nMessage-ID: <1@x.fr>\r\nSubject: s\r\n\r\nx"))
	r, err := m.ReplyAll(context.Background(), asked, mss.Draft{Text: "x"})
	require.NoError(t, err)
	require.Equal(t, []mss.Address{address(t, office)}, r.To, "neither to itself nor twice")
	require.Empty(t, b.server.Messages(pharmacy, "INBOX"))

	s := mss.NewSent("a@b.fr", time.Now(), address(t, "Dr.X@a.mssante.fr"), address(t, "y@a.mssante.fr"))
	ok, err := s.Receive(mss.Receipt{MessageID: "a@b.fr", Recipient: address(t, "dr.x@a.mssante.fr"), Status: mss.StatusDelivered})
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, s.Answered(mss.Summary{InReplyTo: "a@b.fr", Sender: mss.Sender{Address: address(t, "DR.X@a.mssante.fr")}}))
	require.Equal(t, mss.StatusReplied, s.Recipients[0].Status)

	upper, lower := address(t, "190012A00400162@patient.mssante.fr"), address(t, "190012a00400162@patient.mssante.fr")
	require.Equal(t, upper, lower, "a matricule of Corsica")
	require.Equal(t, "190012A00400162@patient.mssante.fr", lower.Wire())
	require.Len(t, mss.Threads([]mss.Summary{
		mss.ParseMessage([]byte("From: <" + upper.Wire() + ">\r\nMessage-ID: <1@x.fr>\r\nSubject: s\r\n\r\nx")).Summary,
		mss.ParseMessage([]byte("From: <" + pharmacy + ">\r\nTo: <" + strings.ToLower(upper.Wire()) + ">\r\nMessage-ID: <2@x.fr>\r\nIn-Reply-To: <1@x.fr>\r\nSubject: Re: s\r\n\r\nx")).Summary,
	}), 1)
}

// The report gives the addresses with which what becomes of a message is followed.
func TestReportGivesWhomToFollow(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	b.addWard(t)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	d := mss.Draft{To: []mss.Address{address(t, office)}, Cc: []mss.Address{address(t, ward), address(t, office)}, Patients: []ins.Identity{qualified(t, true)}, Text: "Bonjour"}
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Equal(t, []mss.Address{address(t, office), address(t, anne), address(t, ward)}, r.To)
	require.Equal(t, 3, r.Recipients)
	require.Equal(t, 1, r.Patients)
	require.Len(t, mss.NewSent(r.MessageID, time.Now(), r.To...).Recipients, 3)
	r, err = m.Acknowledge(context.Background(), mss.ParseMessage(asking("q.1@x.fr", "<"+office+">", "")), mss.Acknowledgement{})
	require.NoError(t, err)
	require.Equal(t, []mss.Address{address(t, office)}, r.To)
}

// Who may not be whom they seem is told with the message.
func TestSendersAreVerified(t *testing.T) {
	t.Parallel()
	a, err := authority()
	require.NoError(t, err)
	srv, err := msstest.NewWhiteList(a, "medecin.formation.mssante.fr")
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	source, err := mss.NewWhiteListSource(mss.WhiteListConfig{Roots: srv.Roots(), Address: srv.URL()})
	require.NoError(t, err)
	t.Cleanup(source.Close)
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.WhiteList = source })
	m := b.open(t)
	for from, c := range map[string]struct {
		kind  mss.SenderKind
		fault string
	}{
		"<" + office + ">":   {mss.SenderProfessional, ""},
		"<evil@exemple.com>": {mss.SenderProfessional, "not in the white list"},
		"<" + anne + ">":     {mss.SenderPatient, ""},
		"<" + matricule + "@patient.chu-essai.mssante.fr>": {mss.SenderPatient, "another platform"},
		"<MAILER-DAEMON@patient.mssante.fr>":               {mss.SenderUnknown, "no address of a person"},
		"<" + office + "> <" + anne + ">":                  {mss.SenderProfessional, "several senders"},
	} {
		require.NoError(t, b.server.Deliver(pharmacy, []byte("From: "+from+"\r\nMessage-ID: <a@b.fr>\r\nSubject: s\r\n\r\nx")))
		l := list(t, m, mss.UID{})
		msg, err := m.Read(context.Background(), l[len(l)-1].UID)
		require.NoError(t, err)
		require.Equal(t, c.kind, msg.Sender.Kind, from)
		require.Equal(t, c.kind, l[len(l)-1].Sender.Kind, from)
		if c.fault == "" {
			require.Empty(t, msg.Faults, from)
			continue
		}
		require.NotEmpty(t, msg.Faults, from)
		var f *mss.Fault
		require.ErrorAs(t, msg.Faults[0], &f)
		require.Equal(t, mss.FaultSender, f.Kind)
		require.ErrorContains(t, f, c.fault, from)
		require.NotContains(t, f.Error(), matricule)
	}
}
