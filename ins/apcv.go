package ins

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// ApCVContext is what the appli carte Vitale of a person gave (contexte ApCV,
// as restituerContexteApCV answers it): by the RNIV 2.0 §4.3.4 it holds the
// INS of the person, or of the ayant droit who was chosen, and proves the
// identity, so that INSi is not asked. Reading the application is the vendor's part.
type ApCVContext struct {
	ID     string // Identifiant of the context
	INS    INS
	Traits Traits
	At     time.Time // when the application was read
}

// String hides the person.
func (c ApCVContext) String() string { return "ApCV context " + redacted }

// GoString hides the person.
func (c ApCVContext) GoString() string { return "ins.ApCVContext{" + redacted + "}" }

// MarshalText hides the person.
func (c ApCVContext) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue hides the person.
func (c ApCVContext) LogValue() slog.Value { return slog.StringValue(c.String()) }

// AcceptApCV takes the identity of an appli carte Vitale: its INS and traits
// replace those of the identity, which becomes qualifiée, whatever it was, with
// the application as evidence. On the zero Identity it makes a new one.
//
// The rules are those of [Identity.Accept]: [ErrDiscordant] when traits
// contradict and the user did not decide, [ErrTransition] for an identity that is
// douteuse or fictive and for a context that the rules forbid to import. INSi is
// not asked about the identity afterwards ([Identity.CanQuery]); the INS of the
// past that INSi gave for the same INS stay.
func (id Identity) AcceptApCV(c ApCVContext, a Acceptance) (Identity, error) {
	s := id.get()
	if s.attributes.blocks() {
		return id, refuse("an identity that is "+s.attributes.String()+" takes no INS", "EXI SI 09, SC.INS/va1.44")
	}
	t, err := c.Traits.Normalize()
	switch {
	case err != nil:
		return id, err
	case a.At.IsZero():
		return id, refuse("acceptance: the date of the decision is mandatory", "SC.INS/va1.38")
	case c.At.IsZero() || strings.TrimSpace(c.ID) == "":
		return id, refuse("ApCV: the identifier of the context and the time of the reading are mandatory", "RNIV 2.0 §4.3.4")
	case !c.INS.complete() || !c.INS.Matricule.KeyValid():
		return id, refuse("ApCV: the context holds no complete INS", "RNIV 2.0 §4.3.4")
	}
	if reason, requirement := (Result{Active: c.INS, Traits: t}).importable(); reason != "" {
		return id, refuse(reason, requirement)
	}
	var discordant []string
	if id.s != nil {
		discordant = Compare(s.traits, t).Discordances()
	}
	switch {
	case len(discordant) > 0 && !a.Discordant:
		return id, &Error{Op: "identity", kind: ErrDiscordant, Requirement: "EXI ID 10, SC.INS/va1.51",
			Text: "the appli carte Vitale gives another " + strings.Join(discordant, ", ") + ": the user must decide"}
	case len(discordant) > 0 && strings.TrimSpace(a.Reason) == "":
		return id, refuse("acceptance: a reason is mandatory when traits contradict", "SC.INS/va1.51")
	}
	next := s
	next.traits = t
	if id.s != nil && begins(t.List(), s.traits.First()) {
		next.traits.FirstGivenName = s.traits.First()
	}
	if next.history = slices.Clone(s.history); s.ins != c.INS {
		next.history = nil
	}
	next.ins, next.queriedAt, next.verifiedAt, next.status = c.INS, time.Time{}, c.At, Qualifiee
	next.evidence = Evidence{Kind: HealthApp, At: c.At, By: a.By}
	change := Change{At: a.At, By: a.By, Event: "accepted", Reason: "the appli carte Vitale gave the identity and proves it", Requirement: "RNIV 2.0 §4.3.4"}
	if len(discordant) > 0 {
		change.Reason = "the user preferred the traits of the appli carte Vitale: " + strings.Join(discordant, ", ")
		change.Justification = a.Reason
	}
	return s.to(next, change), nil
}

// fromApp tells an identity that the appli carte Vitale gave: its INS was never
// asked of INSi.
func (s state) fromApp() bool {
	return s.status == Qualifiee && s.queriedAt.IsZero() && s.evidence.Kind == HealthApp
}
