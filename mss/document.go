package mss

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xdm"
)

// Document is a clinical document (CDA) of a received IHE_XDM.ZIP.
type Document struct {
	Part     string // part of the message that holds the archive
	Code     socle.Code
	Title    string
	ID       string // root, or root^extension: the same in every copy of the document
	SetID    string // common to all versions of the document
	Version  int    // 0 when there is none
	Created  time.Time
	Patient  Patient
	Replaces []string // identifiers of the documents that it replaces
	// Action is ActionReplace when the sender says that the document replaces
	// another (annule et remplace), ActionDelete when they want it deleted, else
	// empty.
	Action string
	// PDF is the attached PDF of the document, which is shown as one with it
	// (SC.CDA/DD.15), nil when none was found. PDFGuessed says that only their
	// number and order told that they belong together: [Message.Files] has it too,
	// and nothing shows that it is of the patient.
	PDF        *Attachment
	PDFGuessed bool
	// Models are the OIDs of the models that the document claims (templateId).
	Models []string
	Hash   string // SHA-1 of the bytes, in hexadecimal
	Size   int64
	// Err is what is wrong with the document, a *Fault. Do not file a document
	// that has one without telling the user.
	Err error

	data     []byte
	holdsINS bool // the document itself does, whatever the metadata say
}

// Actions that the metadata of a document may ask for (CI-SIS, transmission of
// CDA documents).
const (
	ActionReplace = "C"
	ActionDelete  = "D"
)

// Open gives the bytes of the document, none when the archive lacks it.
func (d Document) Open() *bytes.Reader { return bytes.NewReader(d.data) }

// CDA reads the document as package dmp does: its authors, its text for a screen,
// its vaccinations, what it has wrong. It fails when the archive lacks it, or
// when it is no CDA.
func (d Document) CDA() (*dmp.CDA, error) { return dmp.ParseCDA(d.data) }

// String tells the code of the document.
func (d Document) String() string { return "document " + d.Code.Code }

// GoString is String.
func (d Document) GoString() string { return d.String() }

// MarshalText is String.
func (d Document) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue is String.
func (d Document) LogValue() slog.Value { return slog.StringValue(d.String()) }

// Patient is whom a document is about, as its header says. Nobody has verified
// it here: file the document under an identity that the user has chosen, and
// never documents without INS under a common one.
type Patient struct {
	Matricule ins.Matricule // as metadata and document agree, zero without INS
	OID       ins.OID
	BirthName string
	GivenName string // first birth given name
	BirthDate string // YYYY-MM-DD, or less when the document says less
	Sex       string // M, F or UN
}

// String says nothing of the person.
func (p Patient) String() string {
	if p.Matricule.IsZero() {
		return "patient without INS"
	}
	return "patient with INS"
}

// GoString is String.
func (p Patient) GoString() string { return "mss.Patient(" + p.String() + ")" }

// MarshalText is String.
func (p Patient) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue is String.
func (p Patient) LogValue() slog.Value { return slog.StringValue(p.String()) }

const (
	maxArchive  = 64 << 20  // bytes of one archive
	maxInflated = 128 << 20 // bytes of the files of all archives of a message
)

// documents opens the attached archives: files of the name IHE_XDM.ZIP,
// whatever its case, and the ZIP files of a message whose subject announces one.
func (m *Message) documents(t *treeReader) {
	var files []Attachment
	var codes []string
	var headers []*cda.Document
	qualified := false
	var patients []person
	mismatch := false
	left := int64(maxInflated)
	for _, a := range m.Attachments {
		if t.ctx.Err() != nil {
			return
		}
		if !m.isArchive(a) {
			files = append(files, a)
			continue
		}
		b, err := io.ReadAll(io.LimitReader(a.Open(), maxArchive+1))
		if err != nil && len(b) == 0 {
			continue // told already
		}
		if len(b) > maxArchive {
			t.xdm(a.Part, &xdm.Error{Code: xdm.LimitReached, Text: "an archive of more than 64 MiB"})
			continue
		}
		if left <= 0 {
			t.xdm(a.Part, &xdm.Error{Code: xdm.LimitReached, Text: "the archives before it inflate to more than 128 MiB: it is not read"})
			files = append(files, a)
			continue
		}
		archive, err := xdm.Read(b, xdm.Limits{Total: left})
		if err != nil {
			t.xdm(a.Part, err)
			files = append(files, a) // still there to look at
			continue
		}
		left -= archive.Inflated
		for _, f := range archive.Faults {
			t.xdm(a.Part, f)
		}
		for _, s := range archive.Subsets {
			for _, d := range s.Documents {
				doc := received(a.Part, d)
				if d.Err != nil {
					doc.Err = t.xdm(a.Part, d.Err)
				}
				if d.CDA != nil {
					codes = append(codes, doc.Code.Code)
					qualified = qualified || hasQualifiedINS(d.CDA)
				}
				if errors.Is(d.Err, &xdm.Error{Code: xdm.PatientMismatch}) {
					mismatch = true
				} else {
					patients = append(patients, person{d.Entry.PatientID, doc.Patient})
				}
				if !m.twice(&doc, t) {
					m.Documents, headers = append(m.Documents, doc), append(headers, d.CDA)
				}
			}
		}
	}
	m.Attachments = files
	several, alike := people(patients)
	m.twins(headers, alike && !mismatch)
	if several > 1 {
		t.fault(FaultCoherent, "", "documents of %d patients in one message (SC.MSS/CONF.23)", several)
	}
	if len(codes) > 0 && !sameCodes(codes, m.Codes) {
		t.fault(FaultCoherent, "", "X-MSS-CODECDA does not announce the documents of the archive (ECO.2.4.1)")
	}
	if said := m.INS == "O"; len(codes) > 0 && m.INS != "" && said != qualified {
		t.fault(FaultCoherent, "", "%w", errOtherINS)
	}
}

