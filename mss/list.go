package mss

import (
	"context"
	"iter"
)

const page = 100 // messages of one FETCH

// List gives the messages of a folder that come after one of them, the oldest
// first; the zero UID lists the inbox from its beginning, one with a Folder alone
// another folder. A UID whose Validity is not that of the folder any more lists
// everything again, so that no message is missed. [Mailbox.Changes] also follows
// what becomes of messages that were listed.
//
// Messages are asked for by pages, and other calls may be made meanwhile. The
// first error ends the sequence. A message is listed however broken it is.
func (m *Mailbox) List(ctx context.Context, after UID) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		b := messages{folder: folderOf(after.Folder)}
		err := m.reading(ctx, "list", "", func(r *reader) (err error) {
			if err = r.open(b.folder); err != nil {
				return err
			}
			b.validity = r.validity
			from := after.Number
			if after.Validity != r.validity {
				from = 0
			}
			b.numbers, err = r.after(from)
			return err
		})
		if err != nil {
			yield(Summary{}, err)
			return
		}
		m.pages(ctx, b, yield)
	}
}
