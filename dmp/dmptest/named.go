package dmptest

import (
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/soap"
)

// registryCodes are the errors of a registry or a repository (list of IHE).
// Which ones the DMP really answers is not public.
var registryCodes = []string{
	"XDSMissingDocument", "XDSMissingDocumentMetadata", "XDSRegistryNotAvailable", "XDSRegistryError", "XDSRepositoryError",
	"XDSRegistryDuplicateUniqueIdInMessage", "XDSRepositoryDuplicateUniqueIdInMessage", "XDSDuplicateUniqueIdInRegistry",
	"XDSNonIdenticalHash", "XDSNonIdenticalSize", "XDSRegistryBusy", "XDSRepositoryBusy", "XDSRegistryOutOfResources",
	"XDSRepositoryOutOfResources", "XDSRegistryMetadataError", "XDSRepositoryMetadataError", "XDSTooManyResults",
	"XDSExtraMetadataNotSaved", "XDSUnknownPatientId", "XDSPatientIdDoesNotMatch", "XDSUnknownStoredQuery",
	"XDSStoredQueryMissingParam", "XDSStoredQueryParamNumber", "XDSRegistryDeprecatedDocumentError", "XDSUnknownRepositoryId",
	"XDSDocumentUniqueIdError", "XDSResultNotSinglePatient", "InvalidDocumentContent", "XDSMetadataUpdateError",
	"XDSMetadataUpdateOperationError", "XDSMetadataVersionError", "XDSPatientIDReconciliationError", "UnresolvedReferenceException",
	"XDSReplaceFailed", "XDSObjectTypeError", "XDSMetadataIdentifierError", "XDSInvalidRequestException", "UnmodifiableMetadataError",
}

// Failures gives every refusal of the DMP that is publicly known, by its code,
// or by the beginning of its words where it has none: plan one with
// [Server.Refuse]. Those that a service of the DMP's own answers as a status have
// "status " before their code. A registry error is answered to TD2.1 and TD3.3, unless
// its Operation is set.
func Failures() map[string]Failure {
	all := map[string]Failure{
		"DMPInvalidCertificate":          {Fault: &Fault{Subcode: codeCertificate, Reason: textCertificate + "Not a valid signature certificate"}},
		"DMPAccessDeniedByRightsService": {Fault: &Fault{Subcode: codeDenied, Reason: "Les droits de l'utilisateur ne permettent pas l'opération"}},
		"DMPClosed":                      {Ack: &dmp.Detail{Code: codeClosed}},
		"A required header representing a Message Addressing Property is not present": {Fault: &Fault{Subcode: "MessageAddressingHeaderRequired",
			Reason: "A required header representing a Message Addressing Property is not present", space: soap.NSWSA}},
		"Structure introuvable ou Inactive":               {Fault: &Fault{Reason: textUnknown}},
		"PS et Structure non liés":                        {Fault: &Fault{Reason: textUnlinked}},
		"Erreur d'authentification de la personne morale": {Fault: &Fault{Reason: textLegal}},
		"Aucune spécialité dans le vihf":                  {Fault: &Fault{Reason: textRole}},
		"Aucun AuthorInstitution ne correspond":           {Registry: []dmp.RegistryError{{Code: codeAuthor, Context: textAuthor, Severity: "Error"}}},
	}
	for _, code := range []string{codeDenied, "DMPPatientAccessAlreadyExists", "DMPPatientAccessOTPAlreadyExists", "DMPIdentityCertificationFailure"} {
		all["status "+code] = Failure{Status: &dmp.Detail{Code: code, Text: "refus prévu : " + code}}
	}
	for _, code := range registryCodes {
		all[code] = Failure{Registry: []dmp.RegistryError{{Code: code, Context: "refus prévu : " + code, Severity: "Error"}}}
	}
	return all
}
