package dmp

import (
	"errors"
	"slices"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/transport"
)

// State is the state of a patient's DMP.
type State int

// States.
const (
	// StateUnknown is the state of a Record that Exists did not give.
	StateUnknown State = iota
	// StateNone: the patient has no DMP.
	StateNone
	// StateOpen: the DMP may be fed and read.
	StateOpen
	// StateClosed: the patient closed their DMP.
	StateClosed
)

// String gives "unknown", "none", "open" or "closed".
func (s State) String() string {
	switch s {
	case StateNone:
		return "none"
	case StateOpen:
		return "open"
	case StateClosed:
		return "closed"
	}
	return "unknown"
}

// MarshalText writes the state as String does.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(b []byte) error {
	for _, known := range []State{StateUnknown, StateNone, StateOpen, StateClosed} {
		if known.String() == string(b) {
			*s = known
			return nil
		}
	}
	return errors.New("dmp: state: unknown, none, open or closed expected")
}

// Record is what the DMP says of a patient's record (TD0.2). It holds no trait:
// those that the DMP returns may not be shown (RG_0320).
//
// It serves for calls of the professional and the structure that asked, about
// the patient that they asked about, and is known by a part that is not written:
// one made by hand, or read back from JSON, is refused as ErrNotChecked. Keep it
// in memory, or call Exists again.
type Record struct {
	State State
	// Authorization is that of the professional to read the record. Feeding it
	// needs none.
	Authorization Authorization
	// TreatingDoctor tells that the professional is declared médecin traitant.
	TreatingDoctor bool
	// Account tells that the patient opened an internet account, and
	// MonEspaceSante that the record is attached to Mon espace santé.
	Account, MonEspaceSante bool
	// OpposesBreakGlass tells that the patient opposes a bris de glace, and
	// OpposesRegulation an access by the Centre 15. Only the Record of
	// [Client.Administrative] tells it; in one of Exists both are false.
	OpposesBreakGlass, OpposesRegulation bool
	// Details are the service's own codes and words, such as DMPFound.
	Details []Detail
	// CheckedAt is when the DMP was asked, by the client's clock.
	CheckedAt time.Time
	MessageID string // wsa:MessageID of the request

	asked *asking // a pointer, so that printing a Record shows nothing
}

// asking is what a Record was asked for. Without it a Record is nobody's.
type asking struct {
	patient   ins.INS
	who       socle.PersonID
	structure socle.StructureID
	told      *amended // what Administrative was told, and Amend sends back
}

// Detail is a code and a text of the service. Printed, it shows its code only:
// the text may quote what was sent.
type Detail struct{ Code, Text string }

// String gives the code.
func (d Detail) String() string { return transport.Code(d.Code) }

// GoString gives the same as String.
func (d Detail) GoString() string { return d.String() }

// CanFeed gives the *[Error] that forbids to add a document: ErrNoRecord,
// ErrClosed, or ErrNotChecked for a Record that tells no state. Feeding needs no
// authorization. Whose the Record is, and of when, each call looks at itself.
func (r Record) CanFeed() error { return r.open(opSubmit) }

// CanRead gives the *[Error] that forbids to read the record: that of CanFeed,
// or, for want of the patient's authorization, ErrNotAuthorized, or ErrBlocked.
// After a bris de glace, and in regulation, the access mode of the client decides: see
// [Client.With]. An authorization that this package does not know is left to
// the DMP to judge.
func (r Record) CanRead() error {
	if err := r.open(opSearch); err != nil {
		return err
	}
	return r.authorizes(opSearch, NormalAccess)
}

// open is the rule that there is a DMP, that it is open, and that this is known.
func (r Record) open(op string) error {
	switch r.State {
	case StateOpen:
		return nil
	case StateNone:
		return refusal(op, ErrNoRecord, "the patient has no DMP", "")
	case StateClosed:
		return refusal(op, ErrClosed, "the patient's DMP is closed", "")
	}
	return refusal(op, ErrNotChecked, "the existence of the DMP was not checked", "call Exists first and give its Record")
}

