package mss

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message/mail"
)

const archiveName = "IHE_XDM.ZIP"

const (
	xdmMark    = "XDM/1.0/DDM+"
	maxSubject = 250 // characters
)

// automaticNotice ends the messages of applicative mailboxes that do not say
// that they are made by a machine (MSS/va1.09). Its words are ours.
const automaticNotice = "Ce message a été généré automatiquement."

var automatic = regexp.MustCompile(`(?i)automati`)

// compose writes the message (RFC 5322). Every header that the référentiel
// wants is set here and nowhere else.
func (m *Mailbox) compose(d job, e envelope, parcel *parcel, at time.Time, r *SendReport) ([]byte, error) {
	var h mail.Header
	h.SetDate(at)
	h.SetAddressList("From", []*mail.Address{{Name: m.access.Label.String(), Address: m.access.Address.Wire()}})
	h.SetAddressList("To", wire(e.to))
	if len(e.cc) > 0 {
		h.SetAddressList("Cc", wire(e.cc))
	}
	if r.MessageID = d.MessageID; r.MessageID == "" {
		r.MessageID = newMessageID(m.access.Address.Domain())
	}
	h.SetMessageID(r.MessageID)
	if d.answered != nil {
		if e.inReplyTo == "" {
			r.degrade("ECO.2.2.2", "the message answered has no Message-ID: the answer has no In-Reply-To")
		} else {
			h.SetMsgIDList("In-Reply-To", []string{e.inReplyTo})
			h.SetMsgIDList("References", e.references)
		}
	}
	if m.access.Auth.applicative() && d.ReplyTo.IsZero() {
		r.degrade("MSS/va1.09", "a message of an applicative mailbox without Reply-To: its readers would answer a machine")
	}
	if !d.ReplyTo.IsZero() {
		h.SetAddressList("Reply-To", wire([]Address{d.ReplyTo}))
	}
	title := subject(d, parcel)
	if parcel != nil && parcel.partial {
		r.degrade("ECO.2.1.3", "the documents lack the birth name, the first given name or the birth date of the patient: the subject does too")
	}
	if d.Final && m.client.cfg.Dialect.FinalSubject && !strings.Contains(title, finMark) {
		title += " " + finMark
	}
	h.SetSubject(title)
	set(&h, "X-MSS-NIL", m.client.product)
	if parcel != nil {
		r.Codes, r.INS = parcel.codes, "N"
		if parcel.qualified {
			r.INS = "O"
		}
		set(&h, "X-MSS-CODECDA", strings.Join(parcel.codes, ","))
		set(&h, "X-MSS-INS", r.INS)
	}
	own := []*mail.Address{{Address: m.access.Address.Wire()}}
	if d.ReadReceipt {
		h.SetAddressList("Disposition-Notification-To", own)
	}
	if d.DeliveryReceipt {
		h.SetAddressList("Return-Receipt-To", own)
	}
	if d.Final {
		set(&h, "X-MSS-MES", "FIN")
		r.Final = true
	}
	files := d.Files
	if parcel != nil {
		files = append(append([]File{{Name: archiveName, MediaType: "application/zip", Content: parcel.archive}}, parcel.pdfs...), files...)
	}
	text := d.said()
	if m.access.Auth.applicative() && !automatic.MatchString(text) {
		text += "\n\n" + automaticNotice
	}
	return write(h, text, files)
}

// set adds a header whose name is written as the référentiel writes it, folded
// after commas. The value is ASCII without line end.
func set(h *mail.Header, name, value string) {
	line := name + ":"
	var b strings.Builder
	for i, v := range strings.SplitAfter(value, ",") {
		if len(line)+len(v) > 76 && i > 0 {
			b.WriteString(line + "\r\n")
			line = ""
		}
		if i == 0 || line == "" {
			line += " "
		}
		line += v
	}
	h.AddRaw([]byte(b.String() + line + "\r\n"))
}

func write(h mail.Header, text string, files []File) ([]byte, error) {
	var b bytes.Buffer
	content := strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n"), "\n", "\r\n") + "\r\n"
	if len(files) == 0 {
		h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
		w, err := mail.CreateSingleInlineWriter(&b, h)
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(w, content)
		err = firstError(err, w.Close())
		return b.Bytes(), err
	}
	w, err := mail.CreateWriter(&b, h)
	if err != nil {
		return nil, err
	}
	var inline mail.InlineHeader
	inline.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	t, err := w.CreateSingleInline(inline)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(t, content)
	if err = firstError(err, t.Close()); err != nil {
		return nil, err
	}
	for _, f := range files {
		var a mail.AttachmentHeader
		media := f.MediaType
		if media == "" {
			media = "application/octet-stream"
		}
		a.SetContentType(media, map[string]string{"name": f.Name})
		a.SetFilename(f.Name)
		p, err := w.CreateAttachment(a)
		if err != nil {
			return nil, err
		}
		if err = firstError(copyFile(p, f), p.Close()); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return b.Bytes(), err
}

func copyFile(w io.Writer, f File) error {
	r, err := f.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return firstError(err, r.Close())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func wire(l []Address) []*mail.Address {
	out := make([]*mail.Address, len(l))
	for i, a := range l {
		out[i] = (*mail.Address)(&netmail.Address{Address: a.Wire()})
	}
	return out
}

// subject gives the subject: with documents, in the form of ECO.2.1.3.
func subject(d job, p *parcel) string {
	s := unannounced(d.Subject) // it announces documents, and only we know whether there are
	switch {
	case p != nil:
		if s == "" {
			s = p.title
		}
		// The label gives way to the patient, never the reverse.
		patient := oneLine(p.patient)
		s = xdmMark + strings.TrimSpace(cut(oneLine(s), max(0, maxSubject-len(xdmMark)-1-utf8.RuneCountInString(patient)))+" "+patient)
		return s
	case s == "" && d.mark != "" && d.answered != nil:
		s = d.answered.Subject
		if !strings.HasPrefix(strings.ToLower(s), strings.ToLower(strings.TrimSpace(d.mark))) {
			s = d.mark + s
		}
	}
	return unannounced(cut(oneLine(s), maxSubject))
}

// unannounced gives a subject that announces no documents, however often it did.
func unannounced(s string) string {
	for announces := true; announces; {
		s, announces = withoutPrefix(s)
	}
	return s
}

// oneLine makes a text safe for a header: without line ends, and without what
// readers would decode.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	return strings.ReplaceAll(s, "=?", "= ?")
}

func newMessageID(domain string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%s@%s", hex.EncodeToString(b[:]), domain)
}
