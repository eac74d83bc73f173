package mss

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// parcel is the documents of a message, packed.
type parcel struct {
	archive   []byte
	pdfs      []File
	codes     []string // X-MSS-CODECDA
	qualified bool     // X-MSS-INS: O
	number    ins.Matricule
	title     string // of the first document
	patient   string // NOM prénom date, for the subject
	who       Patient
	partial   bool // the subject lacks some of these
}

// pack puts the documents of a draft into an archive (ECO.2.1.1) and tells what
// the headers must say of them, from the documents themselves. It gives nil
// when there are none.
func (m *Mailbox) pack(d job, at time.Time, r *SendReport) (*parcel, error) {
	if len(d.Documents) == 0 {
		return nil, nil
	}
	software := m.client.cfg.Software
	if software.OID == "" {
		return nil, notConform("IHE XDM", "Config.Software.OID: the vendor's OID root is mandatory to send documents")
	}
	p := &parcel{}
	var set xdm.Subset
	names, ids := map[string]bool{}, map[string]bool{}
	var whole person // what the documents so far tell of their patient
	for i, o := range d.Documents {
		doc, err := cda.Parse(o.CDA, xmltree.Limits{})
		if err != nil {
			return nil, notConform("ECO.2.1.1", "Documents[%d]: %v", i, err)
		}
		if doc.Code.Code.Code == "" || strings.ContainsFunc(doc.Code.Code.Code, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
			return nil, notConform("ECO.2.4.1", "Documents[%d]: the document has no code that a header can carry", i)
		}
		entry := xds.FromCDA(doc, hash(o.CDA), int64(len(o.CDA)))
		if i == 0 {
			p.title, p.patient = title(doc), patientLabel(doc)
			if id, ok := doc.Patient.INS(); ok {
				p.number, _ = ins.ParseMatriculeLenient(id.Extension)
				if oid, err := ins.ParseOID(id.Root); err == nil {
					if err := m.client.belongs(oid); err != nil {
						return nil, err
					}
				}
			}
		}
		if whole, err = whole.and(person{entry.PatientID, traitsOf(doc)}, i); err != nil {
			return nil, err
		}
		if id := doc.ID.String(); id != "" && ids[id] {
			return nil, notConform("IHE XDM", "Documents[%d]: another document of the draft has its identifier: give each once", i)
		} else {
			ids[id] = true
		}
		action, err := d.action(i, o, doc)
		if err != nil {
			return nil, err
		}
		p.codes = append(p.codes, doc.Code.Code.Code)
		if q := hasQualifiedINS(doc); m.client.cfg.Dialect.AllQualified && i > 0 {
			p.qualified = p.qualified && q
		} else {
			p.qualified = p.qualified || q
		}
		set.Documents = append(set.Documents, xdm.Document{Entry: entry, Data: o.CDA, Action: action})
		if len(o.PDF) == 0 && action == ActionDelete {
			continue
		}
		if len(o.PDF) == 0 {
			r.degrade("ECO.2.1.1", fmt.Sprintf("document %d has no PDF/A-1 beside it", i+1))
			continue
		}
		switch {
		case !bytes.Contains(o.PDF[:min(len(o.PDF), 1024)], []byte("%PDF-")):
			return nil, notConform("ECO.2.1.5", "Documents[%d].PDF: it is no PDF", i)
		case !bytes.Contains(o.PDF, []byte("pdfaid:part")):
			r.degrade("ECO.2.1.5", fmt.Sprintf("the PDF of document %d does not say that it is PDF/A (XMP pdfaid:part)", i+1))
		}
		name := pdfName(doc, o.Number)
		for n := 2; names[name]; n++ {
			name = fmt.Sprintf("%s_%d.pdf", strings.TrimSuffix(pdfName(doc, o.Number), ".pdf"), n)
		}
		names[name] = true
		p.pdfs = append(p.pdfs, File{Name: name, MediaType: "application/pdf", Content: o.PDF})
	}
	if len(d.replaced) > 0 && !slices.ContainsFunc(set.Documents, func(x xdm.Document) bool { return x.Action == ActionReplace }) {
		return nil, notConform("AMBU.MSS/va1.02", "Documents: none replaces one of the message, by its relatedDocument (RPLC)")
	}
	p.who = whole.Patient
	p.partial = whole.BirthName == "" || whole.GivenName == "" || len(whole.BirthDate) < len("2006-01-02")
	if !p.qualified {
		r.degrade("ECO.2.4.2", "no document holds a whole qualified INS: X-MSS-INS is N")
	}
	first := set.Documents[0].Entry
	actor := m.access.Actor.Professional
	author := xds.Author{Person: xds.Professional(actor.ID, actor.FamilyName, actor.GivenName)}
	if actor.ID.IsZero() { // an applicative mailbox: nobody but the software
		author.Person = xds.XCN{ID: software.OID, Family: software.Name, Given: software.Version, Authority: xds.HD{ID: software.OID, Type: "ISO"},
			NameType: xds.NameTypeDevice, IDType: "EI"}
	}
	if s := actor.Structure; !s.ID.IsZero() && s.Name != "" {
		author.Institutions = []xds.XON{xds.Organization(s.ID, s.Name)}
	}
	set.Submission = &xds.Submission{Set: xds.SubmissionSet{
		ID: "SubmissionSet01", Title: p.title, Authors: []xds.Author{author},
		ContentType: m.client.cfg.Dialect.contentType(actor), PatientID: first.PatientID,
		SourceID: software.OID, UniqueID: software.OID + "." + uniqueArc(), Time: at.UTC().Format("20060102150405"),
	}}
	var b bytes.Buffer
	err := xdm.Write(&b, &xdm.Archive{Subsets: []xdm.Subset{set}, ActionSlot: m.client.cfg.Dialect.ActionSlot}, xdm.About{
		Sender: actor.FullName(), Organisation: actor.Structure.Name, Software: software.Name, Version: software.Version, At: at,
	})
	if err != nil {
		return nil, &Error{Op: "send", Code: "IHE XDM", Err: err, kind: ErrNotConform, outcome: notSent}
	}
	p.archive = b.Bytes()
	return p, nil
}

