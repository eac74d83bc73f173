package ordonnance

import (
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Transport is the wire to the service, at the level of what is meant. The
// client checks everything that it can before it calls one, and audits after.
//
// Errors are *[Error] made by [NewError], so that callers can branch; any other
// error is wrapped, and its outcome taken from socle.OutcomeOf.
type Transport interface {
	// Read claims a prescription. It must not be tried again by the transport
	// once it may have reached the service.
	Read(ctx context.Context, call ReadCall) (Claim, error)
	// Recover gives the claim that the same pharmacy holds.
	Recover(ctx context.Context, call ReadCall) (Claim, error)
	// Dispense states what was done of every line. The same Dispensation.ID
	// sent twice must have its effect once.
	Dispense(ctx context.Context, call DispenseCall) (Receipt, error)
}

// By is who calls, and with what token.
type By struct {
	Professional socle.Professional
	Token        string // access token of Pro Santé Connect: never log it
}

// ReadCall is what a Transport gets for Read and Recover.
type ReadCall struct {
	By     By
	INS    ins.INS // of a qualified identity
	Number Number  // empty when only the code tells
	Code2D Code2D  // zero when the number was typed
}

// DispenseCall is what a Transport gets for Dispense.
type DispenseCall struct {
	By           By
	INS          ins.INS
	Claim        Claim
	Dispensation Dispensation
}
