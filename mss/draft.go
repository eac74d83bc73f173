package mss

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
)

// Draft is a message to send. Its headers are the client's business.
type Draft struct {
	// To and Cc are professionals' mailboxes. A patient is written to through
	// Patients, or by answering.
	To, Cc []Address
	// Patients are written to at the address of their INS, which only a
	// qualified identity has (ECO.2.2.6): one in a message, because each would
	// see the INS of the others (SC.MSS/CONF.23). Write to a minor at their own
	// address, never at their parents'.
	Patients []ins.Identity
	// Subject is without prefix. With documents it is the label of the XDM
	// subject, to which the name and birth date of the patient are added
	// (ECO.2.1.3), and empty means the title of the first document. Of a reply
	// without documents, empty means that of the message answered.
	Subject string
	// Text is the message, mandatory.
	Text string
	// Documents are CDA documents, all of one patient, who is the one written
	// to when a patient is (SC.MSS/CONF.23). They travel in IHE_XDM.ZIP, and the PDF of each beside it.
	Documents []Outgoing
	// Files are other files.
	Files []File
	// ReplyTo is where answers go instead of the mailbox; Mon espace santé lets
	// the patient answer there (ENS Messagerie §9).
	ReplyTo Address
	// DespiteOpposition is why the message leaves although the patient opposes it,
	// as Config.Opposition tells; empty refuses it. It is kept in the audit record
	// and must not identify the patient.
	DespiteOpposition string
	// Final closes the exchange: Mon espace santé lets the patient answer no
	// more (X-MSS-MES: FIN, ECO.2.2.8). It needs a patient among the recipients.
	Final bool
	// ReadReceipt asks its readers for a notification (Disposition-Notification-To,
	// RFC 8098), DeliveryReceipt asks the operators for one (ECO.2.3.1), by
	// Return-Receipt-To and, where the operator takes it, by RFC 3461: the
	// report tells when it does not. [Message.Receipts] reads what comes back.
	ReadReceipt, DeliveryReceipt bool
	// MessageID is the identifier of the message, without brackets. Empty makes
	// one. Give one to send the same message again under the same identifier,
	// after an outcome that is unknown.
	MessageID string
}

// Outgoing is a CDA document to send.
type Outgoing struct {
	CDA []byte
	// PDF is the PDF/A-1 made from the document. The référentiel wants one for
	// each document (ECO.2.1.1, ECO.2.1.5): without it, the report tells.
	PDF []byte
	// Action is ActionReplace for a document that replaces one sent before (its
	// relatedDocument says which), ActionDelete for one sent before that is to be
	// deleted, empty for a new one. The text says it too: a sentence is put before
	// it when it does not. [Mailbox.Replace] and [Mailbox.Withdraw] set it.
	Action string
	// Number is the vendor's number of the record (numéro de dossier), which ends
	// the name of the PDF (ECO.2.1.6); optional.
	Number string
}

