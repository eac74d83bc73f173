package ordonnance

import (
	"cmp"
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Recover gives again, to the pharmacy that made it, the claim on a
// prescription whose answer was lost, with the same secret. It changes nothing
// at the service and is tried again by itself.
//
// A prescription that nobody has read is [ErrInvalidTransition]: the Read that
// was lost never reached the service, Read again. One that another pharmacy
// holds is [ErrAlreadyRead].
func (c *Client) Recover(ctx context.Context, who socle.Actor, r ReadRequest) (Claim, error) {
	claim, err := c.recover(ctx, who, r)
	c.audit(ctx, opRecover, who, r.Patient, cmp.Or(claim.Number, r.Number, r.Code2D.Number), err)
	return claim, err
}

func (c *Client) recover(ctx context.Context, who socle.Actor, r ReadRequest) (Claim, error) {
	r, err := r.check(opRecover)
	if err != nil {
		return Claim{}, err
	}
	patient, err := c.admit(opRecover, who, r.Patient)
	if err != nil {
		return Claim{}, err
	}
	var claim Claim
	err = transport.Retry(ctx, attempts, true, func(int) error {
		token, err := tokenOf(ctx, opRecover, who)
		if err != nil {
			return err
		}
		claim, err = c.transport.Recover(ctx, ReadCall{By: By{who.Professional, token}, INS: patient, Number: r.Number, Code2D: r.Code2D})
		return wrap(opRecover, err)
	})
	if err != nil {
		return Claim{}, err
	}
	return c.accept(opRecover, who, patient, r.Number, claim)
}
