package msstest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fetch answers FETCH and UID FETCH, with CHANGEDSINCE and VANISHED (RFC 7162).
func (s *session) fetch(p *command, uid bool) error {
	set, err := p.atom()
	if err != nil {
		return err
	}
	items, err := p.value()
	if err != nil {
		return err
	}
	wanted := items.texts()
	since, vanished := uint64(0), false
	if !p.atEnd() {
		modifiers, err := p.value()
		if err != nil {
			return err
		}
		if since, vanished, err = s.modifiers(modifiers.texts()); err != nil {
			return err
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if vanished && !uid {
		return errors.New("VANISHED goes with UID FETCH")
	}
	if since > 0 {
		s.condstore = true
		wanted = append(wanted, "MODSEQ")
	}
	if uid && !slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, "UID") }) {
		wanted = append([]string{"UID"}, wanted...)
	}
	type one struct {
		number int
		m      stored
	}
	var found []one
	gone := ""
	return s.do(OpFetch, func() error {
		seen := false
		for _, w := range wanted {
			if upper := strings.ToUpper(w); strings.HasPrefix(upper, "BODY[") && s.writable {
				seen = true
			}
		}
		err := s.each(set, uid, func(number int, m *stored) {
			if m.modseq > since {
				if seen {
					s.folder.mark(m, '+', []string{`\Seen`})
				}
				found = append(found, one{number, *m})
			}
		})
		if err != nil {
			return err
		}
		if vanished {
			spans, err := numbers(set, ^uint32(0))
			if err != nil {
				return err
			}
			s.box.mu.Lock()
			gone = compact(s.folder.vanished(since, spans))
			s.box.mu.Unlock()
		}
		if gone != "" && s.say("* VANISHED (EARLIER) %s", gone) != nil {
			return errHangUp
		}
		for _, o := range found {
			out, err := s.items(o.m, wanted)
			if err != nil {
				return err
			}
			s.fetched.Add(1)
			if s.say("* %d FETCH (%s)", o.number, out) != nil {
				return errHangUp
			}
		}
		return nil
	})
}

func (s *session) modifiers(l []string) (since uint64, vanished bool, err error) {
	for i := 0; i < len(l); i++ {
		switch strings.ToUpper(l[i]) {
		case "CHANGEDSINCE":
			if !s.has("CONDSTORE") || i+1 >= len(l) {
				return 0, false, errors.New("CHANGEDSINCE needs CONDSTORE and a mod-sequence")
			}
			if since, err = strconv.ParseUint(l[i+1], 10, 64); err != nil || since == 0 {
				return 0, false, errors.New("CHANGEDSINCE: a mod-sequence expected")
			}
			i++
		case "VANISHED":
			if !s.qresync {
				return 0, false, errors.New("VANISHED: ENABLE QRESYNC first")
			}
			vanished = true
		default:
			return 0, false, fmt.Errorf("unknown modifier %.20q", l[i])
		}
	}
	if vanished && since == 0 {
		return 0, false, errors.New("VANISHED goes with CHANGEDSINCE")
	}
	return since, vanished, nil
}

var sectionForm = regexp.MustCompile(`(?i)^BODY(?:\.PEEK)?\[([0-9.]*?)\.?(HEADER|TEXT|MIME|HEADER\.FIELDS \(([^)]*)\)|HEADER\.FIELDS\.NOT \(([^)]*)\))?\](?:<([0-9]+)\.([0-9]+)>)?$`)