// OutgoingDocument gives a document that package dmp made, and the PDF/A-1 of it
// if there is one. It reads the document into memory.
func OutgoingDocument(d *dmp.Document, pdf []byte) (Outgoing, error) {
	r, err := d.Open()
	if err != nil {
		return Outgoing{}, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return Outgoing{CDA: b, PDF: pdf}, err
}

// File is a file to attach.
type File struct {
	Name      string
	MediaType string // application/octet-stream when empty
	Content   []byte
	// Open gives the content instead of Content: it is read when the message is
	// composed, which holds the whole message in memory.
	Open func() (io.ReadCloser, error)
}

func (f File) open() (io.ReadCloser, error) {
	if f.Open != nil {
		return f.Open()
	}
	return io.NopCloser(bytes.NewReader(f.Content)), nil
}

// String tells how much there is, and nothing of it.
func (d Draft) String() string {
	return fmt.Sprintf("draft to %d, %d documents, %d files", len(d.To)+len(d.Cc)+len(d.Patients), len(d.Documents), len(d.Files))
}

// GoString is String.
func (d Draft) GoString() string { return d.String() }

// MarshalText is String.
func (d Draft) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue is String.
func (d Draft) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String tells the sizes.
func (o Outgoing) String() string {
	return fmt.Sprintf("document of %d bytes, PDF of %d", len(o.CDA), len(o.PDF))
}

// GoString is String.
func (o Outgoing) GoString() string { return o.String() }

// MarshalText is String.
func (o Outgoing) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// LogValue is String.
func (o Outgoing) LogValue() slog.Value { return slog.StringValue(o.String()) }

// String tells the type and the size.
func (f File) String() string {
	if f.Open != nil {
		return "file " + f.MediaType
	}
	return fmt.Sprintf("file %s of %d bytes", f.MediaType, len(f.Content))
}

// GoString is String.
func (f File) GoString() string { return f.String() }

// MarshalText is String.
func (f File) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// LogValue is String.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// envelope is who gets a message, and which it answers.
type envelope struct {
	to, cc     []Address
	patients   int // recipients of Mon espace santé
	pseudonym  string
	inReplyTo  string
	references []string
}

// readBy refuses documents of another patient than the one written to.
func (e envelope) readBy(number ins.Matricule) error {
	for _, a := range slices.Concat(e.to, e.cc) {
		if reader, ok := a.Matricule(); ok && !number.IsZero() && reader != number {
			return notConform("SC.MSS/CONF.23", "Documents: they are about another patient than the one written to")
		}
	}
	return nil
}

// job is a message on its way, whichever call it came by: there is one path.
type job struct {
	Draft
	answered *Message  // in whose thread it goes, nil for none
	to, cc   []Address // whom the message answered or replaced gives
	mark     string    // what the subject of answered begins with: "Re: "
	notes    []Degraded
	// mention is what the text must say of documents with an Action, unless it
	// does; replaced are the identifiers of the documents of the message replaced.
	mention  string
	replaced map[string]bool
	patient  Address // who wrote what is sent on, none when it was no patient
}

// address makes the envelope of a job.
func (m *Mailbox) address(d job) (envelope, error) {
	e := envelope{to: d.to, cc: append(slices.Clone(d.cc), d.Cc...)}
	if d.answered != nil {
		// A Message may have been stored and changed since: identifiers are
		// read again before they go into a header.
		if id := messageIDs("<" + d.answered.MessageID + ">"); len(id) == 1 {
			e.inReplyTo = id[0]
			e.references = messageIDs("<" + strings.Join(thread(d.answered), "> <") + ">")
		}
	}
	for _, a := range append(append([]Address{}, d.To...), d.Cc...) {
		if a.IsZero() {
			return envelope{}, notConform("RFC 5322", "To, Cc: an empty address")
		}
		if a.IsPatient() {
			return envelope{}, notConform("ECO.2.2.6", "To, Cc: write to a patient through Draft.Patients, whose address is made of a qualified INS, or with Reply")
		}
	}
	e.to = append(slices.Clone(e.to), d.To...)
	for i, p := range d.Patients {
		sendable, err := p.Sendable()
		if err != nil {
			return envelope{}, &Error{Op: "send", Code: "ECO.2.2.6", Text: fmt.Sprintf("Patients[%d]", i), Err: err, kind: ErrNotConform, outcome: notSent}
		}
		if err := m.client.belongs(sendable.OID); err != nil {
			return envelope{}, err
		}
		a, err := ParseAddress(sendable.Matricule.Wire() + "@" + m.client.cfg.Dialect.patientDomain())
		if err != nil {
			return envelope{}, &Error{Op: "send", Err: err, outcome: notSent}
		}
		e.to = append(e.to, a)
	}
	seen := map[string]bool{} // by the address in lower case
	unique := func(l []Address) (out []Address) {
		for _, a := range l {
			if key := strings.ToLower(a.Wire()); !seen[key] {
				seen[key] = true
				out = append(out, a)
			}
		}
		return out
	}
	e.to, e.cc = unique(e.to), unique(e.cc)
	if len(e.to) == 0 {
		e.to, e.cc = e.cc, nil
	}
	if len(e.to) == 0 {
		return envelope{}, notConform("RFC 5321", "no recipient")
	}
	for _, a := range e.to {
		if a.IsPatient() {
			e.patients++
			if number, ok := a.Matricule(); ok && e.pseudonym == "" {
				e.pseudonym = m.client.cfg.Pseudonym(number.Wire())
			}
		}
	}
	if e.patients > 1 {
		return envelope{}, notConform("SC.MSS/CONF.23", "%d patients among the recipients: one in a message, each would see the INS of the others", e.patients)
	}
	if d.Final && e.patients == 0 {
		return envelope{}, notConform("ECO.2.2.8", "Final: X-MSS-MES: FIN is for a message to a patient, and there is none among the recipients")
	}
	return e, nil
}

// belongs refuses in production what is for tests, and warns of the reverse.
func (c *Client) belongs(oid ins.OID) error {
	if c.cfg.Environment.Test && !oid.Fictitious() {
		c.cfg.Log().Warn("mss: a real identity is sent on a test platform")
	}
	if oid.Fictitious() && !c.cfg.Environment.Test {
		return &Error{Op: "send", kind: ErrEnvironment, outcome: notSent, Text: "an identity of " + oid.Kind() + " never goes to production: set Environment.Test for a test platform"}
	}
	return nil
}

// replyTo gives whom to answer: a patient at the address that wrote and no
// other; a professional where they ask to be answered.
func replyTo(m *Message) (Address, error) {
	if m.Sender.Kind == SenderUnknown {
		return Address{}, notConform("RFC 5322", "the message answered has no sender that can be read")
	}
	if m.Sender.Kind == SenderProfessional && len(m.ReplyTo) > 0 && !m.ReplyTo[0].IsPatient() {
		return m.ReplyTo[0], nil
	}
	return m.Sender.Address, nil
}

// thread gives the References of an answer (RFC 5322 section 3.6.4), the first
// and the last ones when there are very many.
func thread(m *Message) []string {
	refs := append([]string{}, m.References...)
	if len(refs) == 0 && m.InReplyTo != "" {
		refs = append(refs, m.InReplyTo)
	}
	if len(refs) > 20 {
		refs = append(refs[:1], refs[len(refs)-19:]...)
	}
	return append(refs, m.MessageID)
}

func (d Draft) check() error {
	if strings.TrimSpace(d.Text) == "" {
		return notConform("ECO.2.2.4", "Text: mandatory")
	}
	if d.ReplyTo.IsPatient() {
		return notConform("ECO.2.2.6", "ReplyTo: a professional's mailbox expected")
	}
	if d.MessageID != "" && !isMessageID(d.MessageID) {
		return notConform("ECO.2.2.1", "MessageID: left@right expected, in ASCII and without brackets, 250 characters at most")
	}
	for i, f := range d.Files {
		if err := f.check(); err != nil {
			return notConform("RFC 2183", "Files[%d]: %v", i, err)
		}
	}
	return nil
}

func isMessageID(s string) bool {
	left, right, ok := strings.Cut(s, "@")
	return ok && left != "" && right != "" && len(s) <= maxMessageID && !strings.Contains(right, "@") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' })
}

func (f File) check() error {
	switch {
	case f.Name == "" || f.Name != cleanName(f.Name) || !utf8.ValidString(f.Name) || len(f.Name) > 250 || strings.ContainsFunc(f.Name, unicode.IsControl):
		return errors.New("a file name without folders is mandatory, of 250 bytes of UTF-8 at most")
	case strings.Contains(f.Name, "=?"):
		return errors.New("a file name with =? would be decoded by its readers")
	case namesArchive(f.Name):
		return errors.New("IHE_XDM.ZIP is made of Documents, and is not attached as a file")
	case f.MediaType == "":
		return nil
	}
	media, _, err := mime.ParseMediaType(f.MediaType)
	switch {
	case err != nil || !strings.EqualFold(media, f.MediaType) || !strings.Contains(media, "/"):
		return errors.New("a media type such as application/pdf expected, without parameters")
	case strings.HasPrefix(media, "multipart/") || strings.HasPrefix(media, "message/"):
		return errors.New("a message is attached as application/octet-stream: readers would take it for parts of this one")
	}
	return nil
}
