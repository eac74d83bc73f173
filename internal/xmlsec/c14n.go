package xmlsec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Canonicalisation algorithms. The inclusive ones are Canonical XML 1.0.
const (
	ExcC14N             = "http://www.w3.org/2001/10/xml-exc-c14n#"
	ExcC14NWithComments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
	C14N                = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	C14NWithComments    = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
)

// Method is a canonicalisation algorithm with its parameter.
type Method struct {
	Algorithm string
	// Prefixes is the PrefixList of InclusiveNamespaces: prefixes that the
	// exclusive algorithms treat as the inclusive ones do. "#default" is the
	// default namespace.
	Prefixes []string
}

// Canonical gives the canonical form of an element and all that it holds. The
// element may be anywhere in its document: declarations of its ancestors, and
// for the inclusive algorithms their xml: attributes, count as the
// recommendations say. It fails with an *[Error] for an unknown algorithm, for a
// namespace that is a relative URI (Canonical XML 1.0 §1.3), and when the form
// would be many times larger than its source.
func Canonical(e *xmltree.Element, m Method) ([]byte, error) {
	return canonical(e, m, nil)
}

// CanonicalDocument gives the canonical form of a document: that of its root
// element, with the processing instructions and, if the algorithm keeps them,
// the comments that stand outside the root.
func CanonicalDocument(d *xmltree.Document, m Method) ([]byte, error) {
	c, err := newCanonicalizer(d.Root, m)
	if err != nil {
		return nil, err
	}
	for _, n := range d.Before {
		if c.other(n) {
			c.out = append(c.out, '\n')
		}
	}
	c.element(d.Root)
	for _, n := range d.After {
		mark := len(c.out)
		c.out = append(c.out, '\n')
		if !c.other(n) {
			c.out = c.out[:mark]
		}
	}
	return c.result()
}

// canonical leaves skip out: the enveloped-signature transform.
func canonical(e *xmltree.Element, m Method, skip *xmltree.Element) ([]byte, error) {
	c, err := newCanonicalizer(e, m)
	if err != nil {
		return nil, err
	}
	c.skip = skip
	for a := e.Parent; a != nil; a = a.Parent {
		c.scope = append(c.scope, a.Decls...) // innermost first for now
	}
	slices.Reverse(c.scope)
	c.element(e)
	return c.result()
}

type canonicalizer struct {
	out       []byte
	max       int
	exclusive bool
	comments  bool
	relative  bool // a namespace that is written is a relative URI
	prefixes  []string
	apex      *xmltree.Element
	skip      *xmltree.Element
	scope     []xmltree.Decl // declarations in scope, innermost last
	rendered  []xmltree.Decl // declarations written and in scope of the output
	attrs     []xmltree.Attr // scratch
}

func newCanonicalizer(apex *xmltree.Element, m Method) (*canonicalizer, error) {
	size := apex.End - apex.Start
	c := &canonicalizer{apex: apex, out: make([]byte, 0, size+size/4+64), max: 8*size + 1<<20}
	switch m.Algorithm {
	case ExcC14N:
		c.exclusive = true
	case ExcC14NWithComments:
		c.exclusive, c.comments = true, true
	case C14N:
	case C14NWithComments:
		c.comments = true
	default:
		return nil, &Error{Reason: ErrAlgorithm, Expected: "a canonicalisation algorithm", Got: clip(m.Algorithm)}
	}
	for _, p := range m.Prefixes {
		if !c.exclusive {
			return nil, &Error{Reason: ErrAlgorithm, Expected: "a PrefixList only with exclusive canonicalisation", Got: m.Algorithm}
		}
		if p == "#default" {
			p = ""
		}
		c.prefixes = append(c.prefixes, p)
	}
	return c, nil
}

func (c *canonicalizer) result() ([]byte, error) {
	if len(c.out) > c.max {
		return nil, &Error{Reason: ErrLimit, Expected: fmt.Sprintf("at most %d bytes", c.max)}
	}
	if c.relative {
		return nil, &Error{Reason: ErrNamespace, Expected: "namespaces that begin with a scheme, such as urn:"}
	}
	return c.out, nil
}

func (c *canonicalizer) element(e *xmltree.Element) {
	if e == c.skip || len(c.out) > c.max {
		return
	}
	outerScope, outerRendered := len(c.scope), len(c.rendered)
	c.scope = append(c.scope, e.Decls...)
	c.out = append(c.out, '<')
	c.name(e.Prefix, e.Name.Local)
	c.attrs = append(c.attrs[:0], e.Attrs...)
	c.namespaces(e)
	c.attributes(e)
	c.out = append(c.out, '>')
	for _, n := range e.Children {
		switch n := n.(type) {
		case *xmltree.Element:
			c.element(n)
		case xmltree.Text:
			c.out = xmltree.AppendText(c.out, string(n))
		default:
			c.other(n)
		}
	}
	c.out = append(c.out, '<', '/')
	c.name(e.Prefix, e.Name.Local)
	c.out = append(c.out, '>')
	c.scope, c.rendered = c.scope[:outerScope], c.rendered[:outerRendered]
}

