package mss_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

const notification = `From: <cabinet.medecin@medecin.formation.mssante.fr>
To: <claire.officine@pharmacie.formation.mssante.fr>
Date: Mon, 05 Oct 2026 10:00:00 +0200
Message-ID: <recu.1 @medecin.formation.mssante.fr>
Subject: =?UTF-8?Q?%s?=
Content-Type: multipart/report; report-type=disposition-notification; boundary="lot%s77"

--lot%s77
Content-Type: text/plain; charset="UTF-8"
Content-Transfert-Encoding: base64

TGUgZG9jdW1lbnQgbidhIHBhcyDDqXTDqSBpbnTDqWdyw6kuCg==
--lot%s77
Content-Type: message/disposition-notification

Original-Recipient: rfc822;cabinet.medecin@medecin.formation.mssante.fr
Final-Recipient: rfc822;<cabinet.medecin@medecin.formation.mssante.fr>
Original-Message-ID: <abc. 1@pharmacie.formation.mssante.fr>
%s

--lot%s77
Content-Type: text/rfc822-headers

Message-ID: <abc.1@pharmacie.formation.mssante.fr>
--lot%s77--
`

func notify(subject, header, body, disposition string) []byte {
	return crlf(fmt.Sprintf(notification, subject, header, body, body, disposition, body, body))
}

// The slips of official samples: a French name for the transfer encoding, a
// space in a Message-ID, a typographic dash in a boundary, on one side or both.
func TestNotificationsWithSlipsAreRead(t *testing.T) {
	t.Parallel()
	ok := "Disposition: automatic-action/MDN-sent-automatically; processed"
	ko := "Disposition:automatic-action/MDN-sent-automatically; processed/Error: 902^Identifiant patient inconnu^messageErrorCondition| E^Error^errorSeverity"
	subject := "[KO_Int=C3=A9gration_syst=C3=A8me_!][902]_XDM/1.0/DDM+CR"
	for name, c := range map[string]struct {
		raw    []byte
		status mss.Status
		code   string
		text   string
	}{
		"positive":                      {notify("XDM/1.0/DDM+CR", "-", "-", ok), mss.StatusDelivered, "", ""},
		"displayed":                     {notify("XDM/1.0/DDM+CR", "-", "-", "Disposition: manual-action/MDN-sent-manually; displayed"), mss.StatusRead, "", ""},
		"dash in both":                  {notify("x", "–", "–", ok), mss.StatusDelivered, "", ""},
		"dash in the header":            {notify("x", "–", "-", ok), mss.StatusDelivered, "", ""},
		"dash in the body":              {notify("x", "-", "—", ok), mss.StatusDelivered, "", ""},
		"dash of windows-1252":          {notify("x", "-", "\x96", ok), mss.StatusDelivered, "", ""},
		"failure":                       {notify(subject, "-", "-", ko), mss.StatusIntegrationKO, "902", "Identifiant patient inconnu"},
		"failure told by the subject":   {notify(subject, "-", "-", ok), mss.StatusIntegrationKO, "902", "Identifiant patient inconnu"},
		"failure in the field Error":    {notify("x", "-", "-", "Disposition: automatic-action/MDN-sent-automatically; processed/error\nError: 903^"), mss.StatusIntegrationKO, "903", "INS non présent dans le document"},
		"failure without accents":       {notify("x", "-", "-", "Disposition: automatic-action/MDN-sent-automatically; processed/Error: 903^INS non present dans le document"), mss.StatusIntegrationKO, "903", "INS non présent dans le document"},
		"failure that the sender codes": {notify("x", "-", "-", "Disposition: automatic-action/MDN-sent-automatically; processed/Error: 950^Autre"), mss.StatusIntegrationKO, "950", "Autre"},
		"accepted as an error":          {notify("x", "-", "-", "Disposition: automatic-action/MDN-sent-automatically; processed/Error: 0^Message accepted"), mss.StatusDelivered, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mss.ParseMessage(c.raw)
			require.Equal(t, "Le document n'a pas été intégré.", m.Text)
			require.Equal(t, "recu.1@medecin.formation.mssante.fr", m.MessageID)
			r := m.Receipts()
			require.Len(t, r, 1)
			require.Equal(t, mss.ReceiptMDN, r[0].Kind)
			require.Equal(t, c.status, r[0].Status)
			require.Equal(t, "abc.1@pharmacie.formation.mssante.fr", r[0].MessageID)
			require.Equal(t, office, r[0].Recipient.Wire())
			require.Equal(t, c.code, r[0].Code)
			require.Equal(t, c.text, r[0].Text)
		})
	}
}

