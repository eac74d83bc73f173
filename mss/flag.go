package mss

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// Flag is a mark that the operator keeps on a message for all who open the
// mailbox. Besides those below, a vendor's own are words such as
// "$Dispensed": not every operator keeps them.
type Flag string

// Flags of messages (RFC 3501 section 2.3.2, RFC 3503, RFC 9051 section 2.3.2).
const (
	FlagSeen        Flag = `\Seen`
	FlagAnswered    Flag = `\Answered`
	FlagFlagged     Flag = `\Flagged`
	FlagForwarded   Flag = "$Forwarded"
	FlagReceiptSent Flag = "$MDNSent" // a receipt was sent, or declined: never ask again
)

// Mark puts a flag on messages of one folder. Messages that are gone are left
// out in silence. The error is ErrNotKept when the operator keeps no such flag,
// ErrNoMessage when the folder was renumbered.
func (m *Mailbox) Mark(ctx context.Context, f Flag, ids ...UID) error {
	return m.mark(ctx, imap.StoreFlagsAdd, f, ids)
}

// Unmark takes a flag off messages of one folder. It is Mark otherwise.
func (m *Mailbox) Unmark(ctx context.Context, f Flag, ids ...UID) error {
	return m.mark(ctx, imap.StoreFlagsDel, f, ids)
}

func (m *Mailbox) mark(ctx context.Context, how imap.StoreFlagsOp, f Flag, ids []UID) error {
	if err := f.check(); err != nil {
		return &Error{Op: "mark", Err: err, outcome: socle.OutcomeNotSent}
	}
	b, err := batchOf("mark", ids)
	if err != nil || len(b.numbers) == 0 {
		return err
	}
	// Doing it twice does no more than once: it may be tried again.
	return m.using(ctx, "mark", b.reference(), true, func(r *reader) error {
		if err := r.openBatch("mark", b); err != nil {
			return err
		}
		if how == imap.StoreFlagsAdd && !r.keeps(f) {
			return &Error{Op: "mark", kind: ErrNotKept, outcome: socle.OutcomeRefused}
		}
		for part := range slices.Chunk(b.numbers, batch) {
			if err := r.client.Store(uidSet(part), &imap.StoreFlags{Op: how, Silent: true, Flags: []imap.Flag{imap.Flag(f)}}, nil).Close(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f Flag) check() error {
	name := string(f)
	switch f {
	case FlagSeen, FlagAnswered, FlagFlagged, `\Draft`:
		return nil
	}
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }) {
		return errors.New(`a flag is \Seen, \Answered, \Flagged, \Draft or a word in ASCII without space nor any of (){%*"\]; Trash deletes`)
	}
	return nil
}

// keeps reports whether the operator keeps a flag in the selected folder. One
// that does not say keeps all.
func (r *reader) keeps(f Flag) bool {
	return len(r.permanent) == 0 || slices.ContainsFunc(r.permanent, func(p imap.Flag) bool {
		return p == imap.FlagWildcard && f[0] != '\\' || strings.EqualFold(string(p), string(f))
	})
}

const batch = 500 // UIDs of one command: its line stays under 8 kB

// messages of one folder.
type messages struct {
	folder   string // on the wire
	validity uint32
	numbers  []uint32 // sorted, each once
}

// batchOf checks that messages are of one folder.
func batchOf(op string, ids []UID) (messages, error) {
	var b messages
	for i, id := range ids {
		folder := folderOf(id.Folder)
		if i == 0 {
			b.folder, b.validity = folder, id.Validity
		}
		if id.Number == 0 || folder != b.folder || id.Validity != b.validity {
			return b, &Error{Op: op, Err: errors.New("UIDs of one folder expected, as they were listed"), outcome: socle.OutcomeNotSent}
		}
		b.numbers = append(b.numbers, id.Number)
	}
	slices.Sort(b.numbers)
	b.numbers = slices.Compact(b.numbers)
	return b, nil
}

func (b messages) reference() string {
	if len(b.numbers) == 1 {
		return fmt.Sprintf("%d/%d", b.validity, b.numbers[0])
	}
	return fmt.Sprintf("%d/%d and %d others", b.validity, b.numbers[0], len(b.numbers)-1)
}

func uidSet(numbers []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, n := range numbers {
		set.AddNum(imap.UID(n))
	}
	return set
}

// openBatch opens the folder of messages to change them.
func (r *reader) openBatch(op string, b messages) error {
	if err := r.openToWrite(b.folder); err != nil {
		return err
	}
	if r.validity != b.validity {
		return renumbered(op)
	}
	return nil
}
