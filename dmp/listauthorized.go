package dmp

import (
	"context"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Since says which date ListAuthorized looks at.
type Since string

// Dates.
const (
	SinceAuthorization Since = "LASTAUTORIZATION" // when the authorization was given; spelled so
	SinceDocument      Since = "LASTDOC"          // when a document was added last
)

// AuthorizedQuery says which records ListAuthorized gives.
type AuthorizedQuery struct {
	From time.Time // mandatory
	By   Since     // empty is SinceAuthorization
	// Owner asks for the records that another professional of the structure may
	// read; zero is who asks.
	Owner socle.PersonID
	// Patient is whom the VIHF names, who must be qualified; optional: see Dialect.Nobody.
	Patient ins.Identity
}

// AuthorizedRecord is a record that a professional may read. It holds no trait:
// those that the DMP returns may not be shown (RG_0320); find the patient by
// the INS.
type AuthorizedRecord struct {
	// INS is zero when the DMP knows the patient by an older identifier only, or
	// by several INS, which does not tell whose the record is.
	INS ins.INS
	// Record serves for calls about this patient, as one of Exists does: a record of
	// the list is open, and authorized. It is zero without INS, and in a list of
	// another Owner, whose authorization is not that of who asks: call Exists.
	Record         Record
	TreatingDoctor bool // the professional is médecin traitant
	Message        bool // as the DMP tells it
	LastAccess     time.Time
	LastUpdate     time.Time
	LastDocument   time.Time
}

// ListAuthorized gives the records that the professional may read (TD0.4, "Liste
// des DMP autorisés"): patientList of the service patientsSpecific. It is about
// no patient in particular: its VIHF names AuthorizedQuery.Patient, if any.
func (c *Client) ListAuthorized(ctx context.Context, who socle.Professional, q AuthorizedQuery) ([]AuthorizedRecord, error) {
	err := c.admitCaller(ctx, opAuthorized, c.cfg.Mode, who)
	if err == nil && q.From.IsZero() {
		err = refusal(opAuthorized, ErrQuery, "AuthorizedQuery.From: mandatory", "")
	}
	if err == nil && q.By != "" && q.By != SinceAuthorization && q.By != SinceDocument {
		err = refusal(opAuthorized, ErrQuery, "AuthorizedQuery.By: SinceAuthorization or SinceDocument expected", "")
	}
	var named ins.INS
	if err == nil {
		named, err = c.named(ctx, opAuthorized, who, q.Patient)
	}
	if err != nil {
		return nil, c.refused(ctx, opAuthorized, who, named, err)
	}
	if q.By == "" {
		q.By = SinceAuthorization
	}
	var w xmltree.Writer
	w.Start("patientList", "xmlns", nsPatients).Leaf("startDate", q.From.In(c.cfg.Dialect.Location).Format("20060102150405")).Leaf("dateType", string(q.By))
	if !q.Owner.IsZero() {
		w.Leaf("psOwnerId", q.Owner.String())
	}
	body := w.End().Bytes()
	var all []AuthorizedRecord
	s, err := c.send(ctx, message{
		op: opAuthorized, service: servicePatientList, action: actionAuthorized, who: who, patient: named, again: true,
		body: func(time.Time) []byte { return body },
		check: func(e *soap.Envelope) (string, error) {
			var err error
			all, err = c.cfg.Dialect.authorized(e)
			return codeOf(err, statusOK), err
		},
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if id := all[i].INS; !id.IsZero() && (q.Owner.IsZero() || q.Owner == who.ID) {
			all[i].Record = Record{State: StateOpen, Authorization: AuthorizationValid, TreatingDoctor: all[i].TreatingDoctor,
				CheckedAt: s.at, MessageID: s.messageID, asked: &asking{patient: id, who: who.ID, structure: who.Structure.ID}}
		}
	}
	return all, nil
}

// named gives whom the VIHF of a message about nobody in particular names: the
// patient of the call, if there is one, or that of the dialect.
func (c *Client) named(ctx context.Context, op string, who socle.Professional, patient ins.Identity) (ins.INS, error) {
	if patient.Traits() == (ins.Traits{}) {
		return c.cfg.Dialect.Nobody, nil
	}
	return c.admitPatient(ctx, op, who, patient)
}

func (d Dialect) authorized(e *soap.Envelope) ([]AuthorizedRecord, error) {
	out, _, err := output(opAuthorized, nsPatients, "patientListResponse", e)
	if err != nil {
		return nil, err
	}
	all := []AuthorizedRecord{}
	for x := range children(out, "patientlistData") {
		if len(all) == maxListed {
			return nil, tooLong(opAuthorized)
		}
		text := func(name string) string { return child(x, name).Trimmed() }
		r := AuthorizedRecord{
			TreatingDoctor: isTrue(text("MT")), Message: isTrue(text("message")), LastAccess: d.moment(text("lastAccessDate")),
			LastUpdate: d.moment(text("lastUpdateDate")), LastDocument: d.moment(text("lastAddDate")),
		}
		var known []hl7v3.ID
		for id := range children(x, "patientIdentifier") {
			known = append(known, hl7v3.ID{Root: child(id, "nationalIdType").Trimmed(), Extension: child(id, "nationalId").Trimmed()})
		}
		r.INS = only(known)
		all = append(all, r)
	}
	return all, nil
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { return s == "true" || s == "1" }
