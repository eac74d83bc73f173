package cda

import (
	"github.com/soclesante/socle/internal/xmltree"
)

// Structured is the body of a document of level 3 to write.
type Structured struct {
	Models   []ID   // models of the body, beside the two of the header
	Sections []byte // the components of structuredBody, as a [Section] gives them
}

// models are the templateIds of a document to write.
func (d *Document) models() []ID {
	if d.Structured == nil {
		return levelOne
	}
	return append(levelOne[:2:2], d.Structured.Models...)
}

// Section writes sections and entries: canonical XML in the namespace of CDA,
// which the document declares. The zero value is ready.
type Section struct{ writer }

// Models writes templateIds of roots.
func (s *Section) Models(roots ...string) {
	for _, r := range roots {
		s.Empty("templateId", "root", r)
	}
}

// ID writes an identifier.
func (s *Section) ID(name string, id ID) { s.id(name, id) }

// Code writes a coded value, of which ref (when it is not empty) is the ID of
// the text of the narrative that says it.
func (s *Section) Code(name string, c Code, ref string, pairs ...string) {
	for _, a := range [][2]string{{"code", c.Code.Code}, {"codeSystem", c.System}, {"codeSystemName", c.SystemName}, {"displayName", c.Display}, {"nullFlavor", c.Null}} {
		if a[1] != "" {
			pairs = append(pairs, a[0], a[1])
		}
	}
	s.Start(name, pairs...)
	if ref != "" {
		s.Start("originalText")
		s.Reference(ref)
		s.End()
	}
	for _, t := range c.Translations {
		s.code("translation", t)
	}
	s.End()
}

// Reference writes a reference to a text of the narrative.
func (s *Section) Reference(id string) { s.Empty("reference", "value", "#"+id) }

// Value writes an observation's value of a type of the schema: "CD", "INT"…
func (s *Section) Value(kind string, pairs ...string) {
	s.Empty("value", append([]string{"xmlns:xsi", xmltree.NSXSI, "xsi:type", kind}, pairs...)...)
}

// CodedValue writes an observation's value that is a code.
func (s *Section) CodedValue(c Code, ref string) {
	s.Code("value", c, ref, "xmlns:xsi", xmltree.NSXSI, "xsi:type", "CD")
}

// Moment writes a moment.
func (s *Section) Moment(name string, t Time) { s.moment(name, t) }

// Author writes who answers for an entry.
func (s *Section) Author(a Author) {
	s.Start("author", "contextControlCode", "OP", "typeCode", "AUT")
	s.moment("time", a.Time)
	s.entity("assignedAuthor", a.Entity, "representedOrganization")
	s.End()
}

// Performer writes who did what an entry tells.
func (s *Section) Performer(e Entity) {
	s.Start("performer", "typeCode", "PRF")
	s.entity("assignedEntity", e, "representedOrganization")
	s.End()
}
