package mss_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// withoutINS makes a document whose patient has a local identifier only.
func withoutINS(id, local string, change ...string) []byte {
	from := `<id root="1.2.250.1.213.1.4.10" extension="` + matricule + `"/>`
	return small(id, append([]string{from, `<id root="1.2.250.1.999.4" extension="` + local + `"/>`}, change...)...)
}

// another are the changes that make of the invented patient another one.
var another = []string{"ESSAI-FICTIF", "CAPUCINE", "ANNE", "PAUL"}

// enveloped makes a message of an archive and of PDF: pairs of name and content.
func enveloped(archive string, pdfs ...string) []byte {
	raw := strings.TrimSuffix(string(attach("From: <"+office+">\r\nSubject: XDM/1.0/DDM+CR\r\n", "IHE_XDM.ZIP", archive)), "--B--\r\n")
	for i := 0; i < len(pdfs); i += 2 {
		raw += "--B\r\nContent-Type: application/pdf; name=\"" + pdfs[i] + "\"\r\nContent-Disposition: attachment\r\n\r\n" + pdfs[i+1] + "\r\n"
	}
	return []byte(raw + "--B--\r\n")
}

// A PDF that only its rank ties to a document goes on under its own name, never
// under that of the patient; one that bears another name is tied to nothing.
func TestForwardNamesNoPDFByGuess(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	for name, guessed := range map[string]bool{"Resultats_DURAND_Paul.pdf": false, "resultats.pdf": true} {
		msg := mss.ParseMessage(enveloped(zipOf(t, nil, small("1")), name, "%PDF-1.4 <pdfaid:part>1"))
		require.Len(t, msg.Documents, 1)
		require.Equal(t, guessed, msg.Documents[0].PDFGuessed)
		require.Equal(t, guessed, msg.Documents[0].PDF != nil)
		require.Len(t, msg.Files(), 1, "a guess hides no file")
		r, err := m.Forward(context.Background(), msg, mss.Draft{To: []mss.Address{address(t, office)}, Text: "Voir."})
		require.NoError(t, err)
		got := b.latest(t, office)
		require.Len(t, got.Attachments, 1)
		require.Equal(t, name, got.Attachments[0].Name)
		var told []string
		for _, d := range r.Degraded {
			told = append(told, d.Rule)
		}
		require.Contains(t, told, "ECO.2.1.1", "the document has no PDF")
		require.Equal(t, guessed, strings.Contains(strings.Join(told, " "), "SC.CDA/DD.15"))
	}
}

func TestNoPDFIsGuessedBetweenTwoPatients(t *testing.T) {
	t.Parallel()
	pdfs := []string{"b.pdf", "%PDF-1.4 PAUL", "a.pdf", "%PDF-1.4 ANNE"}
	for name, c := range map[string]struct {
		documents [][]byte
		guessed   bool
		fault     string
	}{
		"one, by local identifier":  {[][]byte{withoutINS("1", "L1"), withoutINS("2", "L1")}, true, ""},
		"two local identifiers":     {[][]byte{withoutINS("1", "L1"), withoutINS("2", "L2")}, false, "documents of 2 patients"},
		"two names, one identifier": {[][]byte{withoutINS("1", "L1"), withoutINS("2", "L1", another...)}, false, "documents of 2 patients"},
		"two names, one INS":        {[][]byte{small("1"), small("2", another...)}, false, "documents of 2 patients"},
		"two dates":                 {[][]byte{small("1"), small("2", "19790328", "20010101")}, false, "documents of 2 patients"},
		"INS and local identifier":  {[][]byte{small("1"), withoutINS("2", "L1")}, false, ""},
		"INS and local, named":      {[][]byte{small("1"), withoutINS("2", "L1", another...)}, false, "documents of 2 patients"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mss.ParseMessage(enveloped(zipOf(t, nil, c.documents...), pdfs...))
			require.Len(t, m.Documents, 2)
			for _, d := range m.Documents {
				require.Equal(t, c.guessed, d.PDF != nil)
			}
			require.Len(t, m.Files(), 2)
			require.Equal(t, c.fault != "", strings.Contains(fmt.Sprint(m.Faults), "documents of 2 patients"), "%v", m.Faults)
		})
	}
}

