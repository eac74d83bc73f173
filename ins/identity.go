package ins

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Identity is the identity of a patient in a record, with the trust that it
// deserves. It never changes: each event gives a new Identity, or an *[Error]
// that says which rule forbids it and leaves the old one as it was. The zero
// value is an identity about which nothing is known.
//
//	NewIdentity ──Prove──▶ validée ──Accept──▶ qualifiée
//	provisoire  ──Accept─▶ récupérée ──Prove─▶ qualifiée
//
// Only a qualified identity gives its INS: see [Identity.Sendable]. Any other
// is known to the outside by its traits alone.
type Identity struct{ s *state } // a pointer, so that printing a struct that holds an Identity shows nothing

type state struct {
	traits     Traits
	status     Status
	attributes Attribute
	ins        INS
	history    []Past
	evidence   Evidence
	queriedAt  time.Time
	verifiedAt time.Time // zero until the INS was verified again
	changes    []Change
}

// Change is one event in the life of an identity, for the vendor's traces.
type Change struct {
	At       time.Time
	By       string // who decided, as the vendor's traces name them
	Event    string // accepted, proved, verified, edited, downgraded, marked, unmarked
	From, To Status
	// Reason says why in one sentence without any trait; Requirement is the
	// rule applied. Justification are the user's own words, when a rule asks for them.
	Reason, Requirement, Justification string
	// Previous are the strict traits before the change, zero when it left them.
	Previous Traits
	// Withdrawn is the INS that the change took away: who received it must be
	// told that it is no longer this person's (SC.INS/va1.60).
	Withdrawn INS
}

// NewIdentity gives a provisional identity (SC.INS/va1.54) with these traits,
// normalised. The error is that of [Traits.Normalize].
func NewIdentity(t Traits) (Identity, error) {
	t, err := t.Normalize()
	if err != nil {
		return Identity{}, err
	}
	return Identity{&state{traits: t}}, nil
}

func (id Identity) get() state {
	if id.s == nil {
		return state{}
	}
	return *id.s
}

// Traits gives the strict traits.
func (id Identity) Traits() Traits { return id.get().traits }

// Status gives the status.
func (id Identity) Status() Status { return id.get().status }

// Attributes gives the attributes.
func (id Identity) Attributes() Attribute { return id.get().attributes }

// Evidence gives what the person proved the identity with, zero if nothing did.
func (id Identity) Evidence() Evidence { return id.get().evidence }

// History gives the INS of the past as INSi returned them. It is empty unless
// the identity is récupérée or qualifiée.
func (id Identity) History() []Past { return slices.Clone(id.get().history) }

// QueriedAt gives when INSi gave the INS (date d'interrogation), zero without INS.
func (id Identity) QueriedAt() time.Time { return id.get().queriedAt }

// ConfirmedAt gives when INSi vouched last for the INS, by a search or by a
// verification; zero without INS.
func (id Identity) ConfirmedAt() time.Time {
	s := id.get()
	if s.verifiedAt.After(s.queriedAt) {
		return s.verifiedAt
	}
	return s.queriedAt
}

// Changes gives the events in the life of the identity, the oldest first.
func (id Identity) Changes() []Change { return slices.Clone(id.get().changes) }

// Sendable gives the INS that must go with the data of the person. For any
// identity but a qualified one there is none to send, and the error is an
// *[Error] that is [ErrNotQualified] (EXI ID 29, SC.INS/va1.59).
func (id Identity) Sendable() (INS, error) {
	s := id.get()
	if !s.status.SendsINS() || s.attributes.blocks() || !s.ins.complete() {
		return INS{}, &Error{
			Op: "identity", Requirement: "EXI ID 29, SC.INS/va1.59", kind: ErrNotQualified,
			Text: "the identity is " + s.status.String() + ": only the INS of a qualified identity (qualifiée) may be sent; " + s.missing(),
		}
	}
	return s.ins, nil
}

