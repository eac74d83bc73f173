package dp

import (
	"context"
	"errors"
	"sync"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/transport"
)

// Operations, as errors, exchanges and audit records name them.
const (
	opOpen    = "Open"
	opConsult = "Consult"
	opFeed    = "Feed"
)

// Purpose is why a dossier is opened (*assumed* codes of the binding).
type Purpose string

// Purposes.
const (
	ForDispensation Purpose = "DISPENSATION"
	ForHospital     Purpose = "HOSPITAL"
	ForEmergency    Purpose = "EMERGENCY"
)

// Visit is one patient before one professional. It holds what the patient
// refuses in this visit and the history that was consulted, until Close. It is
// safe for concurrent use.
type Visit struct {
	client  *Client
	actor   socle.Actor
	patient ins.INS
	purpose Purpose
	rights  Right

	mu        sync.Mutex
	noConsult bool
	noFeed    bool
	closed    bool
	histories []*History
}

// Open begins a visit, without a call to the service. It refuses an identity
// that is not qualified ([ErrNotQualified]) and a professional to whom the
// access policy gives no right ([ErrForbidden]). An empty purpose is
// ForDispensation.
func (c *Client) Open(who socle.Actor, patient ins.Identity, purpose Purpose) (*Visit, error) {
	if purpose == "" {
		purpose = ForDispensation
	}
	p := who.Professional
	switch {
	case who.Tokens == nil:
		return nil, local(opOpen, ErrUnauthorized, "Actor.Tokens is missing: log in with psc first")
	case p.ID.IsZero() || p.Structure.ID.IsZero():
		return nil, local(opOpen, ErrForbidden, "Actor needs a national identifier and a structure: choose the exercise situation")
	}
	rights := c.cfg.Access.Of(p)
	if rights == 0 {
		return nil, local(opOpen, ErrForbidden, "profession "+p.Profession.Code+" in sector "+p.Structure.Sector.Code+" neither consults nor feeds (Config.Access)")
	}
	id, err := patient.Sendable()
	if err != nil {
		e := local(opOpen, ErrNotQualified, "")
		e.err = err
		return nil, e
	}
	if c.cfg.Environment.Production && id.OID.Fictitious() {
		return nil, local(opOpen, ErrPatientMismatch, "a test or demonstration identity is never sent to production")
	}
	return &Visit{client: c, actor: who, patient: id, purpose: purpose, rights: rights}, nil
}

// RefuseConsult records that the patient refuses the consultation in this
// visit. What was consulted before is forgotten. The service is not told.
func (v *Visit) RefuseConsult(ctx context.Context) {
	v.mu.Lock()
	v.noConsult = true
	v.purge()
	v.mu.Unlock()
	v.audit(ctx, "RefuseConsult", nil)
}

// RefuseFeed records that the patient refuses the feeding in this visit. The
// service is not told.
func (v *Visit) RefuseFeed(ctx context.Context) {
	v.mu.Lock()
	v.noFeed = true
	v.mu.Unlock()
	v.audit(ctx, "RefuseFeed", nil)
}

// Close forgets the history: the entries of every [History] of the visit are
// emptied, copies that the caller made are not. Close it when the patient
// leaves. It may be called more than once.
func (v *Visit) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	v.purge()
}

// purge empties what was consulted. The lock is held.
func (v *Visit) purge() {
	for _, h := range v.histories {
		clear(h.Entries)
		h.Entries, h.Notes = nil, nil
	}
	v.histories = nil
}

// allowed checks the visit's own rules before any call.
func (v *Visit) allowed(op string, right Right, refusal error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return local(op, ErrVisitClosed, "open another one")
	case v.rights&right == 0:
		return local(op, ErrForbidden, "profession "+v.actor.Professional.Profession.Code+" in sector "+v.actor.Professional.Structure.Sector.Code+" may not (Config.Access)")
	case refusal == ErrConsultRefused && v.noConsult, refusal == ErrFeedRefused && v.noFeed:
		return local(op, refusal, "")
	}
	return nil
}

// call gets a token and makes one call, in the time that the counter gives it.
// What is not idempotent is tried again only when it was not sent.
func (v *Visit) call(ctx context.Context, op string, idempotent bool, do func(context.Context, By) error) error {
	inner := ctx
	if t := v.client.cfg.Timeout; t > 0 {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	err := transport.Retry(inner, attempts, idempotent, func(int) error {
		token, err := v.actor.Tokens.AccessToken(inner)
		if err != nil || token == "" {
			e := local(op, ErrUnauthorized, "no access token")
			e.err = err
			if inner.Err() != nil {
				e.kind = nil
			}
			return e
		}
		return wrap(op, do(inner, By{v.actor.Professional, v.purpose, token}))
	})
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		e := NewError(op, ErrUnavailable, "", "no answer within "+v.client.cfg.Timeout.String()+" (Config.Timeout)", err)
		return e
	}
	return err
}

// attempts bounds how often a call is made by itself.
const attempts = 2

// wrap makes an *Error of what a vendor's Transport may return.
func wrap(op string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, err: err, outcome: socle.OutcomeOf(err)}
}

func (v *Visit) audit(ctx context.Context, op string, err error) {
	w := v.client.cfg.Watch
	r := socle.AuditRecord{Service: socle.ServiceDP, Operation: op, Actor: v.actor.Professional.ID, Structure: v.actor.Professional.Structure.ID,
		Patient: w.Pseudonym(v.patient.Matricule.Wire()), Outcome: socle.OutcomeOf(err), Reason: string(v.purpose)}
	var e *Error
	if errors.As(err, &e) {
		r.Code, r.Reference = e.Code, e.RequestID
	}
	w.Record(ctx, r)
}
