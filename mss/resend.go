package mss

import (
	"context"
	"slices"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle/ins"
)

// Resend hands a message of this mailbox over again as it is, under the same
// Message-ID, so that its readers and the receipts know it for the same: from
// an outbox, or after an outcome that is unknown, once the user has decided it.
// sent is a message that Read gave, of the folder of sent messages, or that
// ParseMessage made of the bytes kept.
//
// The rules are applied as to a new message: sizes, white list, opposition. A
// patient whom it goes to must be among patients, with an identity that is
// qualified today. No second copy is kept.
func (m *Mailbox) Resend(ctx context.Context, sent *Message, patients ...ins.Identity) (SendReport, error) {
	var r SendReport
	if sent == nil || sent.origin.raw == nil || sent.Sender.Address != m.access.Address {
		return r, notConform("RFC 5322", "Resend: a message of this mailbox expected, as Read or ParseMessage gives it")
	}
	h, _, _ := parseHeader(sent.origin.raw)
	if ids := messageIDs(h.get("message-id")); len(ids) != 1 || h.count("message-id") != 1 {
		return r, notConform("ECO.2.2.1", "Resend: the message has no Message-ID")
	} else {
		r.MessageID = ids[0]
	}
	if sent.Product == "" {
		return r, notConform("ECO.2.4.3", "Resend: the message has no X-MSS-NIL: compose it again with Send")
	}
	r.Codes, r.INS, r.Final, r.Size = slices.Clone(sent.Codes), sent.INS, sent.Final, int64(len(sent.origin.raw))
	d := Draft{Patients: patients}
	if err := m.covered(sent, d); err != nil {
		return r, err
	}
	e, err := m.address(job{Draft: d, to: professionals(sent.To), cc: professionals(sent.Cc)})
	if err != nil {
		return r, err
	}
	for _, a := range e.to { // no patient who was not written to
		if a.IsPatient() && !slices.Contains(sent.To, a) && !slices.Contains(sent.Cc, a) {
			return r, notConform("ECO.2.2.6", "Resend: a patient whom the message was not sent to")
		}
	}
	r.Recipients, r.Patients = len(e.to)+len(e.cc), e.patients
	p := &parcel{}
	for _, doc := range sent.Documents {
		if err := m.client.belongs(doc.Patient.OID); err != nil {
			return r, err
		}
		p.number = doc.Patient.Matricule
	}
	if err := m.opposed(ctx, e, p, "", &r); err != nil {
		return r, err
	}
	if err := m.client.fits("send", r.Size, e.patients); err != nil {
		return r, err
	}
	kept, err := m.InSent(ctx, r.MessageID)
	if err != nil {
		return r, err
	}
	return r, m.dispatch(ctx, dispatched{raw: sent.origin.raw, envelope: e, operation: "smtp.resend", dsn: h.get("return-receipt-to") != "", copy: !kept}, &r)
}

// InSent reports whether a message of that Message-ID, without brackets, is in
// the folder of sent messages. After an outcome that is unknown, true tells that
// the message left, where the operator keeps the copies itself: note it with
// [Sent.Submitted] without error. False tells nothing: a receipt, or its reader,
// may still.
func (m *Mailbox) InSent(ctx context.Context, messageID string) (bool, error) {
	if !isMessageID(messageID) {
		return false, notConform("ECO.2.2.1", "InSent: a Message-ID without brackets expected")
	}
	found := false
	err := m.reading(ctx, "search", messageID, func(r *reader) error {
		all, err := r.folders(m.client.cfg.Dialect)
		i := slices.IndexFunc(all, func(f Folder) bool { return f.Use == FolderSent })
		if err != nil || i < 0 {
			return err
		}
		if err := r.open(all[i].Name); err != nil {
			return err
		}
		uids, err := r.search(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: "<" + messageID + ">"}}}, 0)
		found = len(uids) > 0
		return err
	})
	return found, err
}