// authorizes is the rule that the patient authorized the professional.
func (r Record) authorizes(op string, mode AccessMode) error {
	kind := r.Authorization.kind()
	switch {
	case mode == Regulation:
		return nil
	case kind == AuthorizationForbidden:
		return refusal(op, ErrBlocked, "the patient blocked the professional", "only the patient can lift it, in Mon espace santé")
	case mode == BreakGlass:
		return nil
	case kind == AuthorizationExpired:
		return refusal(op, ErrNotAuthorized, "the authorization of the professional has expired", "ask for the patient's consent, then call Authorize")
	case kind == AuthorizationNone:
		return refusal(op, ErrNotAuthorized, "the patient has not authorized the professional", "ask for the patient's consent, then call Authorize")
	}
	return nil
}

// opposes is the rule that the patient does not oppose the access mode.
func (r Record) opposes(op string, mode AccessMode) error {
	switch {
	case mode == BreakGlass && r.OpposesBreakGlass:
		return refusal(op, ErrOpposed, "the patient opposes a bris de glace (OPPOSITION_BRIS_DE_GLACE)", "")
	case mode == Regulation && r.OpposesRegulation:
		return refusal(op, ErrOpposed, "the patient opposes an access in regulation (OPPOSITION_ACCES_URGENCE)", "")
	}
	return nil
}

// Codes of the observations that tell what the patient opposes.
const (
	observedGlass      = "OPPOSITION_BRIS_DE_GLACE"
	observedRegulation = "OPPOSITION_ACCES_URGENCE"
)

// read fills r from the answer of the DMP.
func (r *Record) read(op string, a *hl7v3.Answer, dialect Dialect) error {
	for _, d := range a.Details {
		r.Details = append(r.Details, Detail{d.Code, d.Text})
	}
	if v, ok := a.Keyword("AUTORISATION"); ok {
		r.Authorization = Authorization(v)
	}
	glass, _ := a.Subject.Observation(observedGlass)
	regulation, _ := a.Subject.Observation(observedRegulation)
	r.OpposesBreakGlass, r.OpposesRegulation = glass == "true", regulation == "true"
	mt, _ := a.Keyword("STATUT_MT")
	account, _ := a.Subject.Observation("COMPTE_INTERNET_OUVERT")
	ens, _ := a.Subject.Observation("RATTACHEMENT_ENS")
	r.TreatingDoctor, r.Account, r.MonEspaceSante = mt == "true", account == "true", ens == "true"
	switch {
	case a.Subject != nil && a.Subject.Status == "terminated", r.has("DMPClosed"):
		r.State = StateClosed
	case a.Query == "NF" && a.Subject != nil:
		return &Error{Op: op, Code: a.Query, ours: true, kind: ErrAnswer, Text: "the answer tells a record and that there is none"}
	case a.Query == "NF" && (a.Ack == "AA" || a.Ack == "AE" && r.absent(dialect)):
		r.State = StateNone
	case a.Ack != "AA":
		e := &Error{Op: op, Text: "the DMP refused the query without saying why", ours: true}
		if len(r.Details) > 0 {
			e.Code, e.Text, e.ours = r.Details[0].Code, r.Details[0].Text, false
		}
		return e.refused().judge()
	case a.Query == "OK" && a.Subject != nil && a.Subject.Status == "active":
		r.State = StateOpen
	default:
		return &Error{Op: op, Code: a.Query, ours: true, kind: ErrAnswer,
			Text: "the answer tells neither an open, nor a closed, nor an absent record"}
	}
	return nil
}

// absent reports whether the details of a refusal say no more than that there is
// no record.
func (r *Record) absent(dialect Dialect) bool {
	return !slices.ContainsFunc(r.Details, func(d Detail) bool { return !slices.Contains(dialect.NoRecord, d.Code) })
}

func (r *Record) has(code string) bool {
	for _, d := range r.Details {
		if d.Code == code {
			return true
		}
	}
	return false
}
