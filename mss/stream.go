package mss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// Part is a part of a message that the operator holds, as the operator sees it.
type Part struct {
	Number    string // IMAP part number, such as 2 or 1.2
	MediaType string // such as application/pdf, in lower case
	Name      string // file name without folders, may be empty
	Size      int64  // bytes, encoded as it travels
	// Attached reports that the sender marked it as an attachment.
	Attached bool

	encoding string
	whole    bool // the message is no multipart: this is its body
}

// String tells the number, the type and the size: the name may hold that of a
// patient.
func (p Part) String() string {
	return fmt.Sprintf("part %s %s of %d bytes", p.Number, p.MediaType, p.Size)
}

// GoString is String.
func (p Part) GoString() string { return p.String() }

// MarshalText is String.
func (p Part) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue is String.
func (p Part) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Parts gives the parts of a message that hold something, without reading it: to
// show what a large message has, and open what is wanted with [Mailbox.OpenPart].
// Read is what tells documents and faults.
func (m *Mailbox) Parts(ctx context.Context, id UID) ([]Part, error) {
	var out []Part
	err := m.readingMessage(ctx, "parts", id, func(r *reader) (err error) {
		out, err = r.parts(id.Number)
		return err
	})
	return out, err
}

// OpenPart gives the content of a part, decoded, while it comes from the operator
// piece by piece: none is held, and a connection that breaks is opened again. Ctx
// is that of all reads. The message stays unread.
func (m *Mailbox) OpenPart(ctx context.Context, id UID, number string) (io.Reader, error) {
	parts, err := m.Parts(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if p.Number != number {
			continue
		}
		if err := m.readingMessage(ctx, "read", id, func(r *reader) error { return r.encoding(id.Number, &p) }); err != nil {
			return nil, err
		}
		return decodeTransfer(p.encoding, &pieces{ctx: ctx, box: m, id: id, section: pathOf(number)}), nil
	}
	return nil, &Error{Op: "read", kind: ErrNoMessage, Text: "the message has no such part", outcome: socle.OutcomeRefused}
}

// Save writes a message as it is, as a file .eml holds it, piece by piece and
// whatever its size. It gives the number of bytes written.
func (m *Mailbox) Save(ctx context.Context, id UID, w io.Writer) (int64, error) {
	return io.Copy(w, &pieces{ctx: ctx, box: m, id: id})
}

// readingMessage runs f with the folder of a message selected.
func (m *Mailbox) readingMessage(ctx context.Context, op string, id UID, f func(*reader) error) error {
	return m.reading(ctx, op, id.reference(), func(r *reader) error {
		if err := r.open(folderOf(id.Folder)); err != nil {
			return err
		}
		if r.validity != id.Validity {
			return renumbered(op)
		}
		return f(r)
	})
}

const maxStream = 1 << 30 // bytes of a part or a message that is streamed

// pieces reads a section of a message piece by piece.
type pieces struct {
	ctx     context.Context
	box     *Mailbox
	id      UID
	section []int // nil for the whole message
	offset  int64
	left    []byte
	end     bool
	err     error
}

// Read asks for one piece more when the last is used up.
func (p *pieces) Read(b []byte) (int, error) {
	for len(p.left) == 0 {
		switch {
		case p.err != nil:
			return 0, p.err
		case p.end:
			return 0, io.EOF
		}
		p.err = p.next()
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

func (p *pieces) next() error {
	var f fetched
	err := p.box.reading(p.ctx, "read", p.id.reference(), func(r *reader) error {
		if folder := folderOf(p.id.Folder); p.offset == 0 || r.folder != folder { // else it was there a moment ago
			if err := r.open(folder); err != nil {
				return err
			}
		}
		if r.validity != p.id.Validity {
			return renumbered("read")
		}
		l, err := r.fetch([]uint32{p.id.Number}, &imap.FetchItemBodySection{Part: p.section, Peek: true,
			Partial: &imap.SectionPartial{Offset: p.offset, Size: chunk}}, chunk)
		if err != nil {
			return err
		}
		for _, one := range l {
			if one.uid == p.id.Number {
				f = one
				return nil
			}
		}
		return &Error{Op: "read", kind: ErrNoMessage, outcome: socle.OutcomeRefused}
	})
	if err != nil {
		return err
	}
	p.left, p.end = f.section, len(f.section) < chunk
	if p.offset += int64(len(f.section)); p.offset > maxStream {
		return &Error{Op: "read", kind: ErrTooLarge, Text: fmt.Sprintf("more than %d bytes", maxStream), outcome: socle.OutcomeRefused}
	}
	return nil
}

func pathOf(number string) []int {
	var out []int
	for n := range strings.SplitSeq(number, ".") {
		i, _ := strconv.Atoi(n) // a number of ours
		out = append(out, i)
	}
	return out
}

// parts asks for the structure of a message.
func (r *reader) parts(uid uint32) ([]Part, error) {
	cmd := r.client.Fetch(uidSet([]uint32{uid}), &imap.FetchOptions{UID: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}})
	var out []Part
	found := false
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		data, err := msg.Collect()
		if err != nil {
			r.close()
			return nil, errors.Join(err, cmd.Close())
		}
		if uint32(data.UID) != uid || data.BodyStructure == nil {
			continue
		}
		found = true
		_, whole := data.BodyStructure.(*imap.BodyStructureSinglePart)
		data.BodyStructure.Walk(func(path []int, s imap.BodyStructure) bool {
			one, ok := s.(*imap.BodyStructureSinglePart)
			if !ok {
				return len(path) <= maxPartDepth
			}
			if len(out) < maxParts {
				p := partOf(path, one)
				p.whole = whole
				out = append(out, p)
			}
			return false // what is in an attached message is part of it
		})
	}
	if err := cmd.Close(); err != nil {
		return nil, err
	}
	if !found {
		return nil, &Error{Op: "parts", kind: ErrNoMessage, outcome: socle.OutcomeRefused}
	}
	return out, nil
}

// encoding reads the transfer encoding in the header of a part: senders misspell
// the field in ways that operators do not know.
func (r *reader) encoding(uid uint32, p *Part) error {
	section := &imap.FetchItemBodySection{Part: pathOf(p.Number), Specifier: imap.PartSpecifierMIME, Peek: true, Partial: &imap.SectionPartial{Size: summaryLimit}}
	if p.whole {
		section.Part, section.Specifier = nil, imap.PartSpecifierHeader
	}
	l, err := r.fetch([]uint32{uid}, section, summaryLimit)
	for _, f := range l {
		h, _, _ := parseHeader(f.section)
		if e := h.transferEncoding(); f.uid == uid && e != "" {
			p.encoding = e
		}
	}
	return err
}

func partOf(path []int, s *imap.BodyStructureSinglePart) Part {
	var numbers []string
	for _, n := range path {
		numbers = append(numbers, strconv.Itoa(n))
	}
	p := Part{Number: strings.Join(numbers, "."), MediaType: strings.ToLower(s.MediaType()), Size: int64(s.Size),
		Name: cleanName(headerText(s.Filename())), encoding: strings.ToLower(strings.TrimSpace(s.Encoding))}
	if d := s.Disposition(); d != nil {
		p.Attached = strings.EqualFold(d.Value, "attachment")
	}
	return p
}
