package ordonnance

import (
	"errors"
	"reflect"
	"strings"
)

// Dialect is what the FHIR binding assumes of a wire that is not public. Every
// value is *assumed* unless its comment says otherwise, and can be replaced.
// The shape of the messages (FHIR R4 Task, MedicationRequest, MedicationDispense;
// ordonnance.md §4.3) is assumed as a whole: who knows the real one writes a
// [Transport].
type Dialect struct {
	// Paths below Environment.URL; {id} is the prescription number. *assumed*
	ReadPath        string // claim by number
	ReadByCode      string // claim by a 2D code that gives no number
	RecoverPath     string
	RecoverByCode   string
	DispensePath    string
	SecretParameter string // query parameter of DispensePath that carries the secret

	// Headers. *assumed*
	RequestIDHeader string
	// IdempotencyKeyHeader is not "Idempotency-Key": net/http sends a request
	// that has that header a second time by itself when a connection breaks, and
	// here the caller decides.
	IdempotencyKeyHeader string
	SoftwareHeader       string

	SecretSystem string // identifier system of the secret in the Task. *assumed*

	// URLs of extensions that carry what FHIR R4 has no element for. They are
	// ours (urn:socle:…), not official ones. *assumed*
	ExtFlag, ExtSubtype, ExtReplaced, ExtDeliveries, ExtMode, ExtPrecondition, ExtPeriod,
	ExtRental, ExtQuantity, ExtRepeats, ExtOutcome, ExtSerial, ExtConsent, ExtReplayed, ExtHolder, ExtSince string

	// ExtRendered is the R5 element for a posology in words, as the published
	// profiles write it (known, not assumed).
	ExtRendered string

	// Systems gives the FHIR system of an OID. Those of CIS, CIP, substances and
	// EDQM terms are published (ordonnance.md §5.7); that of ATC, and urn:oid:…
	// for the OIDs not listed (virtual drug, EMDN, LPP), are *assumed*.
	Systems map[string]string

	// Codes gives the situation of an error code of the service (details.coding
	// of an OperationOutcome's issue). *assumed*
	Codes map[string]error

	// SystemOutcome is the system of LineOutcome codes, SystemState that of
	// Status codes. *assumed*
	SystemOutcome, SystemState string
}

// DefaultDialect gives the values that the emulator speaks too.
func DefaultDialect() Dialect {
	const ext, drugs = "urn:socle:ordonnance:", "http://data.esante.gouv.fr/ansm/medicament/"
	return Dialect{
		ReadPath:        "/Task/{id}/$accept",
		ReadByCode:      "/Task/$accept",
		RecoverPath:     "/Task/{id}",
		RecoverByCode:   "/Task/$recover",
		DispensePath:    "/Task/{id}/$dispense",
		SecretParameter: "secret",

		RequestIDHeader:      "X-Request-Id",
		IdempotencyKeyHeader: "X-EPU-Idempotency",
		SoftwareHeader:       "X-EPU-LPS",

		SecretSystem: ext + "secret",

		ExtFlag:         ext + "flag",
		ExtSubtype:      ext + "subtype",
		ExtReplaced:     ext + "replaced",
		ExtDeliveries:   ext + "deliveries",
		ExtMode:         ext + "mode",
		ExtPrecondition: ext + "precondition",
		ExtPeriod:       ext + "treatment-period",
		ExtRental:       ext + "rental",
		ExtQuantity:     ext + "quantity",
		ExtRepeats:      ext + "repeats",
		ExtOutcome:      ext + "line-outcome",
		ExtSerial:       ext + "serial",
		ExtConsent:      ext + "consent",
		ExtReplayed:     ext + "replayed",
		ExtHolder:       ext + "holder",
		ExtSince:        ext + "since",
		ExtRendered:     "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.renderedDosageInstruction",

		Systems: map[string]string{
			OIDCIS:       drugs + "SpecialitePharmaceutique",
			OIDCIP:       drugs + "Presentation",
			OIDSubstance: drugs + "codeSMS",
			OIDEDQM:      "http://standardterms.edqm.eu",
			OIDATC:       "http://www.whocc.no/atc",
			// FHIR R4 names these two HL7 systems itself.
			OIDCompleteness: "http://terminology.hl7.org/CodeSystem/v3-ActCode",
			OIDSubstitution: "http://terminology.hl7.org/CodeSystem/v3-substanceAdminSubstitution",
		},
		Codes: map[string]error{
			"not-found":          ErrNotFound,
			"already-read":       ErrAlreadyRead,
			"cancelled":          ErrCancelled,
			"expired":            ErrExpired,
			"wrong-secret":       ErrWrongSecret,
			"invalid-transition": ErrInvalidTransition,
			"line-unknown":       ErrLineUnknown,
			"repeat-mismatch":    ErrRepeatMismatch,
			"duplicate":          ErrDuplicateID,
			"patient-mismatch":   ErrPatientMismatch,
			"validation":         ErrValidation,
			"token":              ErrUnauthorized,
			"forbidden":          ErrForbidden,
			"unavailable":        ErrUnavailable,
		},
		SystemOutcome: ext + "line-outcome",
		SystemState:   ext + "state",
	}
}

func (d Dialect) orDefault() Dialect {
	if reflect.ValueOf(d).IsZero() {
		return DefaultDialect()
	}
	return d
}

func (d Dialect) check() error {
	for _, p := range []string{d.ReadPath, d.ReadByCode, d.RecoverPath, d.RecoverByCode, d.DispensePath} {
		if !strings.HasPrefix(p, "/") {
			return errors.New("Dialect: every path begins with a slash; start from DefaultDialect and change what differs")
		}
	}
	for _, s := range []string{d.SecretParameter, d.RequestIDHeader, d.IdempotencyKeyHeader, d.SoftwareHeader, d.SecretSystem, d.ExtOutcome} {
		if s == "" {
			return errors.New("Dialect: SecretParameter, the headers, SecretSystem and ExtOutcome are mandatory; start from DefaultDialect and change what differs")
		}
	}
	return nil
}

// System gives the FHIR system of an OID.
func (d Dialect) System(oid string) string {
	if s := d.Systems[oid]; s != "" || oid == "" {
		return s
	}
	return "urn:oid:" + oid
}

// OID gives the OID of a FHIR system, or the system itself.
func (d Dialect) OID(system string) string {
	if oid, ok := strings.CutPrefix(system, "urn:oid:"); ok {
		return oid
	}
	for oid, s := range d.Systems {
		if s == system {
			return oid
		}
	}
	return system
}
