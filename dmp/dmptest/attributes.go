package dmptest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// The rules here are those of the dmp sheet (§4 TD2.1, §5), written for the
// elements and the text of the message: no codec reads it before them.

const (
	stableDocument = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
	schemeFormat   = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
	schemeHidden   = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
	schemeFacility = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
	schemeEvent    = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
	oidPersons     = "1.2.250.1.71.4.2.1"
	oidStructures  = "1.2.250.1.71.4.2.2"
)

// codeSystems are the codingScheme that the codes of a classification may have.
var codeSystems = map[string][]string{
	"urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a": {"1.2.250.1.213.1.1.4.1", "URN"},
	"urn:uuid:f0306f51-975f-434e-a61c-c59651d33983": {"2.16.840.1.113883.6.1", "1.2.250.1.213.1.1.4.12", "ASTM"},
	schemeFormat:   {"1.3.6.1.4.1.19376.1.2.3", "1.2.250.1.213.1.1.4.2.282", "URN"},
	schemeHidden:   {"2.16.840.1.113883.5.25", "1.2.250.1.213.1.1.4.13"},
	schemeFacility: {"1.2.250.1.71.4.2.4"},
	"urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead": {"1.2.250.1.213.1.1.4.9"},
	// contentTypeCode: the value set in force is not public, and that these two
	// are all is *assumed*.
	"urn:uuid:aa543740-bdda-424e-8c96-df4873be8500": {"1.2.250.1.213.2.2", "1.2.250.1.71.4.2.4"},
}

// associationTypes are those of a submission (ITI TF-3 §4.2.2).
var associationTypes = []string{"urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember", "urn:ihe:iti:2007:AssociationType:RPLC",
	"urn:ihe:iti:2007:AssociationType:APND", "urn:ihe:iti:2007:AssociationType:XFRM", "urn:ihe:iti:2007:AssociationType:XFRM_RPLC",
	"urn:ihe:iti:2007:AssociationType:signs"}

// partOrder is the order of the parts of a registry object (ebRIM 3.0, rim.xsd).
var partOrder = []string{"Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"}

var oidForm = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)

// values gives the values of a slot.
func values(o *xmltree.Element, slot string) []string {
	var all []string
	for s := range o.All(xds.NSRIM, "Slot") {
		if strings.EqualFold(s.Attr("name"), slot) {
			for v := range s.First(xds.NSRIM, "ValueList").All(xds.NSRIM, "Value") {
				all = append(all, strings.TrimSpace(v.Text()))
			}
		}
	}
	return all
}

func value(o *xmltree.Element, slot string) string {
	if all := values(o, slot); len(all) > 0 {
		return all[0]
	}
	return ""
}

// classified gives the classifications of o in a scheme.
func classified(o *xmltree.Element, scheme string) []*xmltree.Element {
	var all []*xmltree.Element
	for c := range o.All(xds.NSRIM, "Classification") {
		if c.Attr("classificationScheme") == scheme {
			all = append(all, c)
		}
	}
	return all
}

// holdsCode reports whether one of the classifications has that code.
func holdsCode(all []*xmltree.Element, code, system string) bool {
	return slices.ContainsFunc(all, func(c *xmltree.Element) bool {
		return c.Attr("nodeRepresentation") == code && value(c, "codingScheme") == system
	})
}

// component gives a component of an HL7 v2 value, counted from 1.
func component(v string, n int) string {
	if all := strings.Split(v, "^"); n <= len(all) {
		return all[n-1]
	}
	return ""
}

// name gives what o is called.
func name(o *xmltree.Element) string {
	return o.First(xds.NSRIM, "Name").First(xds.NSRIM, "LocalizedString").Attr("value")
}

// checkObject checks what the set and the documents have in common.
func (l *lot) checkObject(o *xmltree.Element) {
	bad := func(text string) { l.fail("XDSRegistryMetadataError", text, o.Attr("id")) }
	place := 0
	for c := range o.Elements() {
		at := slices.Index(partOrder, c.Name.Local)
		if at >= 0 && at < place {
			bad(c.Name.Local + ": expected before " + partOrder[place] + " (rim.xsd)")
			break
		}
		place = max(place, at)
	}
	for c := range o.All(xds.NSRIM, "Classification") {
		scheme := c.Attr("classificationScheme")
		systems, known := codeSystems[scheme]
		switch code := c.Attr("nodeRepresentation"); {
		case !known && scheme != schemeEvent:
		case code == "" || value(c, "codingScheme") == "":
			bad("Classification of " + scheme + ": expected nodeRepresentation and a Slot codingScheme")
		case known && !slices.Contains(systems, value(c, "codingScheme")):
			bad("codingScheme of " + code + ": expected " + strings.Join(systems, " or "))
		}
	}
}

