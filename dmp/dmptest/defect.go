package dmptest

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// Defect is something wrong in an answer to TD3.1 or TD3.2, that a client must
// find out.
type Defect string

// Defects.
const (
	// AnotherPatient gives the metadata of TD3.1 the identifier of another patient.
	AnotherPatient Defect = "another patient"
	// OlderIdentifier gives them an INS-C, which a client must accept (EX_3.1-1055).
	OlderIdentifier Defect = "older identifier"
	// WrongHash and WrongSize are of the metadata of TD3.1.
	WrongHash Defect = "wrong hash"
	WrongSize Defect = "wrong size"
	// OlderReferences answers TD3.1b with the references of the former versions of
	// the metadata, too.
	OlderReferences Defect = "older references"
	// EntityBomb answers an envelope with a document type declaration.
	EntityBomb Defect = "entity bomb"

	// Altered, Longer, Shorter and Empty are of the bytes of the first document of TD3.2.
	Altered Defect = "altered"
	Longer  Defect = "longer"
	Shorter Defect = "shorter"
	Empty   Defect = "empty"
	// InLine puts the documents into the envelope, in base64: a client must
	// accept it. InLineAlone does it without MTOM package.
	InLine      Defect = "in line"
	InLineAlone Defect = "in line, no package"
	// AnotherDocument answers the first document under the identifier of another,
	// and Twice answers it twice.
	AnotherDocument Defect = "another document"
	Twice           Defect = "twice"
	// MissingPart leaves the part of the first document out, and StrangePart
	// adds one that the envelope does not name.
	MissingPart Defect = "missing part"
	StrangePart Defect = "strange part"
	// NoRoot answers a package without its root, NoPackage an envelope whose
	// parts are nowhere, and NotXML a root that is no XML.
	NoRoot    Defect = "no root"
	NoPackage Defect = "no package"
	NotXML    Defect = "not XML"
	// Cut ends the body in the middle of the first document.
	Cut Defect = "cut"
	// Silence leaves the first document out and says nothing of it.
	Silence Defect = "silence"
)

// operation gives the operation that a defect is of; empty for several.
func (d Defect) operation() string {
	switch d {
	case AnotherPatient, OlderIdentifier, WrongHash, WrongSize:
		return opSearch
	case OlderReferences:
		return opIdentify
	case EntityBomb, NotXML:
		return ""
	}
	return opRetrieve
}

// spoil does to an answer to TD3.1 from a record, which may be nil, what was planned.
func (f *Failure) spoil(r *xds.QueryResponse, who *session, record *record) {
	if len(f.Registry) > 0 {
		failed, done := f.response()
		if r.Response = failed; !done {
			*r = xds.QueryResponse{Response: failed, Total: -1}
		}
	}
	who.defect = f.Defect
	each := func(change func(*xds.DocumentEntry)) {
		r.Documents = slices.Clone(r.Documents)
		for i := range r.Documents {
			change(&r.Documents[i])
		}
	}
	switch f.Defect {
	case AnotherPatient:
		each(func(d *xds.DocumentEntry) { d.PatientID.ID = keyed("1111175998877") })
		for i := range r.Sets {
			r.Sets[i].PatientID.ID = keyed("1111175998877")
		}
	case OlderIdentifier:
		each(func(d *xds.DocumentEntry) {
			d.PatientID = xds.CX{ID: "1197854176879056415520", Authority: xds.HD{ID: "1.2.250.1.213.1.4.2", Type: "ISO"}, Type: "NH"}
		})
	case OlderReferences:
		for _, id := range slices.Clone(r.References) {
			last := record.entry(id)
			for _, v := range record.versions {
				if v != last && v.entry.UniqueID == last.entry.UniqueID {
					r.References = append([]string{v.entry.ID}, r.References...)
				}
			}
		}
	case WrongHash:
		each(func(d *xds.DocumentEntry) { d.Hash = strings.Repeat("0", 40) })
	case WrongSize:
		each(func(d *xds.DocumentEntry) { d.Size++ })
	}
}

// lacks reports whether the failure leaves a document out of an answer to TD3.2:
// the one that an error names as its Location, or else the last.
func (f *Failure) lacks(id string, wanted []xds.DocumentRequest) bool {
	if !f.Partial || len(f.Registry) == 0 {
		return false
	}
	for _, e := range f.Registry {
		if e.Location != "" {
			return e.Location == id
		}
	}
	return id == wanted[len(wanted)-1].UniqueID
}

// spoilDocuments does to an answer to TD3.2 what was planned.
func (f *Failure) spoilDocuments(a *retrieveAnswer) {
	if len(f.Registry) > 0 {
		failed, done := f.response()
		if a.Response = failed; !done {
			a.Documents, a.order = nil, nil
		}
	}
	if a.defect = f.Defect; len(a.order) == 0 {
		return
	}
	first := a.order[0]
	b := bytes.Clone(a.content[first])
	switch f.Defect {
	case Altered:
		b[len(b)/2] ^= 1
	case Longer:
		b = append(b, ' ')
	case Shorter:
		b = b[:len(b)-1]
	case Empty:
		b = nil
	case InLine, InLineAlone:
		for i := range a.Documents {
			a.Documents[i].Inline, a.Documents[i].ContentID = a.content[a.order[i]], ""
		}
		a.order = nil
	case AnotherDocument:
		a.Documents[0].UniqueID += ".9"
	case Twice:
		again := a.Documents[0]
		again.ContentID, a.content["again@dmptest"] = "again@dmptest", b
		a.Documents, a.order = append(a.Documents, again), append(a.order, "again@dmptest")
	case MissingPart:
		a.order = a.order[1:]
	case StrangePart:
		a.order, a.content["strange@dmptest"] = append(a.order, "strange@dmptest"), []byte("<a/>")
	case Silence:
		a.order, a.Documents = a.order[1:], a.Documents[1:]
	}
	a.content[first] = b
}

// references gives the content ids that an envelope of our own includes.
func references(b []byte) []string {
	doc, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		panic(err)
	}
	ids, err := mtom.References(doc.Root)
	if err != nil {
		panic(err)
	}
	return ids
}

// write answers what no SOAP library writes, and reports whether it did.
func (d Defect) write(w http.ResponseWriter, e *soap.Envelope, m soap.Message) bool {
	m.MessageID, m.RelatesTo = soap.NewMessageID(), e.MessageID
	b := m.Marshal()
	contentType := m.ContentType()
	const boundary = "dmptest"
	related := `multipart/related; type="application/xop+xml"; start="<root@dmptest>"; start-info="application/soap+xml"; boundary="` + boundary + `"`
	part := func(id, media string, content []byte) string {
		return fmt.Sprintf("--%s\r\nContent-Type: %s\r\nContent-ID: <%s>\r\n\r\n%s\r\n", boundary, media, id, content)
	}
	switch d {
	case EntityBomb:
		b = append([]byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`), b...)
	case NotXML:
		b = []byte("{}")
	case InLineAlone, NoPackage:
	case NoRoot:
		b, contentType = []byte(part("document@dmptest", "text/xml", []byte("<a/>"))+"--"+boundary+"--\r\n"), related
	case Cut:
		ids := references(b)
		b, contentType = []byte(part("root@dmptest", `application/xop+xml; type="application/soap+xml"`, b)), related
		b = fmt.Appendf(b, "--%s\r\nContent-Type: text/xml\r\nContent-ID: <%s>\r\n\r\n<ClinicalDoc", boundary, ids[0])
	default:
		return false
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(b)
	return true
}
