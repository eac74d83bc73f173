package xmltree

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits bounds what Parse accepts; a zero field takes its default.
type Limits struct {
	Bytes int // default 64 MiB
	Depth int // default 128
	Nodes int // elements, attributes, declarations, texts and the rest together; default 2,000,000
}

// Bounds that need no choice: real documents stay an order of magnitude below.
const (
	maxAttrs = 512 // attributes and declarations of one element
	maxScope = 256 // declarations in scope of one element
)

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

// Errors that a SyntaxError wraps. A document that ends too early wraps
// io.ErrUnexpectedEOF.
var (
	ErrLimit   = errors.New("limit reached")
	ErrDoctype = errors.New("document type declarations are refused")
	ErrPrefix  = errors.New("undeclared namespace prefix")
	ErrDup     = errors.New("duplicate attribute")
)

// SyntaxError says why and where a document was refused. It holds names of
// elements at most, never text of the document.
type SyntaxError struct {
	Offset int // in Document.Source, which is UTF-8 without byte order mark
	Err    error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("xml: byte %d: %v", e.Offset, e.Err) }

// Unwrap gives the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads a whole document. The bytes may be in UTF-8 (with or without byte
// order mark), UTF-16 with byte order mark, ISO-8859-1, ISO-8859-15 or
// windows-1252. They must not change as long as the Document's Source is used.
// An error is a *SyntaxError.
func Parse(b []byte, limits Limits) (*Document, error) {
	limits = limits.defaults()
	if len(b) > limits.Bytes {
		return nil, &SyntaxError{0, fmt.Errorf("%w: %d bytes, at most %d accepted", ErrLimit, len(b), limits.Bytes)}
	}
	src, bom, err := utf8Source(b)
	if err != nil {
		return nil, &SyntaxError{0, err}
	}
	room := rooms.Get().(*room)
	defer room.leave()
	p := parser{s: string(src), limits: limits, doc: &Document{Source: src, BOM: bom}, open: room.open[:0], kids: room.kids[:0], scope: room.scope[:0]}
	// The values of a small document share its memory; those of a large one are
	// copied, so that keeping a name does not keep megabytes.
	if p.large = len(src) > 64<<10; p.large {
		p.names = map[string]string{}
	}
	// So that a small document takes what it needs.
	n := strings.Count(p.s, "</")
	p.elements.next, p.children.next = max(n/2, 8), max(n, 8)
	if err := p.run(); err != nil {
		return nil, &SyntaxError{p.pos, err}
	}
	return p.doc, nil
}

