package dmp

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
)

// Amendment is the administrative data that a record is to have: all of it, since
// it replaces what is there. Take that of Administrative and change it.
type Amendment struct {
	// Administrative is what the record is to have: that which Administrative
	// gave, changed. One that was made otherwise, or whose Record was replaced, is
	// refused: it would erase what the DMP told, the patient's oppositions first.
	Administrative
	// Title and UsedName replace the civilité and the nom utilisé; empty keeps those
	// that the record has. The traits are those of the identity.
	Title, UsedName string
}

// String hides everything.
func (Amendment) String() string { return "amendment " + hidden }

// GoString gives the same as String.
func (a Amendment) GoString() string { return a.String() }

// LogValue gives the same as String.
func (a Amendment) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Acknowledgement is what the DMP says of a change that it made.
type Acknowledgement struct {
	Details   []Detail  // the service's own codes and words
	At        time.Time // by the client's clock
	MessageID string    // wsa:MessageID of the request
}

// Amend replaces the administrative data of a record (TD1.3b, "Modification des
// données administratives"): PRPA_IN201314UV02 with the reason MODIF_DATA,
// answered by PRPA_IN201315UV02. It is tried again only when nothing was sent.
func (c *Client) Amend(ctx context.Context, who socle.Professional, patient ins.Identity, a Amendment) (Acknowledgement, error) {
	id, err := c.admitRecord(ctx, opAmend, who, patient, a.Record)
	if err != nil {
		return Acknowledgement{}, err
	}
	told := a.Record.told()
	if told == nil {
		err := refusal(opAmend, ErrNotChecked, "the Amendment does not hold what Administrative gave: it would erase the patient's oppositions",
			"call Administrative, and change what it gives")
		return Acknowledgement{}, c.refused(ctx, opAmend, who, id, err)
	}
	problems := a.Contact.problems("Contact")
	if a.Deceased != told.deceased {
		problems = append(problems, "Deceased: is not the caller's to change")
	}
	for _, r := range a.Representatives {
		problems = append(problems, r.Contact.problems("Representatives.Contact")...)
	}
	if len(problems) > 0 {
		return Acknowledgement{}, c.refused(ctx, opAmend, who, id, refusal(opAmend, ErrQuery, strings.Join(problems, "; "), ""))
	}
	if a.Title == "" {
		a.Title = told.title
	}
	if a.UsedName == "" {
		a.UsedName = told.used
	}
	traits := patient.Traits()
	change := hl7v3.Change{
		Reason: hl7v3.ReasonAmend, Status: "active", Name: name(traits, a.Title, a.UsedName), Contact: a.Contact.wire(),
		Gender: string(traits.Sex), Birth: strings.ReplaceAll(traits.BirthDate.Wire(), "-", ""),
		Deceased: told.deceased,
	}
	for _, o := range []struct {
		code, display string
		told, value   bool
	}{
		{observedGlass, "opposition au mode bris de glace", told.glass, a.OpposesBreakGlass},
		{observedRegulation, "opposition à l'accès au mode urgence", told.regulation, a.OpposesRegulation},
	} {
		if o.told || o.value { // what was not told is not lifted
			change.Observations = append(change.Observations, hl7v3.Observation{
				Code: socle.Code{Code: o.code, System: hl7v3.OIDObservation, Display: o.display}, Value: strconv.FormatBool(o.value)})
		}
	}
	for _, r := range a.Representatives {
		change.Relationships = append(change.Relationships, r.wire())
	}
	return c.changeData(ctx, opAmend, who, id, patient.History(), change)
}

// told gives what Administrative was told, nil for another Record.
func (r Record) told() *amended {
	if r.asked == nil {
		return nil
	}
	return r.asked.told
}

func name(t ins.Traits, title, used string) hl7v3.Name {
	return hl7v3.Name{Prefix: title, Given: []string{t.First()}, Used: used, Birth: t.BirthName}
}

// changeData sends a change of the data of a record, and checks that it was made.
func (c *Client) changeData(ctx context.Context, op string, who socle.Professional, id ins.INS, past []ins.Past, change hl7v3.Change) (Acknowledgement, error) {
	change.Patient = hl7v3.ID{Root: id.OID.String(), Extension: id.Matricule.Wire()}
	role := roles(who)[len(roles(who))-1]
	change.Author = hl7v3.Author{
		ID: hl7v3.ID{Root: socle.OIDPerson, Extension: who.ID.String()}, Role: socle.Code{Code: role.Code, System: role.System, Display: role.Display},
		Family: who.FamilyName, Given: who.GivenName,
		Organization: hl7v3.ID{Root: socle.OIDStructure, Extension: who.Structure.ID.String()}, OrganizationName: who.Structure.Name,
	}
	var a Acknowledgement
	s, err := c.send(ctx, message{
		op: op, service: servicePatients, action: hl7v3.ActionChange, who: who, patient: id,
		body: func(now time.Time) []byte {
			change.Head = c.head(now)
			return change.Marshal()
		},
		check: func(e *soap.Envelope) (code string, err error) {
			a.Details, code, err = changed(op, e, change, id, past)
			return code, err
		},
	})
	if err != nil {
		return Acknowledgement{}, err
	}
	a.At, a.MessageID = s.at, s.messageID
	return a, nil
}

// changed reads the answer to a change.
func changed(op string, e *soap.Envelope, change hl7v3.Change, patient ins.INS, past []ins.Past) ([]Detail, string, error) {
	x, err := hl7v3.ParseChanged(e.Body)
	if err != nil {
		return nil, "", unreadable(op, err)
	}
	var details []Detail
	for _, d := range x.Details {
		details = append(details, Detail{d.Code, d.Text})
	}
	switch {
	case x.Target != change.ID && (x.Ack == "AA" || !x.Target.IsZero()):
		return nil, x.Code(), &Error{Op: op, Code: x.Code(), Text: "the answer acknowledges another message", kind: ErrAnswer, ours: true}
	case x.Ack != "AA":
		return nil, x.Code(), unacknowledged(op, details)
	case x.Others > 0 || namesAnother(x.IDs, patient, past):
		return nil, x.Code(), otherPatient(op, x.Code())
	case x.Status != change.Status:
		return nil, x.Code(), &Error{Op: op, Code: x.Code(), Text: "the answer does not tell the state asked for", kind: ErrAnswer, ours: true,
			Fix: "call Exists to know the state of the record"}
	}
	return details, x.Code(), nil
}

// unacknowledged is the refusal of an acknowledgement that is not AA.
func unacknowledged(op string, details []Detail) *Error {
	e := &Error{Op: op, Text: "the DMP refused the message without saying why", ours: true}
	if len(details) > 0 {
		e.Code, e.Text, e.ours = details[0].Code, details[0].Text, false
	}
	return e.refused().judge()
}
