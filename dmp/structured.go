package dmp

import (
	"crypto"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// structured makes a document of level 3: the header of a report, which body
// completes. What it wrote is read again and checked against the rules of its
// model before it is given out.
func (c *Client) structured(who socle.Professional, patient ins.Identity, r Report, body func(*cda.Document) error) (*Document, error) {
	if err := c.admitProfessional(opDocument, c.submitMode(), who); err != nil {
		return nil, err
	}
	id, err := patient.Sendable()
	if err != nil {
		e := refusal(opDocument, nil, "only a qualified identity may go into a document: "+err.Error(), "")
		e.Err = err
		return nil, e
	}
	header, err := c.header(who, patient.Traits(), id, r)
	if err != nil {
		return nil, err
	}
	header.Content = cda.Content{}
	if err := body(header); err != nil {
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
	b, err := m.bytes()
	if err != nil {
		return nil, invalid(err)
	}
	read, err := cda.Parse(b, xmltree.Limits{})
	if err != nil {
		return nil, invalid(err)
	}
	d := &Document{made: m}
	for _, f := range cisis.Validate(read) {
		if f.Severity == cisis.Error {
			return nil, refusal(opDocument, ErrInvalidDocument, f.Path+": "+f.Text+" (rule "+f.Rule+")", "")
		}
		d.Warnings = append(d.Warnings, f.Path+": "+f.Text)
	}
	sum := sha1.Sum(b)
	m.digests[crypto.SHA1] = sum[:]
	if h := c.lotAlgorithm().Hash(); h != crypto.SHA1 {
		x := h.New()
		x.Write(b)
		m.digests[h] = x.Sum(nil)
	}
	m.entry = xds.FromCDA(read, hex.EncodeToString(sum[:]), int64(len(b)))
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
	return d, nil
}

func (m *made) bytes() ([]byte, error) {
	r, err := m.encoded.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// entryID gives an identifier of an entry: the one it has, or a new one.
func entryID(id string) cda.ID {
	if id == "" {
		id = strings.ToUpper(soap.NewUUID())
	}
	return cda.ID{Root: id}
}

// table writes a table of the narrative; a cell is its text and the ID by which
// entries refer to it.
func table(s *cda.Section, head []string, rows ...[]cell) {
	s.Start("table", "border", "0").Start("thead").Start("tr")
	for _, h := range head {
		s.Leaf("th", h)
	}
	s.End().End().Start("tbody")
	for _, row := range rows {
		s.Start("tr")
		for _, c := range row {
			s.Start("td")
			if c.id == "" {
				s.Text(c.text)
			} else {
				s.Leaf("content", c.text, "ID", c.id)
			}
			s.End()
		}
		s.End()
	}
	s.End().End()
}

type cell struct{ text, id string }

// coded gives a code of a known system with the name of that system.
func coded(c socle.Code, systemName string) cda.Code {
	return cda.Code{Code: c, SystemName: systemName}
}

// writeComment writes a comment of an entry (FR-Commentaire-ER): a reference to
// the narrative and, as the note has it since 2024, its text.
func writeComment(s *cda.Section, ref, text string) {
	s.Start("entryRelationship", "typeCode", "SUBJ").Start("act", "classCode", "ACT", "moodCode", "EVN")
	s.Models("2.16.840.1.113883.10.20.1.40", "1.3.6.1.4.1.19376.1.5.3.1.4.2", "1.2.250.1.213.1.1.3.32")
	s.Code("code", coded(socle.Code{Code: "48767-8", System: oidLOINC, Display: "Commentaire"}, "LOINC"), "")
	s.Start("text")
	s.Reference(ref)
	s.Text(text)
	s.End()
	s.Empty("statusCode", "code", "completed")
	s.End().End()
}

const oidLOINC = "2.16.840.1.113883.6.1"
