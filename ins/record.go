package ins

import (
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Record is what a software keeps of an [Identity] in its base, in plain
// values that any codec writes. It identifies the person: keep it where health
// data may be kept, and nowhere else. The changes are not in it: they belong to
// the software's traces, and a restored identity begins with none.
type Record struct {
	BirthName, GivenNames, FirstGivenName, Sex, BirthDate, BirthPlace string

	Status     string // PROV, VALI, RECUP or QUAL
	Attributes Attribute
	Matricule  string // 15 characters, empty when the status has no INS
	OID        string
	History    []PastRecord
	QueriedAt  time.Time // date d'interrogation d'INSi
	VerifiedAt time.Time // of the last verification; zero when there was none since
	Evidence   Evidence
}

// PastRecord is a [Past] in plain values.
type PastRecord struct{ Matricule, OID, From, To string }

// Record gives the identity to be kept. It holds the INS also of an identity
// that is only récupérée: it is for the software's own base, never for sending.
func (id Identity) Record() Record {
	s := id.get()
	r := Record{
		BirthName: s.traits.BirthName, GivenNames: s.traits.GivenNames, FirstGivenName: s.traits.FirstGivenName,
		Sex: string(s.traits.Sex), BirthDate: s.traits.BirthDate.Wire(), BirthPlace: string(s.traits.BirthPlace),
		Status: s.status.Code(), Attributes: s.attributes, Matricule: s.ins.Matricule.Wire(), OID: s.ins.OID.String(),
		QueriedAt: s.queriedAt, VerifiedAt: s.verifiedAt, Evidence: s.evidence,
	}
	for _, p := range s.history {
		r.History = append(r.History, PastRecord{p.INS.Matricule.Wire(), p.INS.OID.String(), p.From, p.To})
	}
	return r
}

// Restore gives the identity of a record. A record that no sequence of events
// can have made, such as one that is qualifiée without evidence, récupérée
// without INS or douteuse with one, is refused with an *[Error] that is
// [ErrInvalid].
func Restore(r Record) (Identity, error) {
	refused := func(text, requirement string) (Identity, error) {
		return Identity{}, &Error{Op: "record", Text: text, Requirement: requirement, kind: ErrInvalid}
	}
	status := slices.Index(statusCodes[:], r.Status)
	if status < 0 {
		return refused("status: PROV, VALI, RECUP or QUAL expected", "SC.INS/va1.54")
	}
	s := state{
		traits: Traits{BirthName: r.BirthName, GivenNames: r.GivenNames, FirstGivenName: r.FirstGivenName, Sex: Sex(r.Sex), BirthPlace: COG(r.BirthPlace)},
		status: Status(status), attributes: r.Attributes, queriedAt: r.QueriedAt, verifiedAt: r.VerifiedAt, evidence: r.Evidence,
	}
	var errs []error
	keep := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	if r.BirthDate != "" {
		s.traits.BirthDate, err = readDate(r.BirthDate)
		keep(err)
	}
	if r.Matricule != "" || r.OID != "" {
		s.ins, err = ParseLenient(r.Matricule, r.OID)
		keep(err)
	}
	for _, p := range r.History {
		id, err := ParseLenient(p.Matricule, p.OID)
		keep(err)
		s.history = append(s.history, Past{id, p.From, p.To})
	}
	if len(errs) > 0 {
		return Identity{}, errors.Join(errs...)
	}
	known, proved := s.status.KeepsINS(), s.status.Proved()
	switch {
	case !s.attributes.legal():
		return refused("attributes: only douteuse and homonyme go together", "EXI ID 24, EXI ID 26")
	case s.attributes.blocks() && s.status != Provisoire:
		return refused("an identity that is "+s.attributes.String()+" is provisoire", "SC.INS/va1.44")
	case known && (!s.ins.complete() || s.traits.BirthName == "" || s.traits.List() == "" || s.traits.BirthDate.IsZero()):
		return refused("an identity that is "+s.status.String()+" has an INS and traits", "SC.INS/va1.52")
	case !known && (!s.ins.IsZero() || len(s.history) > 0 || !s.queriedAt.IsZero() || !s.verifiedAt.IsZero()):
		return refused("an identity that is "+s.status.String()+" has no INS", "SC.INS/va1.59")
	case proved && s.evidence.check() != "":
		return refused("an identity that is "+s.status.String()+" has an evidence", "EXI ID 19")
	case !proved && s.evidence != Evidence{}:
		return refused("an identity that is "+s.status.String()+" has no evidence", "EXI ID 19")
	}
	return Identity{&s}, nil
}

// String hides the person.
func (r Record) String() string { return "identity record " + redacted }

// GoString hides the person.
func (r Record) GoString() string { return "ins.Record{" + redacted + "}" }

// LogValue shows the status and hides the person.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.Status) }