// One patient in a message: the identifier may be the same and the person not.
func TestDocumentsOfOneDraftTellOnePerson(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	for name, documents := range map[string][][]byte{
		"one INS, two names":        {small("1"), small("2", "ESSAI-FICTIF", "CAPUCINE")},
		"one INS, two given names":  {small("1"), small("2", "ANNE", "PAUL")},
		"one INS, two dates":        {small("1"), small("2", "19790328", "20010101")},
		"one INS, two sexes":        {small("1"), small("2", `code="F"`, `code="M"`)},
		"one local identifier":      {withoutINS("1", "L1"), withoutINS("2", "L1", another...)},
		"told by the third only":    {small("1", `<birthTime value="19790328"/>`, ""), small("2"), small("3", "19790328", "20010101")},
		"partial date of another":   {small("1"), small("2", `"19790328"`, `"1980"`)},
		"INS and local identifiers": {small("1"), withoutINS("2", "L1")},
	} {
		d := draft(t)
		for _, c := range documents {
			d.Documents = append(d.Documents, mss.Outgoing{CDA: c, PDF: pdfa})
		}
		_, err := m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, name)
		require.ErrorContains(t, err, "SC.MSS/CONF.23", name)
		for _, secret := range []string{matricule, "CAPUCINE", "2001"} {
			require.NotContains(t, err.Error(), secret)
		}
	}
	d := draft(t)
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}, {CDA: small("2", "ESSAI-FICTIF", "Essai Fictif"), PDF: pdfa}}
	_, err := m.Send(context.Background(), d)
	require.NoError(t, err, "case and punctuation make no other person")
	for _, second := range [][]byte{small("1"), small("1", "Intervention", "Autre")} {
		d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}, {CDA: second, PDF: pdfa}}
		_, err = m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, "readers believe neither of two documents under one identifier")
		require.ErrorContains(t, err, "identifier")
	}
	require.Len(t, b.server.Messages(office, "INBOX"), 1)
}

// The INS must be in the document itself: the metadata were made by whom sent it.
func TestMetadataGiveNoINSToADocument(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	content := strings.ReplaceAll(string(c.made(t, dmp.Edition{})), "1.2.250.1.213.1.4.10", "1.2.250.1.999.4")
	archive := zipOf(t, func(name string, b []byte) (string, []byte) {
		if strings.HasSuffix(name, "METADATA.XML") {
			b = bytes.ReplaceAll(b, []byte("1.2.250.1.999.4"), []byte("1.2.250.1.213.1.4.10"))
		}
		return name, b
	}, []byte(content))
	d := mss.ParseMessage(enveloped(archive)).Documents[0]
	require.NoError(t, d.Err)
	require.Equal(t, c.ins.Matricule, d.Patient.Matricule, "the metadata claim one")
	_, err := d.File(c.filer, c.who, c.patient, mss.FileOptions{})
	for _, err := range []error{d.Fits(c.patient), err} {
		require.ErrorIs(t, err, mss.ErrNotFiled)
		require.Equal(t, mss.IntegrationNoINS, mss.IntegrationOf(err).Code)
	}
}

// kept makes a message as an outbox may hold it; edit changes its text.
func kept(t *testing.T, archive string, edit ...string) *mss.Message {
	raw := "From: Claire_OFFICINE_Pharmacie du =?utf-8?q?March=C3=A9?= <" + pharmacy + ">\r\nTo: <" + anne + ">\r\nSubject: XDM/1.0/DDM+CR ESSAI-FICTIF ANNE 28/03/1979\r\n" +
		"Date: Sun, 22 Nov 2026 02:00:00 +0000\r\nMessage-ID: <q.1@pharmacie.formation.mssante.fr>\r\nX-MSS-NIL: 3734\r\nX-MSS-CODECDA: 11488-4\r\nX-MSS-INS: O\r\n" +
		"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBonjour\r\n--B\r\nContent-Type: application/zip; name=IHE_XDM.ZIP\r\n" +
		"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=IHE_XDM.ZIP\r\n\r\n" + inLines(base64.StdEncoding.EncodeToString([]byte(archive))) + "\r\n--B--\r\n"
	return mss.ParseMessage([]byte(strings.NewReplacer(edit...).Replace(raw)))
}

