package msstest

import (
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// copy answers COPY and UID COPY.
func (s *session) copy(p *command, uid bool) error {
	code, err := s.transfer(p, uid, OpCopy, false)
	if err == nil && s.has("UIDPLUS") && code != "" {
		return okay(code)
	}
	return err
}

// move answers MOVE and UID MOVE (RFC 6851).
func (s *session) move(p *command, uid bool) error {
	code, err := s.transfer(p, uid, OpMove, true)
	if err == nil && s.has("UIDPLUS") && code != "" {
		return s.say("* OK [%s] moved", code)
	}
	return err
}

// transfer copies messages to a folder, then removes them if they move. It
// gives the response code COPYUID (RFC 4315).
func (s *session) transfer(p *command, uid bool, operation string, move bool) (code string, err error) {
	set, err := p.atom()
	if err != nil {
		return "", err
	}
	name, err := p.name()
	if err != nil {
		return "", err
	}
	if err := p.end(); err != nil {
		return "", err
	}
	err = s.do(operation, func() error {
		if move {
			if err := s.writing(); err != nil {
				return err
			}
		}
		var all []*stored
		if err := s.each(set, uid, func(_ int, m *stored) { all = append(all, m) }); err != nil {
			return err
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		to := s.box.folder(name)
		if to == nil {
			return no(imap.ResponseCodeTryCreate, "no such folder")
		}
		var from, made []uint32
		for _, m := range all {
			from = append(from, m.uid)
			made = append(made, to.add(m.raw, m.at, slices.Clone(m.flags)).uid)
		}
		if len(all) > 0 {
			code = fmt.Sprintf("COPYUID %d %s %s", to.validity, compact(from), compact(made))
			to.changed()
		}
		if move {
			s.folder.remove(func(m *stored) bool { return slices.Contains(from, m.uid) })
		}
		return nil
	})
	return code, err
}

// expunge removes the messages that are flagged \Deleted.
func (s *session) expunge(p *command) error {
	if err := p.end(); err != nil {
		return err
	}
	return s.do(OpExpunge, func() error {
		if err := s.writing(); err != nil {
			return err
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		s.folder.remove(func(m *stored) bool { return m.has(`\Deleted`) })
		return nil
	})
}

// uidExpunge removes those of a set (RFC 4315 section 2.1).
func (s *session) uidExpunge(p *command) error {
	set, err := p.atom()
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return s.do(OpExpunge, func() error {
		if err := s.writing(); err != nil {
			return err
		}
		var uids []uint32
		if err := s.each(set, true, func(_ int, m *stored) { uids = append(uids, m.uid) }); err != nil {
			return err
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		s.folder.remove(func(m *stored) bool { return m.has(`\Deleted`) && slices.Contains(uids, m.uid) })
		return nil
	})
}
