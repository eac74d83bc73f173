package dp

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/soclesante/socle/ordonnance"
)

// Line is one dispensed product, as it is fed. It shows itself in no log.
type Line struct {
	// ID is a UUID: the same line fed twice is kept once.
	ID           string
	Kind         Kind // when empty, KindOf the product
	Product      ordonnance.Product
	Quantity     ordonnance.Quantity // in packagings: unit 30009000 is a box
	HandedOver   time.Time
	Completeness ordonnance.Completeness // FFC by default
	Lot, Serial  string
	Expiry       time.Time // last day of use
	// Substitution is how the product differs from the prescribed one:
	// ordonnance.SubstitutedGeneric, SubstitutedOther, or empty.
	Substitution ordonnance.LineOutcome
	// Prescription is the number of the ordonnance numérique, empty when the
	// product was dispensed without one.
	Prescription ordonnance.Number
	Prescriber   string // national id, empty when unknown
	Note         string
	// Withhold keeps the line out of the dossier at the patient's wish: it is
	// never sent.
	Withhold bool
}

// Entry is one line of a patient's history.
type Entry struct {
	Line
	Pharmacy     string // national id of the structure; empty when the service hides it
	PharmacyName string
}

// History is what Consult gives: the entries that the service shows, the newest
// first. It is emptied when its Visit is closed.
type History struct {
	Entries []Entry
	// Notes are what the service says of the history, such as that it is cut to
	// the legal windows.
	Notes []string
}

// Format shows that there is a line, whatever the verb.
func (l Line) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[line]") }

// LogValue shows that there is a line.
func (l Line) LogValue() slog.Value { return slog.StringValue("[line]") }

// Format shows that there is an entry, whatever the verb.
func (e Entry) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[entry]") }

// LogValue shows that there is an entry.
func (e Entry) LogValue() slog.Value { return slog.StringValue("[entry]") }

// Format tells how many entries there are, whatever the verb.
func (h History) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[history of %d entries]", len(h.Entries))
}

// LogValue tells how many entries there are.
func (h History) LogValue() slog.Value { return slog.IntValue(len(h.Entries)) }

// LinesOf gives the lines to feed for a dispensation of p: what was handed
// over, with the UUIDs that the ordonnance numérique knows (Dispensation.ItemID),
// so that feeding it again changes nothing. What was not dispensed, and devices,
// which the dossier does not hold unless they are implantable, are left out.
func LinesOf(p ordonnance.Prescription, d ordonnance.Dispensation) []Line {
	var out []Line
	for i, it := range d.Items {
		l := p.Line(it.Line)
		if !it.Outcome.Delivers() || (l != nil && l.Device != nil) {
			continue
		}
		line := Line{ID: d.ItemID(i), Kind: KindOf(it.Product), Product: it.Product, Quantity: it.Quantity, HandedOver: d.At, Completeness: it.Completeness,
			Lot: it.Lot, Serial: it.Serial, Expiry: it.Expiry, Note: it.Note}
		if it.Outcome == ordonnance.SubstitutedGeneric || it.Outcome == ordonnance.SubstitutedOther {
			line.Substitution = it.Outcome
		}
		if l != nil {
			line.Prescription, line.Prescriber = p.Number, p.Prescriber.ID
			if line.Completeness == "" && l.Delivered > 0 {
				line.Completeness = ordonnance.RefillComplete
			}
		}
		out = append(out, line)
	}
	return out
}

// Rules of the issues that Feed finds before it sends anything.
const (
	IssueID       = "id"       // Line.ID is not a UUID, or that of another line
	IssueProduct  = "product"  // neither a code nor a name, or a code that fails its key
	IssueQuantity = "quantity" // missing
	IssueTime     = "time"     // Line.HandedOver is missing or in the future
	IssueCode     = "completeness"
)

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// check gives what is wrong with l at the time now.
func (l Line) check(now time.Time) []Issue {
	var out []Issue
	add := func(code, text string) { out = append(out, Issue{l.ID, code, text}) }
	if !uuidForm.MatchString(l.ID) {
		l.ID = ""
		add(IssueID, "Line.ID must be a UUID")
	}
	if l.Product.Name == "" && len(l.Product.Codes) == 0 {
		add(IssueProduct, "a code, or a name for a product without one, is mandatory")
	}
	if l.Quantity.Value <= 0 {
		add(IssueQuantity, "how much was handed over is missing")
	}
	switch {
	case l.HandedOver.IsZero():
		add(IssueTime, "Line.HandedOver is missing")
	case l.HandedOver.After(now.Add(5 * time.Minute)):
		add(IssueTime, "handed over in the future: check the clock")
	}
	if l.Completeness != "" {
		if _, err := ordonnance.ParseCompleteness(string(l.Completeness)); err != nil {
			add(IssueCode, "FFC, FFP, RFC or RFP expected")
		}
	}
	return out
}
