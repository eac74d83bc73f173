package xmltree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// utf8Source gives the document as UTF-8 without byte order mark.
//
// ISO-8859-1 is read as windows-1252, its superset in every character that a
// document written as ISO-8859-1 holds in practice.
func utf8Source(b []byte) (src []byte, bom bool, err error) {
	utf16 := false
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b, bom = b[3:], true
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		// The decoder writes U+FFFD for what is malformed: it is refused unless
		// the document holds that character itself.
		own := bytes.Contains(b, []byte("\xff\xfd")) || bytes.Contains(b, []byte("\xfd\xff"))
		b, err = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(b)
		if err != nil || !own && bytes.Contains(b, []byte("\uFFFD")) {
			return nil, true, errors.New("malformed UTF-16")
		}
		bom, utf16 = true, true
	}
	enc := strings.ToLower(declaredEncoding(b))
	switch {
	case enc == "":
	case utf16 != (enc == "utf-16"), bom && !utf16 && enc != "utf-8" && enc != "utf8":
		return nil, bom, fmt.Errorf("encoding %.20q declared against the byte order mark", enc)
	}
	switch enc {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "utf-16":
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		// Five bytes of windows-1252 stand for nothing.
		if b, err = charmap.Windows1252.NewDecoder().Bytes(b); bytes.Contains(b, []byte("\uFFFD")) {
			err = errors.New("undefined byte")
		}
	case "iso-8859-15":
		b, err = charmap.ISO8859_15.NewDecoder().Bytes(b)
	default:
		return nil, bom, fmt.Errorf("encoding %.20q is not supported", enc)
	}
	if err != nil {
		return nil, bom, errors.New("not valid in its encoding")
	}
	if !utf8.Valid(b) {
		return nil, bom, errors.New("not valid in its encoding")
	}
	return b, bom, nil
}

func declaredEncoding(b []byte) string {
	if !bytes.HasPrefix(b, []byte("<?xml")) {
		return ""
	}
	decl, _, ok := bytes.Cut(b[:min(len(b), 256)], []byte("?>"))
	if !ok {
		return ""
	}
	_, rest, ok := bytes.Cut(decl, []byte("encoding"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if len(rest) == 0 || (rest[0] != '"' && rest[0] != '\'') {
		return ""
	}
	enc, _, ok := bytes.Cut(rest[1:], rest[:1])
	if !ok {
		return ""
	}
	return string(enc)
}