func TestBothSubjectsOfAFailureAreRead(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"[KO Intégration système !][904] XDM/1.0/DDM+CR CORSE",
		"[KO Intégration système\u00a0!] [904] XDM/1.0/DDM+CR CORSE",
		"[Erreur d’intégration !][904] XDM/1.0/DDM+CR CORSE",
		"Re: [Erreur d'intégration !][904] XDM/1.0/DDM+CR CORSE",
		"[KO Inte\u0301gration syste\u0300me !][904] XDM/1.0/DDM+CR CORSE",
	} {
		m := mss.ParseMessage(crlf("From: <" + office + ">\nSubject: " + subject + "\nIn-Reply-To: <abc.1@x.mssante.fr>\n\nBonjour\n"))
		r := m.Receipts()
		require.Len(t, r, 1, subject)
		require.Equal(t, mss.ReceiptKO, r[0].Kind)
		require.Equal(t, "904", r[0].Code)
		require.Equal(t, mss.IntegrationLabel("904"), r[0].Text)
		require.Equal(t, "abc.1@x.mssante.fr", r[0].MessageID)
	}
	require.Empty(t, mss.ParseMessage([]byte("From: <"+office+">\r\nSubject: [KO] 904\r\n\r\nx")).Receipts())
}

func TestDeliveryNotificationsAreRead(t *testing.T) {
	t.Parallel()
	raw := crlf(`From: MAILER-DAEMON@mx.mssante.fr
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

I could not deliver it.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.mssante.fr
Arrival-Date: Mon, 05 Oct 2026 10:00:00 +0200

Final-Recipient: rfc822; 279035121518989@patient.mssante.fr
Original-Recipient: rfc822;279035121518989+40patient.mssante.fr
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <279035121518989@patient.mssante.fr>: user unknown

Final-Recipient: rfc822; cabinet.medecin@medecin.formation.mssante.fr
Action: Delivered (to mailbox)
Status: 2.0.0

Final-Recipient: rfc822; autre@medecin.formation.mssante.fr
Action: delayed
Status: 4.4.1
--b
Content-Type: message/rfc822

Message-ID: <abc.1@pharmacie.formation.mssante.fr>
To: <279035121518989@patient.mssante.fr>

x
--b--
`)
	r := mss.ParseMessage(raw).Receipts()
	require.Len(t, r, 3)
	for i, want := range []mss.Receipt{
		{Status: mss.StatusBounced, Code: "5.1.1", Cause: mss.BounceUnknownPatient},
		{Status: mss.StatusDelivered, Code: "2.0.0"},
		{Status: mss.StatusAccepted, Code: "4.4.1"},
	} {
		require.Equal(t, "abc.1@pharmacie.formation.mssante.fr", r[i].MessageID)
		require.Empty(t, cmp.Diff(want, r[i], cmpopts.IgnoreFields(mss.Receipt{}, "Kind", "MessageID", "Recipient", "Text", "At")))
	}
	require.Equal(t, "279035121518989@patient.mssante.fr", r[0].Recipient.Wire())
	require.NotContains(t, r[0].Text, "279035121518989")
	require.NotContains(t, fmt.Sprintf("%v %+v", r[0], r[0]), "279035121518989")
}

func TestBouncesInFreeTextAreClassified(t *testing.T) {
	t.Parallel()
	bounce := func(from, subject, text string) []byte {
		return crlf("Return-Path: <>\nFrom: " + from + "\nSubject: " + subject + "\nTo: <" + pharmacy + ">\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\n")
	}
	for text, want := range map[string]mss.BounceCause{
		"La messagerie du destinataire est clôturée.":                                 mss.BounceClosed,
		"Le patient est introuvable.":                                                 mss.BounceUnknownPatient,
		"L'adresse du destinataire est invalide : 279035121518989@patient.mssante.fr": mss.BounceInvalidAddress,
		"Le message dépasse la taille de 25 Mo.":                                      mss.BounceTooLarge,
		"Erreur inconnue.": mss.BounceOther,
	} {
		m := mss.ParseMessage(bounce("Mon espace santé <no-reply@mes.mssante.fr>", "Message non distribué", text+"\nMessage-ID: <abc.1@x.mssante.fr>"))
		r := m.Receipts()
		require.Len(t, r, 1, text)
		require.Equal(t, want, r[0].Cause, text)
		require.Equal(t, mss.StatusBounced, r[0].Status)
		require.Equal(t, "abc.1@x.mssante.fr", r[0].MessageID)
		require.NotContains(t, r[0].Text, "279035121518989")
	}
	require.Empty(t, mss.ParseMessage(bounce("<"+matricule+"@patient.mssante.fr>", "Message non distribué", "x")).Receipts(), "a patient writes what they want")
	own := mss.Dialect{Bounces: []mss.BouncePattern{}}
	require.Equal(t, mss.BounceOther, own.Receipts(mss.ParseMessage(bounce("postmaster@x.mssante.fr", "Message non distribué", "patient introuvable")))[0].Cause)
}

func TestMachinePartsSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	addresses := []mss.Address{{}, address(t, office), address(t, pharmacy), address(t, matricule+"@patient.mssante.fr")}
	rapid.Check(t, func(t *rapid.T) {
		d := mss.MDN{
			Reporter:          rapid.StringMatching(`([A-Za-z0-9]{1,9} ){0,3}[A-Za-z0-9]{1,9}`).Draw(t, "reporter"),
			OriginalRecipient: rapid.SampledFrom(addresses).Draw(t, "original"), FinalRecipient: rapid.SampledFrom(addresses).Draw(t, "final"),
			OriginalMessageID: rapid.StringMatching(`[a-z0-9.]{1,20}@[a-z]{1,10}\.fr`).Draw(t, "id"),
			Manual:            rapid.Bool().Draw(t, "manual"), SentManually: rapid.Bool().Draw(t, "sent"),
			Disposition: rapid.SampledFrom([]mss.Disposition{mss.Displayed, mss.Deleted, mss.Processed, mss.Dispatched}).Draw(t, "disposition"),
		}
		if d.Failed = rapid.Bool().Draw(t, "failed"); d.Failed {
			d.Integration = mss.Integration{Code: rapid.StringMatching(`[1-9][0-9]{2}`).Draw(t, "code"), Label: rapid.StringMatching(`[A-Za-z]{1,10}( [A-Za-z:;/]{1,10}){0,4}`).Draw(t, "label")}
		}
		got, err := mss.ParseMDN(d.Wire())
		require.NoError(t, err)
		require.Equal(t, d, got)
	})
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 10, 5, 10, 0, 0, 0, time.UTC)
		d := mss.DSN{Reporter: "mx.mssante.fr", EnvelopeID: rapid.StringMatching(`[a-z0-9]{0,10}`).Draw(t, "envid"), Arrived: at}
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			d.Recipients = append(d.Recipients, mss.Delivery{
				Original: rapid.SampledFrom(addresses).Draw(t, "original"), Final: rapid.SampledFrom(addresses[1:]).Draw(t, "final"),
				Action: rapid.SampledFrom([]mss.Action{mss.Failed, mss.Delayed, mss.Delivered, mss.Relayed, mss.Expanded}).Draw(t, "action"),
				Code:   rapid.StringMatching(`[245]\.[0-9]\.[0-9]{1,2}`).Draw(t, "code"), At: at,
			})
		}
		got, err := mss.ParseDSN(d.Wire())
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(d, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.Comparer(func(a, b mss.Address) bool { return a == b })))
	})
	var e *mss.ReceiptError
	_, err := mss.ParseMDN([]byte("Final-Recipient: rfc822; a@b.fr\r\n"))
	require.ErrorAs(t, err, &e)
	_, err = mss.ParseDSN([]byte("Reporting-MTA: dns; x\r\n"))
	require.ErrorAs(t, err, &e)
}

var statuses = []mss.Status{mss.StatusQueued, mss.StatusSubmitted, mss.StatusUncertain, mss.StatusAccepted, mss.StatusDelivered,
	mss.StatusRead, mss.StatusReplied, mss.StatusBounced, mss.StatusIntegrationKO}

