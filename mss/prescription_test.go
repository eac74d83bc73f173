package mss_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// fromPatient gives a message as Mon espace santé writes it.
func fromPatient(t testing.TB, p msstest.PatientMessage) *mss.Message {
	t.Helper()
	b := set(t, msstest.Options{})
	p.Matricule, p.Name = matricule, "Anne Essai"
	_, err := b.server.DeliverFromPatient(pharmacy, p)
	require.NoError(t, err)
	return b.latest(t, pharmacy)
}

func grades(l []mss.Prescription) (out []string) {
	for _, p := range l {
		out = append(out, string(p.Kind)+" "+p.Likelihood.String())
	}
	return out
}

func TestPrescriptionsAreGraded(t *testing.T) {
	t.Parallel()
	pdf, jpeg := []byte("%PDF-1.4"), []byte("\xff\xd8\xff\xe0")
	numeric := func(id string) []byte {
		return small(id, `<title>`, `<templateId root="1.2.250.1.213.1.1.1.39" extension="2024.01"/><title>`)
	}
	for name, c := range map[string]struct {
		p    msstest.PatientMessage
		want []string
	}{
		"nothing":               {msstest.PatientMessage{Text: "Bonjour, êtes-vous ouverts lundi ?"}, nil},
		"numeric prescription":  {msstest.PatientMessage{Text: "x", Documents: [][]byte{numeric("1")}}, []string{"numeric likely"}},
		"document of the class": {msstest.PatientMessage{Text: "x", Documents: [][]byte{small("1", `"11488-4"`, `"57833-6"`), small("2")}}, []string{"document likely"}},
		"PDF alone":             {msstest.PatientMessage{Text: "Voici.", Files: map[string][]byte{"scan.pdf": pdf}}, []string{"PDF possible"}},
		"PDF and a word":        {msstest.PatientMessage{Text: "Voici mon ordonnance.", Files: map[string][]byte{"scan.pdf": pdf}}, []string{"PDF likely"}},
		"a word in the name":    {msstest.PatientMessage{Text: "Voici.", Files: map[string][]byte{"Ordonnance Dr X.pdf": pdf, "b.txt": pdf[:1]}}, []string{"PDF likely"}},
		"photo of any type":     {msstest.PatientMessage{Text: "Voici.", Files: map[string][]byte{"IMG_0001": jpeg}}, []string{"photo possible"}},
		"photo by its name":     {msstest.PatientMessage{Subject: "Renouvellement", Text: "Voici.", Files: map[string][]byte{"a.HEIC": []byte("?")}}, []string{"photo likely"}},
		"number":                {msstest.PatientMessage{Text: "Ordonnance numérique AB3DE6-FG9HJ2-K5MN8P"}, []string{"number likely"}},
		"number without a word": {msstest.PatientMessage{Text: "AB3DE6FG9HJ2K5MN8P et AB3DE6FG9HJ2K5MN8P"}, []string{"number possible"}},
		"a word in capitals":    {msstest.PatientMessage{Text: "RENDEZVXBSMARDAMEN"}, nil},
		"other":                 {msstest.PatientMessage{Text: "x", Files: map[string][]byte{"a.docx": []byte("PK")}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := fromPatient(t, c.p)
			got := m.Prescriptions()
			require.Equal(t, c.want, grades(got))
			for _, p := range got {
				require.Equal(t, p.Document >= 0, p.Kind == mss.PrescriptionNumeric || p.Kind == mss.PrescriptionDocument)
				require.Equal(t, p.Attachment != nil, p.Kind == mss.PrescriptionPDF || p.Kind == mss.PrescriptionPhoto)
				if p.Kind == mss.PrescriptionNumber {
					require.Equal(t, "AB3DE6FG9HJ2K5MN8P", p.Number)
				}
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", p, p, p), "AB3DE6")
			}
		})
	}
	d := mss.Dialect{PrescriptionWords: regexp.MustCompile(`ouverts`)}
	require.Equal(t, []string{"PDF likely"}, grades(d.Prescriptions(fromPatient(t, msstest.PatientMessage{Text: "êtes-vous ouverts ?", Files: map[string][]byte{"a.pdf": pdf}}))))
	logo := "From: <" + office + ">\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src=cid:1>\r\n--b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <1>\r\n\r\n\x89PNG\r\n\r\n--b--\r\n"
	require.Empty(t, mss.ParseMessage([]byte(logo)).Prescriptions(), "a professional's logo")
}

