package ordonnance

import (
	"context"

	"github.com/soclesante/socle"
)

// admit refuses, before the network, who may not dispense: only pharmacists and
// préparateurs of a structure do (professions 21 and 39 of TRE_G15; whether the
// service accepts the latter is *assumed*).
func admit(op string, who socle.Actor) error {
	switch {
	case who.Tokens == nil:
		return local(op, ErrUnauthorized, "Actor.Tokens is missing: log in with psc first")
	case who.ID.IsZero():
		return local(op, ErrForbidden, "Actor has no national identifier")
	case who.Structure.ID.IsZero():
		return local(op, ErrForbidden, "Actor has no structure: choose the exercise situation")
	case who.Profession.Code != socle.ProfessionPharmacist && who.Profession.Code != socle.ProfessionPreparer:
		return local(op, ErrForbidden, "a prescription is read and dispensed by a pharmacist (21) or a préparateur (39)")
	}
	return nil
}

func tokenOf(ctx context.Context, op string, who socle.Actor) (string, error) {
	t, err := who.Tokens.AccessToken(ctx)
	if err == nil && t != "" {
		return t, nil
	}
	e := local(op, nil, "no access token")
	if e.err = err; ctx.Err() == nil {
		e.kind = ErrUnauthorized
	}
	return "", e
}
