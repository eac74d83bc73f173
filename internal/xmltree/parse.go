package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Limits bounds what Parse accepts; a zero field takes its default.
type Limits struct {
	Bytes int // default 64 MiB
	Depth int // default 128
	Nodes int // elements, attributes and texts together; default 2,000,000
}

func (l Limits) defaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Depth == 0 {
		l.Depth = 128
	}
	if l.Nodes == 0 {
		l.Nodes = 2_000_000
	}
	return l
}

// Errors that a SyntaxError wraps.
var (
	ErrLimit   = errors.New("limit reached")
	ErrDoctype = errors.New("document type declarations are refused")
	ErrPrefix  = errors.New("undeclared namespace prefix")
	ErrDup     = errors.New("duplicate attribute")
)

// SyntaxError says why and where a document was refused. It holds names of
// elements at most, never text of the document.
type SyntaxError struct {
	Offset int
	Err    error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("xml: byte %d: %v", e.Offset, e.Err) }

// Unwrap gives the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads a whole document. The bytes may be in UTF-8 (with or without byte
// order mark), UTF-16 with byte order mark, ISO-8859-1, ISO-8859-15 or windows-1252.
func Parse(b []byte, limits Limits) (*Document, error) {
	limits = limits.defaults()
	if len(b) > limits.Bytes {
		return nil, &SyntaxError{0, fmt.Errorf("%w: %d bytes, at most %d accepted", ErrLimit, len(b), limits.Bytes)}
	}
	doc := &Document{}
	var err error
	if doc.Source, doc.BOM, err = utf8Source(b); err != nil {
		return nil, &SyntaxError{0, err}
	}
	p := parser{src: doc.Source, limits: limits}
	// RawToken is used for its tokens only: names, scopes and duplicates are
	// resolved here, because encoding/xml's own resolution loses prefixes.
	p.dec = xml.NewDecoder(bytes.NewReader(doc.Source))
	p.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // already UTF-8
	if err := p.run(); err != nil {
		var se *SyntaxError
		if !errors.As(err, &se) {
			err = &SyntaxError{int(p.dec.InputOffset()), plain(err)}
		}
		return nil, err
	}
	doc.Root = p.root
	return doc, nil
}

// plain drops the excerpts that encoding/xml puts into some of its messages.
func plain(err error) error {
	var xe *xml.SyntaxError
	if errors.As(err, &xe) {
		switch {
		case strings.HasPrefix(xe.Msg, "unexpected EOF"):
			return io.ErrUnexpectedEOF
		case strings.Contains(xe.Msg, "entity"):
			return errors.New("undefined or malformed entity")
		}
		return errors.New("not well-formed")
	}
	return err
}

type parser struct {
	src    []byte
	dec    *xml.Decoder
	limits Limits
	root   *Element
	cur    *Element
	depth  int
	nodes  int
}

