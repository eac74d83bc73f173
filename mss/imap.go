package mss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/soclesante/socle"
)

// reader is one authenticated IMAP connection. It is the only place that knows
// the IMAP library. Its methods are called one at a time, under whileOpen.
type reader struct {
	conn     *imapConn
	client   *imapclient.Client
	patience time.Duration // Config.Silence
	selected
	qresync bool          // ENABLE QRESYNC was done
	news    chan struct{} // one is there when the number of messages was told
}

// noticed is called on the goroutine that reads.
func (r *reader) noticed(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// selected is what is known of the selected folder.
type selected struct {
	folder    string // on the wire, "" for none
	writable  bool
	validity  uint32
	next      uint32 // UIDNEXT, 0 when the operator does not tell
	modseq    uint64 // HIGHESTMODSEQ, 0 without CONDSTORE
	permanent []imap.Flag
}

// uid names a message of the selected folder.
func (r *reader) uid(number uint32) UID {
	return UID{Folder: folderName(r.folder), Validity: r.validity, Number: number}
}

// do runs f, which uses the connection, until ctx ends or the operator stays
// silent for too long.
func (r *reader) do(ctx context.Context, f func() error) error {
	r.conn.expect(r.patience)
	err := whileOpen(ctx, r.conn.secured, f)
	r.conn.expect(0)
	if wrong := r.conn.wrong(); err != nil && wrong != nil {
		return wrong
	}
	return err
}

// answered makes the error of an IMAP command that the operator refused.
func answered(op string, no *imap.Error) *Error {
	e := &Error{Op: op, Code: scrub(string(no.Code)), Text: scrub(no.Text), outcome: socle.OutcomeRefused}
	switch no.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeServerBug, imap.ResponseCodeLimit:
		e.retryable = true
	case imap.ResponseCodeTooBig, imap.ResponseCodeOverQuota:
		e.kind = ErrTooLarge
	}
	if e.Code == "" {
		e.Code = string(no.Type)
	}
	return e
}

func (r *reader) close() {
	_ = r.conn.Close()
	_ = r.client.Close()
}

// logout ends the session properly, within a second.
func (r *reader) logout() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = r.do(ctx, func() error { return r.client.Logout().Wait() })
	r.close()
}

// open selects a folder, read-only unless it is selected already.
func (r *reader) open(folder string) error {
	if r.folder == folder {
		return r.client.Noop().Wait() // announces what has arrived since
	}
	return r.choose(folder, false)
}

// openToWrite selects a folder whose messages are to be changed.
func (r *reader) openToWrite(folder string) error {
	if r.folder == folder && r.writable {
		return nil
	}
	return r.choose(folder, true)
}

func (r *reader) choose(folder string, write bool) error {
	r.selected = selected{}
	options := &imap.SelectOptions{ReadOnly: !write, CondStore: r.client.Caps().Has(imap.CapCondStore)}
	data, err := r.client.Select(folder, options).Wait()
	if err != nil {
		return err
	}
	r.selected = selected{folder: folder, writable: write, validity: data.UIDValidity, next: uint32(data.UIDNext),
		modseq: data.HighestModSeq, permanent: data.PermanentFlags}
	return nil
}

// after gives the UIDs above n in ascending order.
func (r *reader) after(n uint32) ([]uint32, error) {
	if n == ^uint32(0) {
		return nil, nil
	}
	var set imap.UIDSet
	set.AddRange(imap.UID(n+1), 0) // 0 is "*"
	return r.search(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, n)
}

