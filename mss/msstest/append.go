package msstest

import (
	"fmt"
	"time"
)

const maxAppended = 80 << 20

// append answers APPEND, with APPENDUID (RFC 4315 section 3).
func (s *session) append(p *command) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	var flags []string
	at := s.server.clock.Now()
	p.space()
	if p.peek() == '(' {
		t, err := p.value()
		if err != nil {
			return err
		}
		flags = t.texts()
	}
	p.space()
	if p.peek() == '"' {
		date, err := p.quoted()
		if err != nil {
			return err
		}
		if at, err = time.Parse("_2-Jan-2006 15:04:05 -0700", date); err != nil {
			return fmt.Errorf("a date such as 05-Oct-2026 10:00:00 +0200 expected")
		}
	}
	raw, err := p.literal(maxAppended)
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	code := ""
	err = s.do(OpAppend, func() error {
		validity, uid, err := s.box.append(name, raw, at, flags...)
		code = fmt.Sprintf("APPENDUID %d %d", validity, uid)
		return err
	})
	if err == nil && s.has("UIDPLUS") {
		return okay(code)
	}
	return err
}
