package mss

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"path"
	"strings"
)

// Bounds of a message's structure. What lies beyond is left out, and told.
const (
	maxHeader     = 256 << 10
	maxFields     = 2000
	maxPartDepth  = 12
	maxParts      = 500
	maxTextPart   = 4 << 20
	maxFaults     = 100
	maxBoundaries = 70       // RFC 2046 section 5.1.1
	maxLoose      = 64 << 20 // bytes of a message in which a slip is looked for instead of a boundary
)

type field struct{ name, value string }

// header is a header as it came: names in lower case, values unfolded and
// still encoded.
type header []field

func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func (h header) count(name string) (n int) {
	for _, f := range h {
		if f.name == name {
			n++
		}
	}
	return n
}

// parseHeader reads a header and gives what follows its empty line. Lines that
// are no field are skipped and counted.
func parseHeader(b []byte) (h header, rest []byte, bad int) {
	size := 0
	var value []byte // of the last field, which may go on
	end := func() {
		if len(h) > 0 {
			h[len(h)-1].value = string(value)
		}
	}
	for len(b) > 0 {
		line, after, _ := bytes.Cut(b, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		b = after
		if len(line) == 0 {
			end()
			return h, b, bad
		}
		if size += len(line); size > maxHeader || len(h) > maxFields {
			bad++
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(h) > 0 {
				value = append(append(value, ' '), bytes.TrimSpace(line)...)
			} else {
				bad++
			}
			continue
		}
		name, first, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || len(name) == 0 || bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			bad++
			continue
		}
		end()
		h = append(h, field{name: strings.ToLower(string(name))})
		value = append(value[:0], bytes.TrimSpace(first)...)
	}
	end()
	return h, nil, bad
}

// part is a node of a message's MIME tree. Its bytes are those of the message.
type part struct {
	number   string // IMAP part number, "" for the message itself
	header   header
	media    string
	params   map[string]string
	attached bool // Content-Disposition: attachment
	name     string
	body     []byte // still encoded
	children []*part
}

// treeReader reads the MIME tree of a message, as far as it can be read, until
// ctx ends.
type treeReader struct {
	ctx    context.Context
	parts  int
	loose  int // bytes that were searched for slips
	faults []error
}

// whileWanted reads until ctx ends.
type whileWanted struct {
	ctx context.Context
	io.Reader
}

func (w whileWanted) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Reader.Read(b)
}

// content gives the decoded bytes of a part.
func (t *treeReader) content(p *part) io.Reader { return whileWanted{t.ctx, p.content()} }

func (t *treeReader) fault(kind FaultKind, number, format string, args ...any) {
	if len(t.faults) < maxFaults {
		t.faults = append(t.faults, &Fault{Kind: kind, Part: number, Err: fmt.Errorf(format, args...)})
	}
}

func (t *treeReader) read(b []byte, number string, depth int) *part {
	t.parts++
	p := &part{number: number}
	var bad int
	p.header, p.body, bad = parseHeader(b)
	if bad > 0 {
		t.fault(FaultHeader, number, "%d header lines that are no field", bad)
	}
	var ok bool
	if p.media, p.params, ok = mediaType(p.header.get("content-type")); !ok {
		t.fault(FaultMIME, number, "malformed Content-Type")
	}
	disposition, params, _ := mediaType(p.header.get("content-disposition"))
	p.attached = disposition == "attachment"
	if p.name = headerText(params["filename"]); p.name == "" {
		p.name = headerText(p.params["name"])
	}
	p.name = cleanName(p.name)
	if !strings.HasPrefix(p.media, "multipart/") {
		return p
	}
	boundary := p.params["boundary"]
	if boundary == "" || len(boundary) > maxBoundaries {
		t.fault(FaultMIME, number, "multipart without a usable boundary")
		p.media = "text/plain"
		return p
	}
	if depth >= maxPartDepth {
		t.fault(FaultMIME, number, "parts nested deeper than %d", maxPartDepth)
		return p
	}
	sections, closed := split(p.body, boundary)
	if len(sections) == 0 && !closed {
		if t.loose += len(p.body); t.loose <= maxLoose {
			sections, closed = splitLoosely(p.body, boundary)
		}
	}
	if !closed {
		t.fault(FaultMIME, number, "multipart without its last boundary: it may be truncated")
	}
	for i, s := range sections {
		if t.ctx.Err() != nil {
			break
		}
		if t.parts >= maxParts {
			t.fault(FaultMIME, number, "more than %d parts", maxParts)
			break
		}
		child := fmt.Sprint(i + 1)
		if number != "" {
			child = number + "." + child
		}
		p.children = append(p.children, t.read(s, child, depth+1))
	}
	return p
}

