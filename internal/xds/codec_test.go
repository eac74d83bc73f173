package xds_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

func TestSubmissionReadsBackTheSame(t *testing.T) {
	t.Parallel()
	want := sample()
	b, err := want.Marshal()
	require.NoError(t, err)
	got, err := xds.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	for i := range want.Documents {
		want.Documents[i].ObjectType = xds.ObjectTypeStable
	}
	for i := range want.Associations {
		want.Associations[i].ID = fmt.Sprintf("as%02d", i+1)
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, "Original", got.Associations[0].SlotValue("SubmissionSetStatus"))
}

// The wire is checked by its text, for a codec agrees with itself too easily.
func TestSubmissionOnTheWire(t *testing.T) {
	t.Parallel()
	b, err := sample().Marshal()
	require.NoError(t, err)
	s := string(b)
	for _, want := range []string{
		`<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><rim:RegistryObjectList xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><rim:RegistryPackage id="SubmissionSet01">`,
		`<rim:Slot name="submissionTime"><rim:ValueList><rim:Value>20260302083100</rim:Value></rim:ValueList></rim:Slot>`,
		`classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd" classifiedObject="SubmissionSet01"`,
		`identificationScheme="urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446" registryObject="SubmissionSet01" value="260058815400233^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH"`,
		`identificationScheme="urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832" registryObject="SubmissionSet01" value="1.2.250.1.999.1.1.7898"`,
		`identificationScheme="urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8" registryObject="SubmissionSet01" value="1.2.250.1.999.1.1.7898.3"`,
		`<rim:ExtrinsicObject id="Document01" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">`,
		`classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" classifiedObject="Document01"`,
		`<rim:Slot name="authorPerson"><rim:ValueList><rim:Value>899900000003^ARNICA^Paule^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS</rim:Value>`,
		`<rim:Slot name="authorInstitution"><rim:ValueList><rim:Value>PHARMACIE DU MARCHÉ^^^^^&amp;1.2.250.1.71.4.2.2&amp;ISO^IDNST^^^1750512345</rim:Value>`,
		`<rim:Slot name="authorSpecialty"><rim:ValueList><rim:Value>G15_21/A^Pharmacien titulaire d'officine^1.2.250.1.213.1.1.4.5</rim:Value>`,
		`classificationScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"`,
		`classificationScheme="urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"`,
		`classificationScheme="urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"`,
		`classificationScheme="urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"`,
		`classificationScheme="urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"`,
		`classificationScheme="urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"`,
		`classificationScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983" classifiedObject="Document01"`,
		`nodeRepresentation="78601-2"><rim:Slot name="codingScheme"><rim:ValueList><rim:Value>2.16.840.1.113883.6.1</rim:Value></rim:ValueList></rim:Slot><rim:Name><rim:LocalizedString value="CR d'entretien pharmaceutique"></rim:LocalizedString></rim:Name>`,
		`identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" registryObject="Document01"`,
		`identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" registryObject="Document01" value="1.2.250.1.999.1.1.7898.1^42"`,
		`<rim:Value>PID-5|BLEUET^ODETTE^^^^^L</rim:Value><rim:Value>PID-7|19600512</rim:Value><rim:Value>PID-8|F</rim:Value>`,
		`associationType="urn:ihe:iti:2007:AssociationType:signs" id="as03" sourceObject="Signature01" targetObject="SubmissionSet01"`,
		`associationType="urn:ihe:iti:2007:AssociationType:RPLC" id="as04" sourceObject="Document01"`,
	} {
		require.Contains(t, s, want)
	}
	require.Equal(t, 1, strings.Count(s, "a54d6aa5"))
}

