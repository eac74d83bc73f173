package mss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Reply answers a message: to its sender, in its thread (ECO.2.2.2). It is Send
// otherwise. A patient is answered at the address that wrote, so that no
// qualified identity is needed; the message must be one that Read or ParseMessage
// gave then, with one sender, who is read again from its bytes.
func (m *Mailbox) Reply(ctx context.Context, answered *Message, d Draft) (SendReport, error) {
	return m.reply(ctx, answered, d, false)
}

// ReplyAll is Reply, to the others that the message was sent to as well. A
// patient among these is left out, and the report tells: their address was
// written by somebody else, and no INS was qualified for it. Write to them
// through Draft.Patients.
func (m *Mailbox) ReplyAll(ctx context.Context, answered *Message, d Draft) (SendReport, error) {
	return m.reply(ctx, answered, d, true)
}

func (m *Mailbox) reply(ctx context.Context, answered *Message, d Draft, all bool) (SendReport, error) {
	if answered == nil {
		return SendReport{}, notConform("ECO.2.2.2", "Reply: the message answered is mandatory")
	}
	to, err := replyTo(answered)
	if err != nil {
		return SendReport{}, err
	}
	if to.IsPatient() && !answered.cameFrom(to) {
		return SendReport{}, notConform("ECO.2.2.6", "Reply: a patient is answered at the address of a message that Read or ParseMessage gave: read it again, or write through Draft.Patients")
	}
	j := job{Draft: d, answered: answered, to: []Address{to}, mark: "Re: "}
	if all {
		j.to = append(j.to, m.others(answered.To, to, &j)...)
		j.cc = m.others(answered.Cc, to, &j)
	}
	return m.send(ctx, j)
}

// cameFrom reports whether the bytes of a message name one sender, who has that
// address: what a Message says may have been written by the application.
func (m *Message) cameFrom(a Address) bool {
	if m.origin.raw == nil {
		return false
	}
	h, _, _ := parseHeader(m.origin.raw)
	from := addresses(h.get("from"))
	return h.count("from") == 1 && len(from) == 1 && from[0] == a && parseSender(h.get("from")).Address == a
}

// others gives the professionals of a list but for the mailbox itself.
func (m *Mailbox) others(l []Address, but Address, j *job) (out []Address) {
	for _, a := range l {
		switch {
		case a.IsZero() || a.same(m.access.Address) || a.same(but):
		case a.IsPatient():
			j.notes = append(j.notes, Degraded{"ECO.2.2.6", "a patient among the recipients was left out: write to them through Draft.Patients"})
		default:
			out = append(out, a)
		}
	}
	return out
}

// Forward sends a message on to the recipients of the draft: its text under that
// of the draft, its documents in an IHE_XDM.ZIP of this mailbox with their PDF,
// and its other files, read from the message while this one is composed.
//
// Nothing is left out in silence: a message with a document or an archive that
// has a fault, with a document that its sender wants deleted, or of which some
// could not be read, is refused with ErrNotConform. A PDF that is that of a
// document by a guess only goes as a file, under its own name, and the report
// tells. A message goes into no thread.
func (m *Mailbox) Forward(ctx context.Context, original *Message, d Draft) (SendReport, error) {
	if original == nil {
		return SendReport{}, notConform("RFC 5322", "Forward: the message to send on is mandatory")
	}
	for _, err := range original.Faults {
		var f *Fault
		if errors.As(err, &f) && (f.Kind == FaultMIME || f.Kind == FaultEncoding) || len(original.Faults) >= maxFaults {
			return SendReport{}, &Error{Op: "send", Code: "RFC 2045", Text: "Forward: some of the message could not be read and would be lost: send what is good of it with Send", Err: err, kind: ErrNotConform, outcome: notSent}
		}
	}
	var notes []Degraded
	d.Documents, d.Files = slices.Clone(d.Documents), slices.Clone(d.Files)
	for i, doc := range original.Documents {
		switch {
		case doc.Err != nil || len(doc.data) == 0:
			return SendReport{}, notConform("IHE XDM", "Forward: document %d of the message has a fault: send what is good of it with Send", i+1)
		case doc.Action == ActionDelete:
			return SendReport{}, notConform("IHE XDM", "Forward: document %d of the message is one that its sender wants deleted", i+1)
		}
		o := Outgoing{CDA: doc.data}
		switch {
		case doc.PDF == nil:
		case doc.PDFGuessed:
			notes = append(notes, Degraded{"SC.CDA/DD.15", fmt.Sprintf("a PDF that may be that of document %d goes as a file, under its own name", i+1)})
		default:
			b, err := io.ReadAll(io.LimitReader(doc.PDF.Open(), maxArchive))
			if err != nil {
				return SendReport{}, notConform("ECO.2.1.1", "Forward: the PDF of document %d cannot be decoded", i+1)
			}
			o.PDF = b
		}
		d.Documents = append(d.Documents, o)
	}
	for _, a := range original.Files() {
		if namesArchive(a.Name) {
			return SendReport{}, notConform("IHE XDM", "Forward: an IHE_XDM.ZIP of the message cannot be read: send what is good of it with Send")
		}
		d.Files = append(d.Files, a.forwarded())
	}
	if original.HTML != "" {
		d.Files = append(d.Files, File{Name: "message.html", MediaType: "text/html", Content: []byte(original.HTML)})
	}
	if n := len(original.Faults); n > 0 {
		notes = append(notes, Degraded{"RFC 2045", fmt.Sprintf("the message sent on has %d faults: it goes as it could be read", n)})
	}
	d.Text = strings.TrimSpace(d.Text) + "\n\n" + original.quoted()
	if d.Subject == "" && len(d.Documents) == 0 {
		d.Subject = "Tr: " + answerMark.ReplaceAllString(original.Subject, "")
	}
	j := job{Draft: d, notes: notes}
	if original.Sender.Address.IsPatient() {
		j.patient = original.Sender.Address
	}
	return m.send(ctx, j)
}

// forwarded gives an attachment as a file of another message.
func (a Attachment) forwarded() File {
	f := File{Name: a.Name, MediaType: a.MediaType, Open: func() (io.ReadCloser, error) { return io.NopCloser(a.Open()), nil }}
	if f.Name == "" {
		f.Name = "piece-" + a.Part
		if a.is("message/rfc822") {
			f.Name += ".eml"
		}
	}
	if f.check() != nil {
		f.MediaType = "" // a message inside, or a type that is none
	}
	if f.check() != nil {
		f.Name = "piece-" + a.Part
	}
	return f
}

// quoted gives the text of a message under a header for people. Of a patient it
// gives the name: their address is their INS.
func (m *Message) quoted() string {
	from := headerText(m.Sender.Name)
	if m.Sender.Kind != SenderPatient {
		from = strings.TrimSpace(from + " <" + m.Sender.Address.Wire() + ">")
	}
	text := m.Text
	if text == "" && m.HTML != "" {
		text = "(texte joint au format HTML)"
	}
	at := m.when()
	if !m.Date.IsZero() {
		at = m.Date
	}
	return fmt.Sprintf("-------- Message transféré --------\nDe : %s\nDate : %s\nObjet : %s\n\n%s", from, at.Format("02/01/2006 15:04"), m.Subject, text)
}
