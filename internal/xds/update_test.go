package xds_test

import (
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