// split cuts a multipart body at its boundary lines (RFC 2046 section 5.1). It
// looks for the boundary, not at each line: a body may be nothing but line ends,
// and is searched again for each multipart that it is in.
func split(b []byte, boundary string) (sections [][]byte, closed bool) {
	delimiter := []byte("\n--" + boundary)
	start := -1
	for pos := 0; pos < len(b); {
		line := pos // where the boundary line begins
		if pos > 0 || !bytes.HasPrefix(b, delimiter[1:]) {
			i := bytes.Index(b[max(pos-1, 0):], delimiter)
			if i < 0 {
				break
			}
			line = max(pos-1, 0) + i + 1
		}
		end := len(b)
		if i := bytes.IndexByte(b[line:], '\n'); i >= 0 {
			end = line + i + 1
		}
		tail := bytes.TrimRight(b[line+len(delimiter)-1:end], " \t\r\n")
		if last := string(tail) == "--"; last || len(tail) == 0 {
			if start >= 0 {
				sections = append(sections, trimEOL(b[start:line]))
			}
			if last {
				return sections, true
			}
			start = end
			if len(sections) >= maxParts {
				return sections, false
			}
		}
		pos = end
	}
	if start >= 0 {
		sections = append(sections, b[start:])
	}
	return sections, false
}

func trimEOL(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// mediaType reads a Content-Type or Content-Disposition, saving what it can of
// a malformed one.
func mediaType(v string) (string, map[string]string, bool) {
	if v == "" {
		return "", nil, true
	}
	media, params, err := mime.ParseMediaType(v)
	if err == nil {
		return media, params, true
	}
	first, rest, _ := strings.Cut(v, ";")
	params = map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		if k, val, ok := strings.Cut(p, "="); ok {
			params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(val), `"`)
		}
	}
	return strings.ToLower(strings.TrimSpace(first)), params, errors.Is(err, mime.ErrInvalidMediaParameter)
}

// cleanName leaves the last element of a file name.
func cleanName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	if s == "." || s == "/" || s == ".." {
		return ""
	}
	return s
}

// content gives the bytes of a part without their transfer encoding, as far as
// they can be decoded.
func (p *part) content() io.Reader {
	return decodeTransfer(p.header.transferEncoding(), bytes.NewReader(p.body))
}

func decodeTransfer(encoding string, r io.Reader) io.Reader {
	switch encoding {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, &base64Only{r: r})
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// base64Only passes the characters of base64 and ends at its padding.
type base64Only struct {
	r    io.Reader
	n    int // characters passed
	tail []byte
	end  bool
}

func (f *base64Only) Read(b []byte) (int, error) {
	for {
		if len(f.tail) > 0 {
			n := copy(b, f.tail)
			f.tail = f.tail[n:]
			return n, nil
		}
		if f.end {
			return 0, io.EOF
		}
		n, err := f.r.Read(b)
		kept := 0
		for _, c := range b[:n] {
			if c == '=' {
				err = io.EOF
				break
			}
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
				b[kept] = c
				kept++
			}
		}
		f.n += kept
		if errors.Is(err, io.EOF) {
			// Whatever the sender's padding, the decoder gets the right one. A
			// lone last character is left for it to complain of.
			f.end = true
			switch f.n % 4 {
			case 2:
				f.tail = []byte("==")
			case 3:
				f.tail = []byte("=")
			}
			err = nil
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}
