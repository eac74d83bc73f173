package dmp

import (
	"context"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
)

// Closure is why a record is closed.
type Closure struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// At is when the patient asked for it; mandatory. It goes into the audit record.
	At time.Time
	// Reason replaces FERMETURE_DEMANDE_PATIENT, the patient's demand.
	Reason socle.Code
	// Text is the reason in words; empty is the code.
	Text string
	// Title and UsedName are the civilité and the nom utilisé of the patient; optional.
	Title, UsedName string
}

// CloseRecord closes the patient's record at their demand (TD1.4, "Fermeture"):
// PRPA_IN201314UV02 with the reason FERM, answered by PRPA_IN201315UV02. Close is
// something else: it closes the connections of the client. The call is tried again
// only when nothing was sent.
func (c *Client) CloseRecord(ctx context.Context, who socle.Professional, patient ins.Identity, x Closure) (Acknowledgement, error) {
	id, err := c.admitRecord(ctx, opCloseRecord, who, patient, x.Record)
	if err != nil {
		return Acknowledgement{}, err
	}
	if x.At.IsZero() || x.At.After(c.cfg.Now().Add(time.Minute)) {
		err := refusal(opCloseRecord, ErrQuery, "Closure.At: mandatory, the time at which the patient asked for it", "ask the patient, and keep the demand")
		return Acknowledgement{}, c.refused(ctx, opCloseRecord, who, id, err)
	}
	if x.Reason.IsZero() {
		x.Reason = socle.Code{Code: "FERMETURE_DEMANDE_PATIENT", System: hl7v3.OIDClosure}
	}
	if x.Text == "" {
		x.Text = x.Reason.Code
	}
	return c.because("demand of the patient, "+x.At.Format(time.RFC3339)).changeData(ctx, opCloseRecord, who, id, patient.History(), hl7v3.Change{
		Reason: hl7v3.ReasonClose, Status: "terminated", Name: name(patient.Traits(), x.Title, x.UsedName), Because: x.Reason, Text: x.Text,
	})
}