func (c *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		c.out = append(append(c.out, prefix...), ':')
	}
	c.out = append(c.out, local...)
}

// namespaces writes the declarations that e needs in the output.
func (c *canonicalizer) namespaces(e *xmltree.Element) {
	outside := len(c.rendered)
	switch {
	case c.exclusive:
		c.render(e.Prefix)
		for i := range c.attrs {
			if p := c.attrs[i].Prefix; p != "" {
				c.render(p)
			}
		}
		for _, p := range c.prefixes {
			c.render(p)
		}
	case e == c.apex:
		for _, d := range c.scope {
			c.render(d.Prefix)
		}
	default:
		for _, d := range e.Decls {
			c.render(d.Prefix)
		}
	}
	added := c.rendered[outside:]
	if len(added) > 1 {
		slices.SortFunc(added, func(a, b xmltree.Decl) int { return strings.Compare(a.Prefix, b.Prefix) })
	}
	for _, d := range added {
		c.out = append(c.out, " xmlns"...)
		if d.Prefix != "" {
			c.out = append(append(c.out, ':'), d.Prefix...)
		}
		c.out = append(c.out, `="`...)
		c.out = append(xmltree.AppendAttr(c.out, d.URI), '"')
	}
}

// render takes a prefix in scope into the declarations to write, unless the
// output already says the same.
func (c *canonicalizer) render(prefix string) {
	if prefix == "xml" {
		return
	}
	uri, ok := lookup(c.scope, prefix)
	if !ok && prefix != "" {
		return // of the PrefixList, not in scope
	}
	if was, _ := lookup(c.rendered, prefix); was == uri {
		return
	}
	if uri != "" && !absolute(uri) {
		c.relative = true
	}
	c.rendered = append(c.rendered, xmltree.Decl{Prefix: prefix, URI: uri})
}

// absolute reports whether a URI begins with a scheme (RFC 3986 §3.1).
func absolute(uri string) bool {
	for i := 0; i < len(uri); i++ {
		switch c := uri[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9'):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

func lookup(scope []xmltree.Decl, prefix string) (string, bool) {
	for i := len(scope) - 1; i >= 0; i-- {
		if scope[i].Prefix == prefix {
			return scope[i].URI, true
		}
	}
	return "", false
}

// attributes writes those of e. The apex of an inclusive form also has the
// xml: attributes of its ancestors (Canonical XML 1.0 §2.4).
func (c *canonicalizer) attributes(e *xmltree.Element) {
	if e == c.apex && !c.exclusive {
		for a := e.Parent; a != nil; a = a.Parent {
			for _, t := range a.Attrs {
				if t.Name.Space == xmltree.NSXML && !slices.ContainsFunc(c.attrs, func(o xmltree.Attr) bool { return o.Name == t.Name }) {
					c.attrs = append(c.attrs, t)
				}
			}
		}
	}
	if len(c.attrs) > 1 {
		slices.SortFunc(c.attrs, func(a, b xmltree.Attr) int {
			if n := strings.Compare(a.Name.Space, b.Name.Space); n != 0 {
				return n
			}
			return strings.Compare(a.Name.Local, b.Name.Local)
		})
	}
	for i := range c.attrs {
		c.out = append(c.out, ' ')
		c.name(c.attrs[i].Prefix, c.attrs[i].Name.Local)
		c.out = append(c.out, '=', '"')
		c.out = append(xmltree.AppendAttr(c.out, c.attrs[i].Value), '"')
	}
}

// other writes a comment or a processing instruction, and tells whether it did.
func (c *canonicalizer) other(n xmltree.Node) bool {
	switch n := n.(type) {
	case xmltree.Comment:
		if !c.comments {
			return false
		}
		c.out = append(append(append(c.out, "<!--"...), n...), "-->"...)
	case xmltree.ProcInst:
		c.out = append(append(c.out, "<?"...), n.Target...)
		if n.Data != "" {
			c.out = append(append(c.out, ' '), n.Data...)
		}
		c.out = append(c.out, "?>"...)
	}
	return true
}

// clip shortens a name that came from outside, for an error text.
func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return fmt.Sprintf("%q", s)
}