// checkSet checks the values of the submission set.
func (l *lot) checkSet(o *xmltree.Element) {
	bad := func(text string) { l.fail("XDSRegistryMetadataError", text, o.Attr("id")) }
	l.checkObject(o)
	if !isMoment(value(o, "submissionTime")) {
		bad("submissionTime: expected YYYYMMDDhhmmss in UTC")
	}
	for i := range o.All(xds.NSRIM, "ExternalIdentifier") {
		which := setIdentifiers[i.Attr("identificationScheme")]
		if v := i.Attr("value"); (which == "sourceId" || which == "uniqueId") && (!oidForm.MatchString(v) || len(v) > 64) {
			bad(which + ": expected an OID of 64 characters at most")
		}
	}
	l.checkFiler(o, "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d")
}

// checkFiler checks the form of the author that is the user of the VIHF.
func (l *lot) checkFiler(o *xmltree.Element, scheme string) {
	bad := func(text string) { l.fail(codeAuthor, text, o.Attr("id")) }
	for _, c := range classified(o, scheme) {
		if p := value(c, "authorPerson"); component(p, 1) == l.who.vihf.NameID {
			if component(p, 9) != "&"+oidPersons+"&ISO" || component(p, 13) != "IDNPS" && component(p, 13) != "EI" {
				bad("authorPerson: expected id^name^given^^^^^^&" + oidPersons + "&ISO^D^^^IDNPS")
			}
			if !strings.Contains(component(value(c, "authorInstitution"), 6), "&"+oidStructures+"&ISO") {
				bad("authorInstitution: expected name^^^^^&" + oidStructures + "&ISO^IDNST^^^id")
			}
		}
	}
}

// checkEntry checks the values of a document of the lot; c is the CDA document,
// whose root is nil for the signature.
func (l *lot) checkEntry(o *xmltree.Element, c cdaDocument) {
	bad := func(text string) { l.fail("XDSRegistryMetadataError", text, o.Attr("id")) }
	l.checkObject(o)
	if o.Attr("objectType") != stableDocument {
		bad("objectType: expected " + stableDocument)
	}
	if o.Attr("mimeType") != "text/xml" {
		bad("mimeType: expected text/xml")
	}
	for _, slot := range []string{"creationTime", "serviceStartTime", "serviceStopTime"} {
		for _, v := range values(o, slot) {
			if !isMoment(v) {
				bad(slot + ": expected YYYYMMDDhhmmss in UTC")
			}
		}
	}
	for _, a := range classified(o, "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d") {
		for _, v := range values(a, "authorSpecialty") {
			if component(v, 1) == "" || !slices.Contains([]string{"1.2.250.1.213.1.1.4.5", "1.2.250.1.213.1.1.4.6"}, component(v, 3)) {
				bad("authorSpecialty: expected code^label^1.2.250.1.213.1.1.4.5")
			}
		}
	}
	hidden := classified(o, schemeHidden)
	for _, h := range hidden {
		code := h.Attr("nodeRepresentation")
		if value(h, "codingScheme") == "1.2.250.1.213.1.1.4.13" && !slices.Contains([]string{"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"}, code) {
			bad("confidentialityCode: " + code + " is not of 1.2.250.1.213.1.1.4.13")
		}
	}
	if len(hidden) > 4 {
		bad("confidentialityCode: expected four at most")
	}
	signer := value(o, "legalAuthenticator")
	if component(signer, 1) == "" {
		bad("legalAuthenticator: mandatory")
	}
	l.checkSource(o, c, bad)
	if c.root == nil {
		l.checkSignatureEntry(o)
		return
	}
	if id := c.root.Path("legalAuthenticator", "assignedEntity", "id").Attr("extension"); id != "" && signer != "" && component(signer, 1) != id {
		bad("legalAuthenticator: expected that of the CDA document")
	}
	facility := c.root.Path("componentOf", "encompassingEncounter", "location", "healthCareFacility", "code").Attr("code")
	if got := classified(o, schemeFacility); facility != "" && len(got) > 0 && got[0].Attr("nodeRepresentation") != facility {
		bad("healthcareFacilityTypeCode: expected that of the CDA document, " + facility)
	}
}

