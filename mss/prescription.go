package mss

import (
	"log/slog"
	"regexp"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/soclesante/socle/internal/nos"
)

// PrescriptionKind is the form in which a message may bring a prescription.
type PrescriptionKind string

// Forms of prescriptions.
const (
	PrescriptionNumeric  PrescriptionKind = "numeric"  // a CDA document of the model eP-MED-DM
	PrescriptionDocument PrescriptionKind = "document" // a CDA document of another model, of a type of prescription
	PrescriptionNumber   PrescriptionKind = "number"   // the number of an ordonnance numérique, in the text
	PrescriptionPDF      PrescriptionKind = "PDF"
	PrescriptionPhoto    PrescriptionKind = "photo" // which may show the 2D code of an ordonnance numérique
)

// Likelihood grades what may be a prescription. Nothing is certain before a
// pharmacist has seen it.
type Likelihood int

// Grades.
const (
	Possible Likelihood = iota + 1
	Likely
)

// String gives the grade in lower case.
func (l Likelihood) String() string {
	return map[Likelihood]string{Possible: "possible", Likely: "likely"}[l]
}

// Prescription is what may be a prescription in a message.
type Prescription struct {
	Kind       PrescriptionKind
	Likelihood Likelihood
	// Document is the index in Message.Documents of a PrescriptionNumeric or
	// PrescriptionDocument, else -1.
	Document int
	// Attachment is the file of a PrescriptionPDF or PrescriptionPhoto.
	Attachment *Attachment
	// Number is what looks like the number of an ordonnance numérique.
	Number string
}

// String tells the form and the grade, nothing of the prescription.
func (p Prescription) String() string {
	return "prescription " + string(p.Kind) + " " + p.Likelihood.String()
}

// GoString is String.
func (p Prescription) GoString() string { return p.String() }

// MarshalText is String.
func (p Prescription) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue is String.
func (p Prescription) LogValue() slog.Value { return slog.StringValue(p.String()) }

const (
	modelPrescription = "1.2.250.1.213.1.1.1.39" // eP-MED-DM
	classPrescription = "42"
	maxPrescriptions  = 100
)

// prescriptionNumber has the form of the numbers in published documents: 18
// characters of the base 32 of Crockford, in one piece or in groups of 3 or 6.
var (
	prescriptionNumber = regexp.MustCompile(`\b(?:[0-9A-HJKMNP-TV-Z]{18}|(?:[0-9A-HJKMNP-TV-Z]{6}[ -]){2}[0-9A-HJKMNP-TV-Z]{6}|(?:[0-9A-HJKMNP-TV-Z]{3}[ -]){5}[0-9A-HJKMNP-TV-Z]{3})\b`)
	notInNumber        = regexp.MustCompile(`[ -]`)
	anyDigit           = regexp.MustCompile(`[0-9]`)
)

// assumedPrescriptionWords are the words that make a file or a number a likely
// prescription: guesses from what people write.
var assumedPrescriptionWords = regexp.MustCompile(`(?i)ordonnance|\bordo\b|prescri|renouvel|traitement|m[ée]dicament|posologie`)

// Prescriptions gives what may be prescriptions in the message, documents first,
// with the words that the client assumes.
func (m *Message) Prescriptions() []Prescription { return Dialect{}.Prescriptions(m) }

// Prescriptions gives what may be prescriptions in a message, whoever wrote it,
// 100 at most: documents by their model and type, a number in the subject or the
// text by its form, files by being a PDF or a photo. A document with a fault, and
// a number or a file without a word of a prescription in the subject, the text or
// its name, are only possible.
func (d Dialect) Prescriptions(m *Message) []Prescription {
	words := d.PrescriptionWords
	if words == nil {
		words = assumedPrescriptionWords
	}
	var out []Prescription
	add := func(p Prescription, likely bool) {
		if p.Likelihood = Possible; likely {
			p.Likelihood = Likely
		}
		if len(out) < maxPrescriptions {
			out = append(out, p)
		}
	}
	for i, doc := range m.Documents {
		class, _ := nos.Class(doc.Code.Code)
		switch {
		case doc.Action == ActionDelete:
		case slices.Contains(doc.Models, modelPrescription):
			add(Prescription{Kind: PrescriptionNumeric, Document: i}, doc.Err == nil)
		case class.Code == classPrescription:
			add(Prescription{Kind: PrescriptionDocument, Document: i}, doc.Err == nil)
		}
	}
	text := norm.NFC.String(m.Subject + "\n" + cut(m.Text, 20_000))
	told := words.MatchString(text)
	seen := map[string]bool{}
	for _, s := range prescriptionNumber.FindAllString(text, 20) {
		n := notInNumber.ReplaceAllString(s, "")
		if len(anyDigit.FindAllString(n, -1)) < 3 || seen[n] {
			continue // a word in capitals
		}
		seen[n] = true
		add(Prescription{Kind: PrescriptionNumber, Document: -1, Number: n}, told)
	}
	for _, a := range m.Files() {
		likely := told || words.MatchString(norm.NFC.String(a.Name))
		switch a.Kind() {
		case AttachmentPDF:
			add(Prescription{Kind: PrescriptionPDF, Document: -1, Attachment: &a}, likely)
		case AttachmentPhoto:
			if m.Sender.Kind == SenderPatient || a.attached() { // a professional's logo is no photo
				add(Prescription{Kind: PrescriptionPhoto, Document: -1, Attachment: &a}, likely)
			}
		}
	}
	return out
}

func (a Attachment) attached() bool { return a.part != nil && a.part.attached }
