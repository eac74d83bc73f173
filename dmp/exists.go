package dmp

import (
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
)

// attempts bounds the tries of a call that may be made again.
const attempts = 3

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
	var r Record
	err = transport.Retry(ctx, attempts, true, func(attempt int) error {
		var err error
		r, err = c.exists(ctx, who, id, attempt)
		return err
	})
	c.record(ctx, opExists, who, id, r.MessageID, err)
	if err != nil {
		return Record{}, err
	}
	return r, nil
}

func (c *Client) exists(ctx context.Context, who socle.Professional, id ins.INS, attempt int) (Record, error) {
	now := c.cfg.Now()
	security, err := c.security(opExists, c.cfg.Mode, who, id, now)
	if err != nil {
		return Record{}, err
	}
	root := c.cfg.Software.OID
	query := hl7v3.Query{
		Head: hl7v3.Head{
			ID: hl7v3.ID{Root: root + ".1", Extension: soap.NewUUID()}, Created: now.UTC(), Processing: c.cfg.Dialect.Processing,
			Receiver: hl7v3.Device{OID: hl7v3.OIDDMP, Software: "DMP"},
			Sender:   hl7v3.Device{OID: root, Software: c.cfg.Software.Name},
		},
		Reason:  hl7v3.ReasonExistence,
		QueryID: hl7v3.ID{Root: root + ".2", Extension: soap.NewUUID()},
		Patient: hl7v3.ID{Root: id.OID.String(), Extension: id.Matricule.Wire()},
	}
	m := soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{security}, Body: query.Marshal()}
	r := Record{CheckedAt: now, MessageID: m.MessageID, patient: &id}
	_, err = soap.Call(ctx, c.transport, soap.Request{
		Op: opExists, URL: c.cfg.Environment.url(servicePatients), Message: m, Attempt: attempt,
		Check: func(e *soap.Envelope) (string, error) { return r.check(e, query, id) },
	})
	return r, called(opExists, m.MessageID, err)
}

// check reads the answer to query and gives the code of its acknowledgement.
func (r *Record) check(e *soap.Envelope, query hl7v3.Query, id ins.INS) (string, error) {
	a, err := hl7v3.ParseAnswer(e.Body)
	if err != nil {
		return "", &Error{Op: opExists, Text: err.Error(), Err: err, kind: ErrAnswer, ours: true}
	}
	code := a.Ack
	if len(a.Details) > 0 && a.Details[0].Code != "" {
		code = a.Details[0].Code
	}
	if !a.Target.IsZero() && a.Target != query.ID {
		return code, &Error{Op: opExists, Code: code, Text: "the answer acknowledges another message", kind: ErrAnswer, ours: true}
	}
	if a.Subject != nil && !holds(a.Subject, id) {
		return code, &Error{Op: opExists, Code: code, Text: "the answer is about another patient", kind: ErrPatientMismatch, ours: true}
	}
	return code, r.read(a)
}
