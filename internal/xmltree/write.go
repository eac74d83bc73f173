package xmltree

import (
	"slices"
	"strings"
)

// Writer writes a document in exclusive canonical form: no XML declaration, no
// empty-element tags, attributes sorted, text escaped as canonical XML asks.
// The zero value is ready. Methods chain and panic on a programming error: an
// undeclared prefix, an End too many, a declaration that repeats what is in
// scope is dropped.
//
//	var w xmltree.Writer
//	w.Start("s:Envelope", "xmlns:s", ns, "id", "1").Leaf("s:Body", "text").End()
//
// It declares a prefix where Start says so, which is the canonical place when
// the element itself, or one of its attributes, is the first to use the prefix.
type Writer struct {
	buf   []byte
	open  []openElement
	scope []Decl
}

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
	type attr struct{ space, local, name, value string }
	var decls []Decl
	var attrs []attr
	for i := 0; i < len(pairs); i += 2 {
		n, v := pairs[i], pairs[i+1]
		if n == "xmlns" || strings.HasPrefix(n, "xmlns:") {
			d := Decl{strings.TrimPrefix(strings.TrimPrefix(n, "xmlns"), ":"), v}
			if uri, ok := w.resolve(d.Prefix); !ok || uri != v {
				decls = append(decls, d)
			}
		}
	}
	slices.SortFunc(decls, func(a, b Decl) int { return strings.Compare(a.Prefix, b.Prefix) })
	w.scope = append(w.scope, decls...)
	for i := 0; i < len(pairs); i += 2 {
		n, v := pairs[i], pairs[i+1]
		if n == "" || n == "xmlns" || strings.HasPrefix(n, "xmlns:") {
			continue
		}
		a := attr{local: n, name: n, value: v}
		if prefix, local, ok := strings.Cut(n, ":"); ok {
			a.space, a.local = w.must(prefix), local
		}
		attrs = append(attrs, a)
	}
	if prefix, _, ok := strings.Cut(name, ":"); ok {
		w.must(prefix)
	}
	slices.SortFunc(attrs, func(a, b attr) int {
		if c := strings.Compare(a.space, b.space); c != 0 {
			return c
		}
		return strings.Compare(a.local, b.local)
	})
	for _, d := range decls {
		w.buf = append(w.buf, " xmlns"...)
		if d.Prefix != "" {
			w.buf = append(append(w.buf, ':'), d.Prefix...)
		}
		w.buf = append(w.buf, `="`...)
		w.buf = AppendAttr(w.buf, d.URI)
		w.buf = append(w.buf, '"')
	}
	for _, a := range attrs {
		w.buf = append(append(append(w.buf, ' '), a.name...), `="`...)
		w.buf = AppendAttr(w.buf, a.value)
		w.buf = append(w.buf, '"')
	}
	w.buf = append(w.buf, '>')
	return w
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

func (w *Writer) must(prefix string) string {
	uri, ok := w.resolve(prefix)
	if !ok {
		panic("xmltree: prefix " + prefix + " is not declared")
	}
	return uri
}

// AppendText appends s as the text of a canonical document. Characters that
// XML cannot carry become U+FFFD.
func AppendText(b []byte, s string) []byte { return escape(b, s, false) }

// AppendAttr appends s as an attribute value of a canonical document, without
// its quotes. Characters that XML cannot carry become U+FFFD.
func AppendAttr(b []byte, s string) []byte { return escape(b, s, true) }

func escape(b []byte, s string, attr bool) []byte {
	last := 0
	for i, r := range s {
		var to string
		switch {
		case r == '&':
			to = "&amp;"
		case r == '<':
			to = "&lt;"
		case r == '>' && !attr:
			to = "&gt;"
		case r == '"' && attr:
			to = "&quot;"
		case r == '\t' && attr:
			to = "&#x9;"
		case r == '\n' && attr:
			to = "&#xA;"
		case r == '\r':
			to = "&#xD;"
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			to = "\uFFFD"
		case r == 0xFFFD && !strings.HasPrefix(s[i:], "\uFFFD"): // invalid UTF-8
			b = append(append(b, s[last:i]...), "\uFFFD"...)
			last = i + 1
			continue
		default:
			continue
		}
		b = append(append(b, s[last:i]...), to...)
		last = i + len(string(r))
	}
	return append(b, s[last:]...)
}
