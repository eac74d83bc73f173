package mss

import (
	"context"
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// MoveReport tells how messages were moved.
type MoveReport struct {
	// Folder is where they are.
	Folder string
	// Moved gives the new UID of each message, as far as the operator tells it.
	Moved map[UID]UID
	// Copied reports that the operator could not move: the messages were copied,
	// then removed.
	Copied bool
	// Degraded is what was done less well than asked: messages that stay, flagged
	// \Deleted, where they were.
	Degraded []Degraded
}

// Move moves messages of one folder to another. Operators that cannot are asked
// to copy the messages and to remove the originals, theirs alone: where that is
// not possible either (UIDPLUS), the originals stay flagged \Deleted, which the
// report tells. Messages that are gone are left out in silence.
//
// When the connection breaks in the middle the outcome is [socle.OutcomeUnknown]:
// look into both folders. A message is never lost, it may be there twice.
func (m *Mailbox) Move(ctx context.Context, folder string, ids ...UID) (MoveReport, error) {
	if folderOf(folder) != inbox {
		if err := checkFolder("move", folder); err != nil {
			return MoveReport{}, err
		}
	}
	return m.move(ctx, ids, func(*reader) (string, error) { return folderOf(folder), nil })
}

// Trash moves messages of one folder to that of deleted messages, making one if
// there is none. It is Move otherwise.
func (m *Mailbox) Trash(ctx context.Context, ids ...UID) (MoveReport, error) {
	return m.move(ctx, ids, func(r *reader) (string, error) { return r.special(m.client.cfg.Dialect, FolderTrash) })
}

func (m *Mailbox) move(ctx context.Context, ids []UID, where func(*reader) (string, error)) (MoveReport, error) {
	report := MoveReport{Moved: map[UID]UID{}}
	b, err := batchOf("move", ids)
	if err != nil || len(b.numbers) == 0 {
		return report, err
	}
	moving := false
	err = m.using(ctx, "move", b.reference(), false, func(r *reader) error {
		to, err := where(r)
		if err != nil {
			return err
		}
		report.Folder = to
		if to == b.folder {
			return &Error{Op: "move", Err: errors.New("the messages are in that folder already"), outcome: socle.OutcomeNotSent}
		}
		if err := r.openBatch("move", b); err != nil {
			return err
		}
		for part := range slices.Chunk(b.numbers, batch) {
			moving = true
			if err := r.move(part, to, &report); err != nil {
				return err
			}
		}
		return nil
	})
	var ours *Error
	if moving && errors.As(err, &ours) && ours.outcome == socle.OutcomeNotSent {
		ours.outcome, ours.retryable = socle.OutcomeUnknown, false
	}
	return report, err
}

// move moves messages of the selected folder (RFC 6851), or does what comes
// closest.
func (r *reader) move(numbers []uint32, to string, report *MoveReport) error {
	caps := r.client.Caps()
	if caps.Has(imap.CapMove) {
		data, err := r.client.Move(uidSet(numbers), to).Wait()
		if err == nil {
			report.note(r, to, data.UIDValidity, data.SourceUIDs, data.DestUIDs)
			return nil
		}
		var no *imap.Error
		if !errors.As(err, &no) || no.Type != imap.StatusResponseTypeNo || no.Code == imap.ResponseCodeTryCreate || no.Code == imap.ResponseCodeNonExistent ||
			no.Code == imap.ResponseCodeOverQuota || no.Code == imap.ResponseCodeNoPerm {
			return err
		}
		// "Internal error" was seen: some may have moved before it.
		if numbers, err = r.search(&imap.SearchCriteria{UID: []imap.UIDSet{uidSet(numbers)}}, 0); err != nil || len(numbers) == 0 {
			return err
		}
	}
	report.Copied = true
	set := uidSet(numbers)
	data, err := r.client.Copy(set, to).Wait()
	if err != nil {
		return err
	}
	report.note(r, to, data.UIDValidity, data.SourceUIDs, data.DestUIDs)
	err = r.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close()
	if err != nil {
		return twice(err)
	}
	if !caps.Has(imap.CapUIDPlus) {
		// EXPUNGE would remove what others have flagged.
		report.Degraded = append(report.Degraded, Degraded{"UIDPLUS", "the operator removes no chosen messages: they stay in their folder too, flagged \\Deleted"})
		return nil
	}
	return twice(r.client.UIDExpunge(set).Close())
}

// twice says that messages are in both folders.
func twice(err error) error {
	var no *imap.Error
	if errors.As(err, &no) {
		e := answered("move", no)
		e.Text, e.outcome = "the messages were copied, and stay in their folder too: "+e.Text, socle.OutcomeUnknown
		return e
	}
	return err
}

// note keeps the new numbers (RFC 4315 section 3). What does not add up is left.
func (p *MoveReport) note(r *reader, to string, validity uint32, from, made imap.NumSet) {
	a, errA := numbersOf(from)
	b, errB := numbersOf(made)
	if errA != nil || errB != nil || len(a) != len(b) {
		return
	}
	for i := range a {
		p.Moved[r.uid(a[i])] = UID{Folder: folderName(to), Validity: validity, Number: b[i]}
	}
}

func numbersOf(set imap.NumSet) ([]uint32, error) {
	if set == nil {
		return nil, nil
	}
	return uidsAbove(set, 0)
}
