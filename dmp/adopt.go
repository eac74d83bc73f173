package dmp

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// Received is a document that somebody else made, such as one that came by
// MSSanté, to be filed as it is.
type Received struct {
	// CDA is the document, mandatory. It is filed byte for byte and must not be
	// changed afterwards.
	CDA []byte
	// Class, Format, Facility and Practice replace what is derived from the type,
	// the models and the header, for a document that lacks them.
	Class, Format, Facility, Practice socle.Code
	// Visibility hides the document from the start.
	Visibility []Visibility
	Comments   string
}

// Adopt makes a Document of a CDA that somebody else made, for who to file it.
// Its bytes, its identifier, its version and its author stay what they are; who
// files it answers for the lot and signs it, which is what the DMP compares with
// the VIHF (*assumed*: see Dialect.FilerAsAuthor).
//
// The patient is the one whom the user chose: a document without INS, with
// that of another (beside theirs too), or with two patients is
// ErrPatientMismatch, and so is one whose birth name, first birth given name,
// sex or birth date are not theirs, as [ins.Compare] compares them; a trait that
// the document does not tell is not compared. One that lacks what the metadata need is
// ErrInvalidDocument and says what; what the rules of the CI-SIS find besides
// is in Warnings, because only its author could mend it.
func (c *Client) Adopt(who socle.Professional, patient ins.Identity, r Received) (*Document, error) {
	if err := c.admitProfessional(opDocument, c.submitMode(), who); err != nil {
		return nil, err
	}
	id, err := patient.Sendable()
	if err != nil {
		e := refusal(opDocument, nil, "only a qualified identity may have a document filed: "+err.Error(), "")
		e.Err = err
		return nil, e
	}
	if err := c.fits(opDocument, int64(len(r.CDA))); err != nil {
		return nil, err
	}
	read, err := cda.Parse(r.CDA, xmltree.Limits{})
	if err != nil {
		return nil, invalid(err)
	}
	if err := sameAs(read, id, patient); err != nil {
		return nil, err
	}
	m := &made{patient: id, edition: editionOf(read), encoded: whole(r.CDA), digests: map[crypto.Hash][]byte{}}
	sum := sha1.Sum(r.CDA)
	algorithm := c.lotAlgorithm()
	// The signature of a lot covers the canonical form, which the bytes of
	// somebody else need not be.
	if m.digests[algorithm.Hash()], err = xmlsec.DigestXML(r.CDA, algorithm, xmltree.Limits{}); err != nil {
		return nil, invalid(err)
	}
	m.entry = xds.FromCDA(read, hex.EncodeToString(sum[:]), int64(len(r.CDA)))
	if err := m.complete(r); err != nil {
		return nil, err
	}
	author := author(who)
	m.filer = &author
	if c.cfg.Dialect.FilerAsAuthor {
		m.entry.Authors = append(m.entry.Authors, author)
	}
	m.entry.ID = documentName(0)
	if err := m.entry.Check(); err != nil {
		return nil, invalid(err)
	}
	d := &Document{made: m}
	for _, f := range cisis.Validate(read) {
		d.Warnings = append(d.Warnings, f.Path+": "+f.Text)
	}
	return d, nil
}

// sameAs refuses a document that is not about the patient that the user chose,
// or not about them alone.
func sameAs(d *cda.Document, id ins.INS, patient ins.Identity) error {
	mismatch := func(text, fix string) error { return refusal(opDocument, ErrPatientMismatch, text, fix) }
	past := patient.History()
	switch {
	case len(d.OtherPatients) > 0:
		return mismatch("the document has several patients (recordTarget)", "ask its author for one of this patient alone")
	case slices.ContainsFunc(d.Patient.IDs, func(x cda.ID) bool { return ownerOf(x.Root, x.Extension, id, past) == anothers }):
		return mismatch("the document has the INS of another person", "choose the patient of the document")
	case !isOf(d.Patient, id, past):
		return mismatch("the document has no INS of this patient: nothing tells that it is of them", "ask its author for one with the INS")
	}
	if traits := discordant(d.Patient, patient.Traits()); len(traits) > 0 {
		return mismatch("the document has the INS of the patient but other traits: "+strings.Join(traits, ", "),
			"make sure with its author of whom it is, or correct the identity")
	}
	return nil
}

// discordant names the traits that a header tells and that are not those known.
func discordant(p cda.Patient, known ins.Traits) []string {
	c := ins.Compare(ins.Traits{BirthName: p.Name.BirthFamily(), GivenNames: p.Name.FirstBirthGiven()}, known)
	var all []string
	if c.BirthName == ins.Discordant && p.Name.BirthFamily() != "" {
		all = append(all, "birth name")
	}
	if c.FirstGivenName == ins.Discordant && p.Name.FirstBirthGiven() != "" {
		all = append(all, "first given name")
	}
	// UN is also written for a sex that is not known.
	if sex := p.Gender.Code.Code; (sex == "M" || sex == "F") && sex != gender(known.Sex).Code {
		all = append(all, "sex")
	}
	// A date that is told in part agrees with one that begins so.
	told, born := p.BirthTime.ISO(), birthTime(known.BirthDate).ISO()
	if !strings.HasPrefix(told, born) && !strings.HasPrefix(born, told) {
		all = append(all, "birth date")
	}
	return all
}

// complete gives the metadata what the caller knows and the header does not.
func (m *made) complete(r Received) error {
	for _, v := range []struct {
		into *socle.Code
		code socle.Code
	}{{&m.entry.Class, r.Class}, {&m.entry.Format, r.Format}, {&m.entry.Facility, r.Facility}, {&m.entry.Practice, r.Practice}} {
		if !v.code.IsZero() {
			*v.into = v.code
		}
	}
	m.entry.Comments = r.Comments
	normal, _ := nos.Lookup(nos.Confidentiality, "N")
	if len(m.entry.Confidentiality) == 0 {
		m.entry.Confidentiality = []socle.Code{normal}
	}
	switch {
	case m.entry.Class.IsZero():
		return refusal(opDocument, ErrInvalidDocument, "the class of type "+strconv.Quote(m.entry.Type.Code)+" is not known", "give Received.Class")
	case m.entry.Format.IsZero():
		return refusal(opDocument, ErrInvalidDocument, "none of the models of the document has a format that is known", "give Received.Format")
	}
	return m.hide(r.Visibility)
}

// whole is a document that is in memory.
type whole []byte

func (w whole) Size() int64 { return int64(len(w)) }

func (w whole) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(w)), nil }

// author gives who as the metadata name an author.
func author(who socle.Professional) xds.Author {
	return xds.FromCDA(&cda.Document{Authors: []cda.Author{{Entity: person(who, socle.Code{})}}}, "", 0).Authors[0]
}
