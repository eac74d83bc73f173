package ordonnance

import (
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"strings"
	"time"
)

// Dispensation says what was done of every line of a prescription at one visit.
type Dispensation struct {
	// ID is a UUID: the idempotency key. A Dispensation that is sent again
	// keeps it; another one has another.
	ID    string    `json:"id"`
	At    time.Time `json:"at"` // when the products were handed over
	Items []Item    `json:"items"`
	// Receiver is who took the products when it was not the patient, in words.
	Receiver string `json:"receiver,omitempty"`
}

// Item is what was done of one line, or a product that the prescription does not list.
type Item struct {
	Line         int          `json:"line,omitempty"` // Line.Index; 0 with AddedByHand
	Outcome      LineOutcome  `json:"outcome"`
	Product      Product      `json:"product,omitzero"` // what was handed over; a device has its LPP in Codes
	Quantity     Quantity     `json:"quantity,omitzero"`
	Completeness Completeness `json:"completeness,omitempty"` // when empty, Dispense works it out
	Lot          string       `json:"lot,omitempty"`
	Serial       string       `json:"serial,omitempty"`
	Expiry       time.Time    `json:"expiry,omitzero"` // last day of use
	Posology     string       `json:"posology,omitempty"`
	Reason       string       `json:"reason,omitempty"`
	Note         string       `json:"note,omitempty"`
	Consent      *Consent     `json:"consent,omitempty"`
}

// Consent is the prescriber's agreement to a change.
type Consent struct {
	By string    `json:"by"` // who agreed, in words
	At time.Time `json:"at"`
}

// LineOutcome is what was done of a line. One is stated for every line, even
// when nothing was changed.
type LineOutcome string

// Outcomes of a line (ordonnance.md §7.2; their codes on the wire are *assumed*).
const (
	AsPrescribed       LineOutcome = "as-prescribed"
	SubstitutedGeneric LineOutcome = "substituted-generic" // within the generic group
	SubstitutedOther   LineOutcome = "substituted-other"   // with a Reason
	PosologyChanged    LineOutcome = "posology-changed"    // with a Posology and the prescriber's Consent
	QuantityChanged    LineOutcome = "quantity-changed"
	NotDispensed       LineOutcome = "not-dispensed" // with a Reason; nothing of the line will be given
	Postponed          LineOutcome = "postponed"     // owed to the patient, with a Reason
	AddedByHand        LineOutcome = "added-by-hand" // a line written on the paper, not in the base
)

// Delivers reports whether something is handed over.
func (o LineOutcome) Delivers() bool { return o != NotDispensed && o != Postponed }

// Completeness tells whether a delivery is the first or a refill, and whole or
// partial (JDV_CompletudeDispensation, 1.2.250.1.213.1.1.5.765).
type Completeness string

// Codes of completeness, of system OIDCompleteness.
const (
	FirstComplete  Completeness = "FFC"
	FirstPartial   Completeness = "FFP"
	RefillComplete Completeness = "RFC"
	RefillPartial  Completeness = "RFP"
)

// ParseCompleteness reads a code. The published value set has one with a
// trailing space ("FFC "): white space is dropped.
func ParseCompleteness(s string) (Completeness, error) {
	switch c := Completeness(strings.TrimSpace(s)); c {
	case FirstComplete, FirstPartial, RefillComplete, RefillPartial:
		return c, nil
	}
	return "", local("ParseCompleteness", ErrMalformed, "FFC, FFP, RFC or RFP expected")
}

// NewDispensation gives a Dispensation with a new ID and one item for every
// line of p that is not closed: delivered as prescribed, in the prescribed
// quantity. Change the items that went otherwise, and state the quantity of a
// line that prescribes none. At is when the products are handed over.
func (p Prescription) NewDispensation(at time.Time) Dispensation {
	d := Dispensation{ID: newUUID(), At: at}
	for _, l := range p.Lines {
		if !l.Status.Closed() {
			d.Items = append(d.Items, l.asPrescribed())
		}
	}
	return d
}

func (l Line) asPrescribed() Item {
	it := Item{Line: l.Index, Outcome: AsPrescribed}
	if l.Quantity != nil {
		it.Quantity = *l.Quantity
	}
	switch {
	case l.Drug != nil:
		it.Product = l.Drug.Product
	case l.Device != nil:
		it.Product = Product{Name: l.Device.Name, Codes: l.Device.Codes}
	}
	return it
}

// Item gives the item of that line, or nil.
func (d Dispensation) Item(line int) *Item {
	for i := range d.Items {
		if d.Items[i].Line == line {
			return &d.Items[i]
		}
	}
	return nil
}

// ItemID gives the UUID of the i-th item, from 0. It follows from the ID of the
// dispensation, so that the ordonnance and the dossier pharmaceutique know the
// same delivery by the same name, and a replay gives the same one.
func (d Dispensation) ItemID(i int) string {
	h := sha1.New()
	fmt.Fprintf(h, "urn:uuid:%s/%d", strings.ToLower(d.ID), i)
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80 // RFC 9562 §5.5
	return formatUUID(u)
}

func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return formatUUID(u)
}

func formatUUID(u [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Receipt is what the service answers to Dispense.
type Receipt struct {
	Number       Number    `json:"number"`
	Dispensation string    `json:"dispensation"` // Dispensation.ID
	At           time.Time `json:"at"`           // by the service
	Status       Status    `json:"status"`       // of the prescription, afterwards
	// Replayed says that the service had this dispensation already and did nothing more.
	Replayed bool `json:"replayed,omitempty"`
	// Lines are the states of the lines afterwards, by index from 1; empty when
	// the service does not say.
	Lines map[int]LineStatus `json:"lines,omitempty"`
}
