package ordonnance

import (
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// Code2D is what a scanner read in the 2D code of a prescription. The payload
// is not public: Raw is always kept and sent, and Number is what could be
// recognised of it.
type Code2D struct {
	Number Number
	Key    string // the second part of a delimited payload
	Raw    string // as scanned, without the scanner's own prefix and suffix
	Form   CodeForm
}

// CodeForm tells how a 2D code was understood.
type CodeForm string

// Forms of 2D codes, all *assumed*.
const (
	FormNumber    CodeForm = "number"    // the bare number
	FormURL       CodeForm = "url"       // an address that holds the number
	FormDelimited CodeForm = "delimited" // number, separator, key
	FormRaw       CodeForm = "raw"       // not understood, to be sent as it is
)

var delimited = regexp.MustCompile(`^([0-9A-Za-z]{18})[|;:<>\x1d]([^|;<>\x1d]+)$`)

// Parse2D reads the payload of a 2D code as a scanner gives it: symbology
// prefixes (]Q1, ]d2, ]C1), line ends, and digits mangled by a French keyboard
// are undone. It never fails: what is not understood is FormRaw.
func Parse2D(scanned string) Code2D {
	raw := strings.Trim(scanned, "\x00\r\n\t \x1d\x04\ufeff")
	if len(raw) > 3 && raw[0] == ']' {
		raw = raw[3:]
	}
	c := Code2D{Raw: raw, Form: FormRaw}
	for _, s := range []string{raw, azerty.Replace(raw)} {
		if n, err := ParseNumber(s); err == nil && n.WellFormed() {
			c.Number, c.Form = n, FormNumber
			return c
		}
		if m := delimited.FindStringSubmatch(s); m != nil {
			if n := Number(strings.ToUpper(m[1])); n.WellFormed() {
				c.Number, c.Key, c.Form = n, m[2], FormDelimited
				return c
			}
		}
	}
	if u, err := url.Parse(raw); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		parts := strings.Split(u.Path, "/")
		for _, vs := range u.Query() {
			parts = append(parts, vs...)
		}
		for _, s := range parts {
			if n := Number(strings.ToUpper(s)); n.WellFormed() {
				c.Number, c.Form = n, FormURL
				return c
			}
		}
	}
	return c
}

// azerty undoes what a French keyboard layout makes of the digits that a
// scanner set to a US layout types.
var azerty = strings.NewReplacer("à", "0", "&", "1", "é", "2", `"`, "3", "'", "4", "(", "5", "-", "6", "è", "7", "_", "8", "ç", "9")

// IsZero reports whether nothing was scanned.
func (c Code2D) IsZero() bool { return c.Raw == "" && c.Number == "" }

// String tells the form, never the payload: a 2D code may open the prescription.
func (c Code2D) String() string { return fmt.Sprintf("code 2D (%s, %d bytes)", c.Form, len(c.Raw)) }

// GoString is String.
func (c Code2D) GoString() string { return c.String() }

// LogValue is String.
func (c Code2D) LogValue() slog.Value { return slog.StringValue(c.String()) }
