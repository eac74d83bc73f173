package mss

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

var (
	// ErrNotAsked: the message does not ask for a notification.
	ErrNotAsked = errors.New("no notification asked for")
	// ErrAskUser: the notification may not leave by itself, because it would not
	// go back to the sender or could loop. Ask the user, then acknowledge
	// without Automatic.
	ErrAskUser = errors.New("the user must agree to this notification")
)

// origin is what a receipt needs of the message that it is about.
type origin struct {
	raw        []byte
	subject    string // whole, decoded
	notify     []Address
	returnPath Address
	nullPath   bool // the envelope had no sender
	automatic  bool // a receipt or another mail of a machine
	recipient  Address
}

func originOf(h header, raw []byte) origin {
	o := origin{raw: raw, subject: headerText(h.get("subject")), notify: addresses(h.get("disposition-notification-to")),
		recipient: typedAddress(h.get("original-recipient"))}
	if path := strings.TrimSpace(h.get("return-path")); path == "<>" {
		o.nullPath = true
	} else if path != "" {
		_, wire := looseAddress(path)
		o.returnPath, _ = ParseAddress(wire)
	}
	auto := strings.ToLower(strings.TrimSpace(h.get("auto-submitted")))
	media, _, _ := mediaType(h.get("content-type"))
	o.automatic = auto != "" && auto != "no" || media == "multipart/report" || o.nullPath
	return o
}

// fullSubject gives the subject with its prefix, when the message was parsed here.
func (m *Message) fullSubject() string {
	if m.origin.subject == "" {
		return m.Subject
	}
	return m.origin.subject
}

// NotificationTo gives who asks to be notified of what becomes of the message
// (Disposition-Notification-To), nobody when none is asked for.
func (m *Message) NotificationTo() []Address { return append([]Address(nil), m.origin.notify...) }

// Acknowledgement is what to tell the sender of a message.
type Acknowledgement struct {
	// Disposition is what became of the message; empty means Displayed, or
	// Processed with a Failure.
	Disposition Disposition
	// Automatic says that no user decided it. Such a notification is refused
	// with ErrAskUser when it could loop (RFC 8098 section 2.1).
	Automatic bool
	// Failure says that the documents could not be filed. It is told even to who
	// asked for no notification, in an ordinary mail then. Its Label may be
	// empty: the official one is used. It is cut at 250 characters.
	Failure *Integration
	// Text is for people. Empty means a sentence in French.
	Text string
}

// Acknowledge notifies the sender of a message that Read gave (ECO.3.1.6): with
// a disposition notification (RFC 8098) when the message asks for one, else,
// for a Failure only, with an ordinary mail. Both forms of a failure give the
// message and its files back. Other errors than those of Send are ErrNotAsked
// and ErrAskUser.
func (m *Mailbox) Acknowledge(ctx context.Context, msg *Message, a Acknowledgement) (SendReport, error) {
	var r SendReport
	if msg == nil || msg.origin.raw == nil {
		return r, notConform("RFC 8098", "Acknowledge: a message that Read or ParseMessage gave is mandatory: read it again")
	}
	if a.Failure != nil && !integrationCode.MatchString(a.Failure.Code) {
		return r, notConform("volet LPS-CDA-MSS", "Failure.Code: a code of the tables of integration errors expected")
	}
	to, err := msg.acknowledged(a)
	if err != nil {
		return r, &Error{Op: "acknowledge", kind: err, outcome: notSent}
	}
	at := m.client.cfg.Now()
	r.To, r.Recipients = slices.Clone(to), len(to)
	var pseudonym string
	wires := make([]string, len(to))
	for i, t := range to {
		wires[i] = t.Wire()
		if t.IsPatient() {
			r.Patients++
			if number, ok := t.Matricule(); ok && pseudonym == "" {
				pseudonym = m.client.cfg.Pseudonym(number.Wire())
			}
		}
	}
	raw, err := m.smallEnough(msg, a, to, at, &r)
	if err != nil {
		return r, err
	}
	m.client.outside(ctx, to, &r)
	from := m.access.Address.Wire()
	if len(msg.origin.notify) > 0 && !m.client.cfg.Dialect.ReceiptSender {
		from = ""
	}
	failed := m.submitFrom(ctx, from, wires, raw, delivery{})
	m.tell(ctx, exchange{operation: "smtp.acknowledge", reference: r.MessageID, start: at, err: failed, request: raw, patient: pseudonym})
	if failed != nil {
		failed.Op = "acknowledge"
		return r, failed
	}
	r.Submitted = true
	return r, nil
}

// returned is how much of a message a failure gives back.
type returned int

const (
	returnFiles   returned = iota // the message, and its archives and PDF beside it (volet LPS-CDA-MSS)
	returnMessage                 // the message, which has them in it
	returnHeader
)

