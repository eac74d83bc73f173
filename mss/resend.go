package mss

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle/ins"
)

// Resend hands a message of this mailbox over again as it is, under the same
// Message-ID, so that its readers and the receipts know it for the same: from
// an outbox, or after an outcome that is unknown, once the user has decided it.
// sent is a message that Read gave, of the folder of sent messages, or that
// ParseMessage made of the bytes kept.
//
// The rules are applied as to a new message: sizes, white list, opposition, and
// those on its header and its documents, which are read again from its bytes: a
// message that this mailbox would not compose so today is refused with
// ErrNotConform. A patient whom it goes to must be among patients, with an
// identity that is qualified today. No second copy is kept.
func (m *Mailbox) Resend(ctx context.Context, sent *Message, patients ...ins.Identity) (SendReport, error) {
	var r SendReport
	if sent == nil || sent.origin.raw == nil {
		return r, notConform("RFC 5322", "Resend: a message of this mailbox expected, as Read or ParseMessage gives it")
	}
	sent = ParseMessage(sent.origin.raw) // its fields may have been changed since
	if !sent.Sender.Address.same(m.access.Address) {
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
	if err := m.ours(sent, h); err != nil {
		return r, err
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
	r.addressed(e)
	var p *parcel // what of the documents decides who is asked
	if len(sent.Documents) > 0 {
		p = &parcel{}
	}
	for _, doc := range sent.Documents {
		if err := m.client.belongs(doc.Patient.OID); err != nil {
			return r, err
		}
		p.number = doc.Patient.Matricule
	}
	if p != nil {
		if err := e.readBy(p.number); err != nil {
			return r, err
		}
	}
	if err := m.opposed(ctx, e, p, Address{}, "", &r); err != nil {
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

// ours reports whether a message is one that this mailbox would compose so today.
func (m *Mailbox) ours(sent *Message, h header) error {
	dialect, several := m.client.cfg.Dialect.AllQualified, len(sent.Documents) > 1
	for _, f := range sent.Faults {
		if !(dialect && several && errors.Is(f, errOtherINS)) {
			return &Error{Op: "send", Code: "RFC 5322", Text: "Resend: the message has a fault: compose it again with Send", Err: f, kind: ErrNotConform, outcome: notSent}
		}
	}
	for _, name := range []string{"from", "to", "cc", "subject", "date", "x-mss-nil", "x-mss-codecda", "x-mss-ins", "x-mss-mes", "reply-to"} {
		if h.count(name) > 1 {
			return notConform("RFC 5322", "Resend: the message has two %s", name)
		}
	}
	for _, f := range h {
		if f.name == "bcc" || strings.HasPrefix(f.name, "resent-") {
			return notConform("RFC 5322", "Resend: the message has the field %s, which none of this mailbox has", f.name)
		}
	}
	announced := h.count("x-mss-codecda")+h.count("x-mss-ins") > 0
	switch {
	case sent.Sender.Name != m.access.Label.String():
		return notConform("ECO.2.2.7", "Resend: From has not the label of the mailbox")
	case sent.Product != m.client.product:
		return notConform("ECO.2.4.3", "Resend: X-MSS-NIL is not that of this software: compose it again with Send")
	case sent.Text == "":
		return notConform("ECO.2.2.4", "Resend: the message has no text/plain")
	case len(sent.Documents) == 0 && (sent.XDM || announced):
		return notConform("ECO.2.4.1", "Resend: the message announces documents and has none")
	case len(sent.Documents) > 0 && sent.INS != "O" && sent.INS != "N":
		return notConform("ECO.2.4.2", "Resend: the message has documents and no X-MSS-INS")
	case len(sent.Documents) > 0 && !subjectPrefix(h):
		return notConform("ECO.2.1.3", "Resend: the subject does not announce the documents")
	case sent.Final && !slices.ContainsFunc(slices.Concat(sent.To, sent.Cc), Address.IsPatient):
		return notConform("ECO.2.2.8", "Resend: X-MSS-MES: FIN is for a message to a patient")
	case len(sent.ReplyTo) > 0 && slices.ContainsFunc(sent.ReplyTo, Address.IsPatient):
		return notConform("ECO.2.2.6", "Resend: answers would go to a patient")
	}
	for _, a := range slices.Concat(sent.origin.notify, addresses(h.get("return-receipt-to"))) {
		if !a.same(m.access.Address) {
			return notConform("ECO.2.3.1", "Resend: its receipts would go to another mailbox")
		}
	}
	return nil
}

// subjectPrefix reports whether the subject of a message announces documents.
func subjectPrefix(h header) bool {
	_, announces := withoutPrefix(headerText(h.get("subject")))
	return announces
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
