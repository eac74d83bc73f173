package msstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

func (m *stored) has(flag string) bool {
	return slices.ContainsFunc(m.flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// mark adds, removes or replaces flags; mu is held.
func (f *folder) mark(m *stored, how byte, flags []string) {
	before := m.flags
	l := slices.Clone(m.flags)
	if how == 0 {
		l = nil
	}
	for _, flag := range flags {
		at := slices.IndexFunc(l, func(f string) bool { return strings.EqualFold(f, flag) })
		switch {
		case how == '-' && at >= 0:
			l = slices.Delete(l, at, at+1)
		case how != '-' && at < 0:
			l = append(l, flag)
		}
	}
	if m.flags = l; !slices.Equal(before, l) {
		f.modseq++
		m.modseq = f.modseq
	}
}

// store answers STORE and UID STORE, with UNCHANGEDSINCE left out.
func (s *session) store(p *command, uid bool) error {
	set, err := p.atom()
	if err != nil {
		return err
	}
	item, err := p.atom()
	if err != nil {
		return err
	}
	all, err := p.rest()
	if err != nil {
		return err
	}
	var flags []string
	for _, t := range all {
		flags = append(flags, t.texts()...)
	}
	name, silent := strings.CutSuffix(strings.ToUpper(item), ".SILENT")
	how := byte(0)
	if name != "" && (name[0] == '+' || name[0] == '-') {
		how, name = name[0], name[1:]
	}
	if name != "FLAGS" {
		return errors.New("FLAGS expected")
	}
	var lines []string
	err = s.do(OpStore, func() error {
		if err := s.writing(); err != nil {
			return err
		}
		if kept := s.server.options.Keywords; len(kept) > 0 {
			for _, f := range flags {
				if !slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, f) }) {
					return no(imap.ResponseCodeCannot, "this flag is not kept")
				}
			}
		}
		s.box.mu.Lock()
		before := s.folder.modseq
		s.box.mu.Unlock()
		err := s.each(set, uid, func(number int, m *stored) {
			s.folder.mark(m, how, flags)
			line := s.flagged(number, m)
			if !silent || s.condstore {
				lines = append(lines, line)
			}
		})
		if err != nil {
			return err
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		if s.modseq == before { // nobody else has changed anything
			s.modseq = s.folder.modseq
		}
		s.folder.changed()
		return nil
	})
	for _, l := range lines {
		if s.say("%s", l) != nil {
			return fmt.Errorf("writing: %w", errHangUp)
		}
	}
	return err
}

// writing refuses what changes a folder opened with EXAMINE.
func (s *session) writing() error {
	switch {
	case s.folder == nil:
		return errNotSelected
	case !s.writable:
		return no(imap.ResponseCodeNoPerm, "the folder is open to be read (EXAMINE)")
	}
	return nil
}
