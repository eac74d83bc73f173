package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// rdn2253 holds the attribute types that RFC 2253 §2.3 writes by name. All
// others are written as their OID and the DER of their value.
var rdn2253 = map[string]string{
	"2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.9": "STREET",
	"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

type (
	derAttribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	derRDNSET []derAttribute // the suffix SET makes encoding/asn1 read a SET
)

// DN writes the subject of c as RFC 2253 does: last RDN first, raw UTF-8,
// multi-valued RDNs kept in the order of the certificate, and types without a
// name in that RFC (title, SN, GN …) as 2.5.4.x=#hexadecimal DER. This is the
// Issuer of the assertions that c signs. It is empty for a nil certificate.
func DN(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return formatDN(c.RawSubject)
}

func formatDN(raw []byte) string {
	var rdns []derRDNSET
	if rest, err := asn1.Unmarshal(raw, &rdns); err != nil || len(rest) > 0 {
		return ""
	}
	var b strings.Builder
	for i := len(rdns) - 1; i >= 0; i-- {
		for j, a := range rdns[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			text, ok := derText(a.Value)
			if n := rdn2253[a.Type.String()]; n != "" && ok {
				b.WriteString(n + "=" + escapeValue(text))
			} else {
				b.WriteString(a.Type.String() + "=#" + hex.EncodeToString(a.Value.FullBytes))
			}
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// escapeValue escapes what RFC 2253 §2.4 asks, and control characters.
func escapeValue(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.IndexByte(`,+"\<>;`, c) >= 0,
			c == '#' && i == 0,
			c == ' ' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.Write([]byte{'\\', hexDigits[c>>4], hexDigits[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// derText gives the characters of a DER string type, and false for anything else.
func derText(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagT61String: // in practice ISO 8859-1
		r := make([]rune, len(v.Bytes))
		for i, c := range v.Bytes {
			r[i] = rune(c)
		}
		return string(r), true
	case asn1.TagBMPString:
		if len(v.Bytes)%2 != 0 {
			return "", false
		}
		u := make([]uint16, len(v.Bytes)/2)
		for i := range u {
			u[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		s := string(utf16.Decode(u))
		return s, !strings.ContainsRune(s, utf8.RuneError)
	}
	return "", false
}