func TestStatusOfASentMessage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 10, 0, 0, 0, time.UTC)
	a, b := address(t, office), address(t, "autre@medecin.formation.mssante.fr")
	const id = "abc.1@x.fr"
	s := mss.NewSent(id, at, a, b)
	require.Equal(t, mss.StatusQueued, s.Status())
	require.True(t, s.Submitting(at))
	s.Submitted(&mss.Error{}, at) // OutcomeUnknown is the zero outcome
	require.Equal(t, mss.StatusUncertain, s.Status())
	require.True(t, s.Submitting(at), "the user sends it again under the same identifier")
	s.Submitted(nil, at)
	require.Equal(t, mss.StatusAccepted, s.Status())
	require.False(t, s.Submitting(at), "the operator has it")

	changed, err := s.Receive(mss.Receipt{MessageID: id, Recipient: a, Status: mss.StatusRead, At: at})
	require.NoError(t, err)
	require.True(t, changed)
	changed, err = s.Receive(mss.Receipt{MessageID: id, Recipient: a, Status: mss.StatusDelivered})
	require.NoError(t, err)
	require.False(t, changed, "late")
	require.Equal(t, mss.StatusAccepted, s.Status(), "the other has not read it")
	_, err = s.Receive(mss.Receipt{MessageID: "autre@x.fr", Recipient: a, Status: mss.StatusRead})
	require.ErrorIs(t, err, mss.ErrOtherMessage)
	_, err = s.Receive(mss.Receipt{MessageID: id, Recipient: address(t, pharmacy), Status: mss.StatusRead})
	require.ErrorIs(t, err, mss.ErrOtherRecipient)
	_, err = s.Receive(mss.Receipt{MessageID: id, Status: mss.StatusRead})
	require.ErrorIs(t, err, mss.ErrOtherRecipient, "of two, nobody knows whose")
	_, err = s.Receive(mss.Receipt{MessageID: id, Recipient: b, Status: mss.StatusIntegrationKO, Code: "902"})
	require.NoError(t, err)
	require.Equal(t, mss.StatusIntegrationKO, s.Status())
	require.Equal(t, "902", s.Recipients[1].Code)
	require.True(t, s.Answered(mss.Summary{References: []string{id}, Sender: mss.Sender{Address: b}, Date: at}))
	require.False(t, s.Answered(mss.Summary{InReplyTo: id, Sender: mss.Sender{Address: address(t, pharmacy)}}))
	require.Equal(t, mss.StatusRead, s.Status())
}

// Whatever comes, in whatever order, nothing that is known is forgotten: only a
// message that the operator may not have goes back to the queue.
func TestStatusOnlyAdvances(t *testing.T) {
	t.Parallel()
	a := address(t, office)
	rapid.Check(t, func(t *rapid.T) {
		s := mss.NewSent("abc@x.fr", time.Time{}, a)
		had := false
		for _, next := range rapid.SliceOf(rapid.SampledFrom(statuses)).Draw(t, "statuses") {
			before := s.Status()
			changed, err := s.Receive(mss.Receipt{MessageID: "abc@x.fr", Recipient: a, Status: next})
			require.NoError(t, err)
			require.Equal(t, before.To(next), changed)
			had = had || slices.Index(statuses, s.Status()) >= 3
			if had {
				require.GreaterOrEqual(t, slices.Index(statuses, s.Status()), 3)
			}
			if before == mss.StatusReplied {
				require.Equal(t, before, s.Status())
			}
		}
	})
}

func asking(id, notify, path string) []byte {
	raw := "From: Dr_Paul_MEDECIN <" + office + ">\nTo: <" + pharmacy + ">\nSubject: XDM/1.0/DDM+Compte rendu\nMessage-ID: <" + id + ">\n"
	if notify != "" {
		raw += "Disposition-Notification-To: " + notify + "\n"
	}
	if path != "" {
		raw = "Return-Path: " + path + "\n" + raw
	}
	return crlf(raw + "Content-Type: text/plain; charset=utf-8\n\nBonjour é\n")
}

