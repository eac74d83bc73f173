package mss

// FaultKind is a kind of [Fault].
type FaultKind string

// Kinds of faults.
const (
	FaultHeader   FaultKind = "HEADER"   // header lines that are no field, or a field that cannot be read
	FaultMIME     FaultKind = "MIME"     // a structure that is broken or beyond the bounds
	FaultCharset  FaultKind = "CHARSET"  // text that is not in the charset it declares
	FaultEncoding FaultKind = "ENCODING" // a transfer encoding that cannot be decoded to the end
	FaultSender   FaultKind = "SENDER"   // a sender that cannot be told, or not be believed
	FaultXDM      FaultKind = "XDM"      // an IHE_XDM.ZIP or one of its documents; Err tells which and why
	FaultCoherent FaultKind = "COHERENT" // X-MSS headers that the message contradicts
)

// Codes of faults of an archive IHE_XDM.ZIP (FaultXDM).
const (
	CodeNotArchive      = "NOT_ARCHIVE"      // not a ZIP archive, or one that does not inflate
	CodeEmptyArchive    = "EMPTY_ARCHIVE"    // no submission set in it
	CodeMetadataMissing = "METADATA_MISSING" // a subset without METADATA.XML
	CodeMetadataInvalid = "METADATA_INVALID" // METADATA.XML that cannot be read
	CodeCDAMissing      = "CDA_MISSING"      // no file where the metadata say, or no document in the metadata
	CodeNotCDA          = "NOT_CDA"          // a document that is no CDA
	CodeSizeMismatch    = "SIZE_MISMATCH"    // not the size that the metadata say
	CodeHashMismatch    = "HASH_MISMATCH"    // not the SHA-1 that the metadata say
	CodeEmptyFile       = "EMPTY_FILE"       // a document of no bytes
	CodePatientMismatch = "PATIENT_MISMATCH" // the document is of another patient than the metadata say
	CodeUnsafeName      = "UNSAFE_NAME"      // a file name that leaves the archive; the file is ignored
	CodeDuplicateName   = "DUPLICATE_NAME"   // two files of one name; the second is ignored
	CodeDuplicateID     = "DUPLICATE_ID"     // two different documents of one identifier; neither is to be believed
	CodeLimitReached    = "LIMIT_REACHED"    // more, larger or denser than what is accepted
)

// Fault is something wrong in a received message that did not prevent reading
// the rest of it. Its text holds nothing of the message.
type Fault struct {
	Kind FaultKind
	Code string // of a FaultXDM
	Part string // IMAP part number, empty for the message itself
	Err  error
}

// Error tells the kind, the part and the cause.
func (f *Fault) Error() string {
	s := "mss: message fault " + string(f.Kind)
	if f.Part != "" {
		s += " in part " + f.Part
	}
	return s + ": " + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }
