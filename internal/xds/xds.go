// Package xds holds the metadata of shared documents, as the French frameworks
// use IHE XDS.b: the model, its composite types, the derivation from a CDA
// header, and the ebRIM wire forms: SubmitObjectsRequest (also METADATA.XML of
// an XDM archive), ProvideAndRegisterDocumentSetRequest and RegistryResponse.
//
// Writing is strict and writes canonical XML; parsing is tolerant: unknown
// slots, classifications and components of composite types are kept, and
// namespaces count rather than prefixes.
package xds

import (
	"github.com/soclesante/socle"
)

// Namespaces.
const (
	NSRIM   = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
	NSRS    = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
	NSLCM   = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
	NSQuery = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
	NSXDSB  = "urn:ihe:iti:xds-b:2007"
	NSXOP   = "http://www.w3.org/2004/08/xop/include"
)

// Submission is a set of documents sent together: one set, its documents and
// the associations that bind them.
type Submission struct {
	Set          SubmissionSet
	Documents    []DocumentEntry
	Associations []Association
}

// SubmissionSet is the metadata of a set.
type SubmissionSet struct {
	ID          string // symbolic when sent ("SubmissionSet01"), urn:uuid: when stored
	Title       string
	Comments    string
	Authors     []Author
	ContentType socle.Code
	PatientID   CX
	SourceID    string // OID of the software that sends
	UniqueID    string // OID
	Time        string // submissionTime, UTC, YYYYMMDDHHMMSS
	Status      string // availabilityStatus
	Extra       []Slot
	Other       []Classification
}

// DocumentEntry is the metadata of a document.
type DocumentEntry struct {
	ID         string // symbolic when sent ("Document01"), entryUUID when stored
	LogicalID  string // lid, stable between versions of the metadata
	Version    string // version of the metadata
	Status     string // availabilityStatus
	ObjectType string // ObjectTypeStable when empty
	MimeType   string

	Title           string
	Comments        string
	Authors         []Author
	Class           socle.Code
	Type            socle.Code
	Format          socle.Code
	Facility        socle.Code // healthcareFacilityTypeCode
	Practice        socle.Code // practiceSettingCode
	Confidentiality []socle.Code
	Events          []socle.Code // eventCodeList

	PatientID         CX
	UniqueID          string // identifier of the document: OID, or OID^extension
	SourcePatientID   CX
	SourcePatientInfo []string // "PID-5|…"

	CreationTime string // the times are UTC, YYYY[MM[DD[hh[mm[ss]]]]]
	ServiceStart string
	ServiceStop  string
	Language     string
	Legal        XCN    // legalAuthenticator
	Hash         string // SHA-1, hexadecimal
	Size         int64  // bytes; 0 when it is not told
	Repository   string // repositoryUniqueId
	URI          string // file name in an XDM archive

	Extra []Slot           // slots that this model does not know
	Other []Classification // classifications of other schemes

	// Original is what MarshalUpdate sends back, with the ID, the LogicalID and
	// the Confidentiality of the entry; empty: what the fields say.
	Original Original
}

// String shows the identifier of the document and nothing of the patient.
func (d DocumentEntry) String() string { return "[document " + d.UniqueID + "]" }

// GoString is String.
func (d DocumentEntry) GoString() string { return d.String() }

// Author is an author of a document or of a set.
type Author struct {
	Person       XCN
	Institutions []XON
	Specialties  []socle.Code
	Roles        []string
	Extra        []Slot
}

// Association binds two objects of a submission or of the registry.
type Association struct {
	ID     string
	Type   string
	Source string
	Target string
	Slots  []Slot
}

// Slot is a named list of values.
type Slot struct {
	Name   string
	Values []string
}

// Classification is one of a scheme that this model does not know.
type Classification struct {
	Scheme string
	Code   socle.Code // System is the codingScheme slot
	Slots  []Slot     // the others
}

// SlotValue gives the first value of a slot of the association: "Original" for
// SubmissionSetStatus.
func (a Association) SlotValue(name string) string { return slotValue(a.Slots, name) }

func slotValue(slots []Slot, name string) string {
	for _, s := range slots {
		if s.Name == name && len(s.Values) > 0 {
			return s.Values[0]
		}
	}
	return ""
}

// Types of associations.
const (
	HasMember                = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
	Replaces                 = "urn:ihe:iti:2007:AssociationType:RPLC"
	Signs                    = "urn:ihe:iti:2007:AssociationType:signs"
	Appends                  = "urn:ihe:iti:2007:AssociationType:APND"
	Transforms               = "urn:ihe:iti:2007:AssociationType:XFRM"
	TransformsAndReplaces    = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
	UpdateAvailabilityStatus = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
)

// Statuses of a document.
const (
	StatusApproved   = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
	StatusDeprecated = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
	StatusArchived   = "urn:asip:ci-sis:2010:StatusType:Archived"
	StatusDeleted    = "urn:asip:ci-sis:2010:StatusType:Deleted"
)

// Object types of a document.
const (
	ObjectTypeStable   = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
	ObjectTypeOnDemand = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
)

// Classification and identification schemes.
const (
	schemeDocAuthor   = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
	schemeClass       = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
	schemeType        = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
	schemeFormat      = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
	schemeConfidence  = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
	schemeFacility    = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
	schemePractice    = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
	schemeEvent       = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
	schemeDocPatient  = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
	schemeDocUnique   = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
	schemeSetAuthor   = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
	schemeContentType = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
	nodeSubmissionSet = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
	schemeSetPatient  = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
	schemeSetSource   = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
	schemeSetUnique   = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
)

// Member gives the association of a document to its set.
func Member(set, document string) Association {
	return Association{Type: HasMember, Source: set, Target: document, Slots: []Slot{{"SubmissionSetStatus", []string{"Original"}}}}
}