// search gives the UIDs above n of the messages that fit, in ascending order.
func (r *reader) search(c *imap.SearchCriteria, n uint32) ([]uint32, error) {
	var options *imap.SearchOptions
	if r.client.Caps().Has(imap.CapESearch) {
		options = &imap.SearchOptions{ReturnAll: true} // ranges, where there are many
	}
	data, err := r.client.UIDSearch(c, options).Wait()
	if err != nil {
		return nil, err
	}
	out, err := uidsAbove(data.All, n)
	if err != nil {
		r.close()
		return nil, err
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

const maxUIDs = 5_000_000 // messages of a folder

// uidsAbove gives the numbers of a set above n: "n:*" asks for the last message
// even when it is below. A set without end, or larger than any folder, is an
// error; the library would panic at the one and exhaust memory with the other.
func uidsAbove(all imap.NumSet, n uint32) ([]uint32, error) {
	set, _ := all.(imap.UIDSet)
	var out []uint32
	for _, r := range set {
		first, last := uint32(min(r.Start, r.Stop)), uint32(max(r.Start, r.Stop))
		if first == 0 {
			return nil, errors.New("the operator found a set of messages without end")
		}
		if last <= n {
			continue
		}
		first = max(first, n+1)
		if int64(last-first)+1+int64(len(out)) > maxUIDs {
			return nil, fmt.Errorf("the operator found more than %d messages", maxUIDs)
		}
		for u := first; ; u++ {
			out = append(out, u)
			if u == last {
				break
			}
		}
	}
	return out, nil
}

// fetched is one message of a FETCH.
type fetched struct {
	uid      uint32
	flags    []Flag
	received time.Time
	size     int64
	section  []byte
}

// known are the flags that have one spelling here, by their lower case.
var known = map[string]Flag{`\seen`: FlagSeen, `\answered`: FlagAnswered, `\flagged`: FlagFlagged, "$forwarded": FlagForwarded, "$mdnsent": FlagReceiptSent}

const maxFlags = 100

func flagsOf(l []imap.Flag) []Flag {
	var out []Flag
	for _, f := range l[:min(len(l), maxFlags)] {
		out = append(out, flagOf(string(f)))
	}
	return out
}

func flagOf(s string) Flag {
	if k, ok := known[strings.ToLower(s)]; ok {
		return k
	}
	return Flag(s)
}

// fetch asks for a section of messages and their attributes; limit bounds each section.
func (r *reader) fetch(uids []uint32, section *imap.FetchItemBodySection, limit int64) ([]fetched, error) {
	var set imap.UIDSet
	for _, u := range uids {
		set.AddNum(imap.UID(u))
	}
	cmd := r.client.Fetch(set, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{section}})
	var out []fetched
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		var f fetched
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				f.uid = uint32(item.UID)
			case imapclient.FetchItemDataFlags:
				f.flags = flagsOf(item.Flags)
			case imapclient.FetchItemDataInternalDate:
				f.received = item.Time
			case imapclient.FetchItemDataRFC822Size:
				f.size = item.Size
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				if item.Literal.Size() > limit {
					r.close()
					_ = cmd.Close()
					return nil, fmt.Errorf("the operator sent %d bytes where %d at most were asked for", item.Literal.Size(), limit)
				}
				f.section = make([]byte, item.Literal.Size())
				if _, err := io.ReadFull(item.Literal, f.section); err != nil {
					r.close()
					return nil, errors.Join(err, cmd.Close())
				}
			}
		}
		if f.uid != 0 {
			out = append(out, f)
		}
	}
	return out, cmd.Close()
}

const summaryLimit = 64 << 10 // header fields of one message in a list

func (r *reader) summaries(uids []uint32) ([]Summary, error) {
	section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: listed, Peek: true,
		Partial: &imap.SectionPartial{Size: summaryLimit}}
	l, err := r.fetch(uids, section, summaryLimit)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(l, func(a, b fetched) int { return int(int64(a.uid) - int64(b.uid)) })
	out := make([]Summary, 0, len(l))
	for _, f := range l {
		h, _, _ := parseHeader(f.section)
		s := summarize(h)
		s.UID, s.Flags, s.Seen, s.Received, s.Size = r.uid(f.uid), f.flags, slices.Contains(f.flags, FlagSeen), f.received, f.size
		out = append(out, s)
	}
	return out, nil
}

const chunk = 1 << 20

// raw gives a whole message, chunk by chunk so that no command takes long. The
// fetched has no uid when there is no such message; its section is nil when
// the message is larger than limit.
func (r *reader) raw(uid uint32, limit int64) (fetched, error) {
	var whole fetched
	for {
		offset := int64(len(whole.section))
		l, err := r.fetch([]uint32{uid}, &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: offset, Size: chunk}}, chunk)
		if err != nil {
			return fetched{}, err
		}
		i := slices.IndexFunc(l, func(f fetched) bool { return f.uid == uid })
		if i < 0 {
			return fetched{}, nil
		}
		part := l[i].section
		if offset == 0 {
			whole = l[i]
			if whole.size > limit {
				whole.section = nil
				return whole, nil
			}
			if int64(len(part)) < whole.size {
				whole.section = append(make([]byte, 0, whole.size), part...)
			}
		} else {
			whole.section = append(whole.section, part...)
		}
		if len(part) < chunk {
			return whole, nil
		}
		if int64(len(whole.section)) > limit {
			whole.section, whole.size = nil, int64(len(whole.section))
			return whole, nil
		}
	}
}

// append stores a message as read.
func (r *reader) append(folder string, raw []byte, at time.Time) error {
	cmd := r.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
	_, err := cmd.Write(raw)
	err = errors.Join(err, cmd.Close())
	_, wait := cmd.Wait()
	if wait != nil {
		return wait
	}
	return err
}
