package xds

// ErrorCode is the code of a registry error. Servers send others than those
// listed here, and all are kept.
type ErrorCode string

// Codes of IHE XDS.b and its metadata update. Which ones the DMP sends is not public.
const (
	CodeMissingDocument                      ErrorCode = "XDSMissingDocument"
	CodeMissingDocumentMetadata              ErrorCode = "XDSMissingDocumentMetadata"
	CodeRegistryNotAvailable                 ErrorCode = "XDSRegistryNotAvailable"
	CodeRegistryError                        ErrorCode = "XDSRegistryError"
	CodeRepositoryError                      ErrorCode = "XDSRepositoryError"
	CodeRegistryDuplicateUniqueIdInMessage   ErrorCode = "XDSRegistryDuplicateUniqueIdInMessage"
	CodeRepositoryDuplicateUniqueIdInMessage ErrorCode = "XDSRepositoryDuplicateUniqueIdInMessage"
	CodeDuplicateUniqueIdInRegistry          ErrorCode = "XDSDuplicateUniqueIdInRegistry"
	CodeNonIdenticalHash                     ErrorCode = "XDSNonIdenticalHash"
	CodeNonIdenticalSize                     ErrorCode = "XDSNonIdenticalSize"
	CodeRegistryBusy                         ErrorCode = "XDSRegistryBusy"
	CodeRepositoryBusy                       ErrorCode = "XDSRepositoryBusy"
	CodeRegistryOutOfResources               ErrorCode = "XDSRegistryOutOfResources"
	CodeRepositoryOutOfResources             ErrorCode = "XDSRepositoryOutOfResources"
	CodeRegistryMetadataError                ErrorCode = "XDSRegistryMetadataError"
	CodeRepositoryMetadataError              ErrorCode = "XDSRepositoryMetadataError"
	CodeTooManyResults                       ErrorCode = "XDSTooManyResults"
	CodeExtraMetadataNotSaved                ErrorCode = "XDSExtraMetadataNotSaved"
	CodeUnknownPatientId                     ErrorCode = "XDSUnknownPatientId"
	CodePatientIdDoesNotMatch                ErrorCode = "XDSPatientIdDoesNotMatch"
	CodeUnknownStoredQuery                   ErrorCode = "XDSUnknownStoredQuery"
	CodeStoredQueryMissingParam              ErrorCode = "XDSStoredQueryMissingParam"
	CodeStoredQueryParamNumber               ErrorCode = "XDSStoredQueryParamNumber"
	CodeRegistryDeprecatedDocumentError      ErrorCode = "XDSRegistryDeprecatedDocumentError"
	CodeUnknownRepositoryId                  ErrorCode = "XDSUnknownRepositoryId"
	CodeDocumentUniqueIdError                ErrorCode = "XDSDocumentUniqueIdError"
	CodeResultNotSinglePatient               ErrorCode = "XDSResultNotSinglePatient"
	CodeInvalidDocumentContent               ErrorCode = "InvalidDocumentContent"
	CodeMetadataUpdateError                  ErrorCode = "XDSMetadataUpdateError"
	CodeMetadataUpdateOperationError         ErrorCode = "XDSMetadataUpdateOperationError"
	CodeMetadataVersionError                 ErrorCode = "XDSMetadataVersionError"
	CodePatientIDReconciliationError         ErrorCode = "XDSPatientIDReconciliationError"
	CodeUnresolvedReferenceException         ErrorCode = "UnresolvedReferenceException"
	CodeReplaceFailed                        ErrorCode = "XDSReplaceFailed"
	CodeObjectTypeError                      ErrorCode = "XDSObjectTypeError"
	CodeMetadataIdentifierError              ErrorCode = "XDSMetadataIdentifierError"
	CodeInvalidRequestException              ErrorCode = "XDSInvalidRequestException"
	CodeUnmodifiableMetadataError            ErrorCode = "UnmodifiableMetadataError"
)

// Retryable reports whether the same request may succeed later unchanged.
func (c ErrorCode) Retryable() bool {
	switch c {
	case CodeRegistryBusy, CodeRepositoryBusy, CodeRegistryNotAvailable, CodeRegistryOutOfResources, CodeRepositoryOutOfResources:
		return true
	}
	return false
}
