package dmptest

import (
	"fmt"
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// What ebRIM objects must hold, by the UUIDs of the dmp sheet §4 TD2.1: they
// are read from the message itself, apart from the codec of the client.
var (
	documentClassifications = map[string]string{
		"urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d": "author",
		"urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a": "classCode",
		"urn:uuid:f0306f51-975f-434e-a61c-c59651d33983": "typeCode",
		"urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d": "formatCode",
		"urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f": "confidentialityCode",
		"urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1": "healthcareFacilityTypeCode",
		"urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead": "practiceSettingCode",
	}
	documentIdentifiers = map[string]string{
		"urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427": "patientId",
		"urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab": "uniqueId",
	}
	setClassifications = map[string]string{
		"urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d": "author",
		"urn:uuid:aa543740-bdda-424e-8c96-df4873be8500": "contentTypeCode",
	}
	setIdentifiers = map[string]string{
		"urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446": "patientId",
		"urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832": "sourceId",
		"urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8": "uniqueId",
	}
)

// checkMetadata checks the form of the metadata, and what it says against the
// VIHF. Who answers for the lot and for its signature is the user of the VIHF;
// that a document may have another author is assumed (Options.StrictAuthors).
func (l *lot) checkMetadata(strict bool) {
	list := l.body.First(xds.NSLCM, "SubmitObjectsRequest").First(xds.NSRIM, "RegistryObjectList")
	packages, documents := 0, 0
	var ids []string
	for o := range list.Elements() {
		if o.Name.Local == "RegistryPackage" || o.Name.Local == "ExtrinsicObject" {
			ids = append(ids, o.Attr("id"))
		}
	}
	var signature *xmltree.Element
	for o := range list.Elements() {
		switch o.Name.Local {
		case "RegistryPackage":
			packages++
			l.holds(o, setClassifications, setIdentifiers, "submissionTime")
			l.checkSet(o)
		case "ExtrinsicObject":
			documents++
			l.holds(o, documentClassifications, documentIdentifiers, "creationTime", "languageCode", "sourcePatientId")
			if format := classified(o, schemeFormat); len(format) > 0 && format[0].Attr("nodeRepresentation") == formatSignature {
				signature = o
			} else if c, err := readCDA(l.parts[o.Attr("id")]); err == nil { // else it is told of
				l.checkEntry(o, c)
			}
		case "Association":
			l.checkAssociation(o, ids)
		case "Classification":
		default:
			l.fail("XDSRegistryMetadataError", "RegistryObjectList: "+o.Name.Local+" was not expected", "")
		}
	}
	if signature != nil {
		l.checkEntry(signature, cdaDocument{})
	}
	if packages != 1 || documents < 1 {
		l.fail("XDSRegistryMetadataError", fmt.Sprintf("RegistryObjectList: expected one RegistryPackage and documents, got %d and %d", packages, documents), "")
		return
	}
	l.checkPatient(l.metadata.Set.ID, l.metadata.Set.PatientID)
	l.checkAuthor(l.metadata.Set.ID, l.metadata.Set.Authors)
	for _, d := range l.metadata.Documents {
		l.checkPatient(d.ID, d.PatientID)
		if isSignature(d) || strict {
			l.checkAuthor(d.ID, d.Authors)
		}
		l.member(d.ID)
		if class, ok := nos.Class(d.Type.Code); ok && class.Code != d.Class.Code {
			l.fail("XDSRegistryMetadataError", "classCode: expected "+class.Code+" for typeCode "+d.Type.Code+", got "+d.Class.Code, d.ID)
		}
		if !slices.ContainsFunc(d.Confidentiality, func(c socle.Code) bool { return c.Code == "N" && c.System == "2.16.840.1.113883.5.25" }) {
			l.fail("XDSRegistryMetadataError", "confidentialityCode: expected N of 2.16.840.1.113883.5.25 among them", d.ID)
		}
	}
}

// holds checks that an object has its classifications, its identifiers and its slots.
func (l *lot) holds(o *xmltree.Element, classifications, identifiers map[string]string, slots ...string) {
	id := o.Attr("id")
	got := map[string]int{}
	for c := range o.All(xds.NSRIM, "Classification") {
		if c.Attr("classifiedObject") != id {
			l.fail("XDSRegistryMetadataError", "Classification/@classifiedObject: expected the object that holds it", id)
		}
		got[c.Attr("classificationScheme")]++
	}
	for c := range o.All(xds.NSRIM, "ExternalIdentifier") {
		if c.Attr("registryObject") != id {
			l.fail("XDSRegistryMetadataError", "ExternalIdentifier/@registryObject: expected the object that holds it", id)
		}
		got[c.Attr("identificationScheme")]++
	}
	for c := range o.All(xds.NSRIM, "Slot") {
		got[c.Attr("name")]++
	}
	for scheme, name := range classifications {
		if got[scheme] == 0 {
			l.fail("XDSRegistryMetadataError", name+": expected a Classification of "+scheme, id)
		}
	}
	for scheme, name := range identifiers {
		if got[scheme] != 1 {
			l.fail("XDSRegistryMetadataError", fmt.Sprintf("%s: expected one ExternalIdentifier of %s, got %d", name, scheme, got[scheme]), id)
		}
	}
	for _, name := range slots {
		if got[name] != 1 {
			l.fail("XDSRegistryMetadataError", fmt.Sprintf("%s: expected one Slot, got %d", name, got[name]), id)
		}
	}
}

func (l *lot) checkPatient(location string, x xds.CX) {
	if (patientID{x.Authority.ID, x.ID}) != l.who.patient {
		l.fail("XDSPatientIdDoesNotMatch", "patientId: expected the patient of the VIHF (resource-id)", location)
	}
}

func (l *lot) checkAuthor(location string, authors []xds.Author) {
	institution, person := false, false
	for _, a := range authors {
		person = person || a.Person.ID == l.who.vihf.NameID
		for _, o := range a.Institutions {
			institution = institution || o.ID == l.who.vihf.StructureID
		}
	}
	if !institution {
		l.fail(codeAuthor, textAuthor, location)
	} else if !person {
		l.fail(codeAuthor, "authorPerson: expected the professional of the VIHF", location)
	}
}

// member checks that the set has the document.
func (l *lot) member(id string) {
	n := 0
	for _, a := range l.metadata.Associations {
		if a.Type == xds.HasMember && a.Source == l.metadata.Set.ID && a.Target == id {
			if n++; a.SlotValue("SubmissionSetStatus") != "Original" {
				l.fail("XDSRegistryMetadataError", "HasMember: expected SubmissionSetStatus Original", id)
			}
		}
	}
	if n != 1 {
		l.fail("XDSRegistryMetadataError", fmt.Sprintf("HasMember: expected one association of the set to the document, got %d", n), id)
	}
}
