package dp

import (
	"errors"
	"reflect"
	"strings"

	"github.com/soclesante/socle/ordonnance"
)

// Dialect is what the FHIR binding assumes of a wire that is not public (dp.md
// §4.1). Every value is *assumed* unless its comment says otherwise, and can be
// replaced. Who knows the real wire writes a [Transport].
type Dialect struct {
	// Paths below Environment.URL. *assumed*
	ConsultPath string // POST of a search form
	FeedPath    string // POST of a transaction Bundle
	// PageSize is the _count of a consultation. *assumed*
	PageSize int

	// Headers. *assumed*
	RequestIDHeader, SoftwareHeader, PurposeHeader string

	// Profile is claimed by each fed line: the published profile of a dispensation
	// (document core guide; its use here is *assumed*). Empty claims none.
	Profile string

	// URLs of extensions; ours (urn:socle:…), not official ones. *assumed*
	ExtSerial, ExtPrescriber, ExtDeadline string

	// SystemKind is the system of Kind codes in MedicationDispense.category,
	// SystemNumber that of prescription numbers. *assumed*
	SystemKind, SystemNumber string

	// Systems gives the FHIR system of an OID: see ordonnance.Dialect.
	Systems map[string]string

	// Codes gives the situation of an error code of the service (details.coding
	// of an OperationOutcome's issue). *assumed*
	Codes map[string]error
}

// DefaultDialect gives the values that the emulator speaks too.
func DefaultDialect() Dialect {
	const own = "urn:socle:dp:"
	return Dialect{
		ConsultPath: "/MedicationDispense/_search",
		FeedPath:    "/",
		PageSize:    50,

		RequestIDHeader: "X-Request-Id",
		SoftwareHeader:  "X-DP-LGO",
		PurposeHeader:   "X-DP-Purpose",

		Profile: "https://interop.esante.gouv.fr/ig/fhir/document-core/StructureDefinition/fr-medication-dispense-document",

		ExtSerial:     own + "serial",
		ExtPrescriber: own + "prescriber",
		ExtDeadline:   own + "deadline",

		SystemKind:   own + "kind",
		SystemNumber: "urn:oid:" + ordonnance.OIDNumber,
		Systems:      ordonnance.DefaultDialect().Systems,

		Codes: map[string]error{
			"dp-none":            ErrNoDossier,
			"dp-opposed":         ErrOpposed,
			"dp-pending":         ErrNotYetOpen,
			"dp-closed":          ErrClosed,
			"dp-suspended":       ErrSuspended,
			"dp-role":            ErrForbidden,
			"dp-identity":        ErrPatientMismatch,
			"dp-unknown-product": ErrUnknownProduct,
			"dp-validation":      ErrValidation,
			"dp-token":           ErrUnauthorized,
			"dp-unavailable":     ErrUnavailable,
		},
	}
}

func (d Dialect) orDefault() Dialect {
	if reflect.ValueOf(d).IsZero() {
		return DefaultDialect()
	}
	return d
}

func (d Dialect) check() error {
	switch {
	case !strings.HasPrefix(d.ConsultPath, "/"), !strings.HasPrefix(d.FeedPath, "/"):
		return errors.New("Dialect: every path begins with a slash; start from DefaultDialect and change what differs")
	case d.PageSize < 1, d.RequestIDHeader == "", d.SoftwareHeader == "", d.PurposeHeader == "", d.SystemKind == "":
		return errors.New("Dialect: PageSize, the headers and SystemKind are mandatory; start from DefaultDialect and change what differs")
	}
	return nil
}

// System gives the FHIR system of an OID.
func (d Dialect) System(oid string) string { return ordonnance.Dialect{Systems: d.Systems}.System(oid) }

// OID gives the OID of a FHIR system, or the system itself.
func (d Dialect) OID(system string) string { return ordonnance.Dialect{Systems: d.Systems}.OID(system) }
