package dmp

import (
	"context"
	"errors"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
)

// verdict is what a code or a text of the DMP means, and what to do about it.
type verdict struct {
	code string // exact, empty for any
	text string // contained, empty for any
	kind error
	fix  string
}

// verdicts are tried in order. Codes and texts: dmp sheet §6.
var verdicts = []verdict{
	{code: "DMPInvalidCertificate", kind: ErrInvalidCertificate,
		fix: "the VIHF must be signed with the SIGN certificate, or the signature pair of the card, and not with the authentication one"},
	{code: "DMPAccessDeniedByRightsService", kind: ErrAccessDenied, fix: "the mode, the profession or the patient's choices do not allow it"},
	{code: "DMPClosed", kind: ErrClosed, fix: "the patient closed their DMP: nothing may be added"},
	{text: "Aucune spécialité dans le vihf", kind: ErrProfessional,
		fix: "Professional.Speciality is mandatory: the speciality of a doctor, the section of the Ordre of a pharmacist"},
	{text: "Aucun AuthorInstitution ne correspond", kind: ErrProfessional, fix: "the author of the document and the professional of the call must have the same structure"},
	{text: "Erreur d'authentification de la personne morale", kind: ErrProfessional, fix: "Structure.ID must be the OU of the certificate"},
	{text: "Structure introuvable ou Inactive", kind: ErrProfessional, fix: "Structure.ID and Structure.Sector must be of the same exercise"},
	{text: "PS et Structure non liés", kind: ErrProfessional, fix: "the professional must exercise in Structure"},
	{text: "Message Addressing Property is not present", fix: "a header of the request was lost: look for a proxy that rewrites SOAP messages"},
	{code: "XDSDuplicateUniqueIdInRegistry", kind: ErrDuplicate, fix: "the DMP already holds this document"},
	{code: "XDSRegistryDuplicateUniqueIdInMessage", kind: ErrInvalidDocument},
	{code: "XDSRepositoryDuplicateUniqueIdInMessage", kind: ErrInvalidDocument},
	{code: "XDSUnknownPatientId", kind: ErrNoRecord, fix: "the DMP does not know this patient: call Exists"},
	{code: "XDSPatientIdDoesNotMatch", kind: ErrPatientMismatch},
	{code: "XDSNonIdenticalHash", kind: ErrInvalidDocument, fix: "the file changed between NewDocument and Submit"},
	{code: "XDSNonIdenticalSize", kind: ErrInvalidDocument, fix: "the file changed between NewDocument and Submit"},
	{code: "XDSMissingDocument", kind: ErrInvalidDocument},
	{code: "XDSMissingDocumentMetadata", kind: ErrInvalidDocument},
	{code: "XDSRegistryMetadataError", kind: ErrInvalidDocument,
		fix: "Error.Registry says which metadata: correct what the document was made of, or the Dialect"},
	{code: "XDSRegistryError", fix: "Error.Registry says which parameter of the search, or which object, is refused"},
	{code: "XDSRepositoryMetadataError", kind: ErrInvalidDocument},
	{code: "InvalidDocumentContent", kind: ErrInvalidDocument},
	{code: "UnresolvedReferenceException", kind: ErrNoDocument, fix: "search the document again: its entryUUID changes with each version of its metadata"},
	{code: "XDSRegistryDeprecatedDocumentError", kind: ErrState, fix: "the document was replaced meanwhile: search again"},
	{code: "XDSReplaceFailed", kind: ErrState},
	{code: "XDSMetadataVersionError", kind: ErrState, fix: "the metadata changed meanwhile: search again"},
	{code: "UnmodifiableMetadataError", kind: ErrState},
	{code: "XDSMetadataUpdateError", kind: ErrState},
	{code: "XDSMetadataUpdateOperationError", kind: ErrState},
	{code: "UnmodifiableMetadataError", kind: ErrState},
	{code: "XDSMetadataIdentifierError", kind: ErrInvalidDocument},
	{code: "XDSObjectTypeError", kind: ErrInvalidDocument},
	{code: "XDSPatientIDReconciliationError", kind: ErrPatientMismatch},
	{code: "XDSTooManyResults", kind: ErrTooMany, fix: "narrow the search: dates, types"},
	{code: "XDSDocumentUniqueIdError", kind: ErrNoDocument, fix: "Entry.ID is the uniqueId of the document, not its entryUUID; search again: it may be deleted"},
	{code: "XDSUnknownRepositoryId", kind: ErrNoDocument, fix: "Entry.Repository is not that of the DMP"},
	{code: "XDSUnknownStoredQuery", kind: ErrQuery},
	{code: "XDSStoredQueryMissingParam", kind: ErrQuery},
	{code: "XDSStoredQueryParamNumber", kind: ErrQuery},
	{code: "XDSResultNotSinglePatient", kind: ErrPatientMismatch},
	{code: "XDSRegistryBusy", kind: ErrUnavailable},
	{code: "XDSRepositoryBusy", kind: ErrUnavailable},
	{code: "XDSRegistryNotAvailable", kind: ErrUnavailable},
	{code: "XDSRegistryOutOfResources", kind: ErrUnavailable},
	{code: "XDSRepositoryOutOfResources", kind: ErrUnavailable},
}

// judge completes e from its code and its text.
func (e *Error) judge() *Error {
	for _, v := range append(verdicts[:len(verdicts):len(verdicts)], assumedVerdicts...) {
		if (v.code == "" || v.code == e.Code) && strings.Contains(e.Text, v.text) {
			e.kind, e.Fix, e.phrase = v.kind, v.fix, v.text
			break
		}
	}
	if e.kind == ErrUnavailable {
		e.retry = true
	}
	return e
}

// called makes the *Error of a call that failed.
func called(op, messageID string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		if own.MessageID == "" {
			own.MessageID = messageID
		}
		return err
	}
	e := &Error{Op: op, MessageID: messageID, Err: err, outcome: socle.OutcomeOf(err), retry: socle.Retryable(err)}
	var f *soap.Fault
	var r *soap.ResponseError
	var t *transport.Error
	var content *cda.Error
	switch {
	case errors.As(err, &f):
		e.Code, e.Text, e.Status = f.Subcode(), f.Reason, f.Status
		if e.Code == "" {
			e.Code = f.Code
		}
		e.judge()
		if e.kind == nil && f.Retryable() {
			e.kind = ErrUnavailable
		}
	case errors.As(err, &r):
		e.Status, e.kind = r.Status, ErrAnswer
		if r.Retryable() || r.Status >= 500 {
			e.kind = ErrUnavailable
		}
	case errors.Is(err, mtom.ErrSize), errors.As(err, &content): // the request stayed incomplete
		e.kind, e.outcome, e.retry = ErrInvalidDocument, socle.OutcomeNotSent, false
		e.Text, e.ours = "the document could not be sent whole", true
		e.Fix = "the file changed, or cannot be read again, since NewDocument"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // the caller's doing
	case errors.As(err, &t):
		e.Status, e.kind = t.Status, ErrUnavailable
		switch {
		case errors.Is(err, transport.ErrClientCertificate):
			e.kind = ErrInvalidCertificate
		case errors.Is(err, transport.ErrTooLarge), errors.Is(err, transport.ErrRedirect):
			e.kind = ErrAnswer
		case errors.Is(err, transport.ErrServerCertificate):
			e.kind = nil // of the caller's Roots, or of somebody between
		}
	}
	return e
}
