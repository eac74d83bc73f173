package mss

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/fnv"
	"strings"
)

// Cursor is how far a folder was followed by [Mailbox.Changes] or a [Watcher].
// The caller stores it, as text, once what came with it is handled: after a
// restart nothing is missed, and what was not stored comes again. The zero
// Cursor is the beginning of a folder.
//
// It holds UIDVALIDITY, the next UID and, from an operator with CONDSTORE (RFC
// 7162), the mod-sequence, and belongs to one folder of one mailbox.
type Cursor struct {
	owner    uint32 // of which mailbox and folder
	validity uint32
	next     uint32 // the first UID that was not told
	modseq   uint64 // up to which flags were told; 0 when the operator has none
	again    uint32 // of a renumbered inbox: the first UID after those that come again; else 0
}

const (
	cursorVersion = 1
	cursorSize    = 1 + 4 + 4 + 4 + 8 + 4
	cursorAgain   = 2 // as version 1, with again before the checksum
)

// following is the UID after another. None can follow the last that there is:
// it is told again then, rather than missed.
func following(uid uint32) uint32 { return uid + min(1, ^uint32(0)-uid) }

// after is the cursor once the arrival of a message is handled.
func (c Cursor) after(uid uint32) Cursor {
	if c.next = following(uid); c.next >= c.again {
		c.again = 0
	}
	return c
}

var errCursor = errors.New("mss: cursor: not one of this package, or damaged: begin again with the zero Cursor")

// IsZero reports whether the cursor is at the beginning.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String gives the text, empty for the zero Cursor. It holds nothing secret.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	b := make([]byte, 0, cursorSize+4)
	b = append(b, cursorVersion)
	b = binary.BigEndian.AppendUint32(b, c.owner)
	b = binary.BigEndian.AppendUint32(b, c.validity)
	b = binary.BigEndian.AppendUint32(b, c.next)
	b = binary.BigEndian.AppendUint64(b, c.modseq)
	if c.again != 0 {
		b[0] = cursorAgain
		b = binary.BigEndian.AppendUint32(b, c.again)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// MarshalText gives String.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText gave. It refuses a damaged text: an
// operator's number taken for another would miss messages.
func (c *Cursor) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Cursor{}
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	size := cursorSize
	if len(b) > 0 && b[0] == cursorAgain {
		size += 4
	} else if len(b) > 0 && b[0] != cursorVersion {
		return errCursor
	}
	if err != nil || len(b) != size || crc32.ChecksumIEEE(b[:size-4]) != binary.BigEndian.Uint32(b[size-4:]) {
		return errCursor
	}
	read := Cursor{owner: binary.BigEndian.Uint32(b[1:]), validity: binary.BigEndian.Uint32(b[5:]),
		next: binary.BigEndian.Uint32(b[9:]), modseq: binary.BigEndian.Uint64(b[13:])}
	if size > cursorSize {
		read.again = binary.BigEndian.Uint32(b[21:])
	}
	if read.next == 0 || read.owner == 0 || size > cursorSize && read.again == 0 {
		return errCursor
	}
	*c = read
	return nil
}

// ownerOf tells the cursors of one folder of one mailbox from others.
func ownerOf(mailbox Address, folder string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(mailbox.Wire()) + "\x00" + folderName(folder)))
	return max(h.Sum32(), 1)
}
