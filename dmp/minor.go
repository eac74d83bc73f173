package dmp

import (
	"context"
	"slices"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// Minor reports whether the person is under age on that day: then the connexion
// secrète (Access.Secret) and HiddenFromRepresentatives may be asked for, when the
// minor does not want the legal representatives to know (EX_0.1-1100,
// EX_GEN-1550). A month or a day that is not known is taken for the last one,
// so that who may be under age is.
func Minor(birth ins.BirthDate, at time.Time) bool {
	if birth.IsZero() {
		return false
	}
	month, day := birth.Month, birth.Day
	if month < 1 || month > 12 { // unknown, or lunar
		month, day = 12, 31
	}
	if day == 0 {
		day = 31
	}
	y, m, d := at.Date()
	age := y - birth.Year
	if int(m) < month || int(m) == month && d < day {
		age--
	}
	return age < majority
}

// admitSecret is the rule that a connexion secrète is for a minor.
func (c *Client) admitSecret(ctx context.Context, op string, who socle.Professional, id ins.INS, patient ins.Identity) error {
	if !c.access.Secret || Minor(patient.Traits().BirthDate, c.cfg.Now()) {
		return nil
	}
	err := refusal(op, ErrAccess, "Access.Secret: the patient is of age, and the connexion secrète is for minors", "leave it false")
	return c.guard(ctx, op, who, id, RuleSecret, err)
}

// admitHidden is the rule that what is fed in a connexion secrète is hidden from
// the legal representatives.
func (c *Client) admitHidden(ctx context.Context, op string, who socle.Professional, id ins.INS, d xds.DocumentEntry) error {
	if !c.access.Secret || slices.ContainsFunc(d.Confidentiality, func(x socle.Code) bool { return x.Code == string(HiddenFromRepresentatives) }) {
		return nil
	}
	err := refusal(op, ErrAccess, "the document of a connexion secrète is not hidden from the legal representatives", "give it the Visibility HiddenFromRepresentatives")
	return c.guard(ctx, op, who, id, RuleSecret, err)
}
