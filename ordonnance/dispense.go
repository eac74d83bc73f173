package ordonnance

import (
	"context"
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/transport"
)

// DispenseRequest says what was done of a claimed prescription.
type DispenseRequest struct {
	Patient      ins.Identity // mandatory, qualified, the one of Read
	Claim        Claim        // of Read or Recover
	Dispensation Dispensation // Prescription.NewDispensation makes one
}

// Dispense tells the service what was done of every line, in real time (EP1,
// SEL_MP_029). Nothing is sent unless [Dispensation.Check] is content.
//
// When the answer is lost the outcome is socle.OutcomeUnknown: call Dispense
// again with the same Dispensation, whose ID keeps it from being done twice
// ([Receipt].Replayed then tells that it had been). The pharmacy must never wait
// for it: on [ErrUnavailable] keep the request and send it later.
func (c *Client) Dispense(ctx context.Context, who socle.Actor, r DispenseRequest) (Receipt, error) {
	receipt, err := c.dispense(ctx, who, r)
	c.audit(ctx, opDispense, who, r.Patient, r.Claim.Number, err)
	return receipt, err
}

func (c *Client) dispense(ctx context.Context, who socle.Actor, r DispenseRequest) (Receipt, error) {
	patient, err := c.admit(opDispense, who, r.Patient)
	if err != nil {
		return Receipt{}, err
	}
	p := r.Claim.Prescription
	switch {
	case r.Claim.Secret.IsZero() || r.Claim.Number == "":
		return Receipt{}, local(opDispense, ErrInvalidTransition, "Claim is empty: Read the prescription first")
	case r.Claim.Pharmacy != who.Structure.ID:
		return Receipt{}, local(opDispense, ErrWrongSecret, "the claim is that of another structure than the who's")
	case p.Patient.INS != patient:
		return Receipt{}, local(opDispense, ErrPatientMismatch, "the claimed prescription is not for the identity given")
	}
	if err := r.Dispensation.Check(p); err != nil {
		return Receipt{}, err
	}
	d := r.Dispensation
	d.Items = slices.Clone(d.Items)
	for i := range d.Items {
		d.Items[i].Completeness = d.Items[i].completeness(p.Line(d.Items[i].Line))
	}
	var receipt Receipt
	err = transport.Retry(ctx, attempts, false, func(int) error {
		token, err := tokenOf(ctx, opDispense, who)
		if err != nil {
			return err
		}
		receipt, err = c.transport.Dispense(ctx, DispenseCall{By: By{who.Professional, token}, INS: patient, Claim: r.Claim, Dispensation: d})
		return wrap(opDispense, err)
	})
	if err != nil {
		return Receipt{}, err
	}
	if receipt.Dispensation != d.ID {
		return Receipt{}, NewError(opDispense, ErrAnswer, "", "the answer is about another dispensation", nil)
	}
	return receipt, nil
}
