package dp

import (
	"context"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Transport is the wire to the DP, at the level of what is meant. The client
// checks everything that it can before it calls one, and audits after.
//
// Errors are *[Error] made by [NewError], so that callers can branch; any other
// error is wrapped, and its outcome taken from socle.OutcomeOf.
type Transport interface {
	// Consult gives the history that the service shows, the newest first, at
	// most call.Limit entries.
	Consult(ctx context.Context, call ConsultCall) (History, error)
	// Feed adds lines, all of them or none. A line that the service has already
	// is left as it is.
	Feed(ctx context.Context, call FeedCall) (Receipt, error)
}

// By is who calls, why, and with what token.
type By struct {
	Professional socle.Professional
	Purpose      Purpose
	Token        string // access token of Pro Santé Connect: never log it
}

// ConsultCall is what a Transport gets for Consult.
type ConsultCall struct {
	By    By
	INS   ins.INS // of a qualified identity
	Since time.Time
	Limit int
}

// FeedCall is what a Transport gets for Feed.
type FeedCall struct {
	By    By
	INS   ins.INS
	Lines []Line // checked; none is withheld
}

// Receipt is what the service answers to Feed.
type Receipt struct {
	// Fed says, for each line sent, by its ID, whether the service had it already.
	Fed map[string]bool
	// Withheld is how many lines were kept out at the patient's wish.
	Withheld int
}