// items writes the data of a message that are asked for.
func (s *session) items(m stored, wanted []string) (string, error) {
	var out []string
	for _, w := range wanted {
		switch upper := strings.ToUpper(w); upper {
		case "UID":
			out = append(out, fmt.Sprintf("UID %d", m.uid))
		case "FLAGS":
			out = append(out, "FLAGS ("+strings.Join(m.flags, " ")+")")
		case "INTERNALDATE":
			out = append(out, `INTERNALDATE "`+m.at.Format("02-Jan-2006 15:04:05 -0700")+`"`)
		case "RFC822.SIZE":
			out = append(out, fmt.Sprintf("RFC822.SIZE %d", len(s.bytesOf(m))))
		case "MODSEQ":
			if !s.has("CONDSTORE") {
				return "", errors.New("MODSEQ needs CONDSTORE")
			}
			s.condstore = true
			out = append(out, fmt.Sprintf("MODSEQ (%d)", m.modseq))
		case "BODYSTRUCTURE", "BODY":
			out = append(out, upper+" "+structure(entity(s.bytesOf(m)), upper == "BODYSTRUCTURE"))
		default:
			f := sectionForm.FindStringSubmatch(w)
			if f == nil {
				return "", fmt.Errorf("unknown item %.30q", w)
			}
			text, label := s.sectionOf(m, f[1], strings.ToUpper(f[2]), f[3]+f[4]), strings.ToUpper(w[:strings.IndexByte(w, ']')+1])
			label = strings.Replace(label, ".PEEK", "", 1)
			if f[5] != "" {
				offset, _ := strconv.ParseInt(f[5], 10, 64)
				size, _ := strconv.ParseInt(f[6], 10, 64)
				text = text[min(offset, int64(len(text))):]
				text = text[:min(size, int64(len(text)))]
				label += fmt.Sprintf("<%d>", offset)
			}
			out = append(out, fmt.Sprintf("%s {%d}\r\n%s", label, len(text), text))
		}
	}
	return strings.Join(out, " "), nil
}

// cachedSection is what was asked for last: clients ask for it piece by piece.
type cachedSection struct {
	folder *folder
	uid    uint32
	name   string
	whole  []byte
	text   []byte
}

func (s *session) bytesOf(m stored) []byte {
	if s.section.whole == nil || s.section.folder != s.folder || s.section.uid != m.uid {
		s.section = cachedSection{folder: s.folder, uid: m.uid, whole: m.raw()}
	}
	return s.section.whole
}

func (s *session) sectionOf(m stored, number, specifier, fields string) []byte {
	whole := s.bytesOf(m)
	name := number + " " + specifier + " " + fields
	if s.section.name != name {
		s.section.name, s.section.text = name, section(whole, number, specifier, fields)
	}
	return s.section.text
}

// section cuts a section out of a message (RFC 3501 section 6.4.5).
func section(raw []byte, number, specifier, fields string) []byte {
	e := entity(raw)
	if number != "" {
		for n := range strings.SplitSeq(number, ".") {
			i, err := strconv.Atoi(n)
			if err != nil {
				return nil
			}
			if e.isMessage() {
				e = entity(e.body)
			}
			switch parts := e.parts(); {
			case parts == nil && i == 1: // what is not multipart has one part
			case i < 1 || i > len(parts):
				return nil
			default:
				e = entity(parts[i-1])
			}
		}
	}
	switch {
	case specifier == "MIME":
		return e.header
	case number != "" && specifier != "" && e.isMessage():
		e = entity(e.body)
	case number != "" && specifier == "":
		return e.body
	}
	switch {
	case specifier == "HEADER":
		return e.header
	case specifier == "TEXT":
		return e.body
	case strings.HasPrefix(specifier, "HEADER.FIELDS"):
		var names []string
		for f := range strings.FieldsSeq(fields) {
			names = append(names, strings.Trim(f, `"`))
		}
		return e.only(names, !strings.HasPrefix(specifier, "HEADER.FIELDS.NOT"))
	}
	return raw
}

// only gives the fields of a header that are named, or the others.
func (e part) only(names []string, named bool) []byte {
	var out []byte
	keep := false
	for line := range bytes.Lines(e.header) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, ok := bytes.Cut(line, []byte(":"))
			keep = ok && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, string(bytes.TrimSpace(name))) }) == named
		}
		if keep && len(bytes.TrimSpace(line)) > 0 {
			out = append(out, line...)
		}
	}
	return append(out, "\r\n"...)
}
