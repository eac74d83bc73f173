package mss

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// ChangeKind is a kind of [Change].
type ChangeKind string

// Kinds of changes.
const (
	// ChangeRenumbered: the operator has renumbered the folder. Forget the UIDs
	// that were told of it: all of its messages come again.
	ChangeRenumbered ChangeKind = "renumbered"
	// ChangeFlags: the flags of a message that was told have changed.
	ChangeFlags ChangeKind = "flags"
	// ChangeVanished: a message that was told is gone from the folder, removed
	// or moved. It may be told of one that was never seen.
	ChangeVanished ChangeKind = "vanished"
	// ChangeArrived: a message has come. Told by UID, the oldest first.
	ChangeArrived ChangeKind = "arrived"
	// ChangeNone: there is nothing more, the folder is as it was told. It is the
	// last of a sequence without error.
	ChangeNone ChangeKind = "none"
)

// Change is something that happened in a folder.
type Change struct {
	Kind    ChangeKind
	UID     UID     // of the message
	Flags   []Flag  // of ChangeFlags: those that the message has now
	Summary Summary // of ChangeArrived
	// Untold are, with ChangeNone, the kinds of changes that this operator cannot
	// tell: ChangeFlags without CONDSTORE, ChangeVanished without QRESYNC. A Search
	// then gives the messages that are there, or that have a flag.
	Untold []ChangeKind
	// Cursor is to be stored once this change, and those before it, are handled.
	Cursor Cursor
}

// Changes gives what happened in a folder ("" for the inbox) since a cursor:
// whether it was renumbered, then flags and messages that vanished, then arrivals,
// the oldest first. The zero Cursor gives all messages as arrivals.
//
// The work is in proportion to what has changed, whatever the size of the folder.
// Other calls may be made meanwhile. The first error ends the sequence: go on
// later from the last cursor stored.
func (m *Mailbox) Changes(ctx context.Context, folder string, since Cursor) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		s := &followed{owner: ownerOf(m.access.Address, folderOf(folder)), folder: folderOf(folder)}
		if err := s.check(since); err != nil {
			yield(Change{}, err)
			return
		}
		err := m.reading(ctx, "changes", "", func(r *reader) error { return r.changes(s, since) })
		if err != nil {
			yield(Change{}, err)
			return
		}
		if s.renumbered && !yield(Change{Kind: ChangeRenumbered, Cursor: s.at(since, s.start)}, nil) {
			return
		}
		id := UID{Folder: folderName(s.folder), Validity: s.validity}
		before := s.at(since, s.start)
		for _, f := range s.flags {
			id.Number = f.uid
			if !yield(Change{Kind: ChangeFlags, UID: id, Flags: slices.Clone(s.sets[f.set]), Cursor: before}, nil) {
				return
			}
		}
		for _, v := range s.vanished {
			for id.Number = v.first; ; id.Number++ {
				if !yield(Change{Kind: ChangeVanished, UID: id, Cursor: before}, nil) {
					return
				}
				if id.Number == v.last {
					break
				}
			}
		}
		after := s.now
		ended := false
		m.pages(ctx, messages{folder: s.folder, validity: s.validity, numbers: s.arrived}, func(sum Summary, err error) bool {
			if err == nil {
				after = after.after(sum.UID.Number)
				ended = !yield(Change{Kind: ChangeArrived, UID: sum.UID, Summary: sum, Cursor: after}, nil)
			} else {
				ended = true
				yield(Change{}, err)
			}
			return !ended
		})
		if !ended {
			after.next = s.end()
			yield(Change{Kind: ChangeNone, Untold: s.untold, Cursor: after}, nil)
		}
	}
}