func (s state) missing() string {
	switch {
	case s.attributes.blocks():
		return "it is " + s.attributes.String()
	case s.status == Validee:
		return "INSi has not confirmed it"
	case s.status == Recuperee:
		return "no high-confidence document was checked"
	}
	return "neither INSi nor a document vouches for it"
}

// CanQuery reports, as an *[Error] that is [ErrBlocked], why INSi may not be
// asked about this identity: it is douteuse or fictive (SC.INS/va1.20,
// EXI SI 09), the appli carte Vitale gave it, or its traits do not lend
// themselves to it.
func (id Identity) CanQuery() error {
	s := id.get()
	if s.attributes.blocks() {
		return &Error{Op: "identity", Text: "INSi may not be asked about an identity that is " + s.attributes.String(),
			Requirement: "EXI SI 09, SC.INS/va1.20", kind: ErrBlocked}
	}
	if s.fromApp() {
		return &Error{Op: "identity", Text: "INSi is not asked about an identity that the appli carte Vitale gave",
			Requirement: "RNIV 2.0 §4.3.4", kind: ErrBlocked}
	}
	if s.traits.BirthName == "" || s.traits.List() == "" || s.traits.BirthDate.IsZero() {
		return &Error{Op: "identity", Text: "birth name, given names and birth date are mandatory", Requirement: "SC.INS/va1.21", kind: ErrBlocked}
	}
	return s.traits.CanQuery()
}

// Acceptance is the user's decision to take an answer of INSi for the person
// before them.
type Acceptance struct {
	At time.Time // mandatory
	By string    // who decided, as the vendor's traces name them
	// Discordant says that the user saw the traits that differ and takes those
	// of INSi all the same, for this Reason.
	Discordant bool
	Reason     string
}

// Accept takes the answer of INSi as this person's: its INS, history and
// traits replace those of the identity, which becomes récupérée, or qualifiée
// if it was validée (SC.INS/va1.52). The premier prénom known here stays while
// it agrees with the list of INSi (EXI ID 10).
//
// When traits contradict (see [Compare]) the error is [ErrDiscordant] and names
// them, unless a says that the user decided; the identity is then récupérée,
// because no document was checked against the new traits. An answer that the
// rules forbid to import (SC.INS/va1.28, .31) or an identity that is douteuse
// or fictive is refused with [ErrTransition]. On a recovered or qualified
// identity Accept refreshes what INSi gave before, under the same rules.
func (id Identity) Accept(r Result, a Acceptance) (Identity, error) {
	s := id.get()
	if s.attributes.blocks() {
		return id, refuse("an identity that is "+s.attributes.String()+" takes no INS", "EXI SI 09, SC.INS/va1.44")
	}
	if id.s == nil {
		return id, refuse("an identity must have traits before it takes those of INSi", "SC.INS/va1.21")
	}
	if a.At.IsZero() {
		return id, undated()
	}
	if reason, requirement := r.importable(); reason != "" {
		return id, refuse(reason, requirement)
	}
	discordant := Compare(s.traits, r.Traits).Discordances()
	if len(discordant) > 0 && !a.Discordant {
		return id, &Error{Op: "identity", kind: ErrDiscordant, Requirement: "EXI ID 10, SC.INS/va1.51",
			Text: "INSi gives another " + strings.Join(discordant, ", ") + ": the user must decide"}
	}
	if len(discordant) > 0 && strings.TrimSpace(a.Reason) == "" {
		return id, refuse("acceptance: a reason is mandatory when traits contradict", "SC.INS/va1.51")
	}
	next := s
	next.traits = r.Traits
	if begins(r.Traits.List(), s.traits.First()) {
		next.traits.FirstGivenName = s.traits.First()
	} else {
		next.traits.FirstGivenName = r.Traits.First()
	}
	next.ins, next.history, next.queriedAt, next.verifiedAt = r.Active, slices.Clone(r.History), r.At, time.Time{}
	next.status = Recuperee
	c := Change{At: a.At, By: a.By, Event: "accepted", Reason: "INSi gave the identity and the user accepted it", Requirement: "SC.INS/va1.52"}
	switch {
	case len(discordant) > 0:
		next.evidence = Evidence{}
		c.Reason, c.Justification = "the user preferred the traits of INSi: "+strings.Join(discordant, ", "), a.Reason
	case s.status == Validee || s.status == Qualifiee:
		next.status = Qualifiee
	}
	return s.to(next, c), nil
}

