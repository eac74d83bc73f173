package cda

import (
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// MaxNarrative is the most bytes of plain text that a document gives.
const MaxNarrative = 1 << 20

// Told is a section of a structured body as a person reads it.
type Told struct {
	Level int // 0 for a section of the body, 1 for a section in it…
	Code  Code
	Title string
	Text  string // its narrative, as plain text
}

// Tell gives the sections of a structured body in order, each with its
// narrative as plain text. What goes over MaxNarrative is left out, and cut is
// true. A document without structured body has no section.
func (d *Document) Tell() (sections []Told, cut bool) {
	if d.Body.Kind != BodyStructured {
		return nil, false
	}
	left := MaxNarrative
	var walk func(parent *xmltree.Element, level int)
	walk = func(parent *xmltree.Element, level int) {
		for c := range parent.All("", "component") {
			s := c.First("", "section")
			if s == nil {
				continue
			}
			if left <= 0 {
				cut = true
				return
			}
			t := Told{Level: level, Code: CodeOf(s.First("", "code")), Title: deepText(s.First("", "title"))}
			var over bool
			t.Text, over = Narrative(s.First("", "text"), left)
			cut = cut || over
			left -= len(t.Text) + len(t.Title) + 1
			sections = append(sections, t)
			walk(s, level+1)
		}
	}
	walk(d.Body.Element, 0)
	return sections, cut
}

// Narrative renders a narrative block (section/text, StrucDoc.Text) as plain
// text of at most max bytes: a row of a table is a line whose cells are parted
// by bars, an item of a list is a line with its bullet or number, and text that
// a revision deleted is left out. cut tells that something did not fit. e may be nil.
func Narrative(e *xmltree.Element, max int) (text string, cut bool) {
	p := printer{max: max}
	p.children(e)
	return strings.TrimSpace(p.b.String()), p.cut
}

// printer writes text whose white space does not matter.
type printer struct {
	b     strings.Builder
	max   int
	lines int  // line ends to write before what comes next
	space bool // a blank to write before what comes next
	depth int  // of lists
	// bullet tells that a bullet was written last: the first block of an item
	// stays on its line.
	bullet bool
	cut    bool
}

func (p *printer) word(s string) {
	prefix := ""
	switch {
	case p.b.Len() == 0:
	case p.lines > 0:
		prefix = strings.Repeat("\n", p.lines)
	case p.space:
		prefix = " "
	}
	if p.b.Len()+len(prefix)+len(s) > p.max {
		p.cut = true
		return
	}
	p.b.WriteString(prefix)
	p.b.WriteString(s)
	p.lines, p.space, p.bullet = 0, false, false
}

// text writes character data, in which white space is one blank.
func (p *printer) text(s string) {
	for s != "" && !p.cut {
		rest := strings.TrimLeft(s, " \t\n\r")
		if rest != s {
			p.space = !p.bullet
		}
		i := strings.IndexAny(rest, " \t\n\r")
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			p.word(rest[:i])
		}
		s = rest[i:]
	}
}

// block begins what follows on a new line, after n-1 empty ones.
func (p *printer) block(n int) {
	if !p.bullet {
		p.lines = max(p.lines, n)
	}
	p.space = false
}

func (p *printer) children(e *xmltree.Element) {
	if e == nil {
		return
	}
	for _, n := range e.Children {
		if p.cut {
			return
		}
		switch n := n.(type) {
		case xmltree.Text:
			p.text(string(n))
		case *xmltree.Element:
			p.element(n)
		}
	}
}

func (p *printer) element(e *xmltree.Element) {
	if e.Attr("revised") == "delete" {
		return
	}
	switch e.Name.Local {
	case "br":
		p.block(min(p.lines+1, 2))
	case "paragraph", "caption", "table", "text":
		p.block(1)
		p.children(e)
		p.block(1)
	case "list":
		p.list(e)
	case "tr":
		p.row(e)
	case "footnote":
		p.space = true
		p.word("[")
		p.children(e)
		p.space = false
		p.word("]")
	case "linkHtml":
		p.children(e)
		if href := attr(e, "href"); href != "" && href != strings.TrimSpace(deepText(e)) {
			p.space = true
			p.word("(" + href + ")")
		}
	case "renderMultiMedia":
		p.children(e)
		p.space = true
		p.word("[" + strings.Join(strings.Fields("media "+e.Attr("referencedObject")), " ") + "]")
	case "footnoteRef", "col", "colgroup":
	default: // content, sub, sup, item, td, thead… and what is not known
		p.children(e)
	}
}

func (p *printer) list(e *xmltree.Element) {
	ordered, n := e.Attr("listType") == "ordered", 0
	p.block(1)
	p.depth++
	for c := range e.Elements() {
		if c.Name.Local != "item" {
			p.element(c)
			p.block(1)
			continue
		}
		n++
		bullet := "- "
		if ordered {
			bullet = strconv.Itoa(n) + ". "
		}
		p.block(1)
		p.word(strings.Repeat("  ", min(p.depth-1, 8)) + bullet)
		p.bullet = true
		p.children(c)
		p.bullet = false
		p.block(1)
	}
	p.depth--
}

// row writes a row of a table as one line.
func (p *printer) row(e *xmltree.Element) {
	var cells []string
	for c := range e.Elements() {
		if c.Name.Local != "td" && c.Name.Local != "th" {
			continue
		}
		text, cut := Narrative(c, p.max-p.b.Len())
		p.cut = p.cut || cut
		cells = append(cells, strings.ReplaceAll(text, "\n", " / "))
		if p.cut {
			break
		}
	}
	p.block(1)
	if line := strings.TrimRight(strings.Join(cells, " | "), " |"); line != "" {
		p.word(line)
	}
	p.block(1)
}

// Texts finds texts of the narrative by their ID.
type Texts map[string]*xmltree.Element

// Texts indexes the elements of the body that have an ID. Of two that share
// one, the first counts.
func (d *Document) Texts() Texts {
	t := Texts{}
	if d.Body.Kind != BodyStructured {
		return t
	}
	for e := range d.Body.Element.Descendants() {
		if id := e.Attr("ID"); id != "" {
			if _, ok := t[id]; !ok {
				t[id] = e
			}
		}
	}
	return t
}

// maxReferred bounds the text that a reference gives.
const maxReferred = 16 << 10

// Of gives the text that an element says (text, originalText): the text of the
// narrative that it refers to, or its own. A reference whose value lacks its
// "#" is followed too, as real documents have them. e may be nil.
func (t Texts) Of(e *xmltree.Element) string {
	if e == nil {
		return ""
	}
	if ref := attr(e.First("", "reference"), "value"); ref != "" {
		if target := t[strings.TrimPrefix(ref, "#")]; target != nil {
			if s, _ := Narrative(target, maxReferred); s != "" {
				return s
			}
		}
	}
	s, _ := Narrative(e, maxReferred)
	return s
}
