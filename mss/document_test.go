package mss_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const softwareOID = "1.2.250.1.999.7"

// small is a CDA with all that metadata need, of an invented patient. Changes
// are pairs of strings.
func small(id string, changes ...string) []byte {
	s := `<ClinicalDocument xmlns="urn:hl7-org:v3">
 <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
 <id root="1.2.250.1.999.1.` + id + `"/>
 <code code="11488-4" codeSystem="2.16.840.1.113883.6.1" displayName="Note"/>
 <title>Intervention pharmaceutique</title>
 <effectiveTime value="20261005093000+0200"/>
 <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25" displayName="Normal"/>
 <languageCode code="fr-FR"/>
 <recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="` + matricule + `"/>
  <patient><name><given>ANNE MARIE</given><given qualifier="BR">ANNE</given><family qualifier="BR">ESSAI-FICTIF</family></name>
   <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19790328"/></patient></patientRole></recordTarget>
 <author><time value="20261005093000+0200"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="` + pharmacist + `"/>
  <assignedPerson><name><given>Claire</given><family>OFFICINE</family></name></assignedPerson>
  <representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1750000008"/><name>Pharmacie</name></representedOrganization></assignedAuthor></author>
 <documentationOf><serviceEvent><effectiveTime><low value="20261005090000+0200"/></effectiveTime><performer typeCode="PRF"><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="` + pharmacist + `"/>
  <representedOrganization><standardIndustryClassCode code="AMBULATOIRE" codeSystem="1.2.250.1.213.1.1.4.9" displayName="Ambulatoire"/></representedOrganization></assignedEntity></performer></serviceEvent></documentationOf>
 <componentOf><encompassingEncounter><effectiveTime nullFlavor="UNK"/><location><healthCareFacility><code code="SA33" codeSystem="1.2.250.1.71.4.2.4" displayName="Officine"/></healthCareFacility></location></encompassingEncounter></componentOf>
 <component><nonXMLBody><text mediaType="text/plain" representation="B64">Qm9uam91cg==</text></nonXMLBody></component>
</ClinicalDocument>`
	return []byte(strings.NewReplacer(changes...).Replace(s))
}

// pdfa begins as a PDF and says that it is PDF/A.
var pdfa = []byte("%PDF-1.4\n<pdfaid:part>1</pdfaid:part>")

func withOID(c *mss.Config) { c.Software.OID = softwareOID }

func TestPatientIsReadAndAnswered(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) { c.AuditKey = []byte("clé") })
	id, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Mon ordonnance",
		Text: "Bonjour, voici mon ordonnance.", Documents: [][]byte{small("1"), small("2", "11488-4", "PRESC-BIO")}, Files: map[string][]byte{"photo.jpg": []byte("jpeg")}})
	require.NoError(t, err)
	m := b.open(t)

	l := list(t, m, mss.UID{})
	require.Len(t, l, 1)
	require.True(t, l[0].XDM)
	require.Equal(t, []string{"11488-4", "PRESC-BIO"}, l[0].Codes)
	require.Equal(t, "Mon ordonnance", l[0].Subject, "the prefix is hidden")
	msg, err := m.Read(context.Background(), l[0].UID)
	require.NoError(t, err)
	require.Empty(t, msg.Faults)
	require.Equal(t, mss.SenderPatient, msg.Sender.Kind)
	require.Equal(t, "Anne Essai", msg.Sender.Name)
	require.Equal(t, matricule, msg.Sender.Matricule.Wire())
	require.Equal(t, "Bonjour, voici mon ordonnance.", msg.Text)
	require.Equal(t, id, msg.MessageID)
	require.Len(t, msg.Attachments, 1)
	content, err := io.ReadAll(msg.Attachments[0].Open())
	require.NoError(t, err)
	require.Equal(t, "jpeg", string(content))
	require.EqualValues(t, 4, msg.Attachments[0].Size)
	require.Equal(t, "photo.jpg", msg.Attachments[0].Name)
	require.Len(t, msg.Documents, 2)
	d := msg.Documents[0]
	require.NoError(t, d.Err)
	require.Equal(t, "Intervention pharmaceutique", d.Title)
	require.Equal(t, "1.2.250.1.999.1.1", d.ID)
	require.Equal(t, ins.OIDTest, d.Patient.OID)
	require.Equal(t, matricule, d.Patient.Matricule.Wire())
	require.Equal(t, "ESSAI-FICTIF", d.Patient.BirthName)
	require.Equal(t, "1979-03-28", d.Patient.BirthDate)
	got, err := io.ReadAll(d.Open())
	require.NoError(t, err)
	require.Equal(t, small("1"), got)

	patient := matricule + "@patient.mssante.fr"
	r, err := m.Reply(context.Background(), msg, mss.Draft{Text: "C'est prêt."})
	require.NoError(t, err)
	require.Equal(t, 1, r.Patients)
	require.False(t, b.server.Closed(patient, pharmacy))
	_, err = b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Merci", InReplyTo: r.MessageID})
	require.NoError(t, err)

	r, err = m.Reply(context.Background(), msg, mss.Draft{Text: "Au revoir.", Final: true})
	require.NoError(t, err)
	require.True(t, r.Final)
	require.True(t, b.server.Closed(patient, pharmacy))
	received := mss.ParseMessage(b.server.Received(patient)[1])
	require.True(t, received.Final)
	require.Equal(t, "Re: Mon ordonnance", received.Subject)
	require.False(t, received.XDM)
	_, err = b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Encore"})
	require.ErrorContains(t, err, "ECO.2.2.8", "the patient cannot answer any more")
}