// Now gives the cursor of a folder as it is: Changes from there, or a Watcher,
// tells only what comes after.
func (m *Mailbox) Now(ctx context.Context, folder string) (Cursor, error) {
	s := &followed{owner: ownerOf(m.access.Address, folderOf(folder)), folder: folderOf(folder)}
	err := m.reading(ctx, "changes", "", func(r *reader) error {
		if err := r.choose(s.folder, false); err != nil {
			return err
		}
		next := r.next
		if next == 0 {
			numbers, err := r.after(0)
			if err != nil {
				return err
			}
			if next = 1; len(numbers) > 0 {
				next = numbers[len(numbers)-1] + 1
			}
		}
		s.now = Cursor{owner: s.owner, validity: r.validity, next: next, modseq: r.modseq}
		return nil
	})
	return s.now, err
}

// followed is what was found to have changed in a folder.
type followed struct {
	owner      uint32
	folder     string // on the wire
	renumbered bool
	start      uint32 // the first UID that was not told
	validity   uint32
	flags      []flagged
	sets       [][]Flag
	vanished   []span
	arrived    []uint32
	untold     []ChangeKind
	now        Cursor // once flags and vanished messages are handled
}

type flagged struct {
	uid uint32
	set int // in sets
}

// span is a range of UIDs, both included.
type span struct{ first, last uint32 }

func (s *followed) check(since Cursor) error {
	if !since.IsZero() && since.owner != s.owner {
		return &Error{Op: "changes", Err: errors.New("the cursor is of another mailbox or folder"), outcome: socle.OutcomeNotSent}
	}
	return nil
}

// at is the cursor before flags and vanished messages are handled.
func (s *followed) at(since Cursor, next uint32) Cursor {
	if since.IsZero() || s.renumbered {
		since = s.now
	}
	since.next = next
	return since
}

// end is the first UID after those that were found.
func (s *followed) end() uint32 {
	if len(s.arrived) == 0 {
		return s.start
	}
	return following(s.arrived[len(s.arrived)-1])
}

// begin selects the folder anew and compares it with a cursor.
func (r *reader) begin(s *followed, since Cursor) error {
	*s = followed{owner: s.owner, folder: s.folder}
	if err := r.choose(s.folder, false); err != nil {
		return err
	}
	if r.validity == 0 {
		return &Error{Op: "changes", Text: "the operator gives the folder no UIDVALIDITY: its messages cannot be followed", outcome: socle.OutcomeRefused}
	}
	s.validity, s.start = r.validity, since.next
	s.now = Cursor{owner: s.owner, validity: r.validity, modseq: r.modseq}
	switch {
	case since.IsZero():
		s.start = 1
	case since.validity != r.validity, r.next != 0 && r.next < since.next:
		// Numbers that go back under one UIDVALIDITY, which RFC 3501 forbids, would
		// hide messages: a folder brought back from a backup.
		s.renumbered, s.start = true, 1
	}
	return nil
}

// changes finds what has changed since a cursor.
func (r *reader) changes(s *followed, since Cursor) error {
	if err := r.begin(s, since); err != nil {
		return err
	}
	old := !since.IsZero() && !s.renumbered && s.start > 1
	switch {
	case r.modseq == 0, old && since.modseq == 0:
		s.untold = []ChangeKind{ChangeFlags, ChangeVanished}
	case !r.qresync:
		s.untold = []ChangeKind{ChangeVanished}
	}
	// A mod-sequence that went back says nothing of what changed: all is told.
	from := since.modseq
	if from > r.modseq {
		from = 1
	}
	if old && r.modseq > 0 && from > 0 && from != r.modseq {
		if err := r.changed(s, from); err != nil {
			return err
		}
	}
	if r.next != 0 && r.next <= s.start {
		return nil // nothing has arrived
	}
	var err error
	s.arrived, err = r.after(s.start - 1)
	return err
}

// resync enables QRESYNC (RFC 7162 section 3.2.3), which must come before a
// folder is selected.
func (r *reader) resync() error {
	caps := r.client.Caps()
	if !caps.Has(imap.CapQResync) || !caps.Has(imap.CapEnable) {
		return nil
	}
	err := r.command("ENABLE QRESYNC", func(string) {})
	var no *imap.Error
	if errors.As(err, &no) {
		return nil // it announces what it has not
	}
	r.qresync = err == nil
	return err
}

