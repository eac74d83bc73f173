package dmp

import (
	"crypto"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/xds"
)

const opDocument = "document"

// Types of documents that a pharmacy sends as a file (value set JDV_J07).
var (
	// Interview is the compte rendu d'entretien pharmaceutique.
	Interview = socle.Code{Code: "78601-2", System: nos.SystemLOINC}
	// MedicationReview is the bilan partagé de médication.
	MedicationReview = socle.Code{Code: "56445-0", System: nos.SystemLOINC}
	// Consultation is the compte rendu de consultation pharmaceutique.
	Consultation = socle.Code{Code: "93024-8", System: nos.SystemLOINC}
	// Intervention is the intervention pharmaceutique.
	Intervention = socle.Code{Code: "61357-0", System: nos.SystemLOINC}
	// PreventionPlan is the plan personnalisé de prévention, which closes a
	// bilan de prévention.
	PreventionPlan = socle.Code{Code: "83869-8", System: nos.SystemLOINC}
	// VaccinationNotes is the note de vaccination, that NewVaccinationNote makes:
	// a type to search with.
	VaccinationNotes = socle.Code{Code: "87273-9", System: nos.SystemLOINC}
	// VaccinationHistories is the historique des vaccinations, that the insurance
	// makes: a type to search with.
	VaccinationHistories = socle.Code{Code: "11369-6", System: nos.SystemLOINC}
)

// Visibility hides a document from some (confidentialityCode).
type Visibility string

// Visibilities.
const (
	HiddenFromProfessionals   Visibility = "MASQUE_PS"
	HiddenFromPatient         Visibility = "INVISIBLE_PATIENT"
	HiddenFromRepresentatives Visibility = "INVISIBLE_REPRESENTANTS_LEGAUX"
)

// Report describes a document to make from a file.
type Report struct {
	Title string     // mandatory
	Type  socle.Code // mandatory: a type of JDV_J07, such as Interview; its System and Display may be left out
	File  File       // mandatory: a PDF/A-1, or a text or an image

	// Date is when the document was made; zero is now.
	Date time.Time
	// Start and End bound the act that it documents; a zero Start is Date.
	Start, End time.Time
	// Event is the code of the act (eventCodeList); optional.
	Event socle.Code
	// Class replaces the class that the type has.
	Class socle.Code
	// Practice is the frame of exercise (JDV_J04); zero is that of the Dialect.
	Practice socle.Code
	// Visibility hides the document from the start.
	Visibility []Visibility
	Comments   string

	Edition
}

// Document is a CDA R2 document ready for the DMP or for MSSanté: its header,
// and its file, which is read each time the document is opened. It is immutable.
type Document struct {
	// Warnings tell what the DMP may dislike without refusing.
	Warnings []string

	made *made // a pointer, so that printing a Document shows nothing
}

// content is the bytes of a document, read each time they are needed.
type content interface {
	Size() int64
	Open() (io.ReadCloser, error)
}

type made struct {
	encoded content
	entry   xds.DocumentEntry
	// filer is who files a document that somebody else made, nil for the
	// document of its author.
	filer   *xds.Author
	digests map[crypto.Hash][]byte // of the encoded document
	patient ins.INS
	edition Edition
}

// lotAuthors gives who answers for the lot of the document: the user of the VIHF.
func (m *made) lotAuthors() []xds.Author {
	if m.filer != nil {
		return []xds.Author{*m.filer}
	}
	return m.entry.Authors
}

// ID gives the identifier of the document (uniqueId).
func (d *Document) ID() string { return d.made.entry.UniqueID }

// Title gives the title.
func (d *Document) Title() string { return d.made.entry.Title }

// Type gives the type of document with its label.
func (d *Document) Type() socle.Code { return d.made.entry.Type }

// Size gives the number of bytes of the CDA document.
func (d *Document) Size() int64 { return d.made.encoded.Size() }

// Hash gives the SHA-1 of the CDA document, in hexadecimal.
func (d *Document) Hash() string { return d.made.entry.Hash }

// Open gives the bytes of the CDA document, canonical XML.
func (d *Document) Open() (io.ReadCloser, error) { return d.made.encoded.Open() }

// String gives the identifier and hides the patient.
func (d *Document) String() string { return "document " + d.ID() }

