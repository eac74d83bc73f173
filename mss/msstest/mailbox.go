package msstest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-smtp"
)

const (
	folderInbox = "INBOX"
	folderSent  = "Sent"
)

// folders are those that a mailbox begins with, and their special use (RFC 6154).
var folders = []struct{ name, use string }{
	{folderInbox, ""}, {folderSent, `\Sent`}, {"Drafts", `\Drafts`}, {"Trash", `\Trash`}, {"Archive", `\Archive`},
}

// box is a mailbox.
type box struct {
	Mailbox
	traffic traffic

	mu       sync.Mutex // of all below and in its folders
	folders  []*folder
	validity uint32 // of the folder made last
}

// folder is a folder of a mailbox. Its fields are those of RFC 3501 and RFC 7162.
type folder struct {
	name, use      string
	subscribed     bool
	validity, next uint32
	modseq         uint64
	messages       []*stored // in the order of UIDs
	expunged       []expunged
	sessions       map[*session]struct{} // that have it selected
}

// stored is a message in a folder. Its bytes are made when they are asked for.
type stored struct {
	uid    uint32
	modseq uint64
	flags  []string
	at     time.Time
	raw    func() []byte
}

type expunged struct {
	uid    uint32
	modseq uint64
}

func newBox(m Mailbox) *box {
	m.Openers = slices.Clone(m.Openers)
	b := &box{Mailbox: m}
	for _, f := range folders {
		b.create(f.name, f.use)
	}
	return b
}

func (b *box) opens(nationalID string) bool { return slices.Contains(b.Openers, nationalID) }

// create makes a folder; mu is held, or nobody knows the mailbox yet.
func (b *box) create(name, use string) *folder {
	b.validity++
	f := &folder{name: name, use: use, subscribed: true, validity: b.validity, next: 1, modseq: 1, sessions: map[*session]struct{}{}}
	b.folders = append(b.folders, f)
	return f
}

// folder finds a folder; mu is held.
func (b *box) folder(name string) *folder {
	for _, f := range b.folders {
		if f.name == name || strings.EqualFold(name, folderInbox) && f.name == folderInbox {
			return f
		}
	}
	return nil
}

// add puts a message into a folder; mu is held.
func (f *folder) add(raw func() []byte, at time.Time, flags []string) *stored {
	f.modseq++
	m := &stored{uid: f.next, modseq: f.modseq, flags: flags, at: at, raw: raw}
	f.next++
	f.messages = append(f.messages, m)
	return m
}