// writtenTo refuses documents without INS that tell another person than the
// patient written to: no number does.
func (p *parcel) writtenTo(patients []ins.Identity) error {
	for _, id := range patients {
		if !p.number.IsZero() {
			break
		}
		t := id.Traits()
		read := Patient{BirthName: t.BirthName}
		if t.BirthDate.Complete() {
			read.BirthDate = t.BirthDate.Wire()
		}
		if traits := p.who.differs(read); len(traits) > 0 {
			return notConform("SC.MSS/CONF.23", "Documents: the patient written to has not their %s, and they have no INS", strings.Join(traits, ", "))
		}
	}
	return nil
}

func hash(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// uniqueArc draws the last arc of an OID, 15 digits at most.
func uniqueArc() string {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n.Add(n, big.NewInt(100_000_000_000_000)).String()
}

func title(d *cda.Document) string {
	if d.Title != "" {
		return d.Title
	}
	return d.Code.Display
}

// patientLabel gives NOM PRENOM and the birth date, as subjects have them (ECO.2.1.3).
func patientLabel(d *cda.Document) string {
	n := d.Patient.Name
	birth := ""
	if t := d.Patient.BirthTime; t.Digits >= 8 && !t.IsZero() {
		birth = t.Time.Format("02/01/2006")
	}
	return strings.Join(strings.Fields(strings.ToUpper(n.BirthFamily())+" "+n.FirstBirthGiven()+" "+birth), " ")
}

// pdfName gives date_type_NOM_prenom_number.pdf (ECO.2.1.6); the number is that
// of the vendor's record, when there is one.
func pdfName(d *cda.Document, number string) string {
	at := d.EffectiveTime
	for _, e := range d.Events {
		if !e.Period.Low.IsZero() {
			at = e.Period.Low
			break
		}
	}
	var day string
	if !at.IsZero() {
		day = at.Time.Format("20060102")
	}
	n := d.Patient.Name
	var parts []string
	for _, s := range []string{day, title(d), strings.ToUpper(n.BirthFamily()), n.FirstBirthGiven(), number} {
		s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "_")
		if s != "" {
			parts = append(parts, s)
		}
	}
	name := []rune(strings.Join(parts, "_"))
	return string(name[:min(len(name), 120)]) + ".pdf"
}