// Prove records that the person proved the traits with a document of high
// confidence: a provisional identity becomes validée, a recovered one
// qualifiée (EXI ID 19). One that is validée or qualifiée keeps its status and
// takes the new evidence. An identity that is douteuse or fictive is refused
// with [ErrTransition].
func (id Identity) Prove(e Evidence) (Identity, error) {
	s := id.get()
	if s.attributes.blocks() {
		return id, refuse("an identity that is "+s.attributes.String()+" stays provisoire", "EXI SI 09, SC.INS/va1.44")
	}
	if id.s == nil {
		return id, refuse("an identity must have traits before they are proved", "SC.INS/va1.21")
	}
	if reason := e.check(); reason != "" {
		return id, refuse(reason, "EXI ID 19")
	}
	next := s
	next.evidence = e
	switch s.status {
	case Provisoire:
		next.status = Validee
	case Recuperee:
		next.status = Qualifiee
	}
	return s.to(next, Change{At: e.At, By: e.By, Event: "proved", Reason: "the person proved the identity by " + string(e.Kind), Requirement: "EXI ID 19"}), nil
}

// Edit replaces the strict traits. What was known of the former ones falls:
// the identity becomes provisoire and its INS is dropped (SC.INS/va1.60), so
// that a receiver must be told and INSi asked again. Nothing falls when the
// new traits differ only by a premier prénom that still agrees with the list;
// when they are the same, nothing is recorded either.
func (id Identity) Edit(t Traits, at time.Time, by string) (Identity, error) {
	s := id.get()
	if id.s == nil {
		return NewIdentity(t)
	}
	t, err := t.Normalize()
	switch {
	case err != nil:
		return id, err
	case at.IsZero():
		return id, undated()
	case t == s.traits:
		return id, nil
	}
	c := Change{At: at, By: by, Event: "edited", Reason: "a strict trait was changed", Requirement: "SC.INS/va1.60", Previous: s.traits}
	next := s
	next.traits = t
	same, first := s.traits, t.FirstGivenName
	same.FirstGivenName = first
	if same == t {
		c.Reason, c.Requirement = "the premier prénom was changed and agrees with the list", "EXI ID 10"
		return s.to(next, c), nil
	}
	next = next.without()
	next.status, next.evidence = Provisoire, Evidence{}
	return s.to(next, c), nil
}

// Cause is why an identity loses trust.
type Cause uint8

// Causes of a downgrade.
const (
	// VerificationFailed: INSi no longer confirms the INS (SC.INS/va1.08), of an
	// identity that is récupérée or qualifiée.
	VerificationFailed Cause = iota + 1
	// WrongDocument: the document checked was another person's, or false; of an
	// identity that is validée or qualifiée.
	WrongDocument
	// Contradicted: INSi gave traits that contradict those of the document
	// checked, and the user no longer trusts it; of an identity that is validée.
	Contradicted
)