func (p *parser) run() error {
	for {
		start := int(p.dec.InputOffset())
		t, err := p.dec.RawToken()
		if err == io.EOF {
			if p.cur != nil {
				return io.ErrUnexpectedEOF
			}
			if p.root == nil {
				return errors.New("no root element")
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.token(t, start); err != nil {
			return &SyntaxError{start, err}
		}
	}
}

func (p *parser) count(n int) error {
	if p.nodes += n; p.nodes > p.limits.Nodes {
		return fmt.Errorf("%w: more than %d nodes", ErrLimit, p.limits.Nodes)
	}
	return nil
}

func (p *parser) token(t xml.Token, start int) error {
	switch t := t.(type) {
	case xml.StartElement:
		return p.start(t, start)
	case xml.EndElement:
		return p.end(t)
	case xml.CharData:
		if p.cur == nil {
			if len(bytes.TrimSpace(t)) > 0 {
				return errors.New("text outside the root element")
			}
			return nil
		}
		if n := len(p.cur.Children); n > 0 {
			if prev, ok := p.cur.Children[n-1].(Text); ok {
				p.cur.Children[n-1] = prev + Text(t)
				return p.count(1)
			}
		}
		p.cur.Children = append(p.cur.Children, Text(t))
		return p.count(1)
	case xml.Comment:
		if p.cur != nil {
			p.cur.Children = append(p.cur.Children, Comment(t))
		}
		return p.count(1)
	case xml.ProcInst:
		if t.Target == "xml" {
			if start != 0 {
				return errors.New("XML declaration not at the start")
			}
			return nil
		}
		if p.cur != nil {
			p.cur.Children = append(p.cur.Children, ProcInst{t.Target, string(t.Inst)})
		}
		return p.count(1)
	case xml.Directive:
		return ErrDoctype
	}
	return nil
}

func (p *parser) start(t xml.StartElement, start int) error {
	if p.cur == nil && p.root != nil {
		return errors.New("more than one root element")
	}
	if p.depth++; p.depth > p.limits.Depth {
		return fmt.Errorf("%w: deeper than %d", ErrLimit, p.limits.Depth)
	}
	if err := p.count(1 + len(t.Attr)); err != nil {
		return err
	}
	e := &Element{Prefix: t.Name.Space, Parent: p.cur, Start: start}
	end := int(p.dec.InputOffset())
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			e.Decls = append(e.Decls, Decl{"", a.Value})
		case a.Name.Space == "xmlns":
			if a.Value == "" || a.Name.Local == "xmlns" || (a.Name.Local == "xml") != (a.Value == NSXML) {
				return fmt.Errorf("namespace declaration of prefix %q refused", a.Name.Local)
			}
			e.Decls = append(e.Decls, Decl{a.Name.Local, a.Value})
		}
	}
	for i, d := range e.Decls {
		for _, o := range e.Decls[:i] {
			if d.Prefix == o.Prefix {
				return ErrDup
			}
		}
	}
	var err error
	if e.Name, err = e.resolve(t.Name, true); err != nil {
		return err
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		name, err := e.resolve(a.Name, false)
		if err != nil {
			return err
		}
		if strings.ContainsAny(a.Value, "\t\n\r") {
			// Literal white space of an attribute reads as a space; the same
			// characters written as references stay. The tokeniser has lost
			// the difference, so a tag that holds both is refused.
			if bytes.Contains(p.src[start:end], []byte("&#")) {
				if bytes.ContainsAny(p.src[start:end], "\t\n\r") {
					return errors.New("attribute mixes literal white space and character references")
				}
			} else {
				a.Value = strings.NewReplacer("\r\n", " ", "\t", " ", "\n", " ", "\r", " ").Replace(a.Value)
			}
		}
		for _, o := range e.Attrs {
			if o.Name == name {
				return ErrDup
			}
		}
		e.Attrs = append(e.Attrs, Attr{Name: name, Prefix: a.Name.Space, Value: a.Value})
	}
	if p.cur != nil {
		p.cur.Children = append(p.cur.Children, e)
	} else {
		p.root = e
	}
	p.cur = e
	return nil
}

func (e *Element) resolve(n xml.Name, element bool) (xml.Name, error) {
	if strings.Contains(n.Local, ":") || n.Local == "" {
		return xml.Name{}, errors.New("malformed name")
	}
	if n.Space == "" && !element {
		return n, nil
	}
	uri, ok := e.Namespace(n.Space)
	if !ok || n.Space == "xmlns" {
		return xml.Name{}, fmt.Errorf("%w %q", ErrPrefix, n.Space)
	}
	return xml.Name{Space: uri, Local: n.Local}, nil
}

func (p *parser) end(t xml.EndElement) error {
	if p.cur == nil || p.cur.Prefix != t.Name.Space || p.cur.Name.Local != t.Name.Local {
		return errors.New("end tag that matches no start tag")
	}
	p.cur.End = int(p.dec.InputOffset())
	p.cur = p.cur.Parent
	p.depth--
	return nil
}

// utf8Source gives the document as UTF-8 without byte order mark.
func utf8Source(b []byte) (src []byte, bom bool, err error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b, bom = b[3:], true
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		b, err = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(b)
		if err != nil {
			return nil, true, errors.New("malformed UTF-16")
		}
		return b, true, nil
	}
	switch enc := declaredEncoding(b); strings.ToLower(enc) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	case "utf-16":
		if !bom {
			return nil, bom, errors.New("UTF-16 declared without byte order mark")
		}
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		b, err = charmap.Windows1252.NewDecoder().Bytes(b)
	case "iso-8859-15":
		b, err = charmap.ISO8859_15.NewDecoder().Bytes(b)
	default:
		return nil, bom, fmt.Errorf("encoding %.20q is not supported", enc)
	}
	if err != nil {
		return nil, bom, err
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
