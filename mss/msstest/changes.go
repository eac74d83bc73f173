package msstest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// choose answers SELECT and EXAMINE, with CONDSTORE and QRESYNC (RFC 7162).
func (s *session) choose(p *command, writable bool) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	var resync []string
	if !p.atEnd() {
		options, err := p.value()
		if err != nil {
			return err
		}
		for i, o := range options.list {
			switch strings.ToUpper(o.text) {
			case "CONDSTORE":
				if !s.has("CONDSTORE") {
					return errors.New("CONDSTORE is not announced")
				}
				s.condstore = true
			case "QRESYNC":
				if !s.qresync || i+1 >= len(options.list) {
					return errors.New("QRESYNC: ENABLE it first, and give its parameters")
				}
				resync = options.list[i+1].texts()
			}
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	s.leave()
	var lines []string
	err = s.do(OpSelect, func() error {
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		f := s.box.folder(name)
		if f == nil {
			return errNoFolder
		}
		f.sessions[s] = struct{}{}
		s.folder, s.writable, s.told = f, writable, f.uids()
		s.modseq, s.synced = f.modseq, f.modseq
		flags := `\Answered \Flagged \Deleted \Seen \Draft $Forwarded $MDNSent`
		kept := ""
		if writable {
			kept = flags + ` \*`
			if len(s.server.options.Keywords) > 0 {
				kept = strings.Join(s.server.options.Keywords, " ")
			}
		}
		lines = append(lines, fmt.Sprintf("* FLAGS (%s)", flags), fmt.Sprintf("* OK [PERMANENTFLAGS (%s)] kept", kept),
			fmt.Sprintf("* %d EXISTS", len(f.messages)), "* 0 RECENT",
			fmt.Sprintf("* OK [UIDVALIDITY %d] valid", f.validity), fmt.Sprintf("* OK [UIDNEXT %d] next", f.next))
		if s.has("CONDSTORE") {
			lines = append(lines, fmt.Sprintf("* OK [HIGHESTMODSEQ %d] highest", f.modseq))
		}
		if len(resync) >= 2 {
			more, err := s.resync(resync)
			if err != nil {
				return err
			}
			lines = append(lines, more...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lines {
		if s.say("%s", l) != nil {
			return errHangUp
		}
	}
	if writable {
		return okay("READ-WRITE")
	}
	return okay("READ-ONLY")
}

// resync tells what changed since a state that the client knows; mu is held.
func (s *session) resync(parameters []string) ([]string, error) {
	validity, err := strconv.ParseUint(parameters[0], 10, 32)
	if err != nil {
		return nil, errors.New("QRESYNC: a UIDVALIDITY expected")
	}
	since, err := strconv.ParseUint(parameters[1], 10, 64)
	if err != nil {
		return nil, errors.New("QRESYNC: a mod-sequence expected")
	}
	if uint32(validity) != s.folder.validity {
		return nil, nil
	}
	var lines []string
	if gone := s.folder.vanished(since, []span{{1, ^uint32(0)}}); len(gone) > 0 {
		lines = append(lines, "* VANISHED (EARLIER) "+compact(gone))
	}
	for i, m := range s.folder.messages {
		if m.modseq > since {
			lines = append(lines, fmt.Sprintf("* %d FETCH (UID %d FLAGS (%s) MODSEQ (%d))", i+1, m.uid, strings.Join(m.flags, " "), m.modseq))
		}
	}
	return lines, nil
}

func (f *folder) uids() []uint32 {
	out := make([]uint32, len(f.messages))
	for i, m := range f.messages {
		out[i] = m.uid
	}
	return out
}

// vanished gives the UIDs expunged after a mod-sequence, in order; mu is held.
func (f *folder) vanished(since uint64, among []span) []uint32 {
	var out []uint32
	for _, e := range f.expunged {
		if e.modseq > since && within(e.uid, among) {
			out = append(out, e.uid)
		}
	}
	slices.Sort(out)
	return out
}

// leave closes the selected folder.
func (s *session) leave() {
	if s.folder == nil {
		return
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	delete(s.folder.sessions, s)
	s.folder, s.told, s.section = nil, nil, cachedSection{}
}

func (s *session) unselect(p *command, expunge bool) error {
	if err := p.end(); err != nil {
		return err
	}
	if s.folder == nil {
		return errNotSelected
	}
	if expunge && s.writable {
		s.box.mu.Lock()
		s.folder.remove(func(m *stored) bool { return m.has(`\Deleted`) })
		s.box.mu.Unlock()
	}
	s.leave()
	return nil
}

var errNotSelected = &imap.Error{Type: imap.StatusResponseTypeBad, Text: "select a folder first"}

// tell writes what has changed in the selected folder since the client was told.
func (s *session) tell(expunges bool) {
	if s.folder == nil {
		return
	}
	s.box.mu.Lock()
	f := s.folder
	if f.modseq == s.synced {
		s.box.mu.Unlock()
		return
	}
	var lines []string
	if expunges {
		s.synced = f.modseq
		var gone []uint32
		kept := s.told[:0]
		for i, uid := range s.told {
			if _, ok := f.find(uid); ok {
				kept = append(kept, uid)
				continue
			}
			gone = append(gone, uid)
			if !s.qresync {
				lines = append(lines, fmt.Sprintf("* %d EXPUNGE", i+1-len(gone)+1))
			}
		}
		s.told = kept
		if s.qresync && len(gone) > 0 {
			lines = append(lines, "* VANISHED "+compact(gone))
		}
	}
	last := uint32(0)
	if len(s.told) > 0 {
		last = s.told[len(s.told)-1]
	}
	if f.modseq > s.modseq {
		for i, uid := range s.told {
			if j, ok := f.find(uid); ok && f.messages[j].modseq > s.modseq {
				lines = append(lines, s.flagged(i+1, f.messages[j]))
			}
		}
	}
	if i, _ := f.find(last + 1); i < len(f.messages) {
		for _, m := range f.messages[i:] {
			s.told = append(s.told, m.uid)
		}
		lines = append(lines, fmt.Sprintf("* %d EXISTS", len(s.told)))
	}
	s.modseq = f.modseq
	s.box.mu.Unlock()
	for _, l := range lines {
		_ = s.say("%s", l)
	}
}

// flagged is an unsolicited FETCH; mu is held.
func (s *session) flagged(number int, m *stored) string {
	out := fmt.Sprintf("* %d FETCH (UID %d FLAGS (%s)", number, m.uid, strings.Join(m.flags, " "))
	if s.condstore {
		out += fmt.Sprintf(" MODSEQ (%d)", m.modseq)
	}
	return out + ")"
}

// chosen gives the places in told of a set of numbers or UIDs.
func (s *session) chosen(set string, uid bool) ([]int, error) {
	if s.folder == nil {
		return nil, errNotSelected
	}
	last := uint32(len(s.told))
	if uid {
		last = 0
		if len(s.told) > 0 {
			last = s.told[len(s.told)-1]
		}
	}
	spans, err := numbers(set, last)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, p := range spans {
		first, end := int(p.first)-1, int(min(p.last, uint32(len(s.told))))
		if uid {
			first, _ = slices.BinarySearch(s.told, p.first)
			var found bool
			if end, found = slices.BinarySearch(s.told, p.last); found {
				end++
			}
		}
		for i := first; i < end; i++ {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// each gives the messages of a set that are still there, under the lock.
func (s *session) each(set string, uid bool, work func(number int, m *stored)) error {
	places, err := s.chosen(set, uid)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	for _, i := range places {
		if j, ok := s.folder.find(s.told[i]); ok {
			work(i+1, s.folder.messages[j])
		}
	}
	return nil
}
