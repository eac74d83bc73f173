package dmp

import (
	"context"
	"errors"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
)

// Exists asks whether the patient has a DMP, whether it is open, and what the
// professional may do with it (TD0.2, "Test d'existence et vérification de
// l'autorisation"): the message PRPA_IN201307UV02, answered by
// PRPA_IN201308UV02. It precedes any other call for a patient.
//
// That there is no DMP, or a closed one, is a Record and not an error. It is
// tried again, with a new message, when the DMP is not available.
func (c *Client) Exists(ctx context.Context, who socle.Professional, patient ins.Identity) (Record, error) {
	id, err := c.admit(ctx, opExists, c.cfg.Mode, who, patient)
	if err != nil {
		return Record{}, err
	}
	return c.ask(ctx, opExists, hl7v3.ReasonExistence, who, id, patient.History(), nil)
}

// ask sends the query about one patient, for a reason, and gives what the DMP
// says of the record. more, if any, reads what the answer has beside.
func (c *Client) ask(ctx context.Context, op string, reason socle.Code, who socle.Professional, id ins.INS, past []ins.Past, more func(*hl7v3.Answer)) (Record, error) {
	var r Record
	var query hl7v3.Query
	s, err := c.send(ctx, message{
		op: op, service: servicePatients, action: hl7v3.ActionQuery, who: who, patient: id, again: true,
		body: func(now time.Time) []byte {
			query = hl7v3.Query{Head: c.head(now), Reason: reason, QueryID: c.queryID(), Patient: hl7v3.ID{Root: id.OID.String(), Extension: id.Matricule.Wire()}}
			r = Record{CheckedAt: now, asked: &asking{patient: id, who: who.ID, structure: who.Structure.ID}}
			return query.Marshal()
		},
		check: func(e *soap.Envelope) (string, error) { return r.check(op, e, query, id, past, c.cfg.Dialect, more) },
	})
	if err != nil {
		return Record{}, err
	}
	r.MessageID = s.messageID
	return r, nil
}

// head gives what a message of HL7 v3 begins with.
func (c *Client) head(now time.Time) hl7v3.Head {
	root := c.cfg.Software.OID
	return hl7v3.Head{
		ID: hl7v3.ID{Root: root + ".1", Extension: soap.NewUUID()}, Created: now.UTC(), Processing: c.cfg.Dialect.Processing,
		Receiver: hl7v3.Device{OID: hl7v3.OIDDMP, Software: "DMP"},
		Sender:   hl7v3.Device{OID: root, Software: c.cfg.Software.Name},
	}
}

func (c *Client) queryID() hl7v3.ID {
	return hl7v3.ID{Root: c.cfg.Software.OID + ".2", Extension: soap.NewUUID()}
}

// check reads the answer to query and gives the code of its acknowledgement.
func (r *Record) check(op string, e *soap.Envelope, query hl7v3.Query, id ins.INS, past []ins.Past, dialect Dialect, more func(*hl7v3.Answer)) (string, error) {
	a, err := hl7v3.ParseAnswer(e.Body)
	if err != nil {
		return "", unreadable(op, err)
	}
	code := a.Code()
	if a.Target != query.ID && (a.Ack == "AA" || !a.Target.IsZero()) {
		return code, &Error{Op: op, Code: code, Text: "the answer acknowledges another message", kind: ErrAnswer, ours: true}
	}
	if a.Others > 0 || a.Subject != nil && !identifies(a.Subject.IDs, id, past) {
		return code, otherPatient(op, code)
	}
	if err := r.read(op, a, dialect); err != nil {
		return code, err
	}
	if more != nil {
		more(a)
	}
	return code, nil
}

// otherPatient is the error of an answer that is not about the patient asked
// about, or not about that one alone.
func otherPatient(op, code string) *Error {
	return &Error{Op: op, Code: code, Text: "the answer is about another patient, or does not tell about which", kind: ErrPatientMismatch, ours: true,
		Fix: "nothing of it may be shown; tell the DMP's support the MessageID"}
}

// unreadable is the error of an answer that is none.
func unreadable(op string, err error) *Error {
	return &Error{Op: op, Text: err.Error(), Err: err, kind: ErrAnswer, ours: true}
}

// codeOf gives the code of the error of an answer, or that of success.
func codeOf(err error, success string) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return success
}
