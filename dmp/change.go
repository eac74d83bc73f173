package dmp

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// wsa:Action of ITI-57.
const actionUpdate = "urn:ihe:iti:2010:UpdateDocumentSet"

// update sends a change of e, which op may make to a document of one of these
// statuses (TD3.3): own tells that only its author may, and fill completes the
// submission of ITI-57.
func (c *Client) update(ctx context.Context, op string, who socle.Professional, patient ins.Identity, record Record, e Entry, own bool, from []Status, fill func(*xds.Submission)) (Receipt, error) {
	id, err := c.admitRecord(ctx, op, who, patient, record)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.admitChange(ctx, op, who, id, e, own, from); err != nil {
		return Receipt{}, c.refused(ctx, op, who, id, err)
	}
	lot := c.newOID(armLot)
	request := func(now time.Time) ([]byte, error) {
		s := &xds.Submission{Set: xds.SubmissionSet{
			ID: idSet, Title: "Mise à jour", Authors: []xds.Author{author(who)}, ContentType: c.cfg.Dialect.contentType(who),
			PatientID: xds.PatientINS(id.Matricule.Wire(), id.OID.String()), SourceID: c.cfg.Software.OID, UniqueID: lot, Time: now.UTC().Format(utc),
		}}
		fill(s)
		return s.MarshalUpdate()
	}
	if _, err := request(c.cfg.Now()); err != nil {
		bad := refusal(op, ErrInvalidDocument, "the metadata of the document cannot be sent: "+strings.ReplaceAll(err.Error(), "\n", "; "), "")
		bad.Err = err
		return Receipt{}, c.refused(ctx, op, who, id, bad)
	}
	r := Receipt{SubmissionID: lot, Documents: []Sent{{ID: e.ID, Hash: e.Hash, Size: e.Size}}}
	s, err := c.send(ctx, message{op: op, service: serviceRegistry, action: actionUpdate, who: who, patient: id, reference: e.ID,
		body:  func(now time.Time) []byte { b, _ := request(now); return b },
		check: func(a *soap.Envelope) (string, error) { return r.check(op, a) }})
	if err != nil && !partial(err) {
		return Receipt{}, err
	}
	r.SentAt, r.MessageID = s.at, s.messageID
	return r, err
}

// admitChange applies the rules of a change of a document of the record.
func (c *Client) admitChange(ctx context.Context, op string, who socle.Professional, id ins.INS, e Entry, own bool, from []Status) error {
	switch {
	case e.EntryUUID == "":
		return refusal(op, ErrQuery, "Entry.EntryUUID: mandatory", "take the Entry from Search, or give its ID alone")
	case e.patient != nil && *e.patient != id:
		return refusal(op, ErrPatientMismatch, "the Entry is of the record of another patient", "")
	case !slices.Contains(from, e.Status) && statusKnown(e.Status):
		return refusal(op, ErrState, "the document is "+string(e.Status)+", and "+list(from)+" is expected", stateFix(e.Status))
	case e.patient == nil: // of its author, only the DMP knows
	case own && !c.owns(who, e):
		err := refusal(op, ErrNotAuthor, "the professional of the call is not the author of the document", "only its author can do it, and the patient in Mon espace santé")
		return c.guard(ctx, op, who, id, RuleAuthor, err)
	}
	return nil
}

func statusKnown(s Status) bool {
	return slices.Contains([]Status{StatusApproved, StatusDeprecated, StatusArchived, StatusDeleted}, s)
}

func stateFix(s Status) string {
	if s == StatusDeprecated {
		return "it was replaced, or its metadata changed: search again for the version in force"
	}
	return ""
}

func list(all []Status) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	return strings.Join(words, " or ")
}

// owns reports whether a document is the professional's, as the matrix of
// rights has it: made by them or, for an organisation and for who has no number
// of their own, in the name of their structure.
func (c *Client) owns(who socle.Professional, e Entry) bool {
	structure := c.cfg.Mode == Indirect || !strings.ContainsAny(who.ID.String()[:1], "08")
	return slices.ContainsFunc(e.Authors, func(a Participant) bool {
		return a.ID == who.ID.String() || structure && a.Structure == who.Structure.ID.String()
	})
}
