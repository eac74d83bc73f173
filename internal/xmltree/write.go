package xmltree

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Writer writes a document in exclusive canonical form: no XML declaration, no
// empty-element tags, attributes sorted, text escaped as canonical XML asks.
// The zero value is ready. Methods chain and panic on a programming error: a
// malformed or undeclared name, an attribute given twice, an End too many.
// Names and namespaces are therefore constants of the program, never data. A declaration that
// repeats what is in scope is dropped.
//
//	var w xmltree.Writer
//	w.Start("s:Envelope", "xmlns:s", ns, "id", "1").Leaf("s:Body", "text").End()
//
// It declares a prefix where Start says so, which is the exclusive canonical
// place when the element itself, or one of its attributes, is the first to use
// the prefix. A prefix declared higher than that makes the inclusive canonical
// form only.
type Writer struct {
	buf   []byte
	open  []openElement
	scope []Decl
	attrs []writtenAttr // scratch of Start
}

type writtenAttr struct{ space, local, name, value string }

type openElement struct {
	name  string
	scope int // length of the scope outside the element
}

// Start opens an element. Pairs are attribute names and values; those named
// xmlns or xmlns:p declare namespaces. Attributes with an empty name are left out.
func (w *Writer) Start(name string, pairs ...string) *Writer {
	if len(pairs)%2 != 0 {
		panic("xmltree: odd number of attribute strings")
	}
	w.open = append(w.open, openElement{name, len(w.scope)})
	w.buf = append(append(w.buf, '<'), name...)
	w.declare(pairs)
	w.qualify(name)
	w.attrs = w.attrs[:0]
	for i := 0; i < len(pairs); i += 2 {
		if n := pairs[i]; n != "" && !declares(n) {
			space, local := w.qualify(n)
			w.attrs = append(w.attrs, writtenAttr{space, local, n, pairs[i+1]})
		}
	}
	slices.SortFunc(w.attrs, func(a, b writtenAttr) int {
		if c := strings.Compare(a.space, b.space); c != 0 {
			return c
		}
		return strings.Compare(a.local, b.local)
	})
	for i, a := range w.attrs {
		if i > 0 && w.attrs[i-1].space == a.space && w.attrs[i-1].local == a.local {
			panic("xmltree: attribute " + a.name + " given twice")
		}
		w.attribute(a.name, a.value)
	}
	w.buf = append(w.buf, '>')
	return w
}

func declares(name string) bool { return name == "xmlns" || strings.HasPrefix(name, "xmlns:") }

// declare writes the declarations of pairs that say something new.
func (w *Writer) declare(pairs []string) {
	outside := len(w.scope)
	for i := 0; i < len(pairs); i += 2 {
		if !declares(pairs[i]) {
			continue
		}
		d := Decl{strings.TrimPrefix(strings.TrimPrefix(pairs[i], "xmlns"), ":"), pairs[i+1]}
		switch {
		case d.Prefix == "" && len(pairs[i]) > len("xmlns"), d.Prefix != "" && (d.URI == "" || !IsNCName(d.Prefix)),
			d.Prefix == "xml", d.Prefix == "xmlns", d.URI == NSXML, d.URI == NSXMLNS,
			!utf8.ValidString(d.URI) || strings.ContainsFunc(d.URI, func(r rune) bool { return !xmlChar(r) }):
			panic("xmltree: namespace declaration " + pairs[i] + " is not allowed")
		}
		for _, o := range w.scope[outside:] {
			if o.Prefix == d.Prefix {
				panic("xmltree: namespace declaration " + pairs[i] + " given twice")
			}
		}
		if uri, ok := w.resolve(d.Prefix); !ok || uri != d.URI {
			w.scope = append(w.scope, d)
		}
	}
	slices.SortFunc(w.scope[outside:], func(a, b Decl) int { return strings.Compare(a.Prefix, b.Prefix) })
	for _, d := range w.scope[outside:] {
		if d.Prefix == "" {
			w.attribute("xmlns", d.URI)
		} else {
			w.attribute("xmlns:"+d.Prefix, d.URI)
		}
	}
}

