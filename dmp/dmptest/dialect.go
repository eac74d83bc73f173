package dmptest

import "github.com/soclesante/socle/dmp"

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
	codeQuery     = "XDSRegistryError"           // a parameter of a query is not as it should be
	codeAuthor    = "XDSRegistryMetadataError"   // the author is not that of the VIHF
	// The refusals of TD3.3.
	codeUpdate       = "XDSMetadataUpdateError"          // the status does not allow it
	codeOperation    = "XDSMetadataUpdateOperationError" // none of the four changes
	codeUnmodifiable = "UnmodifiableMetadataError"       // what may not change
	codeReplace      = "XDSReplaceFailed"                // the document of another author is replaced, or the CDA says another thing
)

// purposes are the codes of PurposeOfUse: all but the first are *assumed*, no
// public sample shows them.
var purposes = map[string]dmp.AccessMode{"normal": dmp.NormalAccess, "bris_de_glace": dmp.BreakGlass, "centre_15": dmp.Regulation}

// aboutNobody are the actions whose VIHF may do without a patient, since their
// message is about none: *assumed*, all samples name one.
var aboutNobody = []string{actionFind, actionAuthorized}

// Actions of messages that are about no patient in particular.
const (
	actionFind       = "urn:hl7-org:v3:PRPA_IN201305UV02"
	actionAuthorized = "urn:si-dmp-patients:PatientSpecificEndPoint:patientList"
)
