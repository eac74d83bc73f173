package ins

import (
	"context"

	"github.com/soclesante/socle"
)

// Auditor tells a [socle.Watch] what happened to identities, for the traces
// that identitovigilance asks for (SC.INS/va1.38).
type Auditor struct {
	Watch socle.Watch
	// Who is the professional at work, zero for an automated treatment.
	Who socle.Professional
	// Reference is the software's own reference of the record. It must identify nobody.
	Reference string
}

// Tell gives Watch.Audit one record for each change that made after out of
// before, in order. Call it when after is stored, so that nothing is traced
// that did not come to pass. An identity made from nothing begins with its
// creation, at the time of the Watch.
//
// Operation is "identity." and the event, Code the two statuses ("VALI>QUAL"),
// Patient the pseudonym of the INS that the identity had or lost, and Reason
// the rule, with the user's own words when a rule asked for them.
func (a Auditor) Tell(ctx context.Context, before, after Identity) {
	was, is := before.get(), after.get()
	if before.s == nil && after.s != nil {
		a.Watch.Record(ctx, a.record(Change{Event: "created", Reason: "an identity is provisoire at first", Requirement: "SC.INS/va1.54"}, INS{}))
	}
	told := len(was.changes)
	if told > len(is.changes) {
		told = 0
	}
	for _, c := range is.changes[told:] {
		subject := c.Withdrawn
		if subject.IsZero() {
			subject = is.ins
		}
		a.Watch.Record(ctx, a.record(c, subject))
	}
}

func (a Auditor) record(c Change, subject INS) socle.AuditRecord {
	reason := c.Reason + " (" + c.Requirement + ")"
	if c.Justification != "" {
		reason += ": " + c.Justification
	}
	return socle.AuditRecord{
		At: c.At, Service: socle.ServiceINS, Operation: "identity." + c.Event,
		Actor: a.Who.ID, Structure: a.Who.Structure.ID,
		Patient: a.Watch.Pseudonym(subject.Matricule.Wire()), Reference: a.Reference,
		Outcome: socle.OutcomeDone, Code: c.From.Code() + ">" + c.To.Code(), Reason: reason,
	}
}
