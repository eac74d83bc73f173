package mss

import (
	"context"
	"iter"
)

const page = 100 // messages of one FETCH

// List gives the messages of the inbox that come after a cursor, the oldest
// first; the zero UID lists them all. Store the UID of the last one handled:
// it is the next cursor. A cursor whose Validity is not that of the inbox any
// more lists everything again, so that no message is missed.
//
// Messages are asked for by pages, and other calls may be made meanwhile. The
// first error ends the sequence. A message is listed however broken it is.
func (m *Mailbox) List(ctx context.Context, after UID) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		var uids []uint32
		var validity uint32
		err := m.reading(ctx, "list", "", func(r *reader) (err error) {
			if err = r.open(inbox); err != nil {
				return err
			}
			validity = r.validity
			from := after.Number
			if after.Validity != validity {
				from = 0
			}
			uids, err = r.after(from)
			return err
		})
		if err != nil {
			yield(Summary{}, err)
			return
		}
		for len(uids) > 0 {
			next := uids[:min(page, len(uids))]
			uids = uids[len(next):]
			var l []Summary
			err := m.reading(ctx, "list", "", func(r *reader) (err error) {
				if err = r.open(inbox); err != nil {
					return err
				}
				if r.validity != validity {
					return renumbered("list")
				}
				l, err = r.summaries(next)
				return err
			})
			if err != nil {
				yield(Summary{}, err)
				return
			}
			for _, s := range l {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}
