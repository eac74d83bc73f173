package ordonnance

import (
	"cmp"
	"context"
	"errors"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/transport"
)

// Operations, as errors, exchanges and audit records name them.
const (
	opRead     = "Read"
	opRecover  = "Recover"
	opDispense = "Dispense"
)

// ReadRequest says which prescription is read, for whom.
type ReadRequest struct {
	Patient ins.Identity // mandatory, qualified: only its INS is sent
	Number  Number       // typed, or empty when Code2D is given
	Code2D  Code2D       // scanned, or zero when Number is given
}

// Read claims a prescription for the who's pharmacy and gives it (EP3,
// SEL_MP_032). A prescription can be read once: afterwards it is
// [ErrAlreadyRead] for everybody, with the holder, until it is dispensed.
//
// When the answer is lost the error's outcome is socle.OutcomeUnknown: call
// [Client.Recover], never Read again at once. Read is tried again by itself only
// when the service cannot have received it.
//
// If the service gives the prescription of another person than the one asked
// for, the error is [ErrPatientMismatch] and the claim has everything but the
// prescription.
func (c *Client) Read(ctx context.Context, who socle.Actor, r ReadRequest) (Claim, error) {
	claim, err := c.read(ctx, who, r)
	c.audit(ctx, opRead, who, r.Patient, cmp.Or(claim.Number, r.Number, r.Code2D.Number), err)
	return claim, err
}

func (c *Client) read(ctx context.Context, who socle.Actor, r ReadRequest) (Claim, error) {
	r, err := r.check(opRead)
	if err != nil {
		return Claim{}, err
	}
	patient, err := c.admit(opRead, who, r.Patient)
	if err != nil {
		return Claim{}, err
	}
	var claim Claim
	err = transport.Retry(ctx, attempts, false, func(int) error {
		token, err := tokenOf(ctx, opRead, who)
		if err != nil {
			return err
		}
		claim, err = c.transport.Read(ctx, ReadCall{By: By{who.Professional, token}, INS: patient, Number: r.Number, Code2D: r.Code2D})
		return wrap(opRead, err)
	})
	if err != nil {
		return Claim{}, err
	}
	return c.accept(opRead, who, patient, r.Number, claim)
}

// check gives r with its number, if one is known.
func (r ReadRequest) check(op string) (ReadRequest, error) {
	if r.Number == "" {
		r.Number = r.Code2D.Number
	}
	switch {
	case r.Number == "" && r.Code2D.IsZero():
		return r, local(op, ErrMalformed, "ReadRequest needs a Number or a Code2D")
	case r.Code2D.Number != "" && r.Number != r.Code2D.Number:
		return r, local(op, ErrMalformed, "ReadRequest.Number is not that of ReadRequest.Code2D: give the one that is meant")
	case r.Number != "":
		n, err := ParseNumber(string(r.Number))
		if err != nil {
			return r, err
		}
		r.Number = n
	}
	return r, nil
}

// attempts bounds how often a call is made by itself.
const attempts = 3

// admit makes the checks common to all calls and gives the INS to send.
func (c *Client) admit(op string, who socle.Actor, patient ins.Identity) (ins.INS, error) {
	if err := admit(op, who); err != nil {
		return ins.INS{}, err
	}
	id, err := patient.Sendable()
	if err != nil {
		e := local(op, ErrNotQualified, "")
		e.err = err
		return ins.INS{}, e
	}
	if c.cfg.Environment.Production && id.OID.Fictitious() {
		return ins.INS{}, local(op, ErrForbidden, "a test or demonstration identity is never sent to production")
	}
	return id, nil
}

// accept checks that a claim is the one that was asked for.
func (c *Client) accept(op string, who socle.Actor, patient ins.INS, number Number, claim Claim) (Claim, error) {
	if claim.Secret.IsZero() || claim.Number == "" || (number != "" && claim.Number != number) {
		return Claim{}, NewError(op, ErrAnswer, "", "the answer is not a claim on the prescription that was asked for", nil)
	}
	if claim.Pharmacy.IsZero() {
		claim.Pharmacy = who.Structure.ID
	}
	if claim.Prescription.Patient.INS != patient {
		claim.Prescription = Prescription{}
		e := NewError(op, ErrPatientMismatch, "", "the prescription names another person than the identity given: compare with the paper and give the prescription back", nil)
		e.outcome = socle.OutcomeDone
		return claim, e
	}
	return claim, nil
}

// wrap makes an *Error of what a vendor's Transport may return.
func wrap(op string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, err: err, outcome: socle.OutcomeOf(err)}
}

func (c *Client) audit(ctx context.Context, op string, who socle.Actor, patient ins.Identity, n Number, err error) {
	r := socle.AuditRecord{Service: socle.ServiceOrdonnance, Operation: op, Actor: who.ID,
		Structure: who.Structure.ID, Reference: string(n), Outcome: socle.OutcomeOf(err)}
	if id, err := patient.Sendable(); err == nil {
		r.Patient = c.cfg.Pseudonym(id.Matricule.Wire())
	}
	var e *Error
	if errors.As(err, &e) {
		r.Code = e.Code
	}
	c.cfg.Record(ctx, r)
}