func TestWhatASubmissionLacksIsTold(t *testing.T) {
	t.Parallel()
	for path, spoil := range map[string]func(*xds.Submission){
		"SubmissionSet01/author":                func(s *xds.Submission) { s.Set.Authors = nil },
		"SubmissionSet01/contentTypeCode":       func(s *xds.Submission) { s.Set.ContentType = socle.Code{} },
		"SubmissionSet01/sourceId":              func(s *xds.Submission) { s.Set.SourceID = "urn:x" },
		"SubmissionSet01/uniqueId":              func(s *xds.Submission) { s.Set.UniqueID = "1.02.3" },
		"SubmissionSet01/submissionTime":        func(s *xds.Submission) { s.Set.Time = "2026-03-02" },
		"Document01/classCode":                  func(s *xds.Submission) { s.Documents[0].Class = socle.Code{} },
		"Document01/typeCode":                   func(s *xds.Submission) { s.Documents[0].Type.System = "" },
		"Document01/formatCode":                 func(s *xds.Submission) { s.Documents[0].Format = socle.Code{} },
		"Document01/healthcareFacilityTypeCode": func(s *xds.Submission) { s.Documents[0].Facility = socle.Code{} },
		"Document01/practiceSettingCode":        func(s *xds.Submission) { s.Documents[0].Practice = socle.Code{} },
		"Document01/confidentialityCode":        func(s *xds.Submission) { s.Documents[0].Confidentiality = nil },
		"Document01/patientId":                  func(s *xds.Submission) { s.Documents[0].PatientID.ID = "2" },
		"Document01/sourcePatientId":            func(s *xds.Submission) { s.Documents[0].SourcePatientID = xds.CX{} },
		"Document01/uniqueId":                   func(s *xds.Submission) { s.Documents[0].UniqueID = "90E1C8EC-F951-4B26-A305-A34848818DD6" },
		"Document01/creationTime":               func(s *xds.Submission) { s.Documents[0].CreationTime = "" },
		"Document01/serviceStartTime":           func(s *xds.Submission) { s.Documents[0].ServiceStart = "20260302083000+0100" },
		"Document01/languageCode":               func(s *xds.Submission) { s.Documents[0].Language = "" },
		"Document01/hash":                       func(s *xds.Submission) { s.Documents[0].Hash = "abc" },
		"Document01/mimeType":                   func(s *xds.Submission) { s.Documents[0].MimeType = "" },
		"Document01/author/authorPerson":        func(s *xds.Submission) { s.Documents[0].Authors = []xds.Author{{}} },
		"Document01/author/authorInstitution":   func(s *xds.Submission) { s.Documents[0].Authors[0].Institutions = []xds.XON{{ID: "1"}} },
		"Document01/title":                      func(s *xds.Submission) { s.Documents[0].Title = strings.Repeat("é", 1025) },
		"Document01/urn:example:action":         func(s *xds.Submission) { s.Documents[0].Extra[0].Values[0] = strings.Repeat("é", 257) },
		"Document01":                            func(s *xds.Submission) { s.Documents[1].ID = "Document01" },
		"Association[1]/sourceObject":           func(s *xds.Submission) { s.Associations[0].Source = "elsewhere" },
		"Association[4]/targetObject":           func(s *xds.Submission) { s.Associations[3].Target = "" },
	} {
		s := sample()
		spoilt := *s
		spoilt.Documents[0].Authors = append([]xds.Author{}, s.Documents[0].Authors...)
		spoil(&spoilt)
		_, err := spoilt.Marshal()
		var e *xds.Error
		require.ErrorAs(t, err, &e, path)
		require.Equal(t, path, e.Path)
		require.NotContains(t, err.Error(), "260058815400233")
	}
}

func TestCorpusExamplesAreRead(t *testing.T) {
	t.Parallel()
	parse := func(file string) *xds.Submission {
		b, err := os.ReadFile(oracle.Corpus(t, "xds", file))
		require.NoError(t, err)
		s, err := xds.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		return s
	}
	s := parse("SubmitObjectsRequest_ebrs30.xml")
	require.Len(t, s.Documents, 1)
	d := s.Documents[0]
	require.Equal(t, "Physical", d.Title)
	require.Equal(t, "20051224", d.CreationTime)
	// Its scheme is written with a blank inside the UUID.
	require.Equal(t, xds.CX{ID: "SELF-5", Authority: xds.HD{ID: "1.3.6.1.4.1.21367.2005.3.7", Type: "ISO"}}, d.PatientID)
	require.Equal(t, "1.3.6.1.4.1.21367.2005.3.9999.32", d.UniqueID)
	require.Equal(t, coded("34108-1", "LOINC", "Outpatient Evaluation And Management"), d.Type)
	require.Len(t, d.SourcePatientInfo, 5)
	require.Equal(t, "Gerald Smitty", d.Authors[0].Person.ID)
	require.Len(t, d.Authors[0].Institutions, 2)
	require.Equal(t, []socle.Code{{Code: "Orthopedic"}}, d.Authors[0].Specialties) // "authorSpeciality"
	require.Equal(t, "3670984664", s.Set.SourceID)
	require.Equal(t, "20041225235050", s.Set.Time)
	require.Equal(t, "Annual physical", s.Set.Comments)
	require.Equal(t, "History and Physical", s.Set.ContentType.Code)
	require.Len(t, s.Associations, 2)
	require.Equal(t, xds.HasMember, s.Associations[0].Type)

	s = parse("SubmitObjectsRequest_ebrs30_update.xml")
	d = s.Documents[0]
	require.Equal(t, "urn:uuid:20744602-ba65-44e9-87ee-a52303a5183e", d.LogicalID)
	require.Equal(t, xds.StatusApproved, d.Status)
	require.Equal(t, "1", d.Version)
	require.Equal(t, "31e311402a7e717d1bede88df6b42c0b8e91ea91", d.Hash)
	require.EqualValues(t, 1459, d.Size)
	require.Equal(t, "1.19.6.24.109.42.1.5", d.Repository)
	require.Equal(t, []xds.Slot{{Name: "documentAvailability", Values: []string{"urn:ihe:iti:2010:DocumentAvailability:Offline"}}}, d.Extra)
	require.Len(t, d.Authors, 2)
	require.Equal(t, "Smitty", d.Authors[0].Person.Family)
	require.Equal(t, xds.UpdateAvailabilityStatus, s.Associations[1].Type)
	require.NotEmpty(t, s.Associations[1].SlotValue("NewStatus"))

	s = parse("SubmitObjectsRequest_ebrs3_extra_metadata.xml")
	require.NotEmpty(t, s.Documents[0].Extra)
	require.NotEmpty(t, s.Documents[0].UniqueID)
}

