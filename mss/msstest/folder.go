package msstest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"encoding/base64"

	"github.com/emersion/go-imap/v2"
)

var errNoFolder = no(imap.ResponseCodeNonExistent, "no such folder")

// list answers LIST, with RETURN and selection options (RFC 5258, RFC 6154).
func (s *session) list(p *command) error {
	all, err := p.rest()
	if err != nil {
		return err
	}
	special := false
	if len(all) > 0 && all[0].isList {
		special = slices.ContainsFunc(all[0].texts(), func(o string) bool { return strings.EqualFold(o, "SPECIAL-USE") })
		all = all[1:]
	}
	if len(all) < 2 || len(all) > 2 && !s.has("LIST-EXTENDED") {
		return errors.New("a reference and a pattern expected, options need LIST-EXTENDED")
	}
	var lines []string
	err = s.do(OpList, func() error {
		if all[1].text == "" {
			lines = append(lines, `* LIST (\Noselect) "/" ""`)
			return nil
		}
		var patterns []*regexp.Regexp
		for _, pattern := range all[1].texts() {
			form := regexp.QuoteMeta(all[0].text + pattern)
			form = strings.ReplaceAll(strings.ReplaceAll(form, `\*`, ".*"), "%", "[^/]*")
			p, err := regexp.Compile("^" + form + "$")
			if err != nil {
				return errors.New("a pattern in modified UTF-7 expected")
			}
			patterns = append(patterns, p)
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		for _, f := range s.box.folders {
			name := utf7(f.name)
			if special && f.use == "" || !slices.ContainsFunc(patterns, func(r *regexp.Regexp) bool { return r.MatchString(name) }) {
				continue
			}
			attributes := []string{`\HasNoChildren`}
			if f.use != "" && s.has("SPECIAL-USE") {
				attributes = append(attributes, f.use)
			}
			lines = append(lines, fmt.Sprintf(`* LIST (%s) "/" %s`, strings.Join(attributes, " "), quote(name)))
		}
		return nil
	})
	for _, l := range lines {
		if err := s.say("%s", l); err != nil {
			return errHangUp
		}
	}
	return err
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// utf7 writes a name as IMAP does (RFC 3501 section 5.1.3).
func utf7(s string) string {
	var b strings.Builder
	var other []uint16
	flush := func() {
		if len(other) == 0 {
			return
		}
		raw := make([]byte, 0, 2*len(other))
		for _, u := range other {
			raw = append(raw, byte(u>>8), byte(u))
		}
		b.WriteString("&" + strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(raw), "/", ",") + "-")
		other = nil
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			other = utf16.AppendRune(other, r)
			continue
		}
		flush()
		if b.WriteRune(r); r == '&' {
			b.WriteByte('-')
		}
	}
	flush()
	return b.String()
}

// name reads the name of a folder.
func (p *command) name() (string, error) {
	s, err := p.text()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for s != "" {
		before, after, ok := strings.Cut(s, "&")
		if b.WriteString(before); !ok {
			break
		}
		coded, rest, ok := strings.Cut(after, "-")
		if !ok {
			return "", errors.New("a name in modified UTF-7 expected")
		}
		if s = rest; coded == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(coded, ",", "/"))
		if err != nil || len(raw)%2 != 0 {
			return "", errors.New("a name in modified UTF-7 expected")
		}
		var units []uint16
		for i := 0; i < len(raw); i += 2 {
			units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
		}
		b.WriteString(string(utf16.Decode(units)))
	}
	return b.String(), nil
}

// on reads the name of a folder and does something with it, under the lock.
func (s *session) on(p *command, operation string, work func(name string, f *folder) error) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if _, err := p.rest(); err != nil {
		return err
	}
	return s.do(operation, func() error {
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		return work(name, s.box.folder(name))
	})
}

func (s *session) create(p *command) error {
	return s.on(p, OpCreate, func(name string, f *folder) error {
		switch name = strings.TrimRight(name, "/"); {
		case f != nil:
			return no(imap.ResponseCodeAlreadyExists, "the folder exists")
		case name == "" || strings.Contains(name, "//"):
			return no(imap.ResponseCodeCannot, "the name of a folder expected")
		}
		s.box.create(name, "")
		return nil
	})
}

func (s *session) rename(p *command) error {
	from, err := p.name()
	if err != nil {
		return err
	}
	return s.on(p, OpRename, func(to string, there *folder) error {
		f := s.box.folder(from)
		switch {
		case f == nil:
			return errNoFolder
		case there != nil:
			return no(imap.ResponseCodeAlreadyExists, "the folder exists")
		case f.name == folderInbox:
			return no(imap.ResponseCodeCannot, "the inbox keeps its name")
		}
		f.name = to
		return nil
	})
}

func (s *session) delete(p *command) error {
	return s.on(p, OpDelete, func(_ string, f *folder) error {
		switch {
		case f == nil:
			return errNoFolder
		case f.name == folderInbox:
			return no(imap.ResponseCodeCannot, "the inbox stays")
		}
		s.box.folders = slices.DeleteFunc(s.box.folders, func(o *folder) bool { return o == f })
		return nil
	})
}

func (s *session) subscribe(p *command) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.folder(name) == nil {
		return errNoFolder
	}
	return p.end()
}

// status answers STATUS (RFC 3501 section 6.3.10, RFC 7162 section 3.1.7).
func (s *session) status(p *command) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	items, err := p.value()
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	var out []string
	err = s.do(OpStatus, func() error {
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		f := s.box.folder(name)
		if f == nil {
			return errNoFolder
		}
		for _, item := range items.texts() {
			n := uint64(0)
			switch item = strings.ToUpper(item); item {
			case "MESSAGES":
				n = uint64(len(f.messages))
			case "UIDNEXT":
				n = uint64(f.next)
			case "UIDVALIDITY":
				n = uint64(f.validity)
			case "HIGHESTMODSEQ":
				if !s.has("CONDSTORE") {
					return errors.New("HIGHESTMODSEQ needs CONDSTORE")
				}
				n, s.condstore = f.modseq, true
			case "UNSEEN":
				for _, m := range f.messages {
					if !m.has(`\Seen`) {
						n++
					}
				}
			default:
				return fmt.Errorf("unknown status item %.20q", item)
			}
			out = append(out, fmt.Sprintf("%s %d", item, n))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.say("* STATUS %s (%s)", quote(utf7(name)), strings.Join(out, " "))
}
