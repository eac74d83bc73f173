package xds_test

import (
	"github.com/soclesante/socle"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	lid  = "urn:uuid:0d3bfa0a-5f0e-4b8e-9b67-2c6c3f0b1f55"
	uuid = "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b2c"
)

// archiving is a submission that changes a status, and revised one that brings
// other metadata.
func archiving() *xds.Submission {
	s := sample()
	return &xds.Submission{Set: s.Set, Associations: []xds.Association{xds.StatusChange(s.Set.ID, uuid, xds.StatusApproved, xds.StatusArchived)}}
}

func revised() *xds.Submission {
	s := sample()
	d := s.Documents[0]
	d.LogicalID, d.Repository = lid, "1.2.250.1.213.4.1.1.1.2"
	// Documents of other times are not as one would send them today.
	d.UniqueID, d.SourcePatientID, d.Class.System = "90E1C8EC-F951-4B26-A305-A34848818DD6", xds.CX{}, ""
	return &xds.Submission{Set: s.Set, Documents: []xds.DocumentEntry{d}, Associations: []xds.Association{xds.Revision(s.Set.ID, d.ID, "3")}}
}

func TestUpdatesOnTheWire(t *testing.T) {
	t.Parallel()
	b, err := archiving().MarshalUpdate()
	require.NoError(t, err)
	require.Contains(t, string(b), `<rim:Association associationType="urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus" id="as01" sourceObject="SubmissionSet01" targetObject="`+uuid+`">`+
		`<rim:Slot name="OriginalStatus"><rim:ValueList><rim:Value>urn:oasis:names:tc:ebxml-regrep:StatusType:Approved</rim:Value></rim:ValueList></rim:Slot>`+
		`<rim:Slot name="NewStatus"><rim:ValueList><rim:Value>urn:asip:ci-sis:2010:StatusType:Archived</rim:Value></rim:ValueList></rim:Slot></rim:Association>`)

	want := revised()
	b, err = want.MarshalUpdate()
	require.NoError(t, err)
	require.Contains(t, string(b), `<rim:ExtrinsicObject id="Document01" lid="`+lid+`" mimeType="text/xml"`)
	require.Contains(t, string(b), `<rim:Slot name="SubmissionSetStatus"><rim:ValueList><rim:Value>Original</rim:Value></rim:ValueList></rim:Slot>`+
		`<rim:Slot name="PreviousVersion"><rim:ValueList><rim:Value>3</rim:Value></rim:ValueList></rim:Slot>`)
	got, err := xds.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	want.Documents[0].ObjectType = xds.ObjectTypeStable
	require.Empty(t, cmp.Diff(want.Documents, got.Documents))
	require.Equal(t, "3", got.Associations[0].SlotValue(xds.SlotPreviousVersion))
}

func TestAnUpdateNamesWhatIsStored(t *testing.T) {
	t.Parallel()
	for path, spoil := range map[string]func(*xds.Submission){
		"Document01/lid":                 func(s *xds.Submission) { s.Documents[0].LogicalID = "Document01" },
		"Document01/uniqueId":            func(s *xds.Submission) { s.Documents[0].UniqueID = "" },
		"Document01/confidentialityCode": func(s *xds.Submission) { s.Documents[0].Confidentiality = nil },
		"SubmissionSet01/uniqueId":       func(s *xds.Submission) { s.Set.UniqueID = "" },
		"Association[1]/targetObject":    func(s *xds.Submission) { s.Associations[0].Target = "" },
	} {
		s := revised()
		spoil(s)
		_, err := s.MarshalUpdate()
		require.ErrorContains(t, err, path)
	}
}

// What the registry gave of a document goes back whole, also what the model has
// no place for.
func TestARevisionKeepsWhatTheRegistryGave(t *testing.T) {
	t.Parallel()
	const given = `<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"><r:RegistryObjectList>` +
		`<r:ExtrinsicObject home="urn:oid:1.2.3" id="` + uuid + `" lid="` + lid + `" isOpaque="false" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved">` +
		`<r:Slot name="creationTime" slotType="urn:x"><r:ValueList><r:Value>20260101</r:Value></r:ValueList></r:Slot><r:Slot name="empty"><r:ValueList/></r:Slot>` +
		`<r:Name><r:LocalizedString charset="UTF-8" value="Titre" xml:lang="fr-FR"/><r:LocalizedString value="Title" xml:lang="en"/></r:Name>` +
		`<r:VersionInfo versionName="3"/>` +
		`<r:Classification classificationScheme="urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f" classifiedObject="` + uuid + `" id="urn:uuid:1" nodeRepresentation="N"/>` +
		`<r:Classification classificationScheme="urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f" classifiedObject="` + uuid + `" id="urn:uuid:2" nodeRepresentation="MASQUE_PS"/>` +
		`<r:ExternalIdentifier id="urn:uuid:3" identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" registryObject="` + uuid + `" value="1.2.3.4"><r:Name><r:LocalizedString value="XDSDocumentEntry.uniqueId"/></r:Name></r:ExternalIdentifier>` +
		`</r:ExtrinsicObject></r:RegistryObjectList></q:AdhocQueryResponse>`
	x, err := xmltree.Parse([]byte(given), xmltree.Limits{})
	require.NoError(t, err)
	r, err := xds.ParseQueryResponse(x.Root)
	require.NoError(t, err)
	r.Keep(x.Root, x.Source)
	d := r.Documents[0]
	d.ID, d.Confidentiality = "Document01", []socle.Code{{Code: "N", System: "2.16.840.1.113883.5.25", Display: "Normal"}}
	s := &xds.Submission{Set: sample().Set, Documents: []xds.DocumentEntry{d}, Associations: []xds.Association{xds.Revision("SubmissionSet01", d.ID, "3")}}
	b, err := s.MarshalUpdate()
	require.NoError(t, err)
	require.Contains(t, string(b), `<r:ExtrinsicObject xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" home="urn:oid:1.2.3" id="Document01" isOpaque="false" lid="`+lid+`" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">`+
		`<r:Slot name="creationTime" slotType="urn:x"><r:ValueList><r:Value>20260101</r:Value></r:ValueList></r:Slot><r:Slot name="empty"><r:ValueList></r:ValueList></r:Slot>`+
		`<r:Name><r:LocalizedString charset="UTF-8" value="Titre" xml:lang="fr-FR"></r:LocalizedString><r:LocalizedString value="Title" xml:lang="en"></r:LocalizedString></r:Name>`+
		`<rim:Classification xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" classificationScheme="urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f" classifiedObject="Document01" id="Document01_01" nodeRepresentation="N">`)
	require.NotContains(t, string(b), "MASQUE_PS")
	require.NotContains(t, string(b), uuid)
	got, err := xds.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, "1.2.3.4", got.Documents[0].UniqueID)
}