// smallEnough composes a receipt, which gives back less of the message when
// that makes it larger than what may be sent.
func (m *Mailbox) smallEnough(msg *Message, a Acknowledgement, to []Address, at time.Time, r *SendReport) ([]byte, error) {
	for back := returnFiles; ; back++ {
		try := *r
		raw, err := m.composeReceipt(msg, a, to, at, back, &try)
		if err != nil {
			return nil, &Error{Op: "acknowledge", Err: err, outcome: notSent}
		}
		try.Size = int64(len(raw))
		switch err := m.client.fits("acknowledge", try.Size, r.Patients); {
		case err != nil && (a.Failure == nil || back == returnHeader):
			*r = try
			return nil, err
		case err != nil:
			continue
		case back == returnMessage:
			try.degrade("volet LPS-CDA-MSS", "the archive and the PDF are only in the message given back: beside it, the receipt would be too large")
		case back == returnHeader:
			try.degrade("volet LPS-CDA-MSS", "only the header of the message is given back: the receipt would be too large")
		}
		*r = try
		return raw, nil
	}
}

// acknowledged gives whom to notify, and refuses what could loop: a receipt is
// never answered, and nothing leaves by itself unless it goes to the one who
// sent the message.
func (m *Message) acknowledged(a Acknowledgement) ([]Address, error) {
	o := m.origin
	if len(o.notify) == 0 {
		switch {
		case a.Failure == nil || m.Sender.Kind == SenderUnknown:
			return nil, ErrNotAsked
		case o.automatic && a.Automatic:
			return nil, ErrAskUser
		}
		return []Address{m.Sender.Address}, nil
	}
	if a.Automatic && (o.automatic || len(o.notify) != 1 || o.returnPath.IsZero() || o.notify[0] != o.returnPath) {
		return nil, ErrAskUser
	}
	return o.notify, nil
}

func (m *Mailbox) composeReceipt(msg *Message, a Acknowledgement, to []Address, at time.Time, back returned, r *SendReport) ([]byte, error) {
	subject, ordinary := msg.origin.subject, len(msg.origin.notify) == 0
	if a.Failure != nil {
		if a.Failure.Label == "" {
			a.Failure = &Integration{a.Failure.Code, IntegrationLabel(a.Failure.Code)}
		}
		if label := cut(a.Failure.Label, longestLabel); label != a.Failure.Label {
			a.Failure = &Integration{a.Failure.Code, label}
			r.degrade("volet LPS-CDA-MSS", "the label of the failure was cut to 250 characters")
		}
		subject = withKO(a.Failure.Code, subject)
	}
	var h mail.Header
	h.SetDate(at)
	h.SetAddressList("From", []*mail.Address{{Name: m.access.Label.String(), Address: m.access.Address.Wire()}})
	h.SetAddressList("To", wire(to))
	r.MessageID = newMessageID(m.access.Address.Domain())
	h.SetMessageID(r.MessageID)
	if ids := messageIDs("<" + msg.MessageID + ">"); len(ids) == 1 {
		h.SetMsgIDList("In-Reply-To", ids)
		h.SetMsgIDList("References", messageIDs("<"+strings.Join(thread(msg), "> <")+">"))
	} else {
		r.degrade("ECO.2.2.2", "the message acknowledged has no Message-ID: its sender cannot tell which it is")
	}
	h.SetSubject(cut(strings.Join(strings.Fields(strings.ToValidUTF8(subject, "")), " "), 250))
	set(&h, "X-MSS-NIL", m.client.product)
	if a.Automatic {
		h.Set("Auto-Submitted", "auto-replied")
	}
	var files []File
	if a.Failure != nil && back == returnFiles {
		if files = msg.given(); len(msg.Documents) > 0 {
			r.Codes, r.INS = documentCodes(msg), "N"
			if msg.INS == "O" {
				r.INS = "O"
			}
			set(&h, "X-MSS-CODECDA", strings.Join(r.Codes, ","))
			set(&h, "X-MSS-INS", r.INS)
		}
	}
	text := receiptText(a)
	whole := File{Name: "message_original.eml", MediaType: "message/rfc822"}
	if a.Failure != nil && back != returnHeader {
		var changed bool
		if whole.Content, changed = givenBack(msg.origin.raw); changed {
			r.degrade("RFC 5322", "the message is given back with other line ends than it came with, or lines cut: its own may not be sent")
		}
	}
	if ordinary {
		if back == returnHeader {
			whole = File{Name: "message_original.txt", MediaType: "text/rfc822-headers", Content: headerBack(msg.origin.raw)}
		}
		files = append([]File{whole}, files...)
		return writeParts(h, "multipart/mixed", nil, text, nil, files)
	}
	d := MDN{
		Reporter:          m.client.cfg.Software.Name + " " + m.client.cfg.Software.Version,
		OriginalRecipient: msg.origin.recipient, FinalRecipient: m.access.Address, OriginalMessageID: msg.MessageID,
		Manual: !a.Automatic, SentManually: !a.Automatic, Disposition: a.Disposition,
	}
	if d.OriginalRecipient.IsZero() {
		d.OriginalRecipient = m.access.Address
	}
	returned := File{MediaType: "text/rfc822-headers", Content: headerBack(msg.origin.raw)}
	if a.Failure != nil {
		d.Failed, d.Integration = true, *a.Failure
	}
	if a.Failure != nil && back != returnHeader {
		returned = File{MediaType: whole.MediaType, Content: whole.Content}
	}
	if d.Disposition == "" {
		if d.Disposition = Displayed; d.Failed {
			d.Disposition = Processed
		}
	}
	machine := File{MediaType: "message/disposition-notification", Content: d.Wire()}
	return writeParts(h, "multipart/report", map[string]string{"report-type": "disposition-notification"}, text, []File{machine, returned}, files)
}

