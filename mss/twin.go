package mss

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/soclesante/socle/internal/cda"
)

// AttachmentKind is what an attachment is for its reader.
type AttachmentKind string

// Kinds of attachments.
const (
	AttachmentOther AttachmentKind = ""
	AttachmentPDF   AttachmentKind = "PDF"
	AttachmentPhoto AttachmentKind = "photo" // an image of any kind
)

var photoNames = []string{".jpg", ".jpeg", ".png", ".heic", ".heif", ".tif", ".tiff", ".webp", ".gif", ".bmp"}

// Kind tells a PDF and a photo from other files: by the first bytes, or else by
// the media type or the name, because telephones send both under any type.
func (a Attachment) Kind() AttachmentKind {
	start := make([]byte, 16)
	n, _ := io.ReadFull(a.Open(), start)
	start = start[:n]
	switch {
	case bytes.HasPrefix(start, []byte("%PDF-")):
		return AttachmentPDF
	case bytes.HasPrefix(start, []byte("\xff\xd8\xff")), bytes.HasPrefix(start, []byte("\x89PNG\r\n")), bytes.HasPrefix(start, []byte("GIF8")),
		bytes.HasPrefix(start, []byte("II*\x00")), bytes.HasPrefix(start, []byte("MM\x00*")),
		len(start) >= 12 && string(start[:4]) == "RIFF" && string(start[8:12]) == "WEBP",
		len(start) >= 12 && string(start[4:8]) == "ftyp" && slices.Contains([]string{"heic", "heix", "mif1", "msf1", "heif"}, string(start[8:12])):
		return AttachmentPhoto
	}
	extension := strings.ToLower(path.Ext(a.Name))
	switch {
	case a.is("application/pdf"), extension == ".pdf":
		return AttachmentPDF
	case strings.HasPrefix(strings.ToLower(a.MediaType), "image/"), slices.Contains(photoNames, extension):
		return AttachmentPhoto
	}
	return AttachmentOther
}

// Files gives the attachments to show beside the documents: those that are the
// PDF of none, or that are so by a guess only (Document.PDFGuessed).
func (m *Message) Files() []Attachment {
	return slices.DeleteFunc(slices.Clone(m.Attachments), func(a Attachment) bool {
		return slices.ContainsFunc(m.Documents, func(d Document) bool { return d.PDF != nil && !d.PDFGuessed && d.PDF.Part == a.Part })
	})
}

// twins finds the PDF of each document: the one that is its body, else the one
// whose name is that of ECO.2.1.6, else, when as many PDF as documents are left
// over, the one of the same rank, unless a name looks like that of somebody
// else. Unless all documents tell the same patient only the first way counts.
func (m *Message) twins(headers []*cda.Document, onePatient bool) {
	var free []int
	for i, a := range m.Attachments {
		if len(m.Documents) > 0 && a.Kind() == AttachmentPDF {
			free = append(free, i)
		}
	}
	take := func(d *Document, k int, guessed bool) {
		a := m.Attachments[free[k]]
		d.PDF, d.PDFGuessed = &a, guessed
		free = slices.Delete(free, k, k+1)
	}
	for i := range m.Documents {
		if h := headers[i]; h != nil && h.Body.Kind == cda.BodyNonXML {
			if k := slices.IndexFunc(free, func(f int) bool { return m.Attachments[f].Size == h.Body.Size() && same(m.Attachments[f], h.Body) }); k >= 0 {
				take(&m.Documents[i], k, false)
			}
		}
	}
	if !onePatient {
		return
	}
	var left []int
	for i := range m.Documents {
		if m.Documents[i].PDF != nil {
			continue
		}
		k := -1
		if headers[i] != nil {
			want := plainTitle(strings.TrimSuffix(pdfName(headers[i], ""), ".pdf"))
			k = slices.IndexFunc(free, func(f int) bool {
				name := plainTitle(strings.TrimSuffix(strings.ToLower(m.Attachments[f].Name), ".pdf"))
				return strings.Count(want, " ") > 2 && (name == want || strings.HasPrefix(name, want+" "))
			})
		}
		if k >= 0 {
			take(&m.Documents[i], k, false)
		} else {
			left = append(left, i)
		}
	}
	if len(left) != len(free) {
		return
	}
	for k, i := range left {
		if headers[i] == nil || namesOther(m.Attachments[free[k]].Name, headers[i]) {
			return
		}
	}
	for _, i := range left {
		take(&m.Documents[i], 0, true)
	}
}

// namesOther reports whether the name of a file holds a word in capitals that
// neither the patient nor the document has: it may be a family name.
func namesOther(name string, d *cda.Document) bool {
	n := d.Patient.Name
	known := strings.Fields(plainTitle(strings.Join([]string{d.Title, d.Code.Display, n.BirthFamily(), n.UsedFamily(), strings.Join(n.BirthGivens(), " "), n.FirstBirthGiven()}, " ")))
	name = strings.TrimSuffix(name, path.Ext(name))
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if len([]rune(w)) > 2 && capitals(w) && !slices.Contains(known, plainTitle(w)) && !slices.Contains(commonCapitals, w) {
			return true
		}
	}
	return false
}

// commonCapitals are words in capitals that names of files begin with.
var commonCapitals = []string{"CDA", "PDF", "SCAN", "DOC", "DOCUMENT", "COMPTE", "RENDU", "ORDONNANCE", "BIO", "LDL", "VSM", "IRM"}

// same reports whether an attachment is the file in a document.
func same(a Attachment, body cda.Body) bool {
	r, err := body.Open()
	if err != nil {
		return false
	}
	one, other := a.Open(), r
	x, y := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(one, x)
		k, otherErr := io.ReadFull(other, y)
		if n != k || !bytes.Equal(x[:n], y[:k]) {
			return false
		}
		if err != nil || otherErr != nil {
			return (err == nil) == (otherErr == nil)
		}
	}
}
