package dmptest

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// cdaDocument is a CDA document as the emulator reads it, apart from the codec
// of the client.
type cdaDocument struct{ root *xmltree.Element }

func readCDA(b []byte) (cdaDocument, error) {
	d, err := xmltree.Parse(b, xmltree.Limits{Bytes: 128 << 20})
	if err != nil {
		return cdaDocument{}, err
	}
	if !d.Root.Is(nsHL7, "ClinicalDocument") {
		return cdaDocument{}, errors.New("expected a ClinicalDocument of " + nsHL7)
	}
	return cdaDocument{d.Root}, nil
}

// ids gives the extensions of the identifiers of e that have that root.
func ids(e *xmltree.Element, root string) []string {
	var all []string
	for id := range e.All("", "id") {
		if id.Attr("root") == root {
			all = append(all, id.Attr("extension"))
		}
	}
	return all
}

// unique gives an identifier as the metadata has it: root, or root^extension.
func unique(id *xmltree.Element) string {
	if x := id.Attr("extension"); x != "" {
		return id.Attr("root") + "^" + x
	}
	return id.Attr("root")
}

// replaced gives the identifiers of the documents that the header says it replaces.
func (c cdaDocument) replaced() []string {
	var all []string
	for r := range c.root.All("", "relatedDocument") {
		if id := r.Path("parentDocument", "id"); id != nil && r.Attr("typeCode") == "RPLC" {
			all = append(all, unique(id))
		}
	}
	return all
}

// file gives the content of a nonXMLBody.
func (c cdaDocument) file() ([]byte, error) {
	text := c.root.Path("component", "nonXMLBody", "text")
	if text == nil || text.Attr("representation") != "B64" {
		return nil, errors.New("expected a nonXMLBody with representation B64")
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text.Text()), ""))
}

// checkDocument compares a CDA document with its metadata and with the VIHF.
func (l *lot) checkDocument(d xds.DocumentEntry, content []byte) {
	c, err := readCDA(content)
	if err != nil {
		l.fail("InvalidDocumentContent", "the document is not a CDA: "+err.Error(), d.ID)
		return
	}
	bad := func(text string) { l.fail("InvalidDocumentContent", "CDA "+text, d.ID) }
	differs := func(text string) { l.fail("XDSRegistryMetadataError", "CDA "+text, d.ID) }
	var templates []string
	for t := range c.root.All("", "templateId") {
		templates = append(templates, t.Attr("root"))
	}
	for _, t := range []string{"2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"} {
		if !slices.Contains(templates, t) {
			bad("templateId: expected " + t + " among them")
		}
	}
	for _, name := range []string{"realmCode", "typeId", "title", "setId", "versionNumber", "custodian", "legalAuthenticator", "documentationOf", "componentOf"} {
		if c.root.Path(name) == nil {
			bad(name + ": mandatory")
		}
	}
	if unique(c.root.Path("id")) != d.UniqueID {
		differs("id: expected the uniqueId of the metadata")
	}
	if code := c.root.Path("code"); code.Attr("code") != d.Type.Code || code.Attr("codeSystem") != d.Type.System {
		differs("code: expected the typeCode of the metadata, " + d.Type.Code)
	}
	if c.root.Path("title").Trimmed() != strings.TrimSpace(d.Title) {
		differs("title: expected that of the metadata")
	}
	if lang := c.root.Path("languageCode").Attr("code"); lang != d.Language {
		differs("languageCode: expected that of the metadata, " + d.Language)
	}
	at, err := time.Parse("20060102150405-0700", c.root.Path("effectiveTime").Attr("value"))
	if err != nil || at.UTC().Format("20060102150405") != d.CreationTime {
		differs("effectiveTime: expected the creationTime of the metadata in another zone")
	}
	l.checkPeople(c, d)
	l.checkBody(c, d, templates, bad, differs)
}

// checkPeople compares the patient of the header with the VIHF, and its authors
// with those of the metadata.
func (l *lot) checkPeople(c cdaDocument, d xds.DocumentEntry) {
	n := 0
	for range c.root.All("", "recordTarget") {
		n++
	}
	if n != 1 || !slices.Contains(ids(c.root.Path("recordTarget", "patientRole"), l.who.patient.oid), l.who.patient.matricule) {
		l.fail("XDSPatientIdDoesNotMatch", "CDA recordTarget: expected one, with the patient of the VIHF (resource-id)", d.ID)
	}
	// The metadata name the authors of the document; beside them they may name
	// who files it.
	told := map[[2]string]bool{{l.who.vihf.NameID, l.who.vihf.StructureID}: true}
	for a := range c.root.All("", "author") {
		who := a.Path("assignedAuthor")
		author := [2]string{who.Path("id").Attr("extension"), ""}
		if o := ids(who.Path("representedOrganization"), "1.2.250.1.71.4.2.2"); len(o) > 0 {
			author[1] = o[0]
		}
		told[author] = true
		if !slices.ContainsFunc(d.Authors, func(m xds.Author) bool { return authorOf(m) == author }) {
			l.fail(codeAuthor, "author: expected every author of the CDA document, for their structure", d.ID)
		}
	}
	for _, m := range d.Authors {
		if !told[authorOf(m)] {
			l.fail(codeAuthor, "author: expected an author of the CDA document or the professional of the VIHF, for their structure", d.ID)
		}
	}
}

// authorOf gives the identifiers of an author and of their structure.
func authorOf(m xds.Author) [2]string {
	if len(m.Institutions) == 0 {
		return [2]string{m.Person.ID, ""}
	}
	return [2]string{m.Person.ID, m.Institutions[0].ID}
}

func (l *lot) checkBody(c cdaDocument, d xds.DocumentEntry, templates []string, bad, differs func(string)) {
	if c.root.Path("component", "structuredBody") != nil {
		return
	}
	file, err := c.file()
	if err != nil {
		bad("component: " + err.Error())
		return
	}
	if !slices.Contains(templates, "1.3.6.1.4.1.19376.1.2.20") {
		bad("templateId: expected 1.3.6.1.4.1.19376.1.2.20, that of level 1")
	}
	media := c.root.Path("component", "nonXMLBody", "text").Attr("mediaType")
	formats := map[string]string{"application/pdf": "urn:ihe:iti:xds-sd:pdf:2008", "text/plain": "urn:ihe:iti:xds-sd:text:2008",
		"image/jpeg": "urn:ihe:iti-fr:xds-sd:jpeg:2010", "image/tiff": "urn:ihe:iti-fr:xds-sd:tiff:2010",
		"text/rtf": "urn:ihe:iti-fr:xds-sd:rtf:2010", "application/rtf": "urn:ihe:iti-fr:xds-sd:rtf:2010"}
	if want := formats[media]; want != d.Format.Code {
		differs("component: expected the formatCode of its media type in the metadata, got " + d.Format.Code)
	}
	if media == "application/pdf" && !strings.Contains(string(file[:min(len(file), 1024)]), "%PDF-") {
		bad("component: expected a PDF, as its media type says")
	}
}
