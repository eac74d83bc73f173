package mss_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const ward = "service.sortie@hopital.formation.mssante.fr"

// addWard adds a second professional mailbox to the operator.
func (b *bench) addWard(t testing.TB) {
	t.Helper()
	require.NoError(t, b.server.AddMailbox(msstest.Mailbox{Address: ward, Organisation: true, Openers: []string{stranger}}))
}

// latest gives the last message of a mailbox.
func (b *bench) latest(t testing.TB, mailbox string) *mss.Message {
	t.Helper()
	l := b.server.Messages(mailbox, "INBOX")
	require.NotEmpty(t, l)
	return mss.ParseMessage(l[len(l)-1])
}

func TestReplyAllGoesToTheOtherProfessionals(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	b.addWard(t)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	got := mss.ParseMessage([]byte("From: <" + office + ">\r\nTo: <" + pharmacy + ">, <" + anne + ">\r\nCc: <" + ward + ">, <" + office +
		">\r\nMessage-ID: <q@m>\r\nSubject: Question\r\n\r\nx"))
	r, err := m.ReplyAll(context.Background(), got, mss.Draft{Text: "Bien reçu."})
	require.NoError(t, err)
	require.Equal(t, 2, r.Recipients)
	require.Zero(t, r.Patients)
	require.Len(t, r.Degraded, 1)
	require.Equal(t, "ECO.2.2.6", r.Degraded[0].Rule, "no address of a patient that somebody else wrote")
	answer := b.latest(t, ward)
	require.Equal(t, []mss.Address{address(t, office)}, answer.To)
	require.Equal(t, []mss.Address{address(t, ward)}, answer.Cc)
	require.Equal(t, "Re: Question", answer.Subject)
	require.Equal(t, "q@m", answer.InReplyTo)
	require.Empty(t, b.server.Received(anne))
	require.Empty(t, b.server.Messages(pharmacy, "INBOX"), "not to oneself")

	r, err = m.ReplyAll(context.Background(), got, mss.Draft{Text: "Bien reçu.", Patients: []ins.Identity{qualified(t, true)}})
	require.NoError(t, err)
	require.Equal(t, 1, r.Patients)
	require.Len(t, b.server.Received(anne), 1)
	_, err = m.ReplyAll(context.Background(), nil, mss.Draft{Text: "x"})
	require.ErrorIs(t, err, mss.ErrNotConform)
}

// The files and documents of a patient's message go on to the prescriber: in an
// archive and under headers of the pharmacy.
func TestForwardLosesNothing(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Ordonnance", Text: "Voici.",
		Documents: [][]byte{small("1"), small("2", "11488-4", "PRESC-BIO")}, Files: map[string][]byte{"photo.jpg": []byte("\xff\xd8\xffjpeg"), "a.eml": []byte("From: x\r\n\r\ny")}})
	require.NoError(t, err)
	got, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	r, err := m.Forward(context.Background(), got, mss.Draft{To: []mss.Address{address(t, office)}, Text: "Pour avis."})
	require.NoError(t, err)
	require.Equal(t, []string{"11488-4", "PRESC-BIO"}, r.Codes)
	require.Equal(t, "O", r.INS)
	on := b.latest(t, office)
	require.Empty(t, on.Faults)
	require.Len(t, on.Documents, 2)
	require.Equal(t, got.Documents[0].Hash, on.Documents[0].Hash)
	require.Equal(t, got.Documents[1].Hash, on.Documents[1].Hash)
	require.Empty(t, on.InReplyTo)
	require.Contains(t, on.Text, "Pour avis.\n\n-------- Message transféré --------\nDe : Anne Essai\n")
	require.Contains(t, on.Text, "Voici.")
	require.NotContains(t, on.Text, matricule, "the address of a patient is their INS")
	names := map[string]string{}
	for _, a := range on.Attachments {
		content, err := io.ReadAll(a.Open())
		require.NoError(t, err)
		names[a.Name] = string(content)
	}
	require.Equal(t, map[string]string{"photo.jpg": "\xff\xd8\xffjpeg", "a.eml": "From: x\r\n\r\ny"}, names)

	r, err = m.Forward(context.Background(), mss.ParseMessage(simple("Dr_Paul_MEDECIN <"+office+">", "Re: Suite", "Bonjour")), mss.Draft{To: []mss.Address{address(t, office)}, Text: "Vu"})
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	on = b.latest(t, office)
	require.Equal(t, "Tr: Suite", on.Subject)
	require.Contains(t, on.Text, "De : Dr_Paul_MEDECIN <"+office+">")
}

