package ordonnance

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Rules of the issues that Dispense finds before it sends anything.
const (
	IssueID           = "id"           // Dispensation.ID is not a UUID
	IssueTime         = "time"         // Dispensation.At is missing, or before the prescription was written
	IssueMissing      = "missing"      // a line without an outcome
	IssueTwice        = "twice"        // a line with two outcomes
	IssueOutcome      = "outcome"      // an outcome that is not one
	IssueProduct      = "product"      // a product that is missing, or not that of the outcome
	IssueQuantity     = "quantity"     // a quantity that is missing, or not that of the outcome
	IssueReason       = "reason"       // an outcome that needs a reason
	IssueConsent      = "consent"      // a change that needs the prescriber's consent
	IssueSubstitution = "substitution" // a substitution that the prescriber refused
	IssueCompleteness = "completeness" // a completeness that is not that of the delivery
)

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Check reports what Dispense would refuse before sending d for p: nil, or an
// *[Error] that is [ErrLineUnknown], [ErrRepeatMismatch] or [ErrValidation] with
// every issue.
func (d Dispensation) Check(p Prescription) error {
	var issues []Issue
	add := func(line int, code, format string, args ...any) {
		issues = append(issues, Issue{line, code, fmt.Sprintf(format, args...)})
	}
	if !uuidForm.MatchString(d.ID) {
		add(0, IssueID, "Dispensation.ID must be a UUID: use Prescription.NewDispensation")
	}
	switch {
	case d.At.IsZero():
		add(0, IssueTime, "Dispensation.At is missing")
	case d.At.Before(p.WrittenAt.Add(-24 * time.Hour)):
		add(0, IssueTime, "handed over before the prescription was written: check the clock")
	}
	seen := make(map[int]bool)
	for _, it := range d.Items {
		l := p.Line(it.Line)
		switch {
		case it.Outcome == AddedByHand && it.Line != 0:
			add(it.Line, IssueOutcome, "a product added by hand belongs to no line")
			continue
		case it.Outcome == AddedByHand:
			it.check(nil, add)
			continue
		case l == nil:
			return local(opDispense, ErrLineUnknown, fmt.Sprintf("the prescription has no line %d", it.Line))
		case l.Status.Closed():
			return local(opDispense, ErrRepeatMismatch, fmt.Sprintf("line %d is closed (%s): leave it out", it.Line, l.Status))
		case seen[it.Line]:
			add(it.Line, IssueTwice, "one outcome for each line")
		}
		seen[it.Line] = true
		it.check(l, add)
	}
	for _, l := range p.Lines {
		if !l.Status.Closed() && !seen[l.Index] {
			add(l.Index, IssueMissing, "state what was done of the line, even if nothing was changed")
		}
	}
	if len(issues) == 0 {
		return nil
	}
	e := local(opDispense, ErrValidation, "")
	e.Issues = issues
	return e
}

// check checks one item against its line, nil for an item added by hand.
func (it Item) check(l *Line, add func(int, string, string, ...any)) {
	switch it.Outcome {
	case AsPrescribed, SubstitutedGeneric, SubstitutedOther, PosologyChanged, QuantityChanged, NotDispensed, Postponed, AddedByHand:
	default:
		add(it.Line, IssueOutcome, "outcome %.30q is not known", string(it.Outcome))
		return
	}
	if (it.Outcome == NotDispensed || it.Outcome == Postponed || it.Outcome == SubstitutedOther) && strings.TrimSpace(it.Reason) == "" {
		add(it.Line, IssueReason, "%s needs a reason", it.Outcome)
	}
	if it.Outcome == PosologyChanged {
		if strings.TrimSpace(it.Posology) == "" {
			add(it.Line, IssueConsent, "the new posology is missing")
		}
		if it.Consent == nil || strings.TrimSpace(it.Consent.By) == "" || it.Consent.At.IsZero() {
			add(it.Line, IssueConsent, "the prescriber's consent, by whom and when, is missing")
		}
	}
	if !it.Outcome.Delivers() {
		if it.Completeness != "" {
			add(it.Line, IssueCompleteness, "nothing was handed over")
		}
		return
	}
	if it.Product.Name == "" && len(it.Product.Codes) == 0 {
		add(it.Line, IssueProduct, "what was handed over is missing")
	}
	if it.Quantity.Value <= 0 {
		add(it.Line, IssueQuantity, "how much was handed over is missing")
	}
	if l != nil {
		it.compare(l, add)
	}
}

// compare checks that the outcome tells the difference with the line.
func (it Item) compare(l *Line, add func(int, string, string, ...any)) {
	substituted := it.Outcome == SubstitutedGeneric || it.Outcome == SubstitutedOther
	if l.Drug != nil {
		asked, given := l.Drug.Product, it.Product
		byCIP, byCIS := asked.CIP13() != "" && given.CIP13() != "", asked.CIS() != "" && given.CIS() != ""
		same := byCIP && asked.CIP13() == given.CIP13() || byCIS && asked.CIS() == given.CIS()
		switch {
		case !byCIP && !byCIS: // nothing to compare
		case !same && !substituted && it.Outcome != PosologyChanged:
			add(it.Line, IssueProduct, "another product than the prescribed one: the outcome is a substitution")
		case same && substituted:
			add(it.Line, IssueProduct, "the prescribed product: the outcome is no substitution")
		}
		if it.Outcome == SubstitutedGeneric && l.Drug.Substitution.Refused() && it.Consent == nil {
			add(it.Line, IssueSubstitution, "the prescriber refused substitution: it needs their consent, or another outcome")
		}
	}
	if it.Outcome == AsPrescribed && l.Quantity != nil && it.Quantity.Unit == l.Quantity.Unit && it.Quantity.Value != l.Quantity.Value {
		add(it.Line, IssueQuantity, "another quantity than the prescribed one: the outcome is %s", QuantityChanged)
	}
	if it.Completeness != "" && strings.HasPrefix(string(it.Completeness), "RF") != (l.Delivered > 0) {
		add(it.Line, IssueCompleteness, "%s after %d deliveries", it.Completeness, l.Delivered)
	}
}

// completeness gives that of the item, worked out when it is not stated:
// partial when less than the prescribed quantity is handed over.
func (it Item) completeness(l *Line) Completeness {
	switch {
	case it.Completeness != "" || !it.Outcome.Delivers():
		return it.Completeness
	case l == nil:
		return FirstComplete
	}
	partial := l.Quantity != nil && it.Quantity.Unit == l.Quantity.Unit && it.Quantity.Value < l.Quantity.Value
	switch {
	case l.Delivered > 0 && partial:
		return RefillPartial
	case l.Delivered > 0:
		return RefillComplete
	case partial:
		return FirstPartial
	}
	return FirstComplete
}