// errOtherINS is a fault that a message of a client with Dialect.AllQualified has.
var errOtherINS = errors.New("X-MSS-INS is not what the documents of the archive say (ECO.2.4.2)")

// twice reports whether a document is one that is there already, byte for byte,
// as when an archive is attached twice. Of two documents under one identifier
// neither can be believed: both get a fault.
func (m *Message) twice(doc *Document, t *treeReader) bool {
	i := slices.IndexFunc(m.Documents, func(d Document) bool { return doc.ID != "" && d.ID == doc.ID })
	switch {
	case i < 0:
		return false
	case m.Documents[i].Hash == doc.Hash && m.Documents[i].Action == doc.Action:
		return true
	}
	err := t.xdm(doc.Part, &xdm.Error{Code: CodeDuplicateID, Text: "another document of the message has the same identifier"})
	for _, d := range []*Document{&m.Documents[i], doc} {
		if d.Err == nil {
			d.Err = err
		}
	}
	return false
}

// namesArchive reports whether a name is that of an archive, as senders write it.
func namesArchive(name string) bool {
	return strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"), archiveName)
}

func (m *Message) isArchive(a Attachment) bool {
	if namesArchive(a.Name) {
		return true
	}
	return m.XDM && (strings.HasSuffix(strings.ToLower(a.Name), ".zip") || a.MediaType == "application/zip" || a.MediaType == "application/x-zip-compressed")
}

func (t *treeReader) xdm(part string, err error) error {
	f := &Fault{Kind: FaultXDM, Part: part, Err: err}
	var x *xdm.Error
	if errors.As(err, &x) {
		f.Code = string(x.Code)
	}
	if len(t.faults) < maxFaults {
		t.faults = append(t.faults, f)
	}
	return f
}

func received(part string, d xdm.Document) Document {
	doc := Document{Part: part, Action: d.Action, Size: int64(len(d.Data)), Hash: hash(d.Data), data: d.Data,
		Code: d.Entry.Type, Title: d.Entry.Title, ID: d.Entry.UniqueID}
	if c := d.CDA; c != nil {
		doc.Code, doc.Title, doc.ID = c.Code.Code, c.Title, c.ID.String()
		doc.SetID, doc.Version, doc.Created = c.SetID.String(), c.Version, c.EffectiveTime.Time
		for _, t := range c.TemplateIDs {
			doc.Models = append(doc.Models, t.Root)
		}
		for _, r := range c.Related {
			if r.Type == "RPLC" {
				for _, id := range r.IDs {
					doc.Replaces = append(doc.Replaces, id.String())
				}
			}
		}
		doc.Patient = traitsOf(c)
		_, doc.holdsINS = c.Patient.INS()
	}
	// The patient is that of the metadata (ECO.2.1.2), unless the document is
	// of another: then of nobody.
	if !errors.Is(d.Err, &xdm.Error{Code: xdm.PatientMismatch}) {
		if oid, err := ins.ParseOID(d.Entry.PatientID.Authority.ID); err == nil {
			if number, err := ins.ParseMatriculeLenient(d.Entry.PatientID.ID); err == nil {
				doc.Patient.Matricule, doc.Patient.OID = number, oid
			}
		}
	}
	return doc
}

// hasQualifiedINS reports whether the header of a document holds what a
// qualified INS is made of (ECO.2.4.2): matricule with its key and OID, birth name, first
// given name, birth date and sex.
func hasQualifiedINS(d *cda.Document) bool {
	id, ok := d.Patient.INS()
	if !ok {
		return false
	}
	if number, err := ins.ParseMatriculeLenient(id.Extension); err != nil || !number.KeyValid() {
		return false
	}
	n := d.Patient.Name
	return n.BirthFamily() != "" && n.FirstBirthGiven() != "" && d.Patient.BirthTime.Digits >= 4 && // a lunar date is a year
		d.Patient.Gender.Code.Code != ""
}

func sameCodes(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	left := map[string]int{}
	for _, c := range a {
		left[c]++
	}
	for _, c := range b {
		if left[c]--; left[c] < 0 {
			return false
		}
	}
	return true
}
