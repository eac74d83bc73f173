package msstest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// search answers SEARCH and UID SEARCH, with RETURN (RFC 4731).
func (s *session) search(p *command, uid bool) error {
	keys, err := p.rest()
	if err != nil {
		return err
	}
	var options []string
	if len(keys) > 1 && strings.EqualFold(keys[0].text, "RETURN") && keys[1].isList {
		if !s.has("ESEARCH") {
			return errors.New("RETURN needs ESEARCH")
		}
		if options = keys[1].texts(); len(options) == 0 {
			options = []string{"ALL"}
		}
		keys = keys[2:]
	}
	if len(keys) > 1 && strings.EqualFold(keys[0].text, "CHARSET") {
		if c := strings.ToUpper(keys[1].text); c != "UTF-8" && c != "US-ASCII" {
			return no(imap.ResponseCodeBadCharset, "UTF-8 or US-ASCII expected")
		}
		keys = keys[2:]
	}
	if s.folder == nil {
		return errNotSelected
	}
	q := &query{session: s}
	match, rest, err := q.all(keys)
	if err != nil || len(rest) > 0 {
		return errors.Join(errors.New("a search key expected"), err)
	}
	var found []uint32
	err = s.do(OpSearch, func() error {
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		for i, u := range s.told {
			j, ok := s.folder.find(u)
			if !ok || !match(i+1, s.folder.messages[j]) {
				continue
			}
			if n := uint32(i + 1); !uid {
				found = append(found, n)
			} else {
				found = append(found, u)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if options == nil {
		var b strings.Builder
		for _, n := range found {
			fmt.Fprintf(&b, " %d", n)
		}
		return s.say("* SEARCH%s", b.String())
	}
	out := ""
	for _, o := range options {
		switch o = strings.ToUpper(o); {
		case o == "COUNT":
			out += fmt.Sprintf(" COUNT %d", len(found))
		case len(found) == 0:
		case o == "ALL":
			out += " ALL " + compact(found)
		case o == "MIN":
			out += fmt.Sprintf(" MIN %d", found[0])
		case o == "MAX":
			out += fmt.Sprintf(" MAX %d", found[len(found)-1])
		}
	}
	kind := ""
	if uid {
		kind = " UID"
	}
	return s.say("* ESEARCH (TAG %s)%s%s", quote(p.tag), kind, out)
}

type matcher func(number int, m *stored) bool

// query reads the keys of a search (RFC 3501 section 6.4.4).
type query struct{ *session }

// all reads keys that must all match.
func (q *query) all(keys []token) (matcher, []token, error) {
	var l []matcher
	for len(keys) > 0 {
		m, rest, err := q.one(keys)
		if err != nil {
			return nil, nil, err
		}
		l, keys = append(l, m), rest
	}
	if l == nil {
		return nil, nil, errors.New("none came")
	}
	return func(n int, m *stored) bool {
		return !slices.ContainsFunc(l, func(f matcher) bool { return !f(n, m) })
	}, nil, nil
}

func flagIs(flag string, want bool) matcher {
	return func(_ int, m *stored) bool { return m.has(flag) == want }
}

// flagKeys are the keys that ask for a flag, and whether it must be there.
var flagKeys = map[string]matcher{
	"SEEN": flagIs(`\Seen`, true), "UNSEEN": flagIs(`\Seen`, false), "ANSWERED": flagIs(`\Answered`, true), "UNANSWERED": flagIs(`\Answered`, false),
	"FLAGGED": flagIs(`\Flagged`, true), "UNFLAGGED": flagIs(`\Flagged`, false), "DELETED": flagIs(`\Deleted`, true), "UNDELETED": flagIs(`\Deleted`, false),
	"DRAFT": flagIs(`\Draft`, true), "UNDRAFT": flagIs(`\Draft`, false), "ALL": func(int, *stored) bool { return true },
}

func (q *query) one(keys []token) (matcher, []token, error) {
	key, keys := keys[0], keys[1:]
	if key.isList {
		m, _, err := q.all(key.list)
		return m, keys, err
	}
	name := strings.ToUpper(key.text)
	if m, ok := flagKeys[name]; ok {
		return m, keys, nil
	}
	if name != "" && (name[0] >= '0' && name[0] <= '9' || name[0] == '*') {
		return q.set(name, false, keys)
	}
	arguments := 1
	if name == "HEADER" {
		arguments = 2
	}
	if len(keys) < arguments {
		return nil, nil, fmt.Errorf("%.20q needs %d arguments", name, arguments)
	}
	arg := keys[0].text
	rest := keys[arguments:]
	switch name {
	case "NOT":
		m, rest, err := q.one(keys)
		return func(n int, x *stored) bool { return !m(n, x) }, rest, err
	case "OR":
		a, rest, err := q.one(keys)
		if err != nil || len(rest) == 0 {
			return nil, nil, errors.New("OR needs two keys")
		}
		b, rest, err := q.one(rest)
		return func(n int, x *stored) bool { return a(n, x) || b(n, x) }, rest, err
	case "UID":
		return q.set(arg, true, rest)
	case "KEYWORD":
		return flagIs(arg, true), rest, nil
	case "UNKEYWORD":
		return flagIs(arg, false), rest, nil
	case "FROM", "TO", "CC", "BCC", "SUBJECT":
		return inField(name, arg), rest, nil
	case "HEADER":
		return inField(arg, keys[1].text), rest, nil
	case "TEXT":
		return func(_ int, m *stored) bool {
			raw := m.raw()
			return contains(decoded(string(entity(raw).header)), arg) || inBody(raw, arg, 0)
		}, rest, nil
	case "BODY":
		return func(_ int, m *stored) bool { return inBody(m.raw(), arg, 0) }, rest, nil
	case "LARGER", "SMALLER":
		n, err := strconv.Atoi(arg)
		return func(_ int, m *stored) bool {
			l := len(m.raw())
			return name == "LARGER" && l > n || name == "SMALLER" && l < n
		}, rest, err
	case "MODSEQ":
		n, err := strconv.ParseUint(arg, 10, 64)
		return func(_ int, m *stored) bool { return m.modseq >= n }, rest, err
	case "SINCE", "BEFORE", "ON", "SENTSINCE", "SENTBEFORE", "SENTON":
		return onDay(name, arg, rest)
	}
	return nil, nil, fmt.Errorf("unknown key %.20q", name)
}

func (q *query) set(set string, uid bool, rest []token) (matcher, []token, error) {
	last := uint32(len(q.told))
	if uid && len(q.told) > 0 {
		last = q.told[len(q.told)-1]
	}
	spans, err := numbers(set, last)
	return func(n int, m *stored) bool {
		if uid {
			return within(m.uid, spans)
		}
		return within(uint32(n), spans)
	}, rest, err
}

func onDay(name, day string, rest []token) (matcher, []token, error) {
	at, err := time.Parse("2-Jan-2006", day)
	kind, sent := strings.CutPrefix(name, "SENT")
	return func(_ int, m *stored) bool {
		t := m.at
		if sent {
			d, err := time.Parse(time.RFC1123Z, entity(m.raw()).field("Date"))
			if err != nil {
				return false
			}
			t = d
		}
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) // zones are not looked at
		return kind == "SINCE" && !t.Before(at) || kind == "BEFORE" && t.Before(at) || kind == "ON" && t.Equal(at)
	}, rest, err
}

func contains(s, what string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(what))
}

func inField(name, what string) matcher {
	return func(_ int, m *stored) bool {
		value := entity(m.raw()).field(name)
		return value != "" && contains(decoded(value), what)
	}
}

// inBody looks into the text parts.
func inBody(raw []byte, what string, depth int) bool {
	e := entity(raw)
	if parts := e.parts(); parts != nil && depth < maxNesting {
		return slices.ContainsFunc(parts, func(p []byte) bool { return inBody(p, what, depth+1) })
	}
	if media, _ := e.media(); !strings.HasPrefix(media, "text/") {
		return false
	}
	var r io.Reader = strings.NewReader(string(e.body))
	switch strings.ToLower(e.field("Content-Transfer-Encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	b, _ := io.ReadAll(r)
	return contains(string(b), what)
}

// decoded gives a header with its encoded words decoded.
func decoded(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}