// NewDocument makes a CDA R2 document of level 1 (IHE XDS-SD) from a file: the
// minimal header of the French framework with who as author and legal
// authenticator, in the name of their structure. It reads the file once, to
// hash it. What is missing is told all at once, as an *[Error] that is
// ErrInvalidDocument; a patient without a qualified identity is refused.
func (c *Client) NewDocument(who socle.Professional, patient ins.Identity, r Report) (*Document, error) {
	if err := c.admitProfessional(opDocument, c.submitMode(), who); err != nil {
		return nil, err
	}
	id, err := patient.Sendable()
	if err != nil {
		e := refusal(opDocument, nil, "only a qualified identity may go into a document: "+err.Error(), "")
		e.Err = err
		return nil, e
	}
	if err := r.complete(); err != nil {
		return nil, err
	}
	if err := c.fits(opDocument, r.File.Size); err != nil {
		return nil, err
	}
	header, err := c.header(who, patient.Traits(), id, r)
	if err != nil {
		return nil, err
	}
	m := &made{patient: id, edition: editionOf(header), digests: map[crypto.Hash][]byte{}}
	encoded, err := header.Marshal()
	if err != nil {
		return nil, invalid(err)
	}
	m.encoded = encoded
	if err := c.fits(opDocument, m.encoded.Size()); err != nil {
		return nil, err
	}
	seen, err := m.digest(r.File, *header, c.lotAlgorithm())
	if err != nil {
		return nil, err
	}
	m.entry = xds.FromCDA(header, hex.EncodeToString(m.digests[crypto.SHA1]), m.encoded.Size())
	m.entry.Comments = r.Comments
	if !r.Class.IsZero() {
		m.entry.Class = r.Class
	}
	if err := m.classified(r); err != nil {
		return nil, err
	}
	m.entry.ID = documentName(0)
	if err := m.entry.Check(); err != nil {
		return nil, invalid(err)
	}
	d := &Document{made: m}
	switch {
	case r.File.MediaType != pdf:
	case !seen.isPDF():
		return nil, refusal(opDocument, ErrInvalidDocument, "the file is not a PDF, as its media type says", "")
	case !seen.pdfa:
		d.Warnings = append(d.Warnings, "the PDF does not say that it is PDF/A (XMP "+pdfaMark+"): the DMP wants PDF/A-1")
	}
	return d, nil
}

// complete tells all that is mandatory and missing.
func (r Report) complete() error {
	var missing []string
	for _, f := range []struct {
		name string
		has  bool
	}{{"Title", r.Title != ""}, {"Type", r.Type.Code != ""}, {"File", r.File.Open != nil && r.File.Size > 0}, {"File.MediaType", r.File.MediaType != "" || r.File.Open == nil}} {
		if !f.has {
			missing = append(missing, "Report."+f.name+": mandatory")
		}
	}
	if len(missing) > 0 {
		return refusal(opDocument, ErrInvalidDocument, strings.Join(missing, "; "), "a Type of JDV_J07, such as Interview; a File of Bytes or OpenFile")
	}
	return nil
}

// classified completes the codes of the metadata that the header does not hold.
func (m *made) classified(r Report) error {
	switch {
	case m.entry.Class.IsZero():
		return refusal(opDocument, ErrInvalidDocument, "the class of type "+r.Type.Code+" is not known", "give Report.Class")
	case m.entry.Format.IsZero():
		return refusal(opDocument, ErrInvalidDocument, "a file of media type "+strconv.Quote(r.File.MediaType)+" has no format in the DMP", "give a PDF/A-1")
	}
	return m.hide(r.Visibility)
}

func (m *made) hide(from []Visibility) error {
	for _, v := range from {
		code, ok := nos.Lookup(nos.Confidentiality, string(v))
		if !ok || !v.known() {
			return refusal(opDocument, ErrInvalidDocument, "Visibility: "+strconv.Quote(string(v))+" is not known", "HiddenFromProfessionals, HiddenFromPatient or HiddenFromRepresentatives")
		}
		if !slices.Contains(m.entry.Confidentiality, code) {
			m.entry.Confidentiality = append(m.entry.Confidentiality, code)
		}
	}
	return nil
}

func invalid(err error) error {
	e := refusal(opDocument, ErrInvalidDocument, "the document cannot be made: "+strings.ReplaceAll(err.Error(), "\n", "; "), "")
	e.Err = err
	return e
}

// fits applies the size limit.
func (c *Client) fits(op string, size int64) error {
	if size > c.cfg.MaxDocumentSize {
		return refusal(op, ErrDocumentTooLarge, "the document has "+strconv.FormatInt(size, 10)+" bytes with its header and in base64, at most "+
			strconv.FormatInt(c.cfg.MaxDocumentSize, 10)+" may be sent", "make a smaller file, or raise Config.MaxDocumentSize")
	}
	return nil
}
