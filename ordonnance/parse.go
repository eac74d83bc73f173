package ordonnance

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// templateModel is the eP-MED-DM document model; its extension is the version.
const templateModel = "1.2.250.1.213.1.1.1.39"

// OIDs of the header that the reader knows.
const (
	oidFunction     = "1.2.250.1.213.1.6.1.107"   // functionCode 353: replaced prescriber
	oidFunctionOld  = "1.2.250.1.213.1.1.4.2.280" // functionCode CORRE, as published samples write it
	maxLines        = 500
	maxPrescription = 32 << 20
)

// ParseCDA reads a prescription document (eP-MED-DM, models 2022.01, 2023.01
// and 2024.01; other versions of the model are read the same way), with
// structured or textual posology.
//
// It is tolerant: what published documents do wrong (repeated line
// identifiers, references without # or to nothing, wrong media types, missing
// flags, identifiers that fail their key …) is kept as written and told in
// Prescription.Findings. It refuses what is not XML ([ErrMalformed]), other
// kinds of CDA documents ([ErrNotPrescription]) and prescriptions without a
// line ([ErrMalformed]). The document may be at most 32 MiB.
func ParseCDA(b []byte) (Prescription, error) {
	doc, err := cda.Parse(b, xmltree.Limits{Bytes: maxPrescription, Nodes: 500_000})
	if err != nil {
		return Prescription{}, &Error{Op: "ParseCDA", kind: ErrMalformed, err: err, outcome: socle.OutcomeNotSent}
	}
	r := reader{doc: doc}
	for _, t := range doc.TemplateIDs {
		if t.Root == templateModel {
			r.p.Document.Model = t.Extension
			r.found = true
		}
	}
	if !r.found {
		return Prescription{}, local("ParseCDA", ErrNotPrescription,
			fmt.Sprintf("template %s (eP-MED-DM) is missing; the code of this document is %.20q", templateModel, doc.Code.Code.Code))
	}
	r.header()
	if err := r.body(); err != nil {
		return Prescription{}, &Error{Op: "ParseCDA", kind: ErrMalformed, err: err, outcome: socle.OutcomeNotSent}
	}
	return r.p, nil
}

// reader reads one document.
type reader struct {
	doc   *cda.Document
	words narrative
	p     Prescription
	line  int // being read, 0 outside lines
	found bool
}

