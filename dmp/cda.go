package dmp

import (
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/xmltree"
)

const opRead = "read"

// CDA is what a document of the record tells: any CDA R2, of any age. What it
// lacks is zero, and codes that we do not know are kept as they are.
type CDA struct {
	// Edition places the document among its versions; Replaces is the first of
	// those that it replaces.
	Edition
	Title   string
	Type    socle.Code
	Date    Date
	Models  []string // OIDs of the models that it claims
	Authors []Participant
	// Links are all its links to other documents.
	Links []Link
	// Sections hold what a person reads; a document whose body is a file has none.
	Sections []Section
	// Cut tells that the text of Sections was too long to be given whole.
	Cut bool
	// Vaccinations are those of a note, of a history or of any other document.
	Vaccinations []Vaccination
	// Test is the rapid test of a report, nil for other documents.
	Test *RapidTest

	read *cda.Document
}

// Link is a link to another document (relatedDocument).
type Link struct {
	Kind    string // "RPLC" replaces, "APND" completes, "XFRM" transforms
	ID      string // uniqueId
	SetID   string // empty when it is not told
	Version int    // 0 when it is not told
}

// Section is a section of a structured document as a person reads it.
type Section struct {
	Level int // 0, 1 for a section in a section…
	Code  socle.Code
	Title string
	Text  string // plain text; rows of tables are lines, cells are parted by bars
}

// Finding is something that a document has wrong by the rules of the CI-SIS.
type Finding struct {
	Rule     string `json:"rule"`     // identifier of the rule: "header.author"
	Path     string `json:"path"`     // of the element: "author[2]/assignedAuthor/id"
	Severity string `json:"severity"` // "error" or "warning"
	Text     string `json:"text"`     // in English, without content of the document
}

// maxVaccinations is the most vaccinations that are read of one document.
const maxVaccinations = 5000

// ParseCDA reads a document of the record, such as Document gives it or as it
// came. It refuses only what is no CDA, as an *[Error] that is ErrInvalidDocument.
func ParseCDA(b []byte) (*CDA, error) {
	d, err := cda.Parse(b, xmltree.Limits{})
	if err != nil {
		e := refusal(opRead, ErrInvalidDocument, "not a CDA document", "")
		e.Err = err
		return nil, e
	}
	c := &CDA{Edition: editionOf(d), Title: d.Title, Type: d.Code.Code, Date: dateOf(d.EffectiveTime), read: d}
	for _, t := range d.TemplateIDs {
		c.Models = append(c.Models, t.Root)
	}
	for _, a := range d.Authors {
		c.Authors = append(c.Authors, *participantOf(a.Entity))
	}
	for _, r := range d.Related {
		l := Link{Kind: r.Type, SetID: r.SetID.String(), Version: r.Version}
		if len(r.IDs) > 0 {
			l.ID = r.IDs[0].String()
		}
		c.Links = append(c.Links, l)
	}
	told, cut := d.Tell()
	c.Cut = cut
	for _, t := range told {
		c.Sections = append(c.Sections, Section{Level: t.Level, Code: t.Code.Code, Title: t.Title, Text: t.Text})
	}
	texts := d.Texts()
	for e := range entries(d, modelVaccination, modelVaccinationFR) {
		if len(c.Vaccinations) == maxVaccinations {
			c.Cut = true
			break
		}
		c.Vaccinations = append(c.Vaccinations, vaccinationOf(e, texts))
	}
	if d.HasTemplate(modelTest) || c.Type.Code == typeTest.Code {
		c.Test = testOf(d, texts)
	}
	return c, nil
}

// Models of what is read.
const (
	modelTest          = "1.2.250.1.213.1.1.1.59"
	modelVaccination   = "1.3.6.1.4.1.19376.1.5.3.1.4.12"
	modelVaccinationFR = "1.2.250.1.213.1.1.3.45"
	modelResult        = "1.3.6.1.4.1.19376.1.3.1.6"
)

// entries goes over the elements of the body that claim one of the models.
func entries(d *cda.Document, models ...string) iter.Seq[*xmltree.Element] {
	return func(yield func(*xmltree.Element) bool) {
		if d.Body.Kind != cda.BodyStructured {
			return
		}
		for e := range d.Body.Element.Descendants() {
			if claims(e, models...) && !yield(e) {
				return
			}
		}
	}
}

func claims(e *xmltree.Element, models ...string) bool {
	for t := range e.All(cda.NS, "templateId") {
		if slices.Contains(models, t.Attr("root")) {
			return true
		}
	}
	return false
}

// Next gives the edition of a document that replaces this one: the same set,
// the next version, a new identifier.
func (c *CDA) Next() Edition {
	return Edition{SetID: c.SetID, Version: c.Version + 1, Replaces: c.ID}
}

// IsOf reports whether the document is about that patient and about nobody else:
// one that was asked for and is not must not be shown. A document of two
// patients, or with the INS of two persons, is of none.
func (c *CDA) IsOf(id ins.INS) bool {
	return len(c.read.OtherPatients) == 0 && isOf(c.read.Patient, id, nil)
}

// isOf reports whether one of the identifiers of a header is the INS and none
// is that of another person.
func isOf(p cda.Patient, id ins.INS, past []ins.Past) bool {
	found := false
	for _, have := range p.IDs {
		if ownerOf(have.Root, have.Extension, id, past) == anothers {
			return false
		}
		found = found || have.Root == id.OID.String() && have.Extension == id.Matricule.Wire()
	}
	return found
}

// File gives the file of a document of level 1, and false for a structured one.
// Its Size is what its base64 gives.
func (c *CDA) File() (File, bool) {
	b := c.read.Body
	if b.Kind != cda.BodyNonXML {
		return File{}, false
	}
	return File{MediaType: b.MediaType, Size: b.Size(), Open: func() (io.ReadCloser, error) {
		r, err := b.Open()
		if err != nil {
			return nil, err
		}
		return io.NopCloser(r), nil
	}}, true
}

// Text gives the document as plain text: its title, its sections, or its file
// when that is a text. A file of another kind gives nothing but the title.
func (c *CDA) Text() string {
	var b strings.Builder
	b.WriteString(c.Title)
	for _, s := range c.Sections {
		for _, part := range []string{s.Title, s.Text} {
			if part != "" {
				b.WriteString("\n" + part)
			}
		}
		b.WriteString("\n")
	}
	if f, ok := c.File(); ok && strings.HasPrefix(strings.ToLower(f.MediaType), "text/plain") {
		if r, err := f.Open(); err == nil {
			text, _ := io.ReadAll(io.LimitReader(r, cda.MaxNarrative))
			b.WriteString("\n" + strings.ToValidUTF8(string(text), "\uFFFD"))
		}
	}
	return strings.TrimSpace(b.String())
}

// Validate checks the document against the rules of the CI-SIS: those of the
// header, of vaccinations, of VAC-NOTE 2023.01 and of BIO-TROD 2024.01.
func (c *CDA) Validate() []Finding {
	var all []Finding
	for _, f := range cisis.Validate(c.read) {
		all = append(all, Finding{Rule: f.Rule, Path: f.Path, Severity: string(f.Severity), Text: f.Text})
	}
	return all
}

// String gives the identifier and hides the patient.
func (c CDA) String() string { return "document " + c.ID }

// GoString gives the same as String.
func (c CDA) GoString() string { return c.String() }