func documentCodes(m *Message) (codes []string) {
	for _, d := range m.Documents {
		if d.Code.Code != "" {
			codes = append(codes, d.Code.Code)
		}
	}
	return codes
}

func receiptText(a Acknowledgement) string {
	switch {
	case a.Text != "":
		return a.Text
	case a.Failure != nil:
		return "Le document joint à votre message n'a pas pu être intégré.\nCode : " + a.Failure.Code + "\nMotif : " + a.Failure.Label
	case a.Disposition == "" || a.Disposition == Displayed:
		return "Votre message a été affiché à son destinataire."
	case a.Disposition == Deleted:
		return "Votre message a été supprimé par son destinataire."
	case a.Disposition == Dispatched:
		return "Votre message a été transmis par son destinataire."
	}
	return "Votre message a été traité."
}

// given gives the archives and PDF of a message, to give them back.
func (m *Message) given() []File {
	t := &treeReader{ctx: context.Background()}
	root := t.read(m.origin.raw, "", 0)
	var out []File
	var walk func(p *part)
	walk = func(p *part) {
		for _, c := range p.children {
			walk(c)
		}
		zip := strings.EqualFold(p.name, archiveName) || strings.EqualFold(p.name, "ihe-xdm.zip")
		if len(p.children) > 0 || !zip && p.media != "application/pdf" {
			return
		}
		b, err := io.ReadAll(io.LimitReader(p.content(), maxArchive+1))
		if err != nil || len(b) > maxArchive {
			return
		}
		f := File{Name: p.name, MediaType: p.media, Content: b}
		if zip {
			f.Name, f.MediaType = archiveName, "application/zip"
		}
		out = append(out, f)
	}
	walk(root)
	return out
}

var endOfHeader = regexp.MustCompile(`\r?\n\r?\n`)

// writeParts writes a message of several parts: the text, parts of a receipt
// as they are, and files.
func writeParts(h mail.Header, media string, params map[string]string, text string, machine, files []File) ([]byte, error) {
	var b bytes.Buffer
	h.SetContentType(media, params)
	w, err := message.CreateWriter(&b, h.Header)
	if err != nil {
		return nil, err
	}
	part := func(h message.Header, content []byte) error {
		p, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		_, err = p.Write(content)
		return firstError(err, p.Close())
	}
	var t message.Header
	t.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	t.Set("Content-Transfer-Encoding", "quoted-printable")
	err = part(t, []byte(strings.ReplaceAll(text, "\n", "\r\n")+"\r\n"))
	for _, f := range machine {
		var h message.Header
		h.SetContentType(f.MediaType, nil)
		h.Set("Content-Transfer-Encoding", asIs(f.Content))
		err = firstError(err, part(h, f.Content))
	}
	for _, f := range files {
		var h message.Header
		h.SetContentType(f.MediaType, map[string]string{"name": f.Name})
		h.SetContentDisposition("attachment", map[string]string{"filename": f.Name})
		h.Set("Content-Transfer-Encoding", "base64")
		if f.MediaType == "message/rfc822" {
			h.Set("Content-Transfer-Encoding", asIs(f.Content))
		}
		err = firstError(err, part(h, f.Content))
	}
	err = firstError(err, w.Close())
	return b.Bytes(), err
}

// asIs gives the encoding of bytes that may not be encoded (RFC 2046 section 5.2.1).
func asIs(b []byte) string {
	for _, c := range b {
		if c >= 0x80 {
			return "8bit"
		}
	}
	return "7bit"
}