// What is sent again is held against the rules as what is composed.
func TestResendHoldsTheMessageAgainstTheRules(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	ctx := context.Background()
	patients := []ins.Identity{qualified(t, true)}
	good := zipOf(t, nil, small("1"))
	_, err = m.Resend(ctx, kept(t, good), patients...)
	require.NoError(t, err)
	require.Len(t, b.server.Received(anne), 1)
	before := len(b.server.Journal())

	changed := kept(t, zipOf(t, nil, small("1", matricule, other)))
	changed.Documents, changed.Faults = kept(t, good).Documents, nil
	for name, c := range map[string]struct {
		message *mss.Message
		rule    string
	}{
		"documents of another":          {kept(t, zipOf(t, nil, small("1", matricule, other))), "SC.MSS/CONF.23"},
		"the first of another":          {kept(t, zipOf(t, nil, small("1", matricule, other), small("2")), "11488-4\r\nX-MSS", "11488-4,11488-4\r\nX-MSS"), "fault"},
		"changed since it was read":     {changed, "SC.MSS/CONF.23"},
		"hidden copies":                 {kept(t, good, "Subject:", "Bcc: <"+office+">\r\nSubject:"), "bcc"},
		"another product":               {kept(t, good, "NIL: 3734", "NIL: 4000"), "ECO.2.4.3"},
		"another label":                 {kept(t, good, "Claire", "Paul"), "ECO.2.2.7"},
		"codes not announced":           {kept(t, good, "X-MSS-CODECDA: 11488-4\r\n", ""), "ECO.2.4.1"},
		"other codes":                   {kept(t, good, "CODECDA: 11488-4", "CODECDA: PRESC-BIO"), "ECO.2.4.1"},
		"INS not announced":             {kept(t, good, "X-MSS-INS: O\r\n", ""), "ECO.2.4.2"},
		"INS denied":                    {kept(t, good, "INS: O", "INS: N"), "ECO.2.4.2"},
		"subject that announces none":   {kept(t, good, "XDM/1.0/DDM+", ""), "ECO.2.1.3"},
		"documents announced, no one":   {kept(t, good, "IHE_XDM.ZIP", "a.bin", "application/zip", "application/x"), "ECO.2.4.1"},
		"HTML alone":                    {kept(t, good, "text/plain", "text/html"), "ECO.2.2.4"},
		"receipts of another mailbox":   {kept(t, good, "Subject:", "Disposition-Notification-To: <"+office+">\r\nSubject:"), "ECO.2.3.1"},
		"two subjects":                  {kept(t, good, "Subject:", "Subject: x\r\nSubject:"), "subject"},
		"an archive that is none":       {kept(t, "PK"), "fault"},
		"a second copy to who is added": {kept(t, good, "To: <"+anne+">", "To: <"+office+">"), "ECO.2.2.6"},
	} {
		_, err := m.Resend(ctx, c.message, patients...)
		require.ErrorIs(t, err, mss.ErrNotConform, name)
		require.ErrorContains(t, err, c.rule, name)
		require.NotContains(t, err.Error(), matricule)
	}
	require.Len(t, b.server.Journal(), before, "nothing went to the operator")
	require.Len(t, b.server.Received(anne), 1)
}

// Where X-MSS-INS speaks of all documents, a message says N that others would
// call O: it is not refused for that.
func TestResendKnowsTheDialect(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) { c.Dialect.AllQualified = true })
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	msg := kept(t, zipOf(t, nil, small("1"), small("2", `<birthTime value="19790328"/>`, "")), "CODECDA: 11488-4", "CODECDA: 11488-4,11488-4", "INS: O", "INS: N")
	_, err = b.open(t).Resend(context.Background(), msg, qualified(t, true))
	require.ErrorContains(t, err, "X-MSS-INS: O", "it reached the emulator, which reads the rule as a vendor does")
}

