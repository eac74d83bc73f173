package xmltree

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

var errEntity = errors.New("undefined or malformed entity")

// text reads character data and CDATA sections up to the next tag, comment or
// processing instruction: they are one Text.
func (p *parser) text() error {
	if len(p.open) == 0 {
		if p.space() {
			return nil
		}
		return errors.New("text outside the root element")
	}
	first, pieces := "", 0
	p.buf = p.buf[:0]
	for p.pos < len(p.s) {
		run, literal := "", false
		if p.s[p.pos] == '<' {
			if !strings.HasPrefix(p.s[p.pos:], "<![CDATA[") {
				break
			}
			from := p.pos + len("<![CDATA[")
			end := strings.Index(p.s[from:], "]]>")
			if end < 0 {
				return io.ErrUnexpectedEOF
			}
			run, literal = p.s[from:from+end], true
			p.pos = from + end + len("]]>")
		} else {
			end := strings.IndexByte(p.s[p.pos:], '<')
			if end < 0 {
				return io.ErrUnexpectedEOF
			}
			run = p.s[p.pos : p.pos+end]
			if strings.Contains(run, "]]>") {
				return errors.New("]]> in character data")
			}
			p.pos += end
		}
		if err := p.count(1); err != nil {
			return err
		}
		plain := strings.IndexByte(run, '\r') < 0 && (literal || strings.IndexByte(run, '&') < 0)
		if pieces++; pieces == 1 && plain {
			first = run
			continue
		}
		if pieces == 2 {
			p.buf = append(p.buf, first...)
		}
		var err error
		if p.buf, err = appendText(p.buf, run, literal); err != nil {
			return err
		}
	}
	var t Text
	if pieces == 1 && len(p.buf) == 0 {
		t = Text(p.value(first))
	} else {
		t = Text(p.buf)
	}
	if t != "" {
		p.kids = append(p.kids, t)
	}
	return nil
}

// appendText appends character data with its line ends normalised and, unless
// it is literal (CDATA), its references resolved.
func appendText(b []byte, s string, literal bool) ([]byte, error) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\r':
			b = append(b, '\n')
			if i++; i < len(s) && s[i] == '\n' {
				i++
			}
		case c == '&' && !literal:
			r, n, err := reference(s[i:])
			if err != nil {
				return nil, err
			}
			b = utf8.AppendRune(b, r)
			i += n
		default:
			n := strings.IndexAny(s[i:], "\r&")
			if literal {
				n = strings.IndexByte(s[i:], '\r')
			}
			if n < 0 {
				n = len(s) - i
			}
			b = append(b, s[i:i+n]...)
			i += n
		}
	}
	return b, nil
}

// attributeValue reads a quoted value. Its literal white space reads as
// spaces; white space written as references stays (XML 1.0 §3.3.3, for
// attributes that no DTD declares).
func (p *parser) attributeValue() (string, error) {
	if p.pos == len(p.s) {
		return "", io.ErrUnexpectedEOF
	}
	quote := p.s[p.pos]
	if quote != '"' && quote != '\'' {
		return "", errors.New("attribute value without quotes")
	}
	p.pos++
	end := strings.IndexByte(p.s[p.pos:], quote)
	if end < 0 {
		return "", io.ErrUnexpectedEOF
	}
	s := p.s[p.pos : p.pos+end]
	if strings.IndexByte(s, '<') >= 0 {
		return "", errors.New("< in an attribute value")
	}
	if !strings.ContainsAny(s, "&\t\n\r") {
		p.pos += end + 1
		return p.value(s), nil
	}
	p.buf = p.buf[:0]
	for i := 0; i < len(s); {
		switch s[i] {
		case '&':
			r, n, err := reference(s[i:])
			if err != nil {
				return "", err
			}
			p.buf = utf8.AppendRune(p.buf, r)
			i += n
		case '\r':
			p.buf = append(p.buf, ' ')
			if i++; i < len(s) && s[i] == '\n' {
				i++
			}
		case '\t', '\n':
			p.buf = append(p.buf, ' ')
			i++
		default:
			p.buf = append(p.buf, s[i])
			i++
		}
	}
	p.pos += end + 1
	return string(p.buf), nil
}

// reference reads the reference at the start of s: one of the five entities
// that XML knows without DTD, or a character.
func reference(s string) (r rune, n int, err error) {
	end := strings.IndexByte(s[:min(len(s), 12)], ';')
	if end < 0 {
		return 0, 0, errEntity
	}
	name := s[1:end]
	switch name {
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "amp":
		r = '&'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		if r = character(name); !xmlChar(r) {
			return 0, 0, errEntity
		}
	}
	return r, end + 1, nil
}

// character reads "#65" or "#x41"; it gives -1 when it is neither.
func character(s string) rune {
	s, ok := strings.CutPrefix(s, "#")
	if !ok {
		return -1
	}
	s, hex := strings.CutPrefix(s, "x")
	if s == "" {
		return -1
	}
	r, base := rune(0), rune(10)
	if hex {
		base = 16
	}
	for _, c := range []byte(s) {
		d := rune(99)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c && c <= 'f':
			d = rune(c-'a') + 10
		case 'A' <= c && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base {
			return -1
		}
		if r = r*base + d; r > utf8.MaxRune {
			return -1
		}
	}
	return r
}

// xmlChar is production 2 of XML 1.0.
func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		' ' <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= utf8.MaxRune
}
