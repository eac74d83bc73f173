package xmltree

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// declaration reads the XML declaration, when there is one.
func (p *parser) declaration() error {
	if len(p.s) < 6 || !strings.HasPrefix(p.s, "<?xml") || !isSpace(p.s[5]) {
		return nil
	}
	end := strings.Index(p.s, "?>")
	if end < 0 {
		return io.ErrUnexpectedEOF
	}
	rest, seen := p.s[len("<?xml"):end], 0
	for i, name := range []string{"version", "encoding", "standalone"} {
		trimmed := strings.TrimLeft(rest, " \t\r\n")
		if len(trimmed) == len(rest) || !strings.HasPrefix(trimmed, name) {
			if i == 0 {
				break
			}
			continue
		}
		v := strings.TrimLeft(trimmed[len(name):], " \t\r\n")
		if !strings.HasPrefix(v, "=") {
			break
		}
		v = strings.TrimLeft(v[1:], " \t\r\n")
		if v == "" || v[0] != '"' && v[0] != '\'' {
			break
		}
		value, after, ok := strings.Cut(v[1:], v[:1])
		if !ok ||
			name == "version" && value != "1.0" ||
			name == "encoding" && (value == "" || strings.ContainsAny(value, " \t\r\n<&")) ||
			name == "standalone" && value != "yes" && value != "no" {
			break
		}
		rest = after
		seen++
	}
	if seen == 0 || strings.Trim(rest, " \t\r\n") != "" {
		return errors.New("malformed XML declaration")
	}
	p.pos = end + len("?>")
	return nil
}

func (p *parser) comment() error {
	body := p.s[p.pos+len("<!--"):]
	end := strings.Index(body, "--")
	if end < 0 || len(body) == end+2 {
		return io.ErrUnexpectedEOF
	}
	if body[end+2] != '>' {
		return errors.New("two hyphens in a comment")
	}
	if err := p.add(Comment(p.value(lines(body[:end])))); err != nil {
		return err
	}
	p.pos += len("<!--") + end + len("-->")
	return nil
}

func (p *parser) procInst() error {
	start := p.pos
	p.pos += 2
	prefix, target, err := p.name()
	switch {
	case err != nil:
		return err
	case prefix != "":
		return errName
	case strings.EqualFold(target, "xml"):
		p.pos = start
		return errors.New("XML declaration not at the start")
	}
	end := strings.Index(p.s[p.pos:], "?>")
	if end < 0 {
		return io.ErrUnexpectedEOF
	}
	end += p.pos
	if !p.space() && p.pos != end {
		return errName
	}
	data := ""
	if p.pos < end {
		data = p.value(lines(p.s[p.pos:end]))
	}
	p.pos = end + len("?>")
	return p.add(ProcInst{target, data})
}

// lines makes every line end a line feed.
func lines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (p *parser) startTag() error {
	if p.doc.Root != nil && len(p.open) == 0 {
		return errors.New("more than one root element")
	}
	if len(p.open) == p.limits.Depth {
		return fmt.Errorf("%w: deeper than %d", ErrLimit, p.limits.Depth)
	}
	e := &p.elements.take(1)[0]
	e.Start = p.pos
	tag := openTag{e: e, kids: len(p.kids), scope: len(p.scope)}
	p.pos++
	var err error
	if e.Prefix, e.Name.Local, err = p.name(); err != nil {
		return err
	}
	tag.name = p.s[e.Start+1 : p.pos]
	empty, err := p.attributes(tag.scope)
	if err != nil {
		return err
	}
	if e.Prefix == "xmlns" {
		return fmt.Errorf("%w %q", ErrPrefix, e.Prefix)
	}
	if e.Name.Space, err = p.resolve(e.Prefix); err != nil {
		return err
	}
	if n := len(p.scope) - tag.scope; n > 0 {
		e.Decls = p.decls.take(n)
		copy(e.Decls, p.scope[tag.scope:])
	}
	if e.Attrs, err = p.resolveAttrs(); err != nil {
		return err
	}
	if err := p.count(1 + len(e.Attrs) + len(e.Decls)); err != nil {
		return err
	}
	if n := len(p.open); n > 0 {
		e.Parent = p.open[n-1].e
		p.kids = append(p.kids, e)
		tag.kids = len(p.kids)
	} else {
		p.doc.Root = e
	}
	p.open = append(p.open, tag)
	if empty {
		p.close()
	}
	return nil
}

