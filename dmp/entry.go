package dmp

import (
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// Entry is what the DMP tells of a document of a record: its metadata, without
// its bytes. Codes that no value set of ours holds are kept as they came.
//
// It has three identifiers. ID names the document and never changes. EntryUUID
// names one version of these metadata: it is another after each change of them,
// and is what TD3.3 and a replacement need. LogicalID is common to all versions
// of the metadata of one document, and is another for a document that replaces it.
type Entry struct {
	ID        string // uniqueId, given by the software that made the document
	EntryUUID string // urn:uuid:…
	LogicalID string // lid, urn:uuid:…
	Version   string // of the metadata, from "1"
	Status    Status

	Title    string
	Comments string
	Type     socle.Code // JDV_J07
	Class    socle.Code // JDV_J57
	Format   socle.Code // JDV_J60-DMP
	Facility socle.Code // healthcareFacilityTypeCode, SA33 for a pharmacy
	Practice socle.Code // practiceSettingCode
	Events   []socle.Code
	Authors  []Participant
	// Legal is who answers for the document (legalAuthenticator).
	Legal Participant

	Created    Date // the moments are in UTC
	Start, End Date // of the act that it documents
	Language   string

	MediaType  string
	Hash       string // SHA-1 of the document, in lower-case hexadecimal
	Size       int64  // bytes of the document; 0 when it is not told
	Repository string // OID of the repository that has it

	// Confidentiality holds all codes, and Visibility those of them that hide the
	// document from some.
	Confidentiality []socle.Code
	Visibility      []Visibility
	// FromPatient tells that the patient brought it: such documents are to be
	// shown apart (EX_3.1-1040).
	FromPatient bool
	// Extra is what came and has no field here.
	Extra []Attribute

	// Pointers, so that printing shows nothing.
	patient *ins.INS           // whose record it was found in
	stored  *xds.DocumentEntry // the whole, as it came
}

// Attribute is a metadata that [Entry] has no field for.
type Attribute struct {
	Name   string
	Values []string
}

// String gives the identifier of the document, and nothing of what it is about.
func (e Entry) String() string { return "document " + e.ID }

// GoString gives the same as String.
func (e Entry) GoString() string { return e.String() }

// HiddenFrom reports whether the document is hidden from these: [HiddenFromProfessionals] …
func (e Entry) HiddenFrom(v Visibility) bool { return slices.Contains(e.Visibility, v) }

// Status is the state of a document in a record (availabilityStatus). The list
// is open: one that is not named here is the URN that came.
type Status string

// Statuses.
const (
	StatusApproved   Status = "Approved"
	StatusDeprecated Status = "Deprecated" // another document replaced it, or its metadata changed
	StatusArchived   Status = "Archived"
	StatusDeleted    Status = "Deleted"
)

// fromPatient is the rule EX_3.1-1040: class 90, or a type of the patient's documents.
func fromPatient(class, kind socle.Code) bool {
	return class.Code == "90" || strings.HasPrefix(kind.Code, "DOCPAT") || strings.HasPrefix(kind.Code, "EXPPAT")
}
