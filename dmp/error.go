package dmp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Situations that a caller branches on. Every error of a call is an *[Error]
// that answers errors.Is for at most one of them, beside what it wraps, such as
// ins.ErrNotQualified.
var (
	// ErrNoRecord: the patient has no DMP.
	ErrNoRecord = errors.New("no record")
	// ErrClosed: the patient's DMP is closed; nothing may be added.
	ErrClosed = errors.New("record closed")
	// ErrNotChecked: Exists was not called for this patient, or too long ago.
	ErrNotChecked = errors.New("existence not checked")
	// ErrNotAuthorized: the patient has not authorized the professional to read,
	// or no longer.
	ErrNotAuthorized = errors.New("professional not authorized")
	// ErrBlocked: the patient blocked the professional.
	ErrBlocked = errors.New("professional blocked")
	// ErrQuery: what is asked for is incomplete, or cannot be asked.
	ErrQuery = errors.New("invalid query")
	// ErrAccess: the access mode is incomplete.
	ErrAccess = errors.New("invalid access mode")
	// ErrOpposed: the patient opposes that this document be sent, or that access
	// mode.
	ErrOpposed = errors.New("patient opposed")
	// ErrDocumentTooLarge: the document is over MaxDocumentSize.
	ErrDocumentTooLarge = errors.New("document too large")
	// ErrInvalidDocument: the document, or what describes it, is not acceptable.
	ErrInvalidDocument = errors.New("invalid document")
	// ErrDuplicate: the DMP already holds a document of that identifier. After a
	// Submit whose outcome was unknown it means that it was done.
	ErrDuplicate = errors.New("document already there")
	// ErrNoDocument: the record has no such document, or none that the
	// professional may know of.
	ErrNoDocument = errors.New("no such document")
	// ErrState: the document has a status, or a version, that does not allow what
	// is asked: it was replaced, archived, deleted or changed meanwhile. Search again.
	ErrState = errors.New("state of the document")
	// ErrNotAuthor: only the author of the document may do it.
	ErrNotAuthor = errors.New("not the author of the document")
	// ErrInvalidCertificate: a certificate is not one that may authenticate or sign.
	ErrInvalidCertificate = errors.New("invalid certificate")
	// ErrInvalidVIHF: the DMP refuses the assertion, for its form or its age.
	ErrInvalidVIHF = errors.New("assertion refused")
	// ErrProfessional: the professional or the structure is incomplete, is not
	// that of the certificate, or is not that of the document.
	ErrProfessional = errors.New("professional or structure refused")
	// ErrPatientMismatch: the patient is not that of the document or of the record.
	ErrPatientMismatch = errors.New("another patient")
	// ErrAccessDenied: the rights of the professional do not allow the call.
	ErrAccessDenied = errors.New("access denied")
	// ErrEnvironment: a test identity in production.
	ErrEnvironment = errors.New("wrong environment")
	// ErrUnavailable: the DMP, or the way to it, is out of order; try again later.
	ErrUnavailable = errors.New("service unavailable")
	// ErrTooMany: the DMP found too many documents to tell; the search is to be
	// narrowed.
	ErrTooMany = errors.New("too many results")
	// ErrIntegrity: a document is not the one that its metadata describe, or is
	// not whole: it must not be used.
	ErrIntegrity = errors.New("document altered")
	// ErrAnswer: what came back is not an answer of the DMP.
	ErrAnswer = errors.New("unusable answer")
)

// Error is the error of every call. Its text holds no matricule, no trait and
// no content of a document.
type Error struct {
	// Op is the transaction: "TD0.2" or "TD2.1", or "document" for NewDocument.
	Op string
	// Code is the service's own code: fault subcode, acknowledgement detail or
	// the first registry error. Empty when nothing was sent.
	Code string
	// Text is the service's own words, untouched, to be shown to the user who
	// asked: they may quote the message that was sent, so that they are in no
	// log and not in Error, which gives of them only the sentences that we know.
	// It is ours when nothing was sent.
	Text string
	// Fix says what to change, where we know it.
	Fix string
	// Registry holds all the errors of a registry answer.
	Registry []RegistryError
	// Partial tells that the DMP did a part of the work (PartialSuccess).
	Partial bool
	// MessageID is the wsa:MessageID of the request.
	MessageID string
	// Status is the HTTP status, when there is one.
	Status int
	// Err is the cause, when there is one.
	Err error

	kind    error
	outcome socle.Outcome
	retry   bool
	ours    bool   // Text is ours
	phrase  string // the sentence of the service that was known in Text
}

// RegistryError is a RegistryError of ebXML RegRep as the DMP gave it. Printed,
// it shows its code and severity only: the rest may quote what was sent.
type RegistryError struct {
	Code     string // errorCode, such as XDSDuplicateUniqueIdInRegistry
	Context  string // codeContext: the service's words
	Location string
	Severity string // "Error" or "Warning", or the URN of another severity
}

// String gives the severity and the code.
func (r RegistryError) String() string {
	return transport.Code(r.Severity) + " " + transport.Code(r.Code)
}

// GoString gives the same as String.
func (r RegistryError) GoString() string { return r.String() }

// Error gives the transaction, the code, what we know of the service's words,
// and what to change: nothing that the service may have quoted.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("dmp: " + e.Op)
	if e.Code != "" {
		b.WriteString(": " + transport.Code(e.Code))
	}
	switch {
	case e.ours:
		b.WriteString(": " + e.Text)
	case e.phrase != "":
		b.WriteString(": « " + e.phrase + " »")
	case e.Text != "":
		b.WriteString(" (its words are in Text)")
	}
	if n := len(e.Registry); n > 1 {
		fmt.Fprintf(&b, " (and %d more)", n-1)
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	if e.Err != nil && e.Text == "" {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// GoString gives the same as Error.
func (e *Error) GoString() string { return e.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether e is the situation that target names.
func (e *Error) Is(target error) bool { return e.kind != nil && e.kind == target }

// Outcome says what is known of the call: not sent when a rule refused it here,
// refused by the DMP, or unknown.
func (e *Error) Outcome() socle.Outcome { return e.outcome }

// Retryable reports whether the same call may succeed later, unchanged.
func (e *Error) Retryable() bool { return e.retry }

// refused says that the DMP did not do the work.
func (e *Error) refused() *Error { e.outcome = socle.OutcomeRefused; return e }

// refusal is what a rule refuses before anything is sent.
func refusal(op string, kind error, text, fix string) *Error {
	return &Error{Op: op, Text: text, Fix: fix, kind: kind, outcome: socle.OutcomeNotSent, ours: true}
}