func TestDocumentsAreSentWithTheirHeaders(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	d := draft(t)
	d.Subject = ""
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}, {CDA: small("2")}}
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Equal(t, []string{"11488-4", "11488-4"}, r.Codes, "one for each document")
	require.Equal(t, "O", r.INS)
	require.Equal(t, []mss.Degraded{{Rule: "ECO.2.1.1", Text: "document 2 has no PDF/A-1 beside it"}}, r.Degraded)
	raw := b.server.Messages(office, "INBOX")[0]
	require.Contains(t, string(raw), "Subject: XDM/1.0/DDM+Intervention pharmaceutique ESSAI-FICTIF ANNE")
	require.Contains(t, string(raw), "\r\nX-MSS-CODECDA: 11488-4,11488-4\r\n")
	require.Contains(t, string(raw), "\r\nX-MSS-NIL: 3734\r\n")
	got := mss.ParseMessage(raw)
	require.Equal(t, "Intervention pharmaceutique ESSAI-FICTIF ANNE 28/03/1979", got.Subject)
	require.Empty(t, got.Faults)
	require.Len(t, got.Documents, 2)
	require.Equal(t, "20261005_Intervention_pharmaceutique_ESSAI_FICTIF_ANNE.pdf", got.Attachments[0].Name)
	require.Equal(t, "application/pdf", got.Attachments[0].MediaType)

	d.Documents = []mss.Outgoing{{CDA: small("3", `<birthTime value="19790328"/>`, ""), PDF: pdfa}}
	r, err = m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Equal(t, "N", r.INS)
	require.Equal(t, "ECO.2.4.2", r.Degraded[0].Rule)
}

func TestRealDocumentsGoThrough(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	for _, f := range files {
		content, err := os.ReadFile(f)
		require.NoError(t, err)
		d := draft(t)
		d.Documents = []mss.Outgoing{{CDA: content}}
		_, err = m.Send(context.Background(), d)
		require.NoError(t, err, filepath.Base(f))
		_, err = b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "x", Documents: [][]byte{content}})
		require.NoError(t, err, filepath.Base(f))
	}
	n := 0
	for _, s := range list(t, m, mss.UID{}) {
		msg, err := m.Read(context.Background(), s.UID)
		require.NoError(t, err)
		require.Empty(t, msg.Faults)
		require.Len(t, msg.Documents, 1)
		n++
	}
	require.Equal(t, len(files), n)
}

// qualified makes a qualified identity of the invented patient.
func qualified(t testing.TB, prove bool) ins.Identity {
	number, err := ins.Parse(matricule, ins.OIDTest.String())
	require.NoError(t, err)
	born, err := ins.ParseBirthDate("1979-03-28")
	require.NoError(t, err)
	traits := ins.Traits{BirthName: "ESSAI FICTIF", GivenNames: "ANNE MARIE", Sex: ins.Female, BirthDate: born}
	id, err := ins.NewIdentity(traits)
	require.NoError(t, err)
	id, err = id.Accept(ins.Result{Active: number, Traits: traits, At: time.Now()}, ins.Acceptance{At: time.Now()})
	require.NoError(t, err)
	if prove {
		id, err = id.Prove(ins.Evidence{Kind: ins.IDCard, At: time.Now()})
		require.NoError(t, err)
	}
	return id
}

func TestPatientIsWrittenToByQualifiedIdentityOnly(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	_, err := m.Send(context.Background(), mss.Draft{Patients: []ins.Identity{qualified(t, false)}, Text: "Bonjour"})
	require.ErrorIs(t, err, mss.ErrNotConform)
	require.ErrorIs(t, err, ins.ErrNotQualified)
	require.ErrorContains(t, err, "ECO.2.2.6")
	d := mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Text: "Bonjour", Subject: "Votre traitement"}
	_, err = m.Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrNoRecipient, "no account of Mon espace santé yet")
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	patient, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Equal(t, 1, r.Patients)
	require.Len(t, b.server.Received(patient), 1)
}