func TestPublishedPrescriptionsAreNumeric(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "eP-MED-DM*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		content, err := os.ReadFile(f)
		require.NoError(t, err)
		require.Equal(t, []string{"numeric likely"}, grades(fromPatient(t, msstest.PatientMessage{Text: "x", Documents: [][]byte{content}}).Prescriptions()), f)
	}
}

// The PDF of a document is shown as one with it: by its bytes, by its name, by
// its rank, and of several patients by its bytes alone.
func TestDocumentsAreShownWithTheirPDF(t *testing.T) {
	t.Parallel()
	level1 := func(id string, change ...string) []byte {
		return small(id, append([]string{`mediaType="text/plain" representation="B64">Qm9uam91cg==`, `mediaType="application/pdf" representation="B64">JVBERi0xLjQgZW4gdW4=`}, change...)...)
	}
	inside, elsewhere := []byte("%PDF-1.4 en un"), []byte("%PDF-1.4 ailleurs")
	named := "20261005_Intervention_pharmaceutique_ESSAI_FICTIF_ANNE_77.pdf"
	for name, c := range map[string]struct {
		documents [][]byte
		files     map[string][]byte
		want      []string // the name of the PDF of each document
		guessed   []bool
		left      int
	}{
		"by its bytes":                   {[][]byte{small("1"), level1("2")}, map[string][]byte{"a.pdf": elsewhere, "b.pdf": inside}, []string{"a.pdf", "b.pdf"}, []bool{true, false}, 1},
		"by its name":                    {[][]byte{small("1")}, map[string][]byte{"a.pdf": elsewhere, named: inside}, []string{named}, []bool{false}, 1},
		"by its rank":                    {[][]byte{small("1"), small("2")}, map[string][]byte{"a.pdf": elsewhere, "b.pdf": inside, "c.jpg": nil}, []string{"a.pdf", "b.pdf"}, []bool{true, true}, 3},
		"too many":                       {[][]byte{small("1")}, map[string][]byte{"a.pdf": elsewhere, "b.pdf": inside}, []string{""}, []bool{false}, 2},
		"none":                           {[][]byte{small("1")}, nil, []string{""}, []bool{false}, 0},
		"several patients, by rank":      {[][]byte{small("1"), small("2", matricule, other)}, map[string][]byte{"a.pdf": elsewhere, "b.pdf": inside}, []string{"", ""}, []bool{false, false}, 2},
		"several patients, by its bytes": {[][]byte{level1("1"), small("2", matricule, other)}, map[string][]byte{"b.pdf": inside}, []string{"b.pdf", ""}, []bool{false, false}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := fromPatient(t, msstest.PatientMessage{Text: "x", Documents: c.documents, Files: c.files})
			require.Len(t, m.Documents, len(c.want))
			for i, d := range m.Documents {
				got := ""
				if d.PDF != nil {
					got = d.PDF.Name
				}
				require.Equal(t, c.want[i], got)
				require.Equal(t, c.guessed[i], d.PDFGuessed)
			}
			require.Len(t, m.Files(), c.left)
			require.Len(t, m.Attachments, len(c.files))
		})
	}
}

func TestKindsOfAttachments(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]mss.AttachmentKind{
		"%PDF-1.7": mss.AttachmentPDF, "\xff\xd8\xff\xe1": mss.AttachmentPhoto, "\x89PNG\r\n\x1a\n": mss.AttachmentPhoto, "GIF89a": mss.AttachmentPhoto,
		"II*\x00": mss.AttachmentPhoto, "RIFF....WEBPVP8 ": mss.AttachmentPhoto, "\x00\x00\x00\x18ftypheic": mss.AttachmentPhoto,
		"\x00\x00\x00\x18ftypisom": mss.AttachmentOther, "PK": mss.AttachmentOther, "": mss.AttachmentOther,
	} {
		m := mss.ParseMessage([]byte("From: <" + anne + ">\r\nContent-Type: application/octet-stream; name=a\r\n\r\n" + content))
		require.Equal(t, want, m.Attachments[0].Kind(), "%q", content)
	}
	require.Equal(t, mss.AttachmentOther, mss.Attachment{}.Kind())
	require.Equal(t, mss.AttachmentPhoto, mss.Attachment{MediaType: "IMAGE/x"}.Kind())
	require.Equal(t, mss.AttachmentPDF, mss.Attachment{Name: strings.ToUpper("a.pdf")}.Kind())
}
