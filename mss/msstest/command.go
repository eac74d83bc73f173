package msstest

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxLine    = 64 << 10 // a command without its literals
	maxLiteral = 64 << 10 // of a literal that is no message
	maxNesting = 20
)

// command is a command being read, token by token, as its client sends it.
type command struct {
	*session
	tag   string
	read  int
	ended bool
}

// begin reads the tag and the name, with UID before it if there is one.
func (p *command) begin() (tag, name string, err error) {
	if tag, err = p.word(); err != nil {
		return "", "", err
	}
	p.tag = tag
	if name, err = p.atom(); err != nil {
		return "", "", err
	}
	if name = strings.ToUpper(name); name == "UID" {
		sub, err := p.atom()
		if err != nil {
			return "", "", err
		}
		name += " " + strings.ToUpper(sub)
	}
	return tag, name, nil
}

func (p *command) next() (byte, error) {
	if p.ended {
		return 0, errors.New("the command ends too early")
	}
	if p.read++; p.read > maxLine {
		return 0, errHangUp
	}
	b, err := p.in.ReadByte()
	if err != nil {
		return 0, errHangUp
	}
	return b, nil
}

func (p *command) back() {
	_ = p.in.UnreadByte()
	p.read--
}

func (p *command) peek() byte {
	b, err := p.next()
	if err != nil {
		return 0
	}
	p.back()
	return b
}

func (p *command) atEnd() bool { b := p.peek(); return b == '\r' || b == '\n' || b == 0 }

// end reads the end of the line, where nothing else may be.
func (p *command) end() error {
	b, err := p.next()
	if err == nil && b == '\r' {
		b, err = p.next()
	}
	switch {
	case err != nil:
		return err
	case b != '\n':
		return fmt.Errorf("end of the command expected, %q came", b)
	}
	p.ended = true
	return nil
}

// skip goes to the end of the line.
func (p *command) skip() error {
	for !p.ended {
		b, err := p.next()
		if err != nil {
			return err
		}
		p.ended = b == '\n'
	}
	return nil
}

func (p *command) space() {
	if p.peek() == ' ' {
		_, _ = p.next()
	}
}

// word reads up to a space, a parenthesis or the end. Brackets hold anything.
func (p *command) word() (string, error) {
	var b strings.Builder
	depth, quoted := 0, false
	for {
		c, err := p.next()
		if err != nil {
			return "", err
		}
		switch {
		case c == '\r' || c == '\n', depth == 0 && (c == ' ' || c == '(' || c == ')'):
			p.back()
			if b.Len() == 0 {
				return "", errors.New("an atom expected")
			}
			return b.String(), nil
		case c == '"':
			quoted = !quoted
		case c == '[' && !quoted:
			depth++
		case c == ']' && !quoted:
			depth--
		}
		b.WriteByte(c)
	}
}

func (p *command) atom() (string, error) {
	p.space()
	return p.word()
}

// text reads an atom, a quoted string or a literal.
func (p *command) text() (string, error) {
	p.space()
	switch p.peek() {
	case '"':
		return p.quoted()
	case '{':
		b, err := p.literal(maxLiteral)
		return string(b), err
	}
	return p.word()
}

func (p *command) quoted() (string, error) {
	var b strings.Builder
	_, _ = p.next()
	for {
		c, err := p.next()
		if err != nil {
			return "", err
		}
		switch c {
		case '"':
			return b.String(), nil
		case '\r', '\n':
			p.back()
			return "", errors.New("a quoted string that does not end")
		case '\\':
			if c, err = p.next(); err != nil {
				return "", err
			}
		}
		b.WriteByte(c)
	}
}

// literal reads {n} or {n+} and what follows it.
func (p *command) literal(limit int64) ([]byte, error) {
	p.space()
	var b strings.Builder
	for {
		c, err := p.next()
		if err != nil {
			return nil, err
		}
		if c == '\r' || c == '\n' {
			p.back()
			break
		}
		b.WriteByte(c)
	}
	form, ok := strings.CutSuffix(strings.TrimPrefix(b.String(), "{"), "}")
	form, eager := strings.CutSuffix(form, "+")
	n, err := strconv.ParseInt(form, 10, 64)
	switch {
	case !ok || err != nil || n < 0:
		return nil, errors.New("a literal expected")
	case eager && (!p.has("LITERAL-") || n > 4096):
		return nil, errHangUp // it is on its way: there is no telling it from a command
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if n > limit {
		return nil, no("TOOBIG", fmt.Sprintf("a literal of %d bytes at most expected, %d came", limit, n))
	}
	p.ended = false
	if !eager && p.say("+ go on") != nil {
		return nil, errHangUp
	}
	out, err := io.ReadAll(io.LimitReader(p.in, n)) // what is announced is not believed
	if err != nil || int64(len(out)) < n {
		return nil, errHangUp
	}
	return out, nil
}

// token is a text or a list.
type token struct {
	text   string
	quoted bool
	list   []token
	isList bool
}

// value reads a text or a list in parentheses.
func (p *command) value() (token, error) { return p.nested(0) }

func (p *command) nested(depth int) (token, error) {
	p.space()
	switch c := p.peek(); c {
	case '(':
		if depth == maxNesting {
			return token{}, errors.New("lists nested too deep")
		}
		_, _ = p.next()
		t := token{isList: true}
		for {
			p.space()
			if p.peek() == ')' {
				_, _ = p.next()
				return t, nil
			}
			one, err := p.nested(depth + 1)
			if err != nil {
				return token{}, err
			}
			t.list = append(t.list, one)
		}
	default:
		s, err := p.text()
		return token{text: s, quoted: c == '"' || c == '{'}, err
	}
}

// texts gives the texts of a list, or of a text alone.
func (t token) texts() []string {
	if !t.isList {
		return []string{t.text}
	}
	var out []string
	for _, e := range t.list {
		out = append(out, e.text)
	}
	return out
}

// rest reads all values up to the end of the command.
func (p *command) rest() ([]token, error) {
	var out []token
	for !p.atEnd() {
		t, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		if p.peek() == ')' {
			return nil, errors.New("a closing parenthesis too many")
		}
	}
	return out, p.end()
}

// span is a range of numbers, both included.
type span struct{ first, last uint32 }

// numbers reads a set such as 1:3,7,10:*; last is what * stands for.
func numbers(set string, last uint32) ([]span, error) {
	var out []span
	for s := range strings.SplitSeq(set, ",") {
		a, b, isRange := strings.Cut(s, ":")
		first, err := number(a, last)
		if err != nil {
			return nil, err
		}
		end := first
		if isRange {
			if end, err = number(b, last); err != nil {
				return nil, err
			}
		}
		out = append(out, span{min(first, end), max(first, end)})
	}
	return out, nil
}

func number(s string, last uint32) (uint32, error) {
	if s == "*" {
		return last, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("a set of numbers expected, %.20q came", s)
	}
	return uint32(n), nil
}

func within(n uint32, spans []span) bool {
	for _, s := range spans {
		if n >= s.first && n <= s.last {
			return true
		}
	}
	return false
}

// compact writes numbers as a set.
func compact(l []uint32) string {
	var b strings.Builder
	for i := 0; i < len(l); {
		j := i
		for j+1 < len(l) && l[j+1] == l[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, l[i])
		if j > i {
			fmt.Fprintf(&b, ":%d", l[j])
		}
		i = j + 1
	}
	return b.String()
}
