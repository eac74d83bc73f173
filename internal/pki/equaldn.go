package pki

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a DN that EqualDN reads.
const (
	maxDN   = 4096 // bytes
	maxAVAs = 64
)

// keywords are the names under which attribute types are found in DNs, beyond
// those of RFC 2253: Java, OpenSSL and the GIE's kits do not agree.
var keywords = map[string]string{
	"CN": "2.5.4.3", "COMMONNAME": "2.5.4.3",
	"SN": "2.5.4.4", "SURNAME": "2.5.4.4",
	"SERIALNUMBER": "2.5.4.5",
	"C":            "2.5.4.6",
	"L":            "2.5.4.7",
	"ST":           "2.5.4.8", "S": "2.5.4.8",
	"STREET": "2.5.4.9",
	"O":      "2.5.4.10", "OU": "2.5.4.11",
	"T": "2.5.4.12", "TITLE": "2.5.4.12",
	"POSTALCODE": "2.5.4.17",
	"GN":         "2.5.4.42", "G": "2.5.4.42", "GIVENNAME": "2.5.4.42",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"E": "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
}

// EqualDN reports whether a and b, in RFC 2253 order, are the same name however
// they are written: type names or OIDs, text or #hex, any escapes, any order
// within a multi-valued RDN. Values compare as RFC 5280 §7.1 says: without
// regard to case and to the number of spaces. A DN that does not parse, or that
// is empty, equals nothing.
func EqualDN(a, b string) bool {
	x, err := parseDN(a)
	if err != nil || len(x) == 0 {
		return false
	}
	y, err := parseDN(b)
	return err == nil && slices.EqualFunc(x, y, slices.Equal[[]string])
}

var errDN = errors.New("pki: malformed DN")

// parseDN gives the RDNs of s, each as its sorted "type=value" pairs in
// comparable form.
func parseDN(s string) ([][]string, error) {
	if len(s) > maxDN || !utf8.ValidString(s) {
		return nil, errDN
	}
	p := dnParser{s}
	if p.spaces(); p.s == "" {
		return nil, nil
	}
	var rdns [][]string
	var rdn []string
	for n := 0; ; n++ {
		if n == maxAVAs {
			return nil, errDN
		}
		ava, err := p.ava()
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, ava)
		end := p.s == ""
		if end || p.s[0] != '+' {
			slices.Sort(rdn)
			rdns = append(rdns, rdn)
			rdn = nil
		}
		if end {
			return rdns, nil
		}
		p.s = p.s[1:] // one of , ; +
	}
}

type dnParser struct{ s string }

func (p *dnParser) spaces() { p.s = strings.TrimLeft(p.s, " ") }

// ava reads "type = value" up to a separator or the end.
func (p *dnParser) ava() (string, error) {
	key, rest, ok := strings.Cut(p.s, "=")
	if !ok {
		return "", errDN
	}
	id, err := typeOID(strings.Trim(key, " "))
	if err != nil {
		return "", err
	}
	p.s = rest
	p.spaces()
	var v string
	switch {
	case strings.HasPrefix(p.s, "#"):
		v, err = p.hexValue()
	case strings.HasPrefix(p.s, `"`):
		v, err = p.quoted()
	default:
		v, err = p.plain()
	}
	if err != nil {
		return "", err
	}
	if p.s != "" && !separator(p.s[0]) {
		return "", errDN
	}
	return id + "=" + v, nil
}

func separator(c byte) bool { return c == ',' || c == ';' || c == '+' }

func typeOID(key string) (string, error) {
	key = strings.ToUpper(key)
	if id, ok := keywords[key]; ok {
		return id, nil
	}
	key = strings.TrimPrefix(key, "OID.")
	arcs := strings.Split(key, ".")
	if len(arcs) < 2 {
		return "", errDN
	}
	for _, a := range arcs {
		if a == "" || (len(a) > 1 && a[0] == '0') || strings.Trim(a, "0123456789") != "" {
			return "", errDN
		}
	}
	return key, nil
}

func (p *dnParser) hexValue() (string, error) {
	end := strings.IndexAny(p.s, ",;+")
	if end < 0 {
		end = len(p.s)
	}
	der, err := hex.DecodeString(strings.TrimRight(p.s[1:end], " "))
	p.s = p.s[end:]
	if err != nil {
		return "", errDN
	}
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return "", errDN
	}
	if text, ok := derText(v); ok {
		return fold(text), nil
	}
	return "#" + hex.EncodeToString(der), nil
}

func (p *dnParser) quoted() (string, error) {
	p.s = p.s[1:]
	var b []byte
	for p.s != "" && p.s[0] != '"' {
		c, _, err := p.char()
		if err != nil {
			return "", err
		}
		b = append(b, c)
	}
	if p.s == "" || !utf8.Valid(b) {
		return "", errDN
	}
	p.s = p.s[1:]
	p.spaces()
	return fold(string(b)), nil
}

func (p *dnParser) plain() (string, error) {
	var b []byte
	for p.s != "" && !separator(p.s[0]) {
		c, escaped, err := p.char()
		if err != nil {
			return "", err
		}
		if !escaped && c == '"' {
			return "", errDN
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return "", errDN
	}
	return fold(string(b)), nil
}

// char reads one byte, and undoes its escape: \ and two hexadecimal digits, or
// \ and the character itself.
func (p *dnParser) char() (c byte, escaped bool, err error) {
	c = p.s[0]
	if c != '\\' {
		p.s = p.s[1:]
		return c, false, nil
	}
	if len(p.s) >= 3 {
		if b, err := hex.DecodeString(p.s[1:3]); err == nil {
			p.s = p.s[3:]
			return b[0], true, nil
		}
	}
	if len(p.s) < 2 {
		return 0, false, errDN
	}
	c, p.s = p.s[1], p.s[2:]
	return c, true, nil
}

// fold gives the form in which values compare: one space for many, none at the
// ends, and one rune for all that differ by case. The quote before it keeps any
// text apart from the #hexadecimal of a value that is not text.
func fold(s string) string {
	return `"` + strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, strings.Join(strings.Fields(s), " "))
}