func TestForwardKeepsHTMLAndTellsFaults(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	to := []mss.Address{address(t, office)}
	html := mss.ParseMessage([]byte("From: <" + office + ">\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Bonjour</p>"))
	r, err := m.Forward(context.Background(), html, mss.Draft{To: to, Text: "x"})
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	got := b.latest(t, office)
	require.Equal(t, "message.html", got.Attachments[0].Name)
	require.Equal(t, "text/html", got.Attachments[0].MediaType)
	r, err = m.Forward(context.Background(), mss.ParseMessage([]byte(head+"\r\nd\xe9j\xe0")), mss.Draft{To: to, Text: "x"})
	require.NoError(t, err)
	require.Equal(t, "RFC 2045", r.Degraded[0].Rule)
	cut := mss.ParseMessage([]byte(head + "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQm9uam91c"))
	_, err = m.Forward(context.Background(), cut, mss.Draft{To: to, Text: "x"})
	require.Error(t, err, "half a file is no file")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Len(t, b.server.Messages(office, "INBOX"), 2)
}

func TestForwardRefusesWhatHasAFault(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	broken := mss.ParseMessage([]byte(archived("IHE_XDM.ZIP", []byte("not a zip"))))
	changed := mss.ParseMessage(inflated(t, 1))
	require.NotEmpty(t, changed.Documents)
	for _, original := range []*mss.Message{nil, broken, changed} {
		_, err := m.Forward(context.Background(), original, mss.Draft{To: []mss.Address{address(t, office)}, Text: "x"})
		require.ErrorIs(t, err, mss.ErrNotConform)
		require.NotContains(t, err.Error(), matricule)
	}
	require.Empty(t, b.server.Messages(office, "INBOX"))
}

func TestAnswersGoWhereTheDraftSays(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.Dialect.FinalSubject = true })
	b.addWard(t)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	d := mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Subject: "Traitement", Text: "Prêt.", ReplyTo: address(t, ward), Final: true}
	_, err = m.Send(context.Background(), d)
	require.NoError(t, err)
	got := mss.ParseMessage(b.server.Received(anne)[0])
	require.Equal(t, []mss.Address{address(t, ward)}, got.ReplyTo)
	require.Equal(t, "Traitement [FIN]", got.Subject)
	require.True(t, got.Final)
	d.ReplyTo = address(t, anne)
	_, err = m.Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrNotConform)
	old := mss.ParseMessage([]byte("From: <" + office + ">\r\nSubject: Merci [fin]\r\n\r\nx"))
	require.True(t, old.Final, "the older way")
	require.False(t, mss.ParseMessage([]byte("From: <"+anne+">\r\nSubject: [FIN]\r\n\r\nx")).Final, "a patient closes nothing")
}

// A file is read while the message is composed, and its error is that of sending.
func TestFilesMayBeStreamed(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	opened := 0
	d := draft(t)
	d.Files = []mss.File{{Name: "a.txt", Open: func() (io.ReadCloser, error) { opened++; return io.NopCloser(strings.NewReader("contenu")), nil }}}
	_, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Equal(t, 1, opened)
	require.NotContains(t, fmt.Sprintf("%+v %#v", d, d.Files), "0x")
	d.Files[0].Open = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
	_, err = m.Send(context.Background(), d)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, b.server.Messages(office, "INBOX"), 1)
}

// X-MSS-INS with several documents is as the dialect has it.
func TestINSOfSeveralDocuments(t *testing.T) {
	t.Parallel()
	for all, want := range map[bool]string{false: "O", true: "N"} {
		b := set(t, msstest.Options{}, withOID, func(c *mss.Config) { c.Dialect.AllQualified = all })
		d := draft(t)
		d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}, {CDA: small("2", `<birthTime value="19790328"/>`, ""), PDF: pdfa}}
		r, err := b.open(t).Send(context.Background(), d)
		require.Equal(t, want, r.INS)
		if all {
			require.ErrorContains(t, err, "ECO.2.4.2", "the emulator reads the rule as a vendor does")
		} else {
			require.NoError(t, err)
		}
	}
}

// A message of an applicative mailbox says that a machine made it, and where to
// answer (MSS/va1.09).
func TestMachinesSayThatTheyAre(t *testing.T) {
	t.Parallel()
	b := automatic(t, msstest.Options{Mechanisms: []string{msstest.External}}, func(c tls.Certificate) mss.Auth { return mss.External(c, "") })
	cfg := mss.Config{Environment: b.server.Environment(), Roots: b.server.Roots(), Software: software()}
	withOID(&cfg)
	var err error
	b.client, err = mss.New(cfg)
	require.NoError(t, err)
	m := b.open(t)
	d := draft(t)
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Len(t, r.Degraded, 1)
	require.Equal(t, "MSS/va1.09", r.Degraded[0].Rule)
	require.Contains(t, b.latest(t, office).Text, "Ce message a été généré automatiquement.")
	d.ReplyTo, d.Text = address(t, office), "Envoi automatique."
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}
	r, err = m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	require.Equal(t, "Envoi automatique.", b.latest(t, office).Text)
}