// changed wakes the sessions that have the folder selected; mu is held.
func (f *folder) changed() {
	for s := range f.sessions {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// find gives the place of a UID, or of the next one.
func (f *folder) find(uid uint32) (int, bool) {
	return slices.BinarySearchFunc(f.messages, uid, func(m *stored, uid uint32) int { return int(int64(m.uid) - int64(uid)) })
}

// remove expunges messages; mu is held.
func (f *folder) remove(gone func(*stored) bool) {
	f.messages = slices.DeleteFunc(f.messages, func(m *stored) bool {
		if !gone(m) {
			return false
		}
		f.modseq++
		f.expunged = append(f.expunged, expunged{m.uid, f.modseq})
		return true
	})
	f.changed()
}

func (b *box) append(name string, raw []byte, at time.Time, flags ...string) (validity, uid uint32, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folder(name)
	if f == nil {
		return 0, 0, no(imap.ResponseCodeTryCreate, "no such folder")
	}
	m := f.add(func() []byte { return raw }, at, flags)
	f.changed()
	return f.validity, m.uid, nil
}

// Deliver puts a message into the inbox of a mailbox as it is, however broken.
func (s *Server) Deliver(address string, raw []byte) error {
	return s.DeliverInto(address, folderInbox, raw)
}

// DeliverInto puts a message into a folder as it is, with the flags given.
func (s *Server) DeliverInto(address, folder string, raw []byte, flags ...string) error {
	b := s.box(address)
	if b == nil {
		return errors.New("msstest: deliver: no such mailbox")
	}
	if _, _, err := b.append(folder, bytes.Clone(raw), s.clock.Now(), flags...); err != nil {
		return fmt.Errorf("msstest: deliver: %w", err)
	}
	return nil
}

// Fill puts n messages into the inbox of a mailbox at once. What message(i)
// gives is asked for when the message is read, and not kept: a mailbox of
// 50,000 messages costs little.
func (s *Server) Fill(address string, n int, message func(i int) []byte) error {
	b := s.box(address)
	if b == nil {
		return errors.New("msstest: fill: no such mailbox")
	}
	at := s.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folder(folderInbox)
	for i := range n {
		f.add(func() []byte { return message(i) }, at, nil)
	}
	f.changed()
	return nil
}

// Messages gives the messages that are in a folder, such as INBOX or Sent, the
// oldest first.
func (s *Server) Messages(address, folder string) [][]byte {
	b := s.box(address)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folder(folder)
	if f == nil {
		return nil
	}
	var out [][]byte
	for _, m := range f.messages {
		out = append(out, m.raw())
	}
	return out
}

// Flags gives the flags of the messages of a folder, the oldest first.
func (s *Server) Flags(address, folder string) [][]string {
	b := s.box(address)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folder(folder)
	if f == nil {
		return nil
	}
	var out [][]string
	for _, m := range f.messages {
		out = append(out, slices.Sorted(slices.Values(m.flags)))
	}
	return out
}

// Expunge removes messages of the inbox by their number in it, 1 being the
// oldest, as another client of the mailbox does.
func (s *Server) Expunge(address string, numbers ...int) error {
	return s.change(address, func(f *folder) {
		var gone []uint32
		for _, n := range numbers {
			if n > 0 && n <= len(f.messages) {
				gone = append(gone, f.messages[n-1].uid)
			}
		}
		f.remove(func(m *stored) bool { return slices.Contains(gone, m.uid) })
	})
}

// Flag adds a flag to a message of the inbox, by its number in it, as another
// client of the mailbox does.
func (s *Server) Flag(address string, number int, flag string) error {
	return s.change(address, func(f *folder) {
		if number > 0 && number <= len(f.messages) {
			f.mark(f.messages[number-1], '+', []string{flag})
			f.changed()
		}
	})
}

// Renumber gives the inbox a new UIDVALIDITY and its messages new UIDs, as an
// operator does when it rebuilds a mailbox. Connections that have it selected end.
func (s *Server) Renumber(address string) error {
	return s.change(address, func(f *folder) {
		b := s.box(address)
		b.validity++
		f.validity, f.next, f.modseq, f.expunged = b.validity, 1, 1, nil
		for i, old := range f.messages {
			f.modseq++
			f.messages[i] = &stored{uid: f.next, modseq: f.modseq, flags: old.flags, at: old.at, raw: old.raw}
			f.next++
		}
		for t := range f.sessions {
			t.bye("the folder was rebuilt")
		}
	})
}

func (s *Server) change(address string, work func(*folder)) error {
	b := s.box(address)
	if b == nil {
		return errors.New("msstest: no such mailbox")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	work(b.folder(folderInbox))
	return nil
}

// Disconnect ends the IMAP connections of a mailbox, as an operator does when
// the token that opened them expires: with BYE and words, or, without words, by
// cutting them. It gives how many there were.
func (s *Server) Disconnect(address, words string) int {
	b := s.box(address)
	var open []*session
	s.mu.Lock()
	for t := range s.sessions {
		if t.box != nil && t.box == b {
			open = append(open, t)
		}
	}
	s.mu.Unlock()
	for _, t := range open {
		if words == "" {
			cut(t.NetConn())
		} else {
			t.bye(words)
		}
	}
	return len(open)
}

// Connections tells how many IMAP connections have a mailbox open.
func (s *Server) Connections(address string) int {
	b := s.box(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for t := range s.sessions {
		if t.box != nil && t.box == b {
			n++
		}
	}
	return n
}

func (s *session) bye(words string) {
	_ = s.say("* BYE %s", words)
	_ = s.NetConn().Close()
}

// Traffic is what has passed over the IMAP connections of a mailbox since the
// server began, inside TLS, authentication included.
type Traffic struct {
	Connections, Commands int
	Received, Sent        int64 // bytes, as the server sees them
	Fetched               int   // messages given by FETCH, whatever was asked of them
}

type traffic struct{ connections, commands, received, sent, fetched atomic.Int64 }

func (t *traffic) add(s *session) {
	t.connections.Add(1)
	t.commands.Add(s.commands.Load())
	t.received.Add(s.received.Load())
	t.sent.Add(s.sent.Load())
	t.fetched.Add(s.fetched.Load())
}

// Traffic tells what has passed for a mailbox.
func (s *Server) Traffic(address string) Traffic {
	b := s.box(address)
	if b == nil {
		return Traffic{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var now traffic
	for t := range s.sessions {
		if t.box == b {
			now.add(t)
		}
	}
	return Traffic{
		Connections: int(b.traffic.connections.Load() + now.connections.Load()),
		Commands:    int(b.traffic.commands.Load() + now.commands.Load()),
		Received:    b.traffic.received.Load() + now.received.Load(),
		Sent:        b.traffic.sent.Load() + now.sent.Load(),
		Fetched:     int(b.traffic.fetched.Load() + now.fetched.Load()),
	}
}

func statusOf(protocol string, err error) int {
	var reply *smtp.SMTPError
	switch {
	case errors.Is(err, net.ErrClosed):
		return 0
	case errors.As(err, &reply):
		return reply.Code
	case protocol == "SMTP" && err == nil:
		return 250
	case protocol == "SMTP":
		return 535
	case err == nil:
		return 200
	}
	var answer *imap.Error
	if errors.As(err, &answer) && answer.Type == imap.StatusResponseTypeOK {
		return 200
	}
	return 400
}
