package msstest

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
)

// part is a message or a part of one, cut but not decoded.
type part struct{ header, body []byte }

func entity(raw []byte) part {
	for at := 0; at < len(raw); {
		end := bytes.IndexByte(raw[at:], '\n')
		if end < 0 {
			break
		}
		if len(bytes.TrimRight(raw[at:at+end], "\r")) == 0 {
			return part{raw[:at+end+1], raw[at+end+1:]}
		}
		at += end + 1
	}
	return part{header: raw}
}

// field gives a field of the header, unfolded.
func (e part) field(name string) string {
	value, found := "", false
	for line := range bytes.Lines(e.header) {
		if line[0] == ' ' || line[0] == '\t' {
			if found {
				value += " " + strings.TrimSpace(string(line))
			}
			continue
		}
		if found {
			break
		}
		n, v, ok := bytes.Cut(line, []byte(":"))
		if found = ok && strings.EqualFold(strings.TrimSpace(string(n)), name); found {
			value = strings.TrimSpace(string(v))
		}
	}
	return value
}

func (e part) media() (string, map[string]string) {
	media, params, err := mime.ParseMediaType(e.field("Content-Type"))
	if err != nil || !strings.Contains(media, "/") {
		return "text/plain", map[string]string{"charset": "us-ascii"}
	}
	return media, params
}

func (e part) isMessage() bool { m, _ := e.media(); return m == "message/rfc822" }

// parts gives the parts of a multipart, nil for anything else.
func (e part) parts() [][]byte {
	media, params := e.media()
	if !strings.HasPrefix(media, "multipart/") || params["boundary"] == "" {
		return nil
	}
	out := [][]byte{}
	delimiter := []byte("--" + params["boundary"])
	start, at := -1, 0
	for line := range bytes.Lines(e.body) {
		after, ok := bytes.CutPrefix(line, delimiter)
		mark := bytes.TrimRight(after, " \t\r\n")
		if last := string(mark) == "--"; ok && (last || len(mark) == 0) {
			if start >= 0 {
				out = append(out, bytes.TrimSuffix(bytes.TrimSuffix(e.body[start:at], []byte("\n")), []byte("\r")))
			}
			if start = at + len(line); last {
				return out
			}
		}
		at += len(line)
	}
	if start >= 0 && start <= len(e.body) {
		out = append(out, e.body[start:])
	}
	return out
}

// structure writes BODYSTRUCTURE, or BODY without its extension data (RFC 3501
// section 7.4.2).
func structure(e part, extended bool) string {
	media, params := e.media()
	kind, subtype, _ := strings.Cut(media, "/")
	disposition := "NIL"
	if d, p, err := mime.ParseMediaType(e.field("Content-Disposition")); err == nil {
		disposition = "(" + nstring(d) + " " + list(p) + ")"
	}
	if parts := e.parts(); parts != nil {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(structure(entity(p), extended))
		}
		if len(parts) == 0 {
			b.WriteString(structure(part{}, extended))
		}
		b.WriteString(" " + nstring(subtype))
		if extended {
			b.WriteString(" " + list(params) + " " + disposition + " NIL NIL")
		}
		return "(" + b.String() + ")"
	}
	encoding := e.field("Content-Transfer-Encoding")
	if encoding == "" {
		encoding = "7BIT"
	}
	out := fmt.Sprintf("%s %s %s %s %s %s %d", nstring(kind), nstring(subtype), list(params),
		nstring(e.field("Content-ID")), nstring(e.field("Content-Description")), nstring(encoding), len(e.body))
	lines := bytes.Count(e.body, []byte("\n"))
	switch {
	case media == "message/rfc822":
		inner := entity(e.body)
		out += fmt.Sprintf(" (%s %s NIL NIL NIL NIL NIL NIL NIL %s) %s %d", nstring(inner.field("Date")), nstring(inner.field("Subject")),
			nstring(inner.field("Message-ID")), structure(inner, extended), lines)
	case kind == "text":
		out += fmt.Sprintf(" %d", lines)
	}
	if extended {
		out += " NIL " + disposition + " NIL NIL"
	}
	return "(" + out + ")"
}

// nstring writes a string, NIL when it is empty. What is not printable ASCII
// goes into a literal.
func nstring(s string) string {
	switch {
	case s == "":
		return "NIL"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Sprintf("{%d}\r\n%s", len(s), s)
	}
	return quote(s)
}

func list(params map[string]string) string {
	if len(params) == 0 {
		return "NIL"
	}
	var l []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		l = append(l, quote(k), nstring(params[k]))
	}
	return "(" + strings.Join(l, " ") + ")"
}