func (r *reader) note(rule, format string, args ...any) {
	r.p.Findings = append(r.p.Findings, Finding{Rule: rule, Line: r.line, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) header() {
	d := r.doc
	r.p.Document.ID, r.p.Document.SetID, r.p.Document.Version = d.ID.String(), d.SetID.String(), d.Version
	r.p.WrittenAt = d.EffectiveTime.Time
	r.patient(d.Patient)
	for i, a := range d.Authors { // a device may come before the person
		if a.Person != nil || i == len(d.Authors)-1 {
			r.p.Prescriber = r.practitioner("prescriber", a.Entity)
			break
		}
	}
	for _, p := range d.Participants {
		r.participant(p)
	}
	for _, e := range d.Events {
		r.event(e)
	}
	switch {
	case r.p.Number == "":
		r.note(RuleNumber, "the document has no prescription number (degraded mode)")
	case !r.p.Number.WellFormed():
		r.note(RuleNumber, "the prescription number has not the form of the published ones")
	}
}

func (r *reader) patient(p cda.Patient) {
	for _, id := range p.IDs {
		oid, err := ins.ParseOID(id.Root)
		if err != nil {
			continue
		}
		m, err := ins.ParseMatriculeLenient(id.Extension)
		if err != nil {
			r.note(RuleIdentifier, "the patient's matricule is malformed")
			continue
		}
		if !m.KeyValid() {
			r.note(RuleIdentifier, "the patient's matricule fails its key")
		}
		r.p.Patient.INS = ins.INS{Matricule: m, OID: oid}
		break
	}
	t := ins.Traits{BirthName: p.Name.BirthFamily(), GivenNames: strings.Join(p.Name.BirthGivens(), " "), FirstGivenName: p.Name.FirstBirthGiven()}
	switch p.Gender.Code.Code {
	case "M", "F":
		t.Sex = ins.Sex(p.Gender.Code.Code)
	case "U", "UN":
		t.Sex = ins.Indeterminate
	}
	if v := p.BirthTime.Value; len(v) >= 8 {
		if d, err := ins.ParseBirthDate(v[:4] + "-" + v[4:6] + "-" + v[6:8]); err == nil {
			t.BirthDate = d
		}
	}
	if c, err := ins.ParseCOG(p.BirthPlace); err == nil {
		t.BirthPlace = c
	}
	r.p.Patient.Traits = t
	r.p.Patient.UsedName, r.p.Patient.UsedGiven = p.Name.UsedFamily(), p.Name.UsedGiven()
}

func (r *reader) practitioner(what string, e cda.Entity) Practitioner {
	p := Practitioner{Profession: e.Code.Code}
	p.ID, _ = e.National()
	if p.ID != "" {
		if _, err := p.PersonID(); err != nil {
			r.note(RuleIdentifier, "the identifier of the %s fails its key", what)
		}
	}
	if e.Person != nil {
		p.FamilyName, p.GivenName = e.Person.Person()
		p.Prefix, p.Suffix = strings.Join(e.Person.Prefix, " "), strings.Join(e.Person.Suffix, " ")
	}
	for _, t := range e.Telecoms {
		if tel, ok := strings.CutPrefix(t.Value, "tel:"); ok {
			p.Phones = append(p.Phones, tel)
		}
	}
	if o := e.Organization; o != nil {
		p.Organization = o.Name
		if p.Structure, _ = o.Structure(); p.Structure != "" {
			if _, err := p.StructureID(); err != nil {
				r.note(RuleIdentifier, "the identifier of the %s's organisation fails its key", what)
			}
		}
	}
	return p
}

// participant reads the replaced prescriber and the desired execution. The
// model writes the former REF with function 353, the published samples CON with
// function CORRE: both are read.
func (r *reader) participant(p cda.Participation) {
	f := p.Function.Code
	switch {
	case p.Type == "REF" && f.Code == "353" && (f.System == oidFunction || f.System == ""),
		p.Type == "CON" && f.Code == "CORRE" && (f.System == oidFunctionOld || f.System == ""):
		if r.p.Replaced != nil {
			return
		}
		if p.Type == "CON" {
			r.note(RuleReplaced, "the replaced prescriber is a participant CON/CORRE: the model wants REF with function 353")
		}
		replaced := r.practitioner("replaced prescriber", p.Entity)
		r.p.Replaced = &replaced
	case p.Type == "PRF":
		if !p.Time.High.IsZero() && r.p.WantedBy.IsZero() {
			r.p.WantedBy = p.Time.High.Time
		}
		if id, _ := p.National(); (id != "" || p.Person != nil) && r.p.Executor == nil {
			executor := r.practitioner("executor", p.Entity)
			r.p.Executor = &executor
		}
	}
}

func (r *reader) event(e cda.ServiceEvent) {
	for _, id := range e.IDs {
		if id.Root == OIDNumber && id.Extension != "" && r.p.Number == "" {
			r.p.Number = Number(strings.TrimSpace(id.Extension))
		}
	}
	if e.Code.System == OIDSubtype && e.Code.Code.Code != "" {
		if s := Subtype(e.Code.Code.Code); !r.p.Has(s) {
			r.p.Subtypes = append(r.p.Subtypes, s)
		}
		return
	}
	if r.p.Validity.IsZero() {
		r.p.Validity = periodOf(e.Period)
	}
}

// periodOf gives a period; days stay days when both ends are days.
func periodOf(i cda.Interval) Period {
	p := Period{Start: i.Low.Time, End: i.High.Time}
	p.DateOnly = !p.IsZero() && (i.Low.IsZero() || i.Low.Digits <= 8) && (i.High.IsZero() || i.High.Digits <= 8)
	return p
}

// reference gives the words that e, an element with a reference child, points
// to, or those in e itself.
func (r *reader) reference(e *xmltree.Element) (string, *xmltree.Element) {
	ref := e.First("", "reference")
	if ref == nil {
		return words(e), nil
	}
	value := ref.Attr("value")
	if value == "" {
		return "", nil
	}
	target, wellFormed := r.words.lookup(value)
	switch {
	case target == nil:
		r.note(RuleReference, "a text reference points to nothing")
	case !wellFormed:
		r.note(RuleReference, "a text reference has no #")
	}
	return words(target), target
}

// attachment reads a base 64 value.
func (r *reader) attachment(value *xmltree.Element) *Attachment {
	if value == nil || value.Attr("representation") != "B64" {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
	if err != nil {
		r.note(RuleMedia, "an attachment is not base 64")
		return nil
	}
	a := &Attachment{Declared: value.Attr("mediaType"), Data: data, Size: len(data)}
	a.MediaType = sniff(data, a.Declared)
	if a.MediaType != a.Declared {
		r.note(RuleMedia, "an attachment declared %.40q is %q", a.Declared, a.MediaType)
	}
	return a
}

// sniff gives the media type of data by its first bytes, or the declared one
// when they tell nothing.
func sniff(data []byte, declared string) string {
	switch {
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	}
	if m := http.DetectContentType(data); strings.HasPrefix(m, "image/") {
		return m
	}
	return declared
}

var errNoLine = errors.New("the prescription has no line: one section of drugs or of devices with an entry is needed")

func codes(c cda.Code) []socle.Code {
	var out []socle.Code
	for _, k := range append([]cda.Code{c}, c.Translations...) {
		if k.Code.Code != "" {
			out = append(out, k.Code)
		}
	}
	return out
}