// Downgrade drops the INS and lowers the status to Validee or Provisoire, as
// the vendor's procedure says; Validee only of an identity whose document
// still stands. Refusals are [ErrTransition].
func (id Identity) Downgrade(cause Cause, to Status, at time.Time, by string) (Identity, error) {
	s := id.get()
	c := Change{At: at, By: by, Event: "downgraded", Requirement: "SC.INS/va1.08", Reason: "INSi no longer confirms the identity"}
	next := s.without()
	next.status = to
	switch cause {
	case VerificationFailed:
		if !s.status.KeepsINS() {
			return id, refuse("downgrade: the identity has no INS that a verification could refute", "SC.INS/va1.08")
		}
	case WrongDocument, Contradicted:
		c.Reason, c.Requirement = "the document checked does not prove the identity", "EXI ID 19"
		if cause == Contradicted {
			c.Reason, c.Requirement = "INSi contradicts the document checked", "EXI ID 10, SC.INS/va1.51"
		}
		if !s.status.Proved() {
			return id, refuse("downgrade: no document was checked that could be wrong", c.Requirement)
		}
		if cause == Contradicted && s.status != Validee {
			return id, refuse("downgrade: INSi had confirmed the identity; verify it, and see VerificationFailed", c.Requirement)
		}
		next.evidence = Evidence{}
	default:
		return id, refuse("downgrade: the cause is mandatory", "SC.INS/va1.08")
	}
	switch {
	case at.IsZero():
		return id, undated()
	case to != Provisoire && to != Validee:
		return id, refuse("downgrade: the new status is provisoire or validée", "SC.INS/va1.08")
	case to == Validee && next.evidence == Evidence{}:
		return id, refuse("downgrade: no document stands, so that the identity cannot be validée", "EXI ID 19")
	case to == Provisoire:
		next.evidence = Evidence{}
	}
	return s.to(next, c), nil
}

// Mark adds attributes. Douteuse and Fictive force the status Provisoire, drop
// the INS and forbid to ask INSi (EXI ID 24 and 26, SC.INS/va1.20, .44); only
// Douteuse and Homonyme go together.
func (id Identity) Mark(a Attribute, at time.Time, by string) (Identity, error) {
	s := id.get()
	next := s
	next.attributes |= a
	switch {
	case id.s == nil:
		return id, refuse("an identity must have traits before it has attributes", "SC.INS/va1.21")
	case !next.attributes.legal():
		return id, refuse("attributes: only douteuse and homonyme go together", "EXI ID 24, EXI ID 26")
	case at.IsZero():
		return id, undated()
	case next.attributes == s.attributes:
		return id, nil
	}
	if next.attributes.blocks() {
		next = next.without()
		next.status, next.evidence = Provisoire, Evidence{}
	}
	return s.to(next, Change{At: at, By: by, Event: "marked", Reason: "the identity is " + next.attributes.String(), Requirement: "EXI ID 24, SC.INS/va1.44"}), nil
}

// Unmark takes attributes away. The status stays: what Douteuse or Fictive
// lost must be earned again.
func (id Identity) Unmark(a Attribute, at time.Time, by string) (Identity, error) {
	s := id.get()
	next := s
	next.attributes &^= a
	switch {
	case at.IsZero():
		return id, undated()
	case next.attributes == s.attributes:
		return id, nil
	}
	return s.to(next, Change{At: at, By: by, Event: "unmarked", Reason: "lifted: " + (a & s.attributes).String(), Requirement: "EXI ID 24"}), nil
}

// without drops the INS and all that came with it.
func (s state) without() state {
	s.ins, s.history, s.queriedAt, s.verifiedAt = INS{}, nil, time.Time{}, time.Time{}
	return s
}

// to gives the identity after a change, which it records.
func (s state) to(next state, c Change) Identity {
	c.From, c.To = s.status, next.status
	if s.traits != next.traits {
		c.Previous = s.traits
	} else {
		c.Previous = Traits{}
	}
	if s.ins != next.ins {
		c.Withdrawn = s.ins
	}
	next.changes = append(slices.Clip(s.changes), c)
	return Identity{&next}
}

func undated() error { return refuse("the date of the decision is mandatory", "SC.INS/va1.38") }

func refuse(text, requirement string) error {
	return &Error{Op: "identity", Text: text, Requirement: requirement, kind: ErrTransition}
}

// String gives the status and hides the person.
func (id Identity) String() string { return "identity " + id.Status().String() }

// GoString gives the status and hides the person.
func (id Identity) GoString() string { return "ins.Identity{" + id.Status().Code() + "}" }

// MarshalText gives the status and hides the person.
func (id Identity) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// LogValue gives the status and the attributes and hides the person.
func (id Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("status", id.Status().String()), slog.String("attributes", id.Attributes().String()))
}