// attributes reads up to the end of a start tag: declarations go to the scope,
// the others to p.raw.
func (p *parser) attributes(outside int) (empty bool, err error) {
	p.raw = p.raw[:0]
	for {
		spaced := p.space()
		switch {
		case p.pos == len(p.s):
			return false, io.ErrUnexpectedEOF
		case p.s[p.pos] == '>':
			p.pos++
			return false, nil
		case p.s[p.pos] == '/':
			if p.pos+1 == len(p.s) {
				return false, io.ErrUnexpectedEOF
			}
			if p.s[p.pos+1] != '>' {
				return false, errors.New("malformed tag")
			}
			p.pos += 2
			return true, nil
		case !spaced:
			return false, errors.New("malformed tag")
		}
		prefix, local, err := p.name()
		if err != nil {
			return false, err
		}
		p.space()
		if p.pos == len(p.s) {
			return false, io.ErrUnexpectedEOF
		}
		if p.s[p.pos] != '=' {
			return false, errors.New("attribute without value")
		}
		p.pos++
		p.space()
		v, err := p.attributeValue()
		if err != nil {
			return false, err
		}
		switch {
		case prefix == "xmlns":
			err = p.declare(Decl{local, v}, outside)
		case prefix == "" && local == "xmlns":
			err = p.declare(Decl{"", v}, outside)
		default:
			p.raw = append(p.raw, rawAttr{prefix, local, v})
		}
		if err != nil {
			return false, err
		}
		if len(p.raw) > maxAttrs {
			return false, fmt.Errorf("%w: more than %d attributes", ErrLimit, maxAttrs)
		}
	}
}

// declare follows the constraints of Namespaces in XML 1.0, third edition, §3.
func (p *parser) declare(d Decl, outside int) error {
	switch {
	case d.Prefix == "xml" && d.URI == NSXML:
		return nil // says nothing new, and canonical XML leaves it out
	case d.Prefix == "xml", d.Prefix == "xmlns", d.URI == NSXML, d.URI == NSXMLNS, d.Prefix != "" && d.URI == "":
		return fmt.Errorf("namespace declaration of prefix %.40q refused", d.Prefix)
	}
	for _, o := range p.scope[outside:] {
		if o.Prefix == d.Prefix {
			return ErrDup
		}
	}
	if len(p.scope) == maxScope {
		return fmt.Errorf("%w: more than %d namespace declarations in scope", ErrLimit, maxScope)
	}
	p.scope = append(p.scope, d)
	return nil
}

// resolveAttrs gives the attributes of p.raw with their namespaces.
func (p *parser) resolveAttrs() ([]Attr, error) {
	attrs := p.attrs.take(len(p.raw))
	var seen map[xml.Name]bool
	if len(attrs) > 16 {
		seen = make(map[xml.Name]bool, len(attrs))
	}
	for i, r := range p.raw {
		name := xml.Name{Local: r.local}
		if r.prefix != "" {
			var err error
			if name.Space, err = p.resolve(r.prefix); err != nil {
				return nil, err
			}
		}
		if seen != nil {
			if seen[name] {
				return nil, ErrDup
			}
			seen[name] = true
		} else {
			for j := range attrs[:i] {
				if attrs[j].Name == name {
					return nil, ErrDup
				}
			}
		}
		attrs[i] = Attr{Name: name, Prefix: r.prefix, Value: r.value}
	}
	return attrs, nil
}

func (p *parser) endTag() error {
	rest := p.s[p.pos+2:]
	if len(p.open) == 0 {
		return errors.New("end tag that matches no start tag")
	}
	name := p.open[len(p.open)-1].name
	if !strings.HasPrefix(rest, name) {
		if len(rest) < len(name) && strings.HasPrefix(name, rest) {
			return io.ErrUnexpectedEOF
		}
		return errors.New("end tag that matches no start tag")
	}
	start := p.pos
	p.pos += 2 + len(name)
	p.space()
	if p.pos == len(p.s) {
		return io.ErrUnexpectedEOF
	}
	if p.s[p.pos] != '>' {
		p.pos = start
		return errors.New("end tag that matches no start tag")
	}
	p.pos++
	p.close()
	return nil
}

func (p *parser) close() {
	tag := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	tag.e.End = p.pos
	tag.e.Children = p.children.take(len(p.kids) - tag.kids)
	copy(tag.e.Children, p.kids[tag.kids:])
	clear(p.kids[tag.kids:])
	p.kids = p.kids[:tag.kids]
	p.scope = p.scope[:tag.scope]
}
