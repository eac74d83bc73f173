package saml

import (
	"cmp"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// Options says what a reader accepts.
type Options struct {
	Now           time.Time     // mandatory
	MaxAge        time.Duration // of an assertion; zero: one hour
	Skew          time.Duration // between clocks; zero: five minutes
	AllowUnsigned bool          // accept an assertion without signature
	AllowSHA1     bool          // accept RSA-SHA1, as the samples have
	// Certificate decides whether a certificate may sign: chain, validity, usage
	// (pki.Authority.Verify, pki.CheckSignature). Mandatory.
	Certificate func(*x509.Certificate) error
	Limits      xmltree.Limits // zero Bytes: 256 KiB
}

// Assertion is a SAML 2.0 assertion, read from the bytes that are signed.
type Assertion struct {
	ID               string
	IssueInstant     time.Time
	Issuer           string // DN, as written
	NameID           string
	NameQualifier    string
	AuthnInstant     time.Time // zero when there is no AuthnStatement
	AuthnContext     string
	AuthnContextDecl string
	Attributes       []Attribute
	// Certificate signed the assertion; nil when it is unsigned. Its subject is
	// the Issuer. Of an unsigned one, compare Issuer with the client's certificate.
	Certificate *x509.Certificate
	Algorithm   xmlsec.Algorithm
}

// Attribute is an attribute of an assertion.
type Attribute struct {
	Name   string
	Values []Value
}

// Value is a value of an attribute: text, or one element that holds a code.
type Value struct {
	Text    string
	Element string // local name of the element; empty for text
	CE      CE
}

// Verify reads an assertion: one element, a document of its own. Errors are
// *[Error], *xmlsec.Error and *xmltree.SyntaxError.
func Verify(b []byte, o Options) (*Assertion, error) {
	limits := o.Limits
	if limits.Bytes == 0 {
		limits.Bytes = 256 << 10
	}
	d, err := xmltree.Parse(b, limits)
	if err != nil {
		return nil, err
	}
	return VerifyElement(d.Root, o)
}

// VerifyElement reads an assertion that stands in a larger document, such as a
// child of the wsse:Security header of a message.
func VerifyElement(e *xmltree.Element, o Options) (*Assertion, error) {
	if o.Now.IsZero() || o.Certificate == nil {
		return nil, &Error{Reason: ErrField, Field: "Options", Expected: "Now and Certificate"}
	}
	if !e.Is(NS, "Assertion") {
		return nil, &Error{Reason: ErrMalformed, Expected: "an Assertion of SAML 2.0"}
	}
	a := &Assertion{}
	signed := false
	for d := range e.Descendants() {
		signed = signed || d.Is(xmlsec.NSDSig, "Signature")
	}
	if signed {
		v, err := xmlsec.VerifyElement(e, xmlsec.Options{
			Name: xml.Name{Space: NS, Local: "Assertion"}, After: "Issuer",
			AllowSHA1: o.AllowSHA1, Certificate: o.Certificate, Limits: o.Limits,
		})
		if err != nil {
			return nil, err
		}
		e, a.Certificate, a.Algorithm = v.Document.Root, v.Certificate, v.Algorithm
	} else if !o.AllowUnsigned {
		return nil, &Error{Reason: ErrUnsigned, Expected: "a signature after Issuer", Fix: "sign with the SIGN certificate of the structure, or the signature pair of the card"}
	}
	if err := a.read(e); err != nil {
		return nil, err
	}
	if err := a.checkTime(o); err != nil {
		return nil, err
	}
	if a.Certificate != nil && !pki.EqualDN(a.Issuer, pki.DN(a.Certificate)) {
		return nil, &Error{Reason: ErrIssuer, Field: "Issuer", Expected: "the subject of the signing certificate, in the order of RFC 2253", Fix: "write the DN of the certificate that signs"}
	}
	return a, nil
}

func (a *Assertion) read(e *xmltree.Element) (err error) {
	r := reader{}
	if e.Attr("Version") != "2.0" {
		return &Error{Reason: ErrMalformed, Field: "Version", Expected: "2.0"}
	}
	if a.ID = e.Attr("ID"); !xmltree.IsNCName(a.ID) {
		return &Error{Reason: ErrMalformed, Field: "ID", Expected: "a name: a letter or _ first", Fix: "put _ before the UUID"}
	}
	if a.IssueInstant, err = utc("IssueInstant", e.Attr("IssueInstant")); err != nil {
		return err
	}
	kids := r.sequence(e, "Issuer", "Subject", "AuthnStatement?", "AttributeStatement")
	if r.err != nil {
		return r.err
	}
	if kids[0].Attr("Format") != formatDN {
		return &Error{Reason: ErrMalformed, Field: "Issuer/@Format", Expected: formatDN}
	}
	a.Issuer = r.text(kids[0])
	name := r.sequence(kids[1], "NameID")
	if r.err != nil {
		return r.err
	}
	a.NameID, a.NameQualifier = r.text(name[0]), name[0].Attr("NameQualifier")
	if kids[2] != nil {
		if a.AuthnInstant, err = utc("AuthnInstant", kids[2].Attr("AuthnInstant")); err != nil {
			return err
		}
		context := r.sequence(kids[2], "AuthnContext")
		if r.err != nil {
			return r.err
		}
		context = r.sequence(context[0], "AuthnContextClassRef", "AuthnContextDecl?")
		if r.err != nil {
			return r.err
		}
		a.AuthnContext, a.AuthnContextDecl = r.text(context[0]), r.text(context[1])
	}
	seen := map[string]bool{}
	for _, k := range r.elements(kids[3]) {
		if !k.Is(NS, "Attribute") {
			return &Error{Reason: ErrMalformed, Field: "AttributeStatement", Expected: "Attribute", Got: fmt.Sprintf("%.40q", k.Name.Local)}
		}
		at := Attribute{Name: k.Attr("Name")}
		if at.Name == "" || seen[at.Name] || len(seen) == 64 {
			return &Error{Reason: ErrMalformed, Field: "Attribute/@Name", Expected: "a name, each once, 64 at most", Got: fmt.Sprintf("%.80q", at.Name)}
		}
		seen[at.Name] = true
		for _, v := range r.elements(k) {
			at.Values = append(at.Values, r.value(v))
		}
		a.Attributes = append(a.Attributes, at)
	}
	return r.err
}

func (a *Assertion) checkTime(o Options) error {
	age, skew := cmp.Or(o.MaxAge, defaultMaxAge), cmp.Or(o.Skew, defaultSkew)
	switch {
	case a.IssueInstant.After(o.Now.Add(skew)), a.AuthnInstant.After(o.Now.Add(skew)):
		return &Error{Reason: ErrClock, Field: "IssueInstant", Expected: "a time before now, give or take " + skew.String(), Fix: "set the clock of the machine (NTP)"}
	case a.IssueInstant.Before(o.Now.Add(-age - skew)):
		return &Error{Reason: ErrClock, Field: "IssueInstant", Expected: "at most " + age.String() + " ago", Fix: "sign a new assertion for each session"}
	}
	return nil
}

// String shows the identifier, not the people.
func (a *Assertion) String() string { return "assertion " + a.ID }

// GoString is String.
func (a *Assertion) GoString() string { return a.String() }

// LogValue is String.
func (a *Assertion) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Text gives the text of the first value of an attribute; false when there is
// no such attribute.
func (a *Assertion) Text(name string) (string, bool) {
	for _, at := range a.Attributes {
		if at.Name == name && len(at.Values) > 0 {
			return at.Values[0].Text, true
		}
	}
	return "", false
}

// utc reads an instant, which must be in UTC.
func utc(field, s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !strings.HasSuffix(s, "Z") {
		return time.Time{}, &Error{Reason: ErrMalformed, Field: field, Expected: "a time in UTC, with Z", Fix: "write 2006-01-02T15:04:05.000Z"}
	}
	return t, nil
}

// reader keeps the first error.
type reader struct{ err error }

// elements gives the child elements of e, which may hold nothing else but white space.
func (r *reader) elements(e *xmltree.Element) (kids []*xmltree.Element) {
	if e == nil {
		return nil
	}
	for _, n := range e.Children {
		switch n := n.(type) {
		case *xmltree.Element:
			kids = append(kids, n)
		case xmltree.Text:
			if strings.Trim(string(n), " \t\r\n") != "" {
				r.fail(e, "no text")
			}
		default:
			r.fail(e, "no comment nor processing instruction")
		}
	}
	return kids
}

// sequence gives the child elements of e, which must be those named, in that
// order; "?" marks one that may be missing, which gives nil.
func (r *reader) sequence(e *xmltree.Element, names ...string) []*xmltree.Element {
	kids, out := r.elements(e), make([]*xmltree.Element, len(names))
	for i, name := range names {
		local, optional := strings.CutSuffix(name, "?")
		switch {
		case len(kids) > 0 && kids[0].Is(NS, local):
			out[i], kids = kids[0], kids[1:]
		case !optional:
			r.fail(e, strings.Join(names, ", "))
		}
	}
	if len(kids) > 0 {
		r.fail(e, strings.Join(names, ", "))
	}
	return out
}

// text gives the text of e, which may hold nothing else. e may be nil.
func (r *reader) text(e *xmltree.Element) string {
	if e != nil && len(e.Children) > 0 {
		if _, ok := e.Children[0].(xmltree.Text); !ok || len(e.Children) > 1 {
			r.fail(e, "text alone")
		}
	}
	return strings.TrimSpace(e.Text())
}

// value reads an AttributeValue.
func (r *reader) value(e *xmltree.Element) Value {
	if !e.Is(NS, "AttributeValue") {
		r.fail(e.Parent, "AttributeValue")
		return Value{}
	}
	for range e.Elements() {
		kids := r.elements(e)
		if len(kids) != 1 || kids[0].Name.Space != nsHL7 || len(kids[0].Children) > 0 {
			r.fail(e, "one empty element of HL7 v3")
			return Value{}
		}
		k := kids[0]
		return Value{Element: k.Name.Local, CE: CE{k.Attr("code"), k.Attr("codeSystem"), k.Attr("codeSystemName"), k.Attr("displayName")}}
	}
	return Value{Text: r.text(e)}
}

func (r *reader) fail(e *xmltree.Element, expected string) {
	if r.err == nil {
		r.err = &Error{Reason: ErrMalformed, Field: e.Name.Local, Expected: expected}
	}
}
