package dmp

import (
	"context"
	"maps"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Rule is a rule that this package applies before it sends anything, and that
// [Client.Override] can set aside.
type Rule string

// Rules. The others cannot be set aside: an identity that is not qualified has
// no matricule to send, and what is about another patient is never shown.
const (
	// RuleExistence: Exists is called before anything else for a patient, and
	// not longer ago than Config.RecordAge.
	RuleExistence Rule = "existence"
	// RuleAuthorization: the patient authorized the professional to read.
	RuleAuthorization Rule = "authorization"
	// RuleOpposition: the patient does not oppose what is done.
	RuleOpposition Rule = "opposition"
	// RuleMode: the mode of authentication allows the transaction.
	RuleMode Rule = "mode"
	// RuleAuthor: only the author deletes, hides or archives a document.
	RuleAuthor Rule = "author"
	// RuleTestIdentity: no test identity goes to production.
	RuleTestIdentity Rule = "test identity"
	// RuleSecret: a connexion secrète is for a minor, and what is fed there is
	// hidden from the legal representatives.
	RuleSecret Rule = "secret"
)

// Override gives a client that sets these rules aside, for the reason given: it
// shares the connections of c, which does not change. The DMP still decides.
//
// Each time a rule would have refused a call, Config.Audit gets a record with
// the rule as its Code and the reason as its Reason, before anything is sent.
// Without a reason the rules stay, and their refusal says so.
func (c *Client) Override(reason string, rules ...Rule) *Client {
	d := *c
	d.overrides = maps.Clone(c.overrides)
	if d.overrides == nil {
		d.overrides = map[Rule]string{}
	}
	for _, r := range rules {
		d.overrides[r] = strings.TrimSpace(reason)
	}
	return &d
}

// guard gives err, which is what rule has to say of a call, unless the rule was
// set aside: then it leaves an audit record.
func (c *Client) guard(ctx context.Context, op string, who socle.Professional, patient ins.INS, rule Rule, err error) error {
	if err == nil {
		return nil
	}
	reason, set := c.overrides[rule]
	if !set {
		return err
	}
	if reason == "" {
		if e, ok := err.(*Error); ok {
			e.Fix = "Override needs a reason"
		}
		return err
	}
	c.cfg.Record(ctx, socle.AuditRecord{Service: socle.ServiceDMP, Operation: op, Actor: who.ID, Structure: who.Structure.ID,
		Patient: c.cfg.Pseudonym(patient.Matricule.Wire()), Outcome: socle.OutcomeNotSent, Code: "override " + string(rule), Reason: reason})
	return nil
}
