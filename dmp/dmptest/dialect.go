package dmptest

// Codes with which the emulator refuses.
const (
	// codeCertificate and codeDenied are official.
	codeCertificate = "DMPInvalidCertificate"
	codeDenied      = "DMPAccessDeniedByRightsService"
	// codeClosed is official as the code of an acknowledgement; that feeding a
	// closed record is a fault with that subcode is *assumed*.
	codeClosed = "DMPClosed"
	// codeVIHF refuses an assertion for its form or its age: *assumed*, the
	// official list is not public.
	codeVIHF = "DMPInvalidVIHF"
	// codeMessage refuses a message for its form: *assumed*.
	codeMessage = "DMPInvalidMessage"
)

// Registry error codes, of the IHE list, that are *assumed* to be those of the
// DMP for rules that are its own.
const (
	codeTooLarge  = "XDSRepositoryError"         // the document is over the limit
	codeSignature = "XDSRepositoryMetadataError" // the signature of the lot
	codeAuthor    = "XDSRegistryMetadataError"   // the author is not that of the VIHF
)
