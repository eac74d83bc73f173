package mss

import (
	"context"
	"errors"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// ErrOpposed: the patient opposes that the message be sent. Nothing was.
var ErrOpposed = errors.New("the patient opposes it")

// Opposition is what a patient opposes, as the vendor's software records it.
type Opposition struct {
	ToPatient       bool // messages to the patient (MSS/va1.20)
	ToProfessionals bool // their documents to professionals (MSS/va1.22)
}

// opposed asks Config.Opposition, whatever the way by which a message came: for
// the patient written to, and for the one whose documents, or whose message, go
// to professionals. Where no number tells who that is, the report does.
func (m *Mailbox) opposed(ctx context.Context, e envelope, p *parcel, writer Address, despite string, r *SendReport) error {
	ask := m.client.cfg.Opposition
	if ask == nil {
		return nil
	}
	refuse := func(number ins.Matricule, rule string, opposes func(Opposition) bool) error {
		o, err := ask(ctx, number)
		switch {
		case err != nil:
			return &Error{Op: "send", Code: rule, Text: "whether the patient opposes it could not be told", Err: err, outcome: notSent, retryable: socle.Retryable(err)}
		case !opposes(o):
			return nil
		case despite == "":
			return &Error{Op: "send", Code: rule, kind: ErrOpposed, outcome: notSent, Text: "with a reason in Draft.DespiteOpposition it leaves all the same"}
		}
		r.degrade(rule, "it leaves although the patient opposes it")
		m.client.cfg.Record(ctx, socle.AuditRecord{Service: socle.ServiceMSS, Operation: "smtp.send", Account: m.access.Address.Wire(), Actor: m.access.Actor.ID, Structure: m.access.Actor.Structure.ID,
			Patient: m.client.cfg.Pseudonym(number.Wire()), Outcome: notSent, Code: "override " + rule, Reason: despite})
		return nil
	}
	professionals := false
	for _, a := range append(append([]Address(nil), e.to...), e.cc...) {
		number, ok := a.Matricule()
		if !a.IsPatient() {
			professionals = true
		} else if ok {
			if err := refuse(number, "MSS/va1.20", func(o Opposition) bool { return o.ToPatient }); err != nil {
				return err
			}
		}
	}
	if !professionals {
		return nil
	}
	asked := map[ins.Matricule]bool{}
	about := func(number ins.Matricule, what string) error {
		switch {
		case number.IsZero():
			r.degrade("MSS/va1.22", what+" without INS: whether its patient opposes it could not be asked")
			return nil
		case asked[number]:
			return nil
		}
		asked[number] = true
		return refuse(number, "MSS/va1.22", func(o Opposition) bool { return o.ToProfessionals })
	}
	if p != nil {
		if err := about(p.number, "documents"); err != nil {
			return err
		}
	}
	if writer.IsZero() {
		return nil
	}
	number, _ := writer.Matricule()
	return about(number, "a patient's message")
}
