package ins

import (
	"log/slog"
	"strings"
	"time"
)

// Result is the identity that INSi answered (CR 00). Nothing in it may be
// trusted to be the person at the counter before the user said so: see
// [Identity.Accept].
type Result struct {
	// Active is the INS to use (INSACTIF).
	Active INS
	// From and To bound its validity, YYYY-MM-DD as returned; often empty.
	From, To string
	// History holds the INS of the past (INSHISTO), as returned: in the order
	// of INSi, duplicates included. They serve to link old records, and are
	// never sent as the person's INS.
	History []Past
	// Traits are those of the base de référence (TIQ), as returned.
	Traits Traits
	// At is when INSi was asked (date d'interrogation).
	At time.Time
	// MessageID is the wsa:MessageID of the request that found it.
	MessageID string
	// Warnings tell oddities of the answer that change nothing to it, such as
	// a wrong key in the history, without any value.
	Warnings []string
}

// Past is an INS of the past.
type Past struct {
	INS      INS
	From, To string // YYYY-MM-DD as returned; often empty
}

// importable tells why the rules forbid to import r into a record; empty for nothing.
func (r Result) importable() (reason, requirement string) {
	t := r.Traits
	switch {
	case !r.Active.complete():
		return "the answer holds no complete INS", "SC.INS/va1.52"
	case t.BirthName == "" || t.List() == "" || t.Sex == "":
		return "the answer lacks the birth name, the given names or the sex", "SC.INS/va1.31"
	case t.Sex != Male && t.Sex != Female:
		return "the sex of the answer is neither M nor F", "SC.INS/va1.31"
	case t.BirthDate.IsZero() || strings.Contains(t.BirthDate.Wire()[5:], "00"):
		return "the birth date of the answer holds 00", "SC.INS/va1.28"
	}
	return "", ""
}

// String hides the identity.
func (r Result) String() string { return "INSi answer " + redacted }

// GoString hides the identity.
func (r Result) GoString() string { return "ins.Result{" + redacted + "}" }

// MarshalText hides the identity.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue shows what identifies nobody.
func (r Result) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("ins", r.Active.String()),
		slog.Int("history", len(r.History)),
		slog.String("messageID", r.MessageID),
		slog.Int("warnings", len(r.Warnings)),
	)
}