// room is what the parsing of a small document needs for as long as it lasts.
type room struct {
	open  [16]openTag
	kids  [64]Node
	scope [16]Decl
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// leave gives the room back with nothing of the document in it.
func (r *room) leave() {
	*r = room{}
	rooms.Put(r)
}

type parser struct {
	s      string
	pos    int
	limits Limits
	doc    *Document
	nodes  int
	open   []openTag
	kids   []Node // children so far of the open elements, outermost first
	scope  []Decl // declarations in scope, innermost last
	raw    []rawAttr
	buf    []byte
	large  bool
	names  map[string]string

	elements slab[Element]
	attrs    slab[Attr]
	decls    slab[Decl]
	children slab[Node]
}

type openTag struct {
	e           *Element
	name        string // as written
	kids, scope int    // lengths outside the element
}

type rawAttr struct{ prefix, local, value string }

// slab hands out parts of larger allocations.
type slab[T any] struct {
	free []T
	next int
}

func (s *slab[T]) take(n int) []T {
	if n == 0 {
		return nil
	}
	if len(s.free) < n {
		s.next = min(max(2*s.next, 4), 1024)
		s.free = make([]T, max(n, s.next))
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

func (p *parser) run() error {
	if err := p.characters(); err != nil {
		return err
	}
	if err := p.declaration(); err != nil {
		return err
	}
	for p.pos < len(p.s) {
		if err := p.node(); err != nil {
			return err
		}
	}
	if len(p.open) > 0 {
		return io.ErrUnexpectedEOF
	}
	if p.doc.Root == nil {
		return errors.New("no root element")
	}
	return nil
}

// suspect holds the bytes that may begin a character that XML cannot carry.
var suspect = func() (t [256]bool) {
	for c := range byte(' ') {
		t[c] = c != '\n' && c != '\t' && c != '\r'
	}
	t[0xEF] = true // of U+FFFE and U+FFFF
	return t
}()

// characters refuses what XML cannot carry, anywhere in the document.
func (p *parser) characters() error {
	for i := 0; i < len(p.s); i++ {
		c := p.s[i]
		if !suspect[c] {
			continue
		}
		if c < ' ' || strings.HasPrefix(p.s[i:], "\uFFFE") || strings.HasPrefix(p.s[i:], "\uFFFF") {
			p.pos = i
			return errors.New("character that XML cannot carry")
		}
	}
	return nil
}

func (p *parser) node() error {
	rest := p.s[p.pos:]
	switch {
	case rest[0] != '<', strings.HasPrefix(rest, "<![CDATA["):
		return p.text()
	case len(rest) == 1:
		return io.ErrUnexpectedEOF
	case rest[1] == '/':
		return p.endTag()
	case rest[1] == '?':
		return p.procInst()
	case strings.HasPrefix(rest, "<!--"):
		return p.comment()
	case strings.HasPrefix("<!--", rest), strings.HasPrefix("<![CDATA[", rest):
		return io.ErrUnexpectedEOF
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return ErrDoctype
	case rest[1] == '!':
		return errors.New("malformed markup")
	}
	return p.startTag()
}

func (p *parser) count(n int) error {
	if p.nodes += n; p.nodes > p.limits.Nodes {
		return fmt.Errorf("%w: more than %d nodes", ErrLimit, p.limits.Nodes)
	}
	return nil
}

// add puts a node where it belongs: in the open element, before the root or after it.
func (p *parser) add(n Node) error {
	switch {
	case len(p.open) > 0:
		p.kids = append(p.kids, n)
	case p.doc.Root == nil:
		p.doc.Before = append(p.doc.Before, n)
	default:
		p.doc.After = append(p.doc.After, n)
	}
	return p.count(1)
}

// value gives s, a part of the document, as it may be kept.
func (p *parser) value(s string) string {
	if p.large && len(s) < 4096 {
		return strings.Clone(s)
	}
	return s
}

// intern is value for names, which come back many times.
func (p *parser) intern(s string) string {
	if !p.large {
		return s
	}
	if k, ok := p.names[s]; ok {
		return k
	}
	s = strings.Clone(s)
	p.names[s] = s
	return s
}

func (p *parser) resolve(prefix string) (string, error) {
	if prefix == "xml" {
		return NSXML, nil
	}
	for i := len(p.scope) - 1; i >= 0; i-- {
		if p.scope[i].Prefix == prefix {
			return p.scope[i].URI, nil
		}
	}
	if prefix == "" {
		return "", nil
	}
	return "", fmt.Errorf("%w %.40q", ErrPrefix, prefix)
}

var errName = errors.New("malformed name")

// name reads a qualified name.
func (p *parser) name() (prefix, local string, err error) {
	start, colon := p.pos, -1
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		if c == ':' && colon < 0 {
			colon = p.pos
			p.pos++
			continue
		}
		if c < utf8.RuneSelf {
			if nameClass[c] == 0 {
				break
			}
			p.pos++
			continue
		}
		r, n := utf8.DecodeRuneInString(p.s[p.pos:])
		if !nameChar(r) {
			break
		}
		p.pos += n
	}
	if colon >= 0 {
		prefix, local = p.s[start:colon], p.s[colon+1:p.pos]
		if !startsName(prefix) {
			return "", "", errName
		}
		prefix = p.intern(prefix)
	} else {
		local = p.s[start:p.pos]
	}
	if !startsName(local) {
		if p.pos == len(p.s) {
			return "", "", io.ErrUnexpectedEOF
		}
		return "", "", errName
	}
	return prefix, p.intern(local), nil
}

// space skips white space and reports whether there was any.
func (p *parser) space() bool {
	start := p.pos
	for p.pos < len(p.s) && isSpace(p.s[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