// What could not be read of a message is not lost in silence.
func TestForwardRefusesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	h := "From: <" + office + ">\r\nMessage-ID: <2@x.fr>\r\nSubject: s\r\n"
	many := h + "Content-Type: multipart/mixed; boundary=B\r\n\r\n" + strings.Repeat("--B\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1.4\r\n", 600) + "--B--\r\n"
	deep := h
	for i := range 14 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	deep += "Content-Type: application/pdf; name=ord.pdf\r\n\r\n%PDF-1.4\r\n"
	long := h + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + strings.Repeat("0123456789abcde\r\n", 300_000)
	encoded := h + "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xL\r\n--B--\r\n"
	for name, raw := range map[string]string{"600 files": many, "14 deep": deep, "5 MB of text": long, "an encoding": encoded} {
		_, err := m.Forward(context.Background(), mss.ParseMessage([]byte(raw)), mss.Draft{To: []mss.Address{address(t, office)}, Text: "Voir."})
		require.ErrorIs(t, err, mss.ErrNotConform, name)
		require.ErrorContains(t, err, "would be lost", name)
	}
	require.Empty(t, b.server.Messages(office, "INBOX"))
	both := h + "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nVoir dessous.\r\n--B\r\nContent-Type: text/html\r\n\r\n<p>Posologie</p>\r\n--B--\r\n"
	_, err := m.Forward(context.Background(), mss.ParseMessage([]byte(both)), mss.Draft{To: []mss.Address{address(t, office)}, Text: "Voir."})
	require.NoError(t, err)
	got := b.latest(t, office)
	require.Equal(t, "message.html", got.Attachments[0].Name, "its HTML need not say what its text does")
	content, err := io.ReadAll(got.Attachments[0].Open())
	require.NoError(t, err)
	require.Equal(t, "<p>Posologie</p>", string(content))
}

// The label of a subject gives way to the patient, whom it must end with.
func TestSubjectKeepsThePatient(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	d := draft(t)
	d.Subject = strings.Repeat("Compte rendu ", 30)
	d.Documents = []mss.Outgoing{{CDA: small("1"), PDF: pdfa}}
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	got := b.latest(t, office).Subject
	require.Regexp(t, `^Compte rendu .* ESSAI-FICTIF ANNE 28/03/1979$`, got)
	require.LessOrEqual(t, len("XDM/1.0/DDM+"+got), 250)
	for _, change := range [][]string{{`<birthTime value="19790328"/>`, `<birthTime value="1979"/>`}, {`<family qualifier="BR">ESSAI-FICTIF</family>`, ""},
		{`<given>ANNE MARIE</given><given qualifier="BR">ANNE</given>`, ""}} {
		d.Documents = []mss.Outgoing{{CDA: small("1", change...), PDF: pdfa}}
		r, _ = m.Send(context.Background(), d)
		require.Contains(t, fmt.Sprint(r.Degraded), "{ECO.2.1.3 ", "%v", change)
	}
}

// Documents without INS are compared with the patient written to by their traits.
func TestDocumentsWithoutINSGoToNobodyElse(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	d := mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Text: "Bonjour"}
	for name, change := range map[string][]string{"another name": another, "another date": {"19790328", "20010101"}} {
		d.Documents = []mss.Outgoing{{CDA: withoutINS("1", "L1", change...), PDF: pdfa}}
		_, err = m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, name)
		require.ErrorContains(t, err, "SC.MSS/CONF.23", name)
	}
	require.Empty(t, b.server.Received(anne))
	d.Documents = []mss.Outgoing{{CDA: withoutINS("1", "L1"), PDF: pdfa}}
	_, err = m.Send(context.Background(), d)
	require.NoError(t, err)
	require.Len(t, b.server.Received(anne), 1)
}

// inLines cuts base64 as mail has it (RFC 2045 section 6.8).
func inLines(s string) string {
	var b strings.Builder
	for ; len(s) > 76; s = s[76:] {
		b.WriteString(s[:76] + "\r\n")
	}
	return b.String() + s
}