func (r *reader) command(text string, each func(line string)) error {
	return r.conn.command(text, each, r.client.Closed())
}

// changed asks which of the messages that were told have changed since a
// mod-sequence, and which have vanished.
func (r *reader) changed(s *followed, since uint64) error {
	told := span{1, s.start - 1}
	vanished := ""
	if r.qresync {
		vanished = " VANISHED"
	}
	sets := map[string]int{}
	count := 0
	var bad error
	err := r.command(fmt.Sprintf("UID FETCH %d:%d (FLAGS) (CHANGEDSINCE %d%s)", told.first, told.last, since, vanished), func(line string) {
		if bad != nil {
			return
		}
		if set, ok := strings.CutPrefix(line, "* VANISHED "); ok {
			var l []span
			if l, bad = parseVanished(set, told); bad != nil {
				return
			}
			for _, v := range l {
				count += int(v.last-v.first) + 1
			}
			s.vanished = append(s.vanished, l...)
		} else if uid, flags, ok := parseFlags(line); ok && uid >= told.first && uid <= told.last {
			set, known := sets[flags]
			if !known {
				set = len(s.sets)
				sets[flags], s.sets = set, append(s.sets, splitFlags(flags))
			}
			s.flags = append(s.flags, flagged{uid, set})
			count++
		}
		if count > maxUIDs {
			bad = fmt.Errorf("the operator tells more than %d changes", maxUIDs)
		}
	})
	var no *imap.Error
	switch {
	case bad != nil:
		r.close()
		return bad
	case errors.As(err, &no) && no.Type != imap.StatusResponseTypeBye:
		// It announces what it has not: the arrivals matter more.
		s.flags, s.vanished, s.untold = nil, nil, []ChangeKind{ChangeFlags, ChangeVanished}
		return nil
	}
	return err
}

// parseFlags reads "* 12 FETCH (UID 5 FLAGS (\Seen) MODSEQ (33))".
func parseFlags(line string) (uid uint32, flags string, ok bool) {
	_, line, _ = strings.Cut(line, "(")
	line, ok = strings.CutSuffix(line, ")")
	if !ok {
		return 0, "", false
	}
	found := false
	for line != "" {
		name, rest, ok := strings.Cut(line, " ")
		if !ok {
			return 0, "", false
		}
		value := ""
		if in, isList := strings.CutPrefix(rest, "("); isList {
			if value, rest, ok = strings.Cut(in, ")"); !ok || strings.Contains(value, "(") {
				return 0, "", false
			}
			line = strings.TrimPrefix(rest, " ")
		} else {
			value, line, _ = strings.Cut(rest, " ")
		}
		switch strings.ToUpper(name) {
		case "UID":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return 0, "", false
			}
			uid = uint32(n)
		case "FLAGS":
			flags, found = value, true
		}
	}
	return uid, flags, found && uid > 0
}

func splitFlags(s string) []Flag {
	var out []Flag
	for f := range strings.FieldsSeq(s) {
		if len(out) == maxFlags {
			break
		}
		out = append(out, flagOf(f))
	}
	return out
}

// parseVanished reads "(EARLIER) 300:310,405", or the set alone, and leaves out
// what was never told.
func parseVanished(s string, told span) ([]span, error) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "(EARLIER)"))
	var out []span
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, ":")
		if !isRange {
			b = a
		}
		first, errA := strconv.ParseUint(a, 10, 32)
		last, errB := strconv.ParseUint(b, 10, 32)
		if errA != nil || errB != nil || first == 0 || last == 0 {
			return nil, errors.New("the operator tells vanished messages in no set of UIDs")
		}
		v := span{max(uint32(min(first, last)), told.first), min(uint32(max(first, last)), told.last)}
		if v.first <= v.last {
			out = append(out, v)
		}
	}
	return out, nil
}
