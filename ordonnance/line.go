package ordonnance

import (
	"fmt"

	"github.com/soclesante/socle"
)

// Line is one prescribed product: exactly one of Drug and Device is set.
type Line struct {
	// Index is the line's place in the prescription, counted from 1. It is what
	// identifies a line: ID is the document's and may be missing or repeated.
	Index int    `json:"index"`
	ID    string `json:"id,omitempty"`
	// Ref is the service's own reference of the line; empty before Read.
	Ref       string     `json:"ref,omitempty"`
	Status    LineStatus `json:"status,omitempty"`
	Delivered int        `json:"delivered,omitempty"` // deliveries made so far
	Text      string     `json:"text"`                // what is prescribed, as the prescriber sees it
	Period    Period     `json:"period,omitzero"`     // of the treatment, or of the device's use
	// Repeats is how many times it may be delivered again: nil says nothing
	// (unlimited within the validity), 0 is a single delivery.
	Repeats       *int      `json:"repeats,omitempty"`
	Quantity      *Quantity `json:"quantity,omitempty"`
	Flags         Flags     `json:"flags"`
	PatientNote   string    `json:"patientNote,omitempty"`   // instruction au patient
	DispenserNote string    `json:"dispenserNote,omitempty"` // instruction au dispensateur
	Drug          *Drug     `json:"drug,omitempty"`
	Device        *Device   `json:"device,omitempty"`
}

// LineStatus is the state of a line at the service (*assumed*).
type LineStatus string

// States of a line; empty means open.
const (
	LineOpen     LineStatus = "open"
	LinePartial  LineStatus = "partial" // something is left to deliver
	LineComplete LineStatus = "complete"
	LineRefused  LineStatus = "refused"
)

// Closed reports whether nothing can be delivered any more.
func (s LineStatus) Closed() bool { return s == LineComplete || s == LineRefused }

// Flags are the yes-or-no statements of a line (ordonnance.md §5.5). Each is
// the value of the statement that it names: NotCovered Yes says that the
// product is not reimbursed.
type Flags struct {
	ALD          Flag `json:"ald"`          // en rapport avec une affection de longue durée
	WorkAccident Flag `json:"workAccident"` // en rapport avec un accident du travail ou une maladie professionnelle
	Prevention   Flag `json:"prevention"`   // en rapport avec la prévention
	NotCovered   Flag `json:"notCovered"`   // non remboursable
	OffLabel     Flag `json:"offLabel"`     // hors AMM; drugs only
}

// Flag is a statement that may be missing.
type Flag int8

// Values of a Flag.
const (
	Unstated Flag = 0
	Yes      Flag = 1
	No       Flag = -1
)

// FlagOf gives Yes or No.
func FlagOf(b bool) Flag {
	if b {
		return Yes
	}
	return No
}

// MarshalJSON gives null, true or false.
func (f Flag) MarshalJSON() ([]byte, error) {
	switch f {
	case Yes:
		return []byte("true"), nil
	case No:
		return []byte("false"), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads null, true or false.
func (f *Flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		*f = Unstated
	case "true":
		*f = Yes
	case "false":
		*f = No
	default:
		return fmt.Errorf("ordonnance: a flag is null, true or false")
	}
	return nil
}

// Quantity is an amount. Unit is a UCUM unit, or an EDQM code of 8 digits for a
// packaging or a presentation (30009000 is a box).
type Quantity struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// EDQM reports whether the unit is a code of the EDQM standard terms.
func (q Quantity) EDQM() bool {
	if len(q.Unit) != 8 {
		return false
	}
	for i := range len(q.Unit) {
		if q.Unit[i] < '0' || q.Unit[i] > '9' {
			return false
		}
	}
	return true
}

// Device is a prescribed medical device.
type Device struct {
	Name       string       `json:"name,omitempty"`
	Codes      []socle.Code `json:"codes,omitempty"` // EMDN, LPP
	RentalDays int          `json:"rentalDays,omitempty"`
}

// LPP gives the code of the liste des produits et prestations, empty without one.
func (d Device) LPP() string { return code(d.Codes, OIDLPP) }

// EMDN gives the code of the device nomenclature, empty without one.
func (d Device) EMDN() string { return code(d.Codes, OIDEMDN) }
