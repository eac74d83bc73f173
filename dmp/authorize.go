package dmp

import (
	"context"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Decision is what a patient decided about the professional, in their presence.
type Decision struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// At is when the patient said so; mandatory. Consent may be oral, and must
	// be kept by the software: it goes into the audit record.
	At time.Time
	// TreatingDoctor is about the role of médecin traitant, beside the
	// authorization: a doctor may declare it.
	TreatingDoctor bool
}

// Grant is what the DMP says of a change of authorization.
type Grant struct {
	// Already tells that there was nothing to do: the authorization was there
	// « déjà présente ».
	Already bool
	// Context is the service's own words, untouched.
	Context   string
	At        time.Time // by the client's clock
	MessageID string    // wsa:MessageID of the request
}

// Authorize adds the authorization of the professional to read the record, once the
// patient consented (TD0.3, "Mise à jour de l'autorisation d'accès", action AJOUT):
// setAuthorization of the service habilitations. It is no error that it is already there.
//
// Feeding a record needs no authorization. Before anything is sent it refuses
// what Exists said cannot be: no record, a closed one, a blocked professional;
// and a Decision without a date. The Record of an Exists called after it has
// the authorization.
func (c *Client) Authorize(ctx context.Context, who socle.Professional, patient ins.Identity, d Decision) (Grant, error) {
	return c.decide(ctx, who, patient, d, "AJOUT")
}

// Revoke takes away the authorization of the professional, when the patient
// asks for it (TD0.3, action SUPPRESSION). With TreatingDoctor it takes away that
// role.
func (c *Client) Revoke(ctx context.Context, who socle.Professional, patient ins.Identity, d Decision) (Grant, error) {
	return c.decide(ctx, who, patient, d, "SUPPRESSION")
}

// words of a context that says that there was nothing to do.
const textAlready = "déjà présente"

func (c *Client) decide(ctx context.Context, who socle.Professional, patient ins.Identity, d Decision, action string) (Grant, error) {
	id, err := c.admitRecord(ctx, opAuthorize, who, patient, d.Record)
	if err != nil {
		return Grant{}, err
	}
	if err := c.admitDecision(ctx, who, id, d, action); err != nil {
		return Grant{}, c.refused(ctx, opAuthorize, who, id, err)
	}
	var w xmltree.Writer
	w.Start("setAuthorization", "xmlns", nsRights).Leaf("action", action)
	if d.TreatingDoctor {
		w.Leaf("role", "MEDECIN_TRAITANT")
	}
	body := w.End().Bytes()
	var g Grant
	said := c.because("consent of the patient, " + d.At.Format(time.RFC3339))
	s, err := said.send(ctx, message{
		op: opAuthorize, service: serviceRights, action: actionAuthorize, who: who, patient: id, again: action == "AJOUT",
		body: func(time.Time) []byte { return body },
		check: func(e *soap.Envelope) (string, error) {
			_, words, err := output(opAuthorize, nsRights, "setAuthorizationResponse", e)
			g.Context, g.Already = words, strings.Contains(strings.ToLower(words), textAlready)
			return codeOf(err, statusOK), err
		},
	})
	if err != nil {
		return Grant{}, err
	}
	g.At, g.MessageID = s.at, s.messageID
	return g, nil
}

func (c *Client) admitDecision(ctx context.Context, who socle.Professional, id ins.INS, d Decision, action string) error {
	switch {
	case d.At.IsZero():
		return refusal(opAuthorize, ErrNotAuthorized, "Decision.At: mandatory, the time at which the patient decided", "ask the patient, and keep the answer")
	case d.At.After(c.cfg.Now().Add(time.Minute)):
		return refusal(opAuthorize, ErrNotAuthorized, "Decision.At: is still to come", "")
	case d.TreatingDoctor && who.Profession.Code != socle.ProfessionDoctor:
		return refusal(opAuthorize, ErrProfessional, "Decision.TreatingDoctor: a doctor is expected", "")
	}
	if action == "AJOUT" && d.Record.Authorization.kind() == AuthorizationForbidden {
		return c.guard(ctx, opAuthorize, who, id, RuleAuthorization, d.Record.authorizes(opAuthorize, NormalAccess))
	}
	return nil
}
