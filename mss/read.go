package mss

import (
	"context"
	"fmt"
	"slices"

	"github.com/soclesante/socle"
)

// Read gets a message and leaves it unread. It fails with
// ErrNoMessage when the message is gone or its folder was renumbered, with
// ErrTooLarge beyond Config.ReadLimit, and never because the message is
// broken: see [Message.Faults], which tell too when the sender is of no domain of
// Config.WhiteList.
func (m *Mailbox) Read(ctx context.Context, id UID) (*Message, error) {
	var f fetched
	err := m.readingMessage(ctx, "read", id, func(r *reader) (err error) {
		if f, err = r.raw(id.Number, m.client.cfg.ReadLimit); err != nil {
			return err
		}
		switch {
		case f.uid == 0:
			return &Error{Op: "read", kind: ErrNoMessage, outcome: socle.OutcomeRefused}
		case f.section == nil && f.size > m.client.cfg.ReadLimit:
			return &Error{Op: "read", kind: ErrTooLarge, outcome: socle.OutcomeRefused,
				Text: fmt.Sprintf("%d bytes, at most %d accepted by Config.ReadLimit", f.size, m.client.cfg.ReadLimit)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	msg, err := parseMessage(ctx, f.section)
	if err != nil {
		return nil, lost(ctx, "read", err)
	}
	msg.UID, msg.Flags, msg.Seen, msg.Received, msg.Size = id, f.flags, slices.Contains(f.flags, FlagSeen), f.received, f.size
	if fault := m.client.verified(ctx, msg.Sender); fault != nil {
		msg.Faults = append(msg.Faults, fault)
	}
	return msg, nil
}

func renumbered(op string) *Error {
	return &Error{Op: op, kind: ErrNoMessage, Text: "the operator has renumbered the folder: list it again", outcome: socle.OutcomeRefused}
}
