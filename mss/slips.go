package mss

import (
	"bytes"
	"strings"
)

// Slips that messages of the field and official samples make, and that a
// reader survives: the transfer encoding under a French name, and boundaries
// that a word processor has put typographic dashes into.

// transferEncoding gives the transfer encoding of a part, in lower case.
func (h header) transferEncoding() string {
	v := h.get("content-transfer-encoding")
	if v == "" {
		v = h.get("content-transfert-encoding")
	}
	return strings.ToLower(strings.TrimSpace(v))
}

// dashes are the typographic dashes, in UTF-8 and in windows-1252.
var dashes = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2015", "-", "\u2212", "-",
	"\x96", "-", "\x97", "-")

// bare leaves of a boundary what no word processor changes: without dashes at
// its ends, and those inside made plain.
func bare(s string) string { return strings.Trim(dashes.Replace(s), "-") }

// splitLoosely is split for a body in which no line is the boundary as
// declared. A line is taken for one when it begins with a dash of any kind and
// is the same but for its dashes; dashes after it make it the last.
func splitLoosely(b []byte, boundary string) (sections [][]byte, closed bool) {
	want := bare(boundary)
	if len(want) < 4 { // too little to tell a boundary from text
		return nil, false
	}
	start := -1
	for pos := 0; pos < len(b); {
		end := len(b)
		if i := bytes.IndexByte(b[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		if line := bytes.TrimRight(b[pos:end], " \t\r\n"); len(line) > 1 && len(line) < 4*maxBoundaries && (line[0] == '-' || line[0] >= 0x80) {
			plain := dashes.Replace(string(line))
			if plain[0] == '-' && strings.Trim(plain, "-") == want {
				if start >= 0 {
					sections = append(sections, trimEOL(b[start:pos]))
				}
				tail := len(plain) - len(strings.TrimRight(plain, "-"))
				own := dashes.Replace(boundary)
				if tail > len(own)-len(strings.TrimRight(own, "-")) {
					return sections, true
				}
				start = end
				if len(sections) >= maxParts {
					return sections, false
				}
			}
		}
		pos = end
	}
	if start >= 0 {
		sections = append(sections, b[start:])
	}
	return sections, false
}
