// Package xdm reads and writes IHE_XDM.ZIP archives (IHE XDM, option ZIP over
// mail; CI-SIS transport): submission sets with the documents that their
// metadata describe, in folders of an archive.
//
// Reading happens in memory and trusts nothing: names, sizes, ratios and
// hashes are checked, nested archives are not opened, and what is wrong is told
// document by document while the rest is read. Writing is strict.
package xdm

import (
	"fmt"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xds"
)

// FileName is the name of an archive attached to a mail; its case varies.
const FileName = "IHE_XDM.ZIP"

// Archive is the content of an archive.
type Archive struct {
	Subsets []Subset
	// ActionSlot is the name of the slot in which Write puts Document.Action; empty
	// means DefaultActionSlot.
	ActionSlot string
	// Faults are what is wrong and not of one document; each is an *Error.
	Faults []error
	// Inflated is how many bytes were inflated to read it.
	Inflated int64
}

// Subset is one submission set, in one folder.
type Subset struct {
	Name       string // folder: "SUBSET01"
	Submission *xds.Submission
	Documents  []Document // in the order of the metadata
}

// Document is a document of a subset. Of one to write, Entry and Data count,
// and Entry's URI, hash and size are computed.
type Document struct {
	Entry xds.DocumentEntry
	Data  []byte
	CDA   *cda.Document // nil when Data is no CDA
	// Action is "C" for a document that replaces another, "D" for one to be
	// deleted, empty for a new one (CI-SIS, transmission of CDA documents).
	Action string
	// Err is what is wrong with the document, an *Error; Data is there all the
	// same when the archive holds the file.
	Err error
}

// Code names a fault of an archive.
type Code string

// Faults.
const (
	NotArchive      Code = "NOT_ARCHIVE"      // not a ZIP archive, or one that does not inflate
	EmptyArchive    Code = "EMPTY_ARCHIVE"    // no submission set in it
	MetadataMissing Code = "METADATA_MISSING" // a subset without METADATA.XML
	MetadataInvalid Code = "METADATA_INVALID" // METADATA.XML that cannot be read
	CDAMissing      Code = "CDA_MISSING"      // no file where the metadata say, or no document in the metadata
	NotCDA          Code = "NOT_CDA"          // a document that is no CDA
	SizeMismatch    Code = "SIZE_MISMATCH"    // not the size that the metadata say
	HashMismatch    Code = "HASH_MISMATCH"    // not the SHA-1 that the metadata say
	EmptyFile       Code = "EMPTY_FILE"       // a document of no bytes
	PatientMismatch Code = "PATIENT_MISMATCH" // the document is of another patient than the metadata say
	UnsafeName      Code = "UNSAFE_NAME"      // a file name that leaves the archive; the file is ignored
	DuplicateName   Code = "DUPLICATE_NAME"   // two files of one name; the second is ignored
	LimitReached    Code = "LIMIT_REACHED"    // more, larger or denser than the limits
)

// Error is a fault of an archive. It names places by their rank, because file
// names may hold the name of a patient.
type Error struct {
	Code     Code
	Subset   int // from 1, 0 for the archive
	Document int // from 1, 0 for the subset
	Text     string
	Err      error
}

// Error tells the code, the place and what is wrong.
func (e *Error) Error() string {
	s := "xdm: " + string(e.Code)
	if e.Subset > 0 {
		s += fmt.Sprintf(": subset %d", e.Subset)
	}
	if e.Document > 0 {
		s += fmt.Sprintf(", document %d", e.Document)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same code and no place.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Subset == 0 && t.Document == 0
}
