package dmptest

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// held is a record with a document, and its author before it.
func held() (*Server, *session, *record, *version) {
	s := &Server{options: Options{Rights: DefaultRights(), MaxDocumentSize: 1 << 16}, records: map[patientID]*record{}, unique: map[string]bool{}}
	id := patientID{"1.2.250.1.213.1.4.10", "287080883795737"}
	who := &session{vihf: &saml.VIHF{NameID: "810000000017", StructureID: "1750000010", Mode: saml.Direct, Roles: []saml.CE{{Code: "21"}}}, patient: id}
	author := xds.Author{Person: xds.XCN{ID: who.vihf.NameID}, Institutions: []xds.XON{{Name: "A", ID: who.vihf.StructureID}}}
	code := func(c string) socle.Code { return socle.Code{Code: c, System: "1.2"} }
	r := &record{Patient: Patient{State: dmp.StateOpen}}
	v := &version{entry: xds.DocumentEntry{ID: "Document01", ObjectType: xds.ObjectTypeStable, MimeType: "text/xml", Title: "T", Authors: []xds.Author{author},
		Class: code("10"), Type: code("78601-2"), Format: code("f"), Facility: code("SA33"), Practice: code("A"),
		Confidentiality: []socle.Code{{Code: "N", System: "2.16.840.1.113883.5.25"}, code("INVISIBLE_PATIENT")},
		PatientID:       xds.PatientINS(id.matricule, id.oid), UniqueID: "1.2.3", SourcePatientID: xds.PatientINS(id.matricule, id.oid),
		CreationTime: "20260302083000", Language: "fr-FR"}, author: who.vihf.NameID, content: []byte("x")}
	r.keep(xds.SubmissionSet{ID: "SubmissionSet01", UniqueID: "1.1"}, []*version{v}, nil)
	s.records[id] = r
	return s, who, r, v
}

// FuzzChange sends any ITI-57 in the name of the author: what is accepted is one
// of the four changes and nothing else, and what is refused changes nothing.
func FuzzChange(f *testing.F) {
	_, who, _, v := held()
	set := xds.SubmissionSet{ID: "SubmissionSet01", Authors: v.entry.Authors, ContentType: v.entry.Facility, PatientID: v.entry.PatientID,
		SourceID: "1.2.9", UniqueID: "1.2.4", Time: "20260302083100"}
	const uuid, lid = "urn:uuid:00000000-0000-4000-8000-000000000001", "urn:uuid:00000000-0000-4000-8000-000000000002"
	next := v.entry
	next.ID, next.LogicalID, next.Version, next.Status, next.Repository = "Document01", lid, "", "", ""
	next.Confidentiality = next.Confidentiality[:1]
	for _, s := range []*xds.Submission{
		{Set: set, Associations: []xds.Association{xds.StatusChange(set.ID, uuid, xds.StatusApproved, xds.StatusDeleted)}},
		{Set: set, Associations: []xds.Association{xds.StatusChange(set.ID, uuid, xds.StatusApproved, xds.StatusArchived)}},
		{Set: set, Documents: []xds.DocumentEntry{next}, Associations: []xds.Association{xds.Revision(set.ID, next.ID, "1")}},
	} {
		b, err := s.MarshalUpdate()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _, r, v := held()
		v.entry.ID, v.entry.LogicalID = uuid, lid
		d, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 16, Nodes: 5000})
		if err != nil {
			return
		}
		before := v.entry
		m, fault := s.change(who, &soap.Envelope{Doc: d, Body: d.Root})
		accepted := fault == nil && bytes.Contains(m.Body, []byte(xds.ResponseSuccess))
		last := r.current()[0].entry
		if !accepted {
			if !reflect.DeepEqual(before, last) || len(r.versions) != 1 || len(r.sets) != 1 {
				t.Fatal("what was refused changed something")
			}
			return
		}
		same := last
		same.ID, same.Version, same.Status, same.Confidentiality = before.ID, before.Version, before.Status, before.Confidentiality
		if !reflect.DeepEqual(before, same) {
			t.Fatal("more than the status and the visibility changed")
		}
		if len(r.versions) == 1 == (last.Status == before.Status) {
			t.Fatal("neither a status nor a version, or both")
		}
	})
}

// FuzzLot sends any package as a lot: no lot without its signature is accepted.
func FuzzLot(f *testing.F) {
	provide := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">` +
		`<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><r:RegistryObjectList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">` +
		`<r:RegistryPackage id="s"><r:Classification classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd" classifiedObject="s"/></r:RegistryPackage>` +
		`<r:ExtrinsicObject id="d"/><r:ExtrinsicObject id="e"><r:Classification classificationScheme="urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d" nodeRepresentation="http://www.w3.org/2000/09/xmldsig#"/></r:ExtrinsicObject>` +
		`<r:Association associationType="urn:ihe:iti:2007:AssociationType:RPLC" sourceObject="d" targetObject="urn:uuid:0"/></r:RegistryObjectList></l:SubmitObjectsRequest>` +
		`<x:Document id="d"><o:Include xmlns:o="http://www.w3.org/2004/08/xop/include" href="cid:a"/></x:Document></x:ProvideAndRegisterDocumentSetRequest></s:Body></s:Envelope>`
	body := "--b\r\nContent-Type: application/xop+xml\r\nContent-ID: <r>\r\n\r\n%s\r\n--b\r\nContent-ID: <a>\r\n\r\n%s\r\n--b--\r\n"
	f.Add(fmt.Appendf(nil, body, provide, `<ClinicalDocument xmlns="urn:hl7-org:v3"><relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument></ClinicalDocument>`))
	f.Add(fmt.Appendf(nil, body, strings.ReplaceAll(provide, "cid:a", "cid:%61"), ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, who, r, _ := held()
		p, err := mtom.Read(`multipart/related; boundary="b"`, bytes.NewReader(b), mtom.Limits{Bytes: 1 << 16, Root: 1 << 15})
		if err != nil {
			return
		}
		e, fault := soap.ReadEnvelope(p.Root, p.Action, xmltree.Limits{Bytes: 1 << 16, Nodes: 5000})
		if fault != nil {
			return
		}
		l, fault := s.receive(who, e, p)
		if fault != nil {
			return
		}
		l.check(s)
		if len(l.errors) == 0 {
			t.Fatal("a lot without signature was accepted")
		}
		l.checkReplaced(s, r)
	})
}
