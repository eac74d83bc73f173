package mss

import (
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// toUTF8 gives text as UTF-8. What declares no charset, a wrong one or an
// unknown one is read as UTF-8 if it can be, else as windows-1252, which
// accepts anything; ok tells whether what was declared could be believed.
func toUTF8(b []byte, charset string) (s string, ok bool) {
	switch strings.ToLower(strings.TrimSpace(charset)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if utf8.Valid(b) {
			return string(b), true
		}
		return windows1252(b), false
	}
	enc, err := htmlindex.Get(charset)
	if err == nil {
		if out, err := enc.NewDecoder().Bytes(b); err == nil {
			return string(out), true
		}
	}
	if utf8.Valid(b) {
		return string(b), false
	}
	return windows1252(b), false
}

func windows1252(b []byte) string {
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

var words = mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("charset %.30q is unknown", charset)
	}
	return enc.NewDecoder().Reader(r), nil
}}

// headerText decodes the words of a header field (RFC 2047) and raw 8-bit text.
func headerText(raw string) string {
	raw, _ = toUTF8([]byte(raw), "")
	s, err := words.DecodeHeader(raw)
	if err != nil {
		s = raw
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}