func TestAcknowledges(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	ctx := context.Background()
	path := "<" + office + ">"
	msg := mss.ParseMessage(asking("q.1@x.fr", path, path))
	require.Len(t, msg.NotificationTo(), 1)

	r, err := m.Acknowledge(ctx, msg, mss.Acknowledgement{Automatic: true})
	require.NoError(t, err)
	require.True(t, r.Submitted)
	got := b.server.Messages(office, "INBOX")
	require.Len(t, got, 1)
	receipts := mss.ParseMessage(got[0]).Receipts()
	require.Len(t, receipts, 1)
	require.Equal(t, mss.StatusRead, receipts[0].Status)
	require.Equal(t, "q.1@x.fr", receipts[0].MessageID)
	require.Equal(t, pharmacy, receipts[0].Recipient.Wire())
	require.Contains(t, string(got[0]), "Subject: XDM/1.0/DDM+Compte rendu\r\n")

	_, err = m.Acknowledge(ctx, msg, mss.Acknowledgement{Automatic: true, Failure: &mss.Integration{Code: mss.IntegrationNoINS}})
	require.NoError(t, err)
	ko := mss.ParseMessage(b.server.Messages(office, "INBOX")[1])
	receipts = ko.Receipts()
	require.Equal(t, mss.StatusIntegrationKO, receipts[0].Status)
	require.Equal(t, "903", receipts[0].Code)
	require.Equal(t, "INS non présent dans le document", receipts[0].Text)
	require.Contains(t, ko.Text, "903")
	require.Empty(t, ko.Faults)

	// Without a request, an ordinary mail tells of the failure, and of nothing else.
	plain := mss.ParseMessage(asking("q.2@x.fr", "", path))
	_, err = m.Acknowledge(ctx, plain, mss.Acknowledgement{})
	require.ErrorIs(t, err, mss.ErrNotAsked)
	_, err = m.Acknowledge(ctx, plain, mss.Acknowledgement{Failure: &mss.Integration{Code: mss.IntegrationUnknownPatient}})
	require.NoError(t, err)
	ordinary := mss.ParseMessage(b.server.Messages(office, "INBOX")[2])
	receipts = ordinary.Receipts()
	require.Equal(t, mss.ReceiptKO, receipts[0].Kind)
	require.Equal(t, "902", receipts[0].Code)
	require.Equal(t, "q.2@x.fr", receipts[0].MessageID)
	require.Equal(t, "message_original.eml", ordinary.Attachments[0].Name)

	for name, raw := range map[string][]byte{
		"another asks":             asking("q.3@x.fr", "<autre@x.mssante.fr>", path),
		"no path":                  asking("q.3@x.fr", path, ""),
		"the path of a receipt":    asking("q.3@x.fr", path, "<>"),
		"several ask":              asking("q.3@x.fr", path+", <"+pharmacy+">", path),
		"a machine wrote":          append([]byte("Auto-Submitted: auto-generated\r\n"), asking("q.3@x.fr", path, path)...),
		"a receipt asks a receipt": append([]byte("Disposition-Notification-To: "+path+"\r\nReturn-Path: "+path+"\r\n"), notify("x", "-", "-", "Disposition: a/b; displayed")...),
	} {
		_, err := m.Acknowledge(ctx, mss.ParseMessage(raw), mss.Acknowledgement{Automatic: true})
		require.ErrorIs(t, err, mss.ErrAskUser, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	_, err = m.Acknowledge(ctx, mss.ParseMessage(asking("q.3@x.fr", path, "")), mss.Acknowledgement{})
	require.NoError(t, err, "the user agreed")
	require.Len(t, b.server.Messages(office, "INBOX"), 4)
	_, err = m.Acknowledge(ctx, &mss.Message{}, mss.Acknowledgement{})
	require.ErrorIs(t, err, mss.ErrNotConform)
	var e *mss.Error
	require.True(t, errors.As(err, &e))
}

func FuzzMDN(f *testing.F) {
	f.Add([]byte("Final-Recipient: rfc822; a@b.fr\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n"))
	f.Add([]byte("Disposition:automatic-action/MDN-sent-automatically; processed/Error: 902^x^y| E^Error\nOriginal-Message-ID: < a@b >"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := mss.ParseMDN(b)
		if err != nil {
			return
		}
		again, err := mss.ParseMDN(d.Wire())
		require.NoError(t, err)
		require.Equal(t, d.OriginalMessageID, again.OriginalMessageID)
		require.Equal(t, d.FinalRecipient, again.FinalRecipient)
		require.Equal(t, d.Disposition, again.Disposition)
		require.Equal(t, d.Integration.Code != "" && d.Failed, again.Integration.Code != "" && again.Failed)
	})
}

func FuzzDSN(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.fr\r\nAction: failed\r\nStatus: 5.1.1\r\n"))
	f.Add([]byte("\n\nAction: delivered\n \n\nStatus: 4.0.0\nFinal-Recipient: x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := mss.ParseDSN(b)
		if err != nil {
			return
		}
		again, err := mss.ParseDSN(d.Wire())
		require.NoError(t, err)
		require.Len(t, again.Recipients, len(d.Recipients))
		for i := range d.Recipients {
			require.Equal(t, d.Recipients[i].Action, again.Recipients[i].Action)
			require.Equal(t, d.Recipients[i].Recipient(), again.Recipients[i].Recipient())
		}
	})
}

func FuzzReceipts(f *testing.F) {
	f.Add(notify("x", "–", "-", "Disposition: a/b; processed/Error: 902^x"))
	f.Add([]byte("Return-Path: <>\r\nSubject: Undelivered Mail\r\n\r\nuser unknown 5.1.1 a@b.fr"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range mss.ParseMessage(b).Receipts() {
			require.Contains(t, statuses, r.Status)
		}
	})
}
