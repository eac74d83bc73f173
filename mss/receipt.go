package mss

import (
	"io"
	"strings"
	"time"
)

// ReceiptKind is the form of a [Receipt].
type ReceiptKind string

// Forms of receipts.
const (
	ReceiptMDN    ReceiptKind = "MDN"    // a notification of its reader (RFC 8098)
	ReceiptDSN    ReceiptKind = "DSN"    // a notification of delivery (RFC 3464)
	ReceiptKO     ReceiptKind = "KO"     // an ordinary mail that tells of a failed integration
	ReceiptBounce ReceiptKind = "bounce" // a free text that tells of a failed delivery
)

// ReceiptError tells why the machine part of a receipt was refused.
type ReceiptError struct {
	Kind ReceiptKind
	Text string
}

// Error tells the form and the reason.
func (e *ReceiptError) Error() string { return "mss: receipt " + string(e.Kind) + ": " + e.Text }

// Receipt is what a message received tells of one sent, for one recipient.
// Nothing proves that it tells the truth: whoever may write to the mailbox may
// write one. [Sent.Receive] takes it only for a recipient of the message.
type Receipt struct {
	Kind      ReceiptKind
	MessageID string  // of the message sent, without brackets; empty when it is not told
	Recipient Address // zero when it is not told
	// Status is what it says of the message: Accepted (on its way), Delivered,
	// Read, Bounced or IntegrationKO.
	Status Status
	Code   string // status code of delivery, or code of integration
	// Text is the label of the code of integration, or the words of the server
	// without what identifies.
	Text  string
	Cause BounceCause // of a Bounced
	At    time.Time   // of the event, or else of the receipt; zero when neither is told
}

// String tells the form, the status and the code.
func (r Receipt) String() string {
	return strings.TrimSpace(string(r.Kind) + " " + string(r.Status) + " " + r.Code)
}

// GoString is String.
func (r Receipt) GoString() string { return "mss.Receipt(" + r.String() + ")" }

// Receipts gives what the message tells of messages sent, nothing when it is
// no receipt, with what the client assumes of bounces.
func (m *Message) Receipts() []Receipt { return Dialect{}.Receipts(m) }

// Receipts gives what a message tells of messages sent, nothing when it is no
// receipt: the notifications in it, or else, of a mail without one, a failed
// integration told by its subject or a bounce told by its text. A notification
// that cannot be read is left out.
func (d Dialect) Receipts(m *Message) []Receipt {
	var out []Receipt
	about := m.about()
	for _, a := range m.Attachments {
		switch {
		case a.is("message/disposition-notification"):
			n, err := ParseMDN(a.head())
			if err != nil {
				continue
			}
			out = append(out, m.notified(n, about))
		case a.is("message/delivery-status"), a.is("message/global-delivery-status"):
			n, err := ParseDSN(a.head())
			if err != nil {
				continue
			}
			for _, r := range n.Recipients {
				out = append(out, d.delivered(r, about, m.Date))
			}
		}
	}
	if out != nil {
		return out
	}
	if code, _, ok := splitKO(m.fullSubject()); ok {
		if code == IntegrationAccepted {
			return nil
		}
		return []Receipt{{Kind: ReceiptKO, MessageID: about, Recipient: m.Sender.Address, Status: StatusIntegrationKO,
			Code: code, Text: IntegrationLabel(code), At: m.Date}}
	}
	if r, ok := d.bounce(m, about); ok {
		return []Receipt{r}
	}
	return nil
}

// notified gives what a notification of a reader tells.
func (m *Message) notified(n MDN, about string) Receipt {
	r := Receipt{Kind: ReceiptMDN, MessageID: n.OriginalMessageID, Recipient: n.OriginalRecipient, At: m.Date, Status: StatusDelivered}
	if r.MessageID == "" {
		r.MessageID = about
	}
	if r.Recipient.IsZero() {
		r.Recipient = n.FinalRecipient
	}
	code, _, ko := splitKO(m.fullSubject())
	switch {
	case n.Failed:
		r.Status, r.Code, r.Text = StatusIntegrationKO, n.Integration.Code, n.Integration.Label
		if r.Code == "" && ko {
			r.Code, r.Text = code, IntegrationLabel(code)
		}
		if label := IntegrationLabel(r.Code); label != "" && withoutAccents(label) == r.Text {
			r.Text = label // it had lost its accents on the way
		}
	case ko && code != IntegrationAccepted:
		r.Status, r.Code, r.Text = StatusIntegrationKO, code, IntegrationLabel(code)
	case n.Disposition == Displayed:
		r.Status = StatusRead
	}
	return r
}

// delivered gives what a notification of delivery tells for one recipient.
func (d Dialect) delivered(n Delivery, about string, at time.Time) Receipt {
	r := Receipt{Kind: ReceiptDSN, MessageID: about, Recipient: n.Recipient(), Code: n.Code, Text: n.Diagnostic, At: n.At}
	if r.At.IsZero() {
		r.At = at
	}
	switch n.Action {
	case Failed:
		r.Status, r.Cause = StatusBounced, d.cause(n.Code, n.Diagnostic, n.Recipient().IsPatient())
	case Delivered, Expanded:
		r.Status = StatusDelivered
	default:
		r.Status = StatusAccepted
	}
	return r
}

// about gives the Message-ID of the message that a receipt gives back, or else
// the one that it answers.
func (m *Message) about() string {
	for _, a := range m.Attachments {
		if a.is("message/rfc822") || a.is("text/rfc822-headers") || a.is("message/global") || a.is("message/global-headers") {
			h, _, _ := parseHeader(a.head())
			if ids := messageIDs(h.get("message-id")); len(ids) > 0 {
				return ids[0]
			}
		}
	}
	if m.InReplyTo != "" {
		return m.InReplyTo
	}
	if n := len(m.References); n > 0 {
		return m.References[n-1]
	}
	return ""
}

func (a Attachment) is(media string) bool { return strings.EqualFold(a.MediaType, media) }

// head gives the first bytes of a part, enough for the fields of a receipt.
func (a Attachment) head() []byte {
	b, _ := io.ReadAll(io.LimitReader(a.Open(), maxHeader))
	return b
}