// checkSource checks sourcePatientInfo: the traits of the header of the
// document, and for the signature those of a document of the lot.
func (l *lot) checkSource(o *xmltree.Element, c cdaDocument, bad func(string)) {
	info := map[string]string{}
	for _, v := range values(o, "sourcePatientInfo") {
		field, v, _ := strings.Cut(v, "|")
		if _, twice := info[field]; !twice || component(v, 7) == "L" {
			info[field] = v
		}
	}
	if info["PID-5"] == "" || info["PID-7"] == "" || info["PID-8"] == "" {
		bad("sourcePatientInfo: expected PID-5, PID-7 and PID-8")
		return
	}
	if c.root == nil {
		all := values(o, "sourcePatientInfo")
		if l.source != nil && !slices.Equal(all, l.source) {
			bad("sourcePatientInfo: expected that of the documents of the lot")
		}
		return
	}
	l.source = values(o, "sourcePatientInfo")
	patient := c.root.Path("recordTarget", "patientRole", "patient")
	for f := range patient.First("", "name").All("", "family") {
		if f.Attr("qualifier") == "BR" && plain(f.Trimmed()) != component(info["PID-5"], 1) {
			bad("sourcePatientInfo: expected the birth name of the CDA document in PID-5")
		}
	}
	if born := patient.Path("birthTime").Attr("value"); born != "" && born[:min(8, len(born))] != info["PID-7"] {
		bad("sourcePatientInfo: expected the birth date of the CDA document in PID-7")
	}
	if sex := patient.Path("administrativeGenderCode").Attr("code"); (sex == "M" || sex == "F") && sex != info["PID-8"] {
		bad("sourcePatientInfo: expected the sex of the CDA document in PID-8")
	}
}

// plain gives a text as HL7 v2 writes it in a component (v2.5 §2.7.1).
func plain(s string) string {
	return strings.NewReplacer(`\`, `\E\`, `^`, `\S\`, `&`, `\T\`, `~`, `\R\`, `|`, `\F\`).Replace(s)
}

// checkSignatureEntry checks what is special to the signature of a lot.
func (l *lot) checkSignatureEntry(o *xmltree.Element) {
	bad := func(text string) { l.fail(codeSignature, "signature du lot: "+text, o.Attr("id")) }
	for _, x := range []struct{ attribute, scheme, code, system string }{
		{"classCode", "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a", "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN"},
		{"typeCode", "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983", "E1762", "ASTM"},
		{"formatCode", schemeFormat, formatSignature, "URN"},
		{"eventCodeList", schemeEvent, "1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12"},
		{"confidentialityCode", schemeHidden, "MASQUE_PS", "1.2.250.1.213.1.1.4.13"},
		{"confidentialityCode", schemeHidden, "INVISIBLE_PATIENT", "1.2.250.1.213.1.1.4.13"},
	} {
		if !holdsCode(classified(o, x.scheme), x.code, x.system) {
			bad(x.attribute + ": expected " + x.code + " of " + x.system)
		}
	}
	if name(o) != "Source" {
		bad("title: expected Source")
	}
	l.checkFiler(o, "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d")
}

// checkAssociation checks an association of a submission.
func (l *lot) checkAssociation(o *xmltree.Element, ids []string) {
	bad := func(text string) { l.fail("XDSRegistryMetadataError", text, o.Attr("id")) }
	switch kind := o.Attr("associationType"); {
	case !slices.Contains(associationTypes, kind):
		bad("Association/@associationType: expected HasMember, RPLC, APND, XFRM, XFRM_RPLC or signs")
	case !slices.Contains(ids, o.Attr("sourceObject")):
		bad("Association/@sourceObject: expected an object of the lot")
	case !slices.Contains(ids, o.Attr("targetObject")) && !strings.HasPrefix(o.Attr("targetObject"), "urn:uuid:"):
		bad("Association/@targetObject: expected an object of the lot, or the entryUUID of a stored one")
	}
}