func TestNotMetadata(t *testing.T) {
	t.Parallel()
	_, err := xds.Parse([]byte("<x"), xmltree.Limits{})
	require.ErrorContains(t, err, "xds: read: not an XML document")
	_, err = xds.Parse([]byte("<x/>"), xmltree.Limits{})
	require.ErrorContains(t, err, "no RegistryObjectList")

	many := `<r:RegistryObjectList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">` + strings.Repeat("<r:ExtrinsicObject/>", 10_001) + `</r:RegistryObjectList>`
	_, err = xds.Parse([]byte(many), xmltree.Limits{})
	require.ErrorContains(t, err, "more than 10000 registry objects")
	many = `<r:RegistryObjectList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><r:ExtrinsicObject>` + strings.Repeat("<r:Slot/>", 1001) + `</r:ExtrinsicObject></r:RegistryObjectList>`
	_, err = xds.Parse([]byte(many), xmltree.Limits{})
	require.ErrorContains(t, err, "more than 1000 slots")
}

func TestProvide(t *testing.T) {
	t.Parallel()
	parts := []xds.Part{{"Document01", "doc 1@socle"}, {"Signature01", "sig%1@socle"}}
	b, err := sample().Provide(parts)
	require.NoError(t, err)
	require.Contains(t, string(b), `<xdsb:Document id="Document01"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:doc%201@socle"></xop:Include></xdsb:Document>`)
	x, err := xmltree.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	s, got, err := xds.ParseProvide(x.Root)
	require.NoError(t, err)
	require.Equal(t, parts, got)
	require.Len(t, s.Documents, 2)

	_, err = sample().Provide(parts[:1])
	require.ErrorContains(t, err, "Signature01: exactly one part expected")
	_, err = sample().Provide(append(parts, xds.Part{DocumentID: "x", ContentID: "y"}))
	require.ErrorContains(t, err, "as many parts as documents")
	_, _, err = xds.ParseProvide(x.Root.First(xds.NSLCM, "SubmitObjectsRequest"))
	require.ErrorContains(t, err, "ProvideAndRegisterDocumentSetRequest expected")
}

func TestResponse(t *testing.T) {
	t.Parallel()
	parse := func(b []byte) xds.Response {
		x, err := xmltree.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		r, err := xds.ParseResponse(x.Root)
		require.NoError(t, err)
		return r
	}
	ok := xds.Response{Status: xds.ResponseSuccess}
	require.Equal(t, `<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"></rs:RegistryResponse>`, string(ok.Marshal()))
	require.True(t, parse(ok.Marshal()).Success())

	bad := xds.Response{Status: xds.ResponseFailure, Errors: []xds.RegistryError{
		{Code: xds.CodeUnknownPatientId, Context: "patient inconnu", Location: "Document01", Severity: xds.SeverityError},
		{Code: xds.CodeExtraMetadataNotSaved, Context: "slot", Severity: xds.SeverityWarning},
	}}
	require.Equal(t, bad, parse(bad.Marshal()))
	require.Len(t, bad.Failures(), 1)
	require.Equal(t, "XDSUnknownPatientId: patient inconnu", bad.Errors[0].Error())
	require.True(t, xds.CodeRegistryBusy.Retryable())
	require.False(t, xds.CodeUnknownPatientId.Retryable())

	odd := parse([]byte(`<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="s">
		<RegistryErrorList><RegistryError errorCode="urn:oasis:names:tc:ebxml-regrep:ErrorCodes:SomethingNew"/></RegistryErrorList></q:AdhocQueryResponse>`))
	require.Equal(t, xds.ErrorCode("SomethingNew"), odd.Errors[0].Code)
	require.Equal(t, "SomethingNew", odd.Errors[0].Error())
	_, err := xds.ParseResponse(nil)
	require.Error(t, err)
}
