// Package xmltree reads XML strictly into a light tree and writes it canonical.
//
// # Reading
//
// [Parse] accepts a document that is well-formed by XML 1.0 (fifth edition) and
// Namespaces in XML 1.0 (third edition), and nothing else. What it guarantees
// of a document that it accepts:
//
//   - there is no document type declaration, hence no entity, default attribute
//     or attribute type but those of XML itself;
//   - names are resolved: readers compare namespaces and local names, never
//     prefixes; every prefix is declared, no element has an attribute twice,
//     under whatever prefixes;
//   - characters are those of XML, in UTF-8; line ends are line feeds, and white
//     space in attributes is what canonical XML (§1.1) says it is, so that
//     canonical forms can be computed from the tree alone;
//   - every start tag has its end tag, and there is one root element;
//   - size, depth, number of nodes, attributes of an element and declarations in
//     scope are bounded, and reading takes time and memory proportional to the
//     size;
//   - every element knows the bytes that it came from.
//
// The standard decoder is not used: it accepts documents that are not
// well-formed and loses what a signature depends on.
//
// # Writing
//
// [Writer] emits the exclusive canonical form directly, so that what is signed
// needs no canonicalisation.
package xmltree

import (
	"encoding/xml"
	"iter"
	"strings"
)

// Namespaces known to every document.
const (
	NSXML   = "http://www.w3.org/XML/1998/namespace"
	NSXMLNS = "http://www.w3.org/2000/xmlns/"
	NSXSI   = "http://www.w3.org/2001/XMLSchema-instance"
)

// Document is a parsed document. Source is its UTF-8 text, without byte order mark.
type Document struct {
	Root   *Element
	Source []byte
	BOM    bool // the document began with a byte order mark
	// Before and After hold the comments and processing instructions outside
	// the root element.
	Before, After []Node
}

// Node is an *Element, a Text, a Comment or a ProcInst.
type Node any

// Text is character data, references and CDATA resolved, line ends normalised.
// It is never empty, and two are never neighbours.
type Text string

// Comment is a comment's text.
type Comment string

// ProcInst is a processing instruction.
type ProcInst struct{ Target, Data string }

// Attr is an attribute that is not a namespace declaration.
type Attr struct {
	Name   xml.Name // Space is the namespace, empty for an unprefixed attribute
	Prefix string
	Value  string
}

// Decl is a namespace declaration; an empty Prefix is the default namespace.
type Decl struct{ Prefix, URI string }

// Element is an element of a Document. Attrs and Decls are in the order of the
// document; a declaration of the prefix xml is left out.
type Element struct {
	Name     xml.Name
	Prefix   string
	Attrs    []Attr
	Decls    []Decl
	Children []Node
	Parent   *Element
	// Start and End bound the element's bytes in the Source of its Document.
	Start, End int
}

// Is reports whether e, which may be nil, has that namespace and local name.
func (e *Element) Is(space, local string) bool {
	return e != nil && e.Name.Local == local && e.Name.Space == space
}

// Attr gives the value of the unprefixed attribute, empty when e is nil or has none.
func (e *Element) Attr(local string) string { v, _ := e.LookupAttr("", local); return v }

// LookupAttr gives the value of an attribute and whether e has it.
func (e *Element) LookupAttr(space, local string) (string, bool) {
	if e != nil {
		for i := range e.Attrs {
			if e.Attrs[i].Name.Local == local && e.Attrs[i].Name.Space == space {
				return e.Attrs[i].Value, true
			}
		}
	}
	return "", false
}

// Elements goes over the child elements. e may be nil.
func (e *Element) Elements() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		for _, n := range e.Children {
			if c, ok := n.(*Element); ok && !yield(c) {
				return
			}
		}
	}
}

// All goes over the child elements of that namespace and local name; an empty
// space means the namespace of e. e may be nil.
func (e *Element) All(space, local string) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		if space == "" {
			space = e.Name.Space
		}
		for c := range e.Elements() {
			if c.Is(space, local) && !yield(c) {
				return
			}
		}
	}
}

// First gives the first of All, or nil.
func (e *Element) First(space, local string) *Element {
	if e == nil {
		return nil
	}
	if space == "" {
		space = e.Name.Space
	}
	for _, n := range e.Children {
		if c, ok := n.(*Element); ok && c.Name.Local == local && c.Name.Space == space {
			return c
		}
	}
	return nil
}

// Path follows First through local names, all in the namespace of e. It gives
// nil as soon as one is missing, and e may be nil, so that a chain of optional
// elements is one expression.
func (e *Element) Path(locals ...string) *Element {
	for _, l := range locals {
		if e = e.First("", l); e == nil {
			return nil
		}
	}
	return e
}

// Descendants goes over e and all elements below it, in document order.
func (e *Element) Descendants() iter.Seq[*Element] {
	return func(yield func(*Element) bool) { e.walk(yield) }
}

func (e *Element) walk(yield func(*Element) bool) bool {
	if e == nil {
		return true
	}
	if !yield(e) {
		return false
	}
	for c := range e.Elements() {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// Text gives the character data directly in e, in order. e may be nil.
func (e *Element) Text() string {
	if e == nil {
		return ""
	}
	if len(e.Children) == 1 {
		if t, ok := e.Children[0].(Text); ok {
			return string(t)
		}
	}
	var b strings.Builder
	for _, n := range e.Children {
		if t, ok := n.(Text); ok {
			b.WriteString(string(t))
		}
	}
	return b.String()
}

// Trimmed gives Text without white space around it.
func (e *Element) Trimmed() string { return strings.TrimSpace(e.Text()) }

// Namespace resolves a prefix in the scope of e.
func (e *Element) Namespace(prefix string) (string, bool) {
	switch prefix {
	case "xml":
		return NSXML, true
	case "xmlns":
		return NSXMLNS, true
	}
	for ; e != nil; e = e.Parent {
		for _, d := range e.Decls {
			if d.Prefix == prefix {
				return d.URI, d.URI != "" || prefix == ""
			}
		}
	}
	return "", prefix == ""
}

// Of gives the bytes that e came from. They are no document of their own when
// e uses a prefix that an ancestor declares.
func (d *Document) Of(e *Element) []byte { return d.Source[e.Start:e.End:e.End] }