func (w *Writer) attribute(name, value string) {
	w.buf = append(append(append(w.buf, ' '), name...), `="`...)
	w.buf = append(AppendAttr(w.buf, value), '"')
}

// qualify resolves the prefix of a name, if it has one.
func (w *Writer) qualify(name string) (space, local string) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", name
	}
	if !IsNCName(local) || ok && !IsNCName(prefix) {
		panic("xmltree: " + name + " is not a name")
	}
	if !ok {
		return "", local
	}
	uri, ok := w.resolve(prefix)
	if !ok {
		panic("xmltree: prefix " + prefix + " is not declared")
	}
	return uri, local
}

// End closes the element opened last.
func (w *Writer) End() *Writer {
	o := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.scope = w.scope[:o.scope]
	w.buf = append(append(append(w.buf, "</"...), o.name...), '>')
	return w
}

// Text writes character data.
func (w *Writer) Text(s string) *Writer { w.buf = AppendText(w.buf, s); return w }

// Leaf writes an element that holds only text.
func (w *Writer) Leaf(name, text string, pairs ...string) *Writer {
	return w.Start(name, pairs...).Text(text).End()
}

// Empty writes an element without content.
func (w *Writer) Empty(name string, pairs ...string) *Writer { return w.Start(name, pairs...).End() }

// Raw writes bytes that are already canonical in this scope.
func (w *Writer) Raw(b []byte) *Writer { w.buf = append(w.buf, b...); return w }

// Grow makes room for n more bytes.
func (w *Writer) Grow(n int) *Writer { w.buf = slices.Grow(w.buf, n); return w }

// Len gives the number of bytes written.
func (w *Writer) Len() int { return len(w.buf) }

// Bytes gives what was written. It panics while an element is open.
func (w *Writer) Bytes() []byte {
	if len(w.open) > 0 {
		panic("xmltree: element " + w.open[len(w.open)-1].name + " is still open")
	}
	return w.buf
}

func (w *Writer) resolve(prefix string) (string, bool) {
	for i := len(w.scope) - 1; i >= 0; i-- {
		if w.scope[i].Prefix == prefix {
			return w.scope[i].URI, true
		}
	}
	switch prefix {
	case "":
		return "", true
	case "xml":
		return NSXML, true
	}
	return "", false
}

// AppendText appends s as the text of a canonical document. Characters that
// XML cannot carry become U+FFFD.
func AppendText(b []byte, s string) []byte { return escape(b, s, false) }

// AppendAttr appends s as an attribute value of a canonical document, without
// its quotes. Characters that XML cannot carry become U+FFFD.
func AppendAttr(b []byte, s string) []byte { return escape(b, s, true) }

// special tells of each byte whether escape must look at it: in text (1), in
// attribute values (2), or both (3).
var special = func() (t [256]byte) {
	for c := range t {
		switch {
		case c == '\t', c == '\n', c == '"':
			t[c] = 2
		case c == '>':
			t[c] = 1
		case c < ' ', c == '&', c == '<', c >= utf8.RuneSelf:
			t[c] = 3
		}
	}
	return t
}()

func escape(b []byte, s string, attr bool) []byte {
	where := byte(1)
	if attr {
		where = 2
	}
	last := 0
	for i := 0; i < len(s); {
		c, n := s[i], 1
		if special[c]&where == 0 {
			i++
			continue
		}
		var to string
		switch c {
		case '&':
			to = "&amp;"
		case '<':
			to = "&lt;"
		case '>':
			to = "&gt;"
		case '"':
			to = "&quot;"
		case '\t':
			to = "&#x9;"
		case '\n':
			to = "&#xA;"
		case '\r':
			to = "&#xD;"
		default: // a control character, or not ASCII
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); !xmlChar(r) || r == utf8.RuneError && n == 1 {
				to = "\uFFFD"
			}
		}
		if to != "" {
			b = append(append(b, s[last:i]...), to...)
			last = i + n
		}
		i += n
	}
	return append(b, s[last:]...)
}
