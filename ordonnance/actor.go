package ordonnance

import (
	"context"

	"github.com/soclesante/socle"
)

// Session gives the access token of a professional. A *psc.Session is one.
type Session interface {
	// AccessToken gives a token that is valid now, renewed if needed.
	AccessToken(ctx context.Context) (string, error)
}

// Actor is who acts: a professional in one exercise situation, and the session
// that proves it.
type Actor struct {
	Professional socle.Professional
	Session      Session
}

// check refuses, before the network, who may not dispense: only pharmacists and
// préparateurs of a structure do (professions 21 and 39 of TRE_G15; whether the
// service accepts the latter is *assumed*).
func (a Actor) check(op string) error {
	p := a.Professional
	switch {
	case a.Session == nil:
		return local(op, ErrUnauthorized, "Actor.Session is missing: log in with psc first")
	case p.ID.IsZero():
		return local(op, ErrForbidden, "Actor.Professional has no national identifier")
	case p.Structure.ID.IsZero():
		return local(op, ErrForbidden, "Actor.Professional has no structure: choose the exercise situation")
	case p.Profession.Code != socle.ProfessionPharmacist && p.Profession.Code != socle.ProfessionPreparer:
		return local(op, ErrForbidden, "a prescription is read and dispensed by a pharmacist (21) or a préparateur (39)")
	}
	return nil
}

func (a Actor) token(ctx context.Context, op string) (string, error) {
	t, err := a.Session.AccessToken(ctx)
	if err == nil && t != "" {
		return t, nil
	}
	e := local(op, nil, "no access token")
	if e.err = err; ctx.Err() == nil {
		e.kind = ErrUnauthorized
	}
	return "", e
}
