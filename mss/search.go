package mss

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// Query says which messages of a folder to find: those that fit all of its
// fields. The zero Query finds every message of the inbox. Texts are looked for
// as the operator does, mostly anywhere in the field and whatever the case.
type Query struct {
	Folder  string // "" for the inbox
	From    string // in the name or the address of the sender
	To      string
	Subject string
	Text    string // in the header or the text of the message
	// Since and Before bound the day on which the operator received the message:
	// on the day of Since or after, before the day of Before.
	Since, Before time.Time
	// Unseen leaves out the messages that were read.
	Unseen bool
	// Flags must be on the message, Without must not.
	Flags, Without []Flag
	// Headers are texts to look for in header fields, by their names: X-MSS-CODECDA,
	// In-Reply-To. An empty text finds the messages that have the field.
	Headers map[string]string
	// MessageID is an identifier without its brackets.
	MessageID string
	// MinSize finds larger messages, in bytes.
	MinSize int64
}

// String tells which fields are looked at, not for what: it may be a patient.
func (q Query) String() string {
	var fields []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"From", q.From != ""}, {"To", q.To != ""}, {"Subject", q.Subject != ""}, {"Text", q.Text != ""}, {"Since", !q.Since.IsZero()},
		{"Before", !q.Before.IsZero()}, {"Unseen", q.Unseen}, {"Flags", len(q.Flags) > 0}, {"Without", len(q.Without) > 0},
		{"Headers", len(q.Headers) > 0}, {"MessageID", q.MessageID != ""}, {"MinSize", q.MinSize != 0},
	} {
		if f.set {
			fields = append(fields, f.name)
		}
	}
	return "query by " + strings.Join(fields, ", ")
}

// GoString is String.
func (q Query) GoString() string { return q.String() }

// MarshalText is String. To keep a search, keep its fields.
func (q Query) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// LogValue is String.
func (q Query) LogValue() slog.Value { return slog.StringValue(q.String()) }

const maxSearched = 1000 // bytes of a text

func (q Query) criteria() (*imap.SearchCriteria, error) {
	c := &imap.SearchCriteria{Since: day(q.Since), Before: day(q.Before), Larger: q.MinSize}
	var errs []error
	field := func(name, value string, always bool) {
		if value == "" && !always {
			return
		}
		if len(value) > maxSearched || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			errs = append(errs, errors.New("a text without control characters expected, 1000 bytes at most"))
		}
		c.Header = append(c.Header, imap.SearchCriteriaHeaderField{Key: name, Value: value})
	}
	field("From", q.From, false)
	field("To", q.To, false)
	field("Subject", q.Subject, false)
	for _, name := range sortedKeys(q.Headers) {
		if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' || r == '"' || r == '\\' }) {
			errs = append(errs, errors.New("Query.Headers: the name of a header field expected"))
		}
		field(name, q.Headers[name], true)
	}
	if q.MessageID != "" {
		field("Message-ID", "<"+strings.Trim(q.MessageID, "<>")+">", false)
	}
	if q.Text != "" {
		if len(q.Text) > maxSearched || strings.ContainsFunc(q.Text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			errs = append(errs, errors.New("Query.Text: a text without control characters expected, 1000 bytes at most"))
		}
		c.Text = []string{q.Text}
	}
	if q.Unseen {
		c.NotFlag = append(c.NotFlag, imap.FlagSeen)
	}
	for _, f := range q.Flags {
		errs = append(errs, f.check())
		c.Flag = append(c.Flag, imap.Flag(f))
	}
	for _, f := range q.Without {
		errs = append(errs, f.check())
		c.NotFlag = append(c.NotFlag, imap.Flag(f))
	}
	return c, errors.Join(errs...)
}

// day is midnight of the day of t: the library compares nothing else.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func sortedKeys(m map[string]string) []string {
	var l []string
	for k := range m {
		l = append(l, k)
	}
	slices.Sort(l)
	return l
}

// Search finds messages, the oldest first. It is the operator that searches: the
// code BADCHARSET says that it cannot look for accents.
func (m *Mailbox) Search(ctx context.Context, q Query) ([]UID, error) {
	c, err := q.criteria()
	if err != nil {
		return nil, &Error{Op: "search", Err: problems{err}, outcome: socle.OutcomeNotSent}
	}
	var out []UID
	err = m.reading(ctx, "search", "", func(r *reader) error {
		if err := r.open(folderOf(q.Folder)); err != nil {
			return err
		}
		numbers, err := r.search(c, 0)
		if err != nil {
			return err
		}
		out = make([]UID, 0, len(numbers))
		for _, n := range numbers {
			out = append(out, r.uid(n))
		}
		return nil
	})
	return out, err
}

// Summaries gives the summaries of messages of one folder, in the order of their
// numbers. Those that are gone are left out.
func (m *Mailbox) Summaries(ctx context.Context, ids ...UID) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		b, err := batchOf("list", ids)
		if err != nil {
			yield(Summary{}, err)
			return
		}
		m.pages(ctx, b, yield)
	}
}

// pages gives summaries page by page; other calls may be made meanwhile.
func (m *Mailbox) pages(ctx context.Context, b messages, yield func(Summary, error) bool) {
	for next := range slices.Chunk(b.numbers, page) {
		var l []Summary
		err := m.reading(ctx, "list", "", func(r *reader) (err error) {
			if err = r.open(b.folder); err != nil {
				return err
			}
			if r.validity != b.validity {
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
