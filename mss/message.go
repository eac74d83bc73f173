package mss

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Message is a message as a pharmacist reads it.
type Message struct {
	Summary
	ReplyTo []Address
	// Text is the text of the message in UTF-8; HTML is its text/html form, as
	// sent, if it has one: show it only after cleaning it. A message may have
	// one without the other.
	Text, HTML string
	// Attachments are the attached files but the IHE_XDM.ZIP archives.
	Attachments []Attachment
	// Documents are the documents of the attached IHE_XDM.ZIP archives, all of
	// them, in order.
	Documents []Document
	// Faults are what is wrong in the message. Nothing in them prevented the
	// rest from being read.
	Faults []error

	origin origin
}

// Attachment is an attached file.
type Attachment struct {
	Part      string // IMAP part number
	Name      string // file name without folders, may be empty
	MediaType string // such as application/pdf
	Size      int64  // bytes, decoded
	part      *part
}

// Open gives the decoded content, read on the fly.
func (a Attachment) Open() io.Reader {
	if a.part == nil {
		return bytes.NewReader(nil)
	}
	return a.part.content()
}

// String tells the type and the size: the name may hold that of a patient.
func (a Attachment) String() string {
	return fmt.Sprintf("attachment %s of %d bytes", a.MediaType, a.Size)
}

// GoString is String.
func (a Attachment) GoString() string { return a.String() }

// MarshalText is String.
func (a Attachment) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a Attachment) LogValue() slog.Value { return slog.StringValue(a.String()) }

// ParseMessage reads a message (RFC 5322) from its bytes, as a file .eml holds
// them; raw must not be changed afterwards. It reads what can be read of a
// broken one, and tells the rest in Faults.
func ParseMessage(raw []byte) *Message {
	m, _ := parseMessage(context.Background(), raw)
	return m
}

// parseMessage is ParseMessage until ctx ends: a hostile message of 60 MB may
// keep a processor busy for a while.
func parseMessage(ctx context.Context, raw []byte) (*Message, error) {
	t := &treeReader{ctx: ctx}
	root := t.read(raw, "", 0)
	m := &Message{
		Summary: summarize(root.header),
		ReplyTo: addresses(root.header.get("reply-to")),
		origin:  originOf(root.header, raw),
	}
	m.Size = int64(len(raw))
	if m.Sender.Kind == SenderUnknown {
		t.fault(FaultSender, "", "no address of a person or an organisation can be read in From")
	}
	if n := len(addresses(root.header.get("from"))); n > 1 || root.header.count("from") > 1 || severalSenders(root.header.get("from")) {
		t.fault(FaultSender, "", "several senders in From: the first is told, other readers may show another")
	}
	if root.children == nil {
		root.number = "1"
	}
	m.walk(root, t)
	m.documents(t)
	m.Faults = t.faults
	return m, ctx.Err()
}

// walk sorts the leaves: text and HTML to show, archives and other files.
func (m *Message) walk(p *part, t *treeReader) {
	if len(p.children) > 0 || strings.HasPrefix(p.media, "multipart/") {
		for _, c := range p.children {
			m.walk(c, t)
		}
		return
	}
	media := p.media
	if media == "" {
		media = "text/plain"
	}
	if !p.attached && p.name == "" && (media == "text/plain" || media == "text/html") {
		text := p.text(t)
		if media == "text/html" {
			m.HTML = join(m.HTML, text)
		} else {
			m.Text = join(m.Text, text)
		}
		return
	}
	size, err := io.Copy(io.Discard, t.content(p))
	if err != nil {
		t.fault(FaultEncoding, p.number, "the content cannot be decoded to its end")
	}
	m.Attachments = append(m.Attachments, Attachment{Part: p.number, Name: p.name, MediaType: media, Size: size, part: p})
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// text gives a text part in UTF-8 with LF line ends.
func (p *part) text(t *treeReader) string {
	b, err := io.ReadAll(io.LimitReader(t.content(p), maxTextPart+1))
	if err != nil {
		t.fault(FaultEncoding, p.number, "the text cannot be decoded to its end")
	}
	if len(b) > maxTextPart {
		b = b[:maxTextPart]
		t.fault(FaultMIME, p.number, "text longer than %d bytes", maxTextPart)
	}
	s, ok := toUTF8(b, p.params["charset"])
	if !ok {
		t.fault(FaultCharset, p.number, "the text is not in the charset %.30q that it declares", p.params["charset"])
	}
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

// String tells how many files and documents the message has.
func (m Message) String() string {
	return fmt.Sprintf("%s, %d attachments, %d documents, %d faults", m.Summary, len(m.Attachments), len(m.Documents), len(m.Faults))
}

// GoString is String.
func (m Message) GoString() string { return m.String() }

// MarshalText is String.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
