package dmp_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// Each lot has one value of its metadata that is not as it should be; the
// emulator must name it.
func TestMetadataThatBreakARuleAreRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	document := func(change func([]byte) []byte) func([]byte) []byte {
		return within(`<rim:ExtrinsicObject id="Document01"`, "</rim:ExtrinsicObject>", change)
	}
	signature := func(change func([]byte) []byte) func([]byte) []byte {
		return within(`<rim:ExtrinsicObject id="Signature01"`, "</rim:ExtrinsicObject>", change)
	}
	set := func(change func([]byte) []byte) func([]byte) []byte {
		return within("<rim:RegistryPackage", "</rim:RegistryPackage>", change)
	}
	slot := func(name string) func([]byte) []byte {
		return pattern(`<rim:Slot name="`+name+`"><rim:ValueList>.*?</rim:ValueList></rim:Slot>`, "")
	}
	system := func(code, other string) func([]byte) []byte {
		return pattern(`(nodeRepresentation="`+code+`"><rim:Slot name="codingScheme"><rim:ValueList><rim:Value>)[^<]*`, "${1}"+other)
	}
	drop := func(code string) func([]byte) []byte {
		return pattern(`<rim:Classification [^>]*nodeRepresentation="`+code+`">.*?</rim:Classification>`, "")
	}
	for name, x := range map[string]struct {
		change  func([]byte) []byte
		context string
	}{
		"no object type":                 {pattern(` objectType="[^"]*"`, ""), "objectType"},
		"on-demand object":               {replace("urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"), "objectType"},
		"no media type":                  {document(replace(` mimeType="text/xml"`, "")), "mimeType"},
		"another media type":             {document(replace(`mimeType="text/xml"`, `mimeType="application/pdf"`)), "mimeType"},
		"no traits":                      {document(slot("sourcePatientInfo")), "PID-5, PID-7 and PID-8"},
		"no traits of the signature":     {signature(slot("sourcePatientInfo")), "PID-5, PID-7 and PID-8"},
		"traits of another":              {document(pattern(`PID-5\|[^<^]+`, "PID-5|AUTRE")), "birth name"},
		"birth date of another":          {document(pattern(`PID-7\|\d{4}`, "PID-7|1901")), "birth date"},
		"sex of another":                 {document(pattern(`PID-8\|F`, "PID-8|M")), "sex"},
		"signature about another":        {signature(pattern(`PID-5\|[^<^]+`, "PID-5|AUTRE")), "that of the documents of the lot"},
		"class of another scheme":        {document(system("10", "1.2.3")), "codingScheme of 10"},
		"type of another scheme":         {document(system("78601-2", "9.9.9")), "codingScheme of 78601-2"},
		"format of another scheme":       {document(system("urn:ihe:iti:xds-sd:pdf:2008", "1.2.3")), "codingScheme of urn:ihe:iti:xds-sd:pdf:2008"},
		"facility of another scheme":     {document(system("SA33", "1.2.3")), "codingScheme of SA33"},
		"practice of another scheme":     {document(system("AMBULATOIRE", "1.2.3")), "codingScheme of AMBULATOIRE"},
		"content of another scheme":      {set(system("SA33", "1.2.3")), "codingScheme of SA33"},
		"facility of another place":      {document(replace(`nodeRepresentation="SA33"`, `nodeRepresentation="SA01"`)), "healthcareFacilityTypeCode"},
		"unknown visibility":             {signature(replace(`nodeRepresentation="MASQUE_PS"`, `nodeRepresentation="SECRET"`)), "SECRET"},
		"no legal authenticator":         {document(slot("legalAuthenticator")), "legalAuthenticator: mandatory"},
		"another legal authenticator":    {document(pattern(`(name="legalAuthenticator"><rim:ValueList><rim:Value>)\d+`, "${1}810000000025")), "legalAuthenticator: expected that"},
		"a speciality that is none":      {document(pattern(`G15_21/A\^[^<]*`, "x^y^z")), "authorSpecialty"},
		"an author without authority":    {set(pattern(`\^D\^\^\^IDNPS`, "")), "authorPerson"},
		"an institution without one":     {set(pattern(`&amp;1\.2\.250\.1\.71\.4\.2\.2&amp;ISO`, "")), "authorInstitution"},
		"submission time":                {set(pattern(`(name="submissionTime"><rim:ValueList><rim:Value>)\d+`, "${1}now")), "submissionTime"},
		"creation time":                  {signature(pattern(`(name="creationTime"><rim:ValueList><rim:Value>)\d+`, "${1}yesterday")), "creationTime"},
		"service time":                   {document(pattern(`(name="serviceStartTime"><rim:ValueList><rim:Value>)\d+`, "${1}soon")), "serviceStartTime"},
		"source":                         {set(pattern(`(identificationScheme="urn:uuid:554ac39e[^>]* value=")[^"]*`, "${1}x")), "sourceId"},
		"signature seen by PS":           {signature(drop("MASQUE_PS")), "MASQUE_PS"},
		"signature seen by the patient":  {signature(drop("INVISIBLE_PATIENT")), "INVISIBLE_PATIENT"},
		"signature without purpose":      {signature(drop("1.2.840.10065.1.12.1.14")), "eventCodeList"},
		"signature of another class":     {signature(system("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "1.2.250.1.213.1.1.4.1")), "classCode"},
		"title of the signature":         {signature(replace(`value="Source"></rim:LocalizedString></rim:Name><rim:Classification classificationScheme="urn:uuid:93606bcf`, `value="Other"></rim:LocalizedString></rim:Name><rim:Classification classificationScheme="urn:uuid:93606bcf`)), "title"},
		"unknown association":            {first(`<rim:Association `, `<rim:Association associationType="urn:x" id="asx" sourceObject="Document01" targetObject="SubmissionSet01"></rim:Association><rim:Association `), "associationType"},
		"association of something else":  {first(`<rim:Association `, `<rim:Association associationType="urn:ihe:iti:2007:AssociationType:APND" id="asx" sourceObject="Other01" targetObject="Document01"></rim:Association><rim:Association `), "sourceObject"},
		"association to something else":  {first(`<rim:Association `, `<rim:Association associationType="urn:ihe:iti:2007:AssociationType:APND" id="asx" sourceObject="Document01" targetObject="Other01"></rim:Association><rim:Association `), "targetObject"},
		"slots after the rest of a part": {document(pattern(`(<rim:Slot name="creationTime">.*?</rim:Slot>)(.*?)(<rim:ExternalIdentifier )`, "$2$1$3")), "rim.xsd"},
	} {
		c := client(t, srv, tampering(func(b []byte) []byte {
			out := x.change(b)
			if bytes.Equal(out, b) {
				t.Errorf("%s: nothing was changed", name)
			}
			return out
		}))
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.True(t, slices.ContainsFunc(e.Registry, func(r dmp.RegistryError) bool { return strings.Contains(r.Context, x.context) }), "%s: %v %+v", name, err, e.Registry)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument, name)
		require.NotContains(t, err.Error(), "HALL")
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
	_, err := plain.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err, "the same without a change")
}