func TestDraftsThatBreakARuleAreNotSent(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	patient := address(t, matricule+"@patient.mssante.fr")
	for rule, change := range map[string]func(*mss.Draft){
		"RFC 5321":  func(d *mss.Draft) { d.To = nil },
		"ECO.2.2.4": func(d *mss.Draft) { d.Text = " " },
		"ECO.2.2.8": func(d *mss.Draft) { d.Final = true },
		"ECO.2.2.6": func(d *mss.Draft) { d.To = append(d.To, patient) },
		"ECO.2.2.1": func(d *mss.Draft) { d.MessageID = "<a@b>" },
		"RFC 2183":  func(d *mss.Draft) { d.Files = []mss.File{{Name: "../x"}} },
		"ECO.2.1.1": func(d *mss.Draft) { d.Documents = []mss.Outgoing{{CDA: []byte("<a/>")}} },
		"ECO.2.4.1": func(d *mss.Draft) { d.Documents = []mss.Outgoing{{CDA: small("1", `code="11488-4"`, "")}} },
		"SC.MSS/CONF.23": func(d *mss.Draft) {
			d.Documents = []mss.Outgoing{{CDA: small("1")}, {CDA: small("2", matricule, "277076322082910")}}
		},
		"IHE XDM": func(d *mss.Draft) {
			d.Documents = []mss.Outgoing{{CDA: small("1", `<languageCode code="fr-FR"/>`, "")}}
		},
	} {
		d := draft(t)
		change(&d)
		_, err := m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, rule)
		require.ErrorContains(t, err, rule)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		require.NotContains(t, err.Error(), matricule)
	}
	require.Len(t, b.server.Journal(), 2, "nothing but opening went to the operator")
}

func TestSizes(t *testing.T) {
	t.Parallel()
	big := mss.File{Name: "a.bin", Content: make([]byte, 300_000)}
	b := set(t, msstest.Options{SizeLimit: 400_000})
	m := b.open(t)
	d := draft(t)
	d.Files = []mss.File{big}
	_, err := m.Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrTooLarge, "base64 makes it larger than the operator's limit")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))

	b = set(t, msstest.Options{}, func(c *mss.Config) { c.SendLimit = 400_000 })
	_, err = b.open(t).Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrTooLarge)

	b = set(t, msstest.Options{}, func(c *mss.Config) { c.Dialect.PatientLimit, c.ReadLimit = 300_000, 300_000 })
	m = b.open(t)
	_, err = m.Send(context.Background(), d)
	require.NoError(t, err, "a professional has no such limit")
	_, err = b.server.AddPatient(matricule)
	require.NoError(t, err)
	d.Patients = []ins.Identity{qualified(t, true)}
	_, err = m.Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrTooLarge)
	require.ErrorContains(t, err, "Mon espace santé")

	require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "Gros", strings.Repeat("x\r\n", 200_000))))
	_, err = m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.ErrorIs(t, err, mss.ErrTooLarge)
}

func TestLargeMessageIsReadInChunks(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	text := strings.TrimSpace(strings.Repeat("une ligne de texte\n", 170_000)) // over 3 chunks
	require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "Gros", strings.ReplaceAll(text, "\n", "\r\n"))))
	m := b.open(t)
	msg, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	require.True(t, text == msg.Text)
}

func TestCursor(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	for i := range 230 {
		require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", fmt.Sprint(i), "x")))
	}
	m := b.open(t)
	all := list(t, m, mss.UID{})
	require.Len(t, all, 230)
	for i, s := range all {
		require.Equal(t, fmt.Sprint(i), s.Subject)
	}
	require.Len(t, list(t, m, all[99].UID), 130)
	require.Empty(t, list(t, m, all[229].UID))
	require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "nouveau", "x")))
	require.Equal(t, "nouveau", list(t, m, all[229].UID)[0].Subject)
	n := 0
	for _, err := range m.List(context.Background(), mss.UID{}) {
		require.NoError(t, err)
		if n++; n == 3 {
			break
		}
	}

	require.NoError(t, b.server.Renumber(pharmacy))
	require.NoError(t, m.Close())
	m = b.open(t)
	again := list(t, m, all[229].UID)
	require.Len(t, again, 231, "a cursor of another numbering lists everything")
	require.NotEqual(t, all[0].UID.Validity, again[0].UID.Validity)
	_, err := m.Read(context.Background(), all[0].UID)
	require.ErrorIs(t, err, mss.ErrNoMessage)
	_, err = m.Read(context.Background(), mss.UID{Validity: again[0].UID.Validity, Number: 100_000})
	require.ErrorIs(t, err, mss.ErrNoMessage)
}
