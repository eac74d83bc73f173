package ordonnance

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/soclesante/socle/internal/xmltree"
)

// Bounds of one text taken from a narrative block, so that many references to
// one large element cost little.
const (
	maxText    = 16 << 10 // bytes
	maxPieces  = 5000     // elements
	maxColumns = 100
)

// narrative finds the words of a document by their ID.
type narrative struct {
	ids    map[string]*xmltree.Element
	sorted []string
}

func newNarrative(body *xmltree.Element) narrative {
	n := narrative{ids: make(map[string]*xmltree.Element)}
	for e := range body.Descendants() {
		if id := e.Attr("ID"); id != "" {
			if _, dup := n.ids[id]; !dup { // the first one wins, as in a browser
				n.ids[id] = e
			}
		}
	}
	n.sorted = slices.Sorted(maps.Keys(n.ids))
	return n
}

// lookup follows a reference, with or without the # that it should have. It
// tells whether the reference was well formed.
func (n narrative) lookup(ref string) (e *xmltree.Element, wellFormed bool) {
	ref = strings.TrimSpace(ref)
	id, hash := strings.CutPrefix(ref, "#")
	return n.ids[id], hash
}

// near gives the words of the first element whose ID is that of target, a dash
// and something that begins with kind: published documents name the parts of a
// line so, and refer to some of them wrongly or not at all.
func (n narrative) near(target *xmltree.Element, kind string) string {
	id := target.Attr("ID")
	if id == "" {
		return ""
	}
	prefix := id + "-" + kind
	if i, _ := slices.BinarySearch(n.sorted, prefix); i < len(n.sorted) && strings.HasPrefix(n.sorted[i], prefix) {
		return words(n.ids[n.sorted[i]])
	}
	return ""
}

// words gives the text of e with its line breaks, white space collapsed; "-",
// which software writes for nothing, is nothing.
func words(e *xmltree.Element) string {
	var w wordWriter
	w.element(e)
	lines := strings.Split(w.b.String(), "\n")
	out := lines[:0]
	for _, l := range lines {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			out = append(out, l)
		}
	}
	if s := strings.Join(out, "\n"); s != "-" && s != "–" && s != "—" {
		return s
	}
	return ""
}

type wordWriter struct {
	b      strings.Builder
	pieces int
}

// space stands for any white space of the source, so that its line ends are
// not taken for line breaks.
var space = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

func (w *wordWriter) element(e *xmltree.Element) {
	if w.pieces++; e == nil || w.b.Len() > maxText || w.pieces > maxPieces {
		return
	}
	for _, c := range e.Children {
		switch c := c.(type) {
		case xmltree.Text:
			s := string(c)
			if room := maxText - w.b.Len(); len(s) > room {
				s = strings.ToValidUTF8(s[:max(room, 0)], "")
			}
			w.b.WriteString(space.Replace(s))
		case *xmltree.Element:
			switch c.Name.Local {
			case "br", "paragraph", "item", "tr", "list", "table":
				w.b.WriteByte('\n')
				w.element(c)
				if c.Name.Local != "br" {
					w.b.WriteByte('\n')
				}
			case "td", "th":
				w.element(c)
				w.b.WriteByte(' ')
			default:
				w.element(c)
			}
		}
	}
}

// column gives the words of the cell of e's table row whose heading begins with
// heading, compared without case and accents.
func column(e *xmltree.Element, heading string) string {
	row := up(e, "tr")
	table := up(row, "table")
	if table == nil {
		return ""
	}
	head := table.Path("thead", "tr")
	i, at := 0, -1
	for h := range head.Elements() {
		if h.Name.Local == "th" || h.Name.Local == "td" {
			if strings.HasPrefix(plain(words(h)), heading) {
				at = i
				break
			}
			if i++; i > maxColumns {
				break
			}
		}
	}
	i = 0
	for c := range row.Elements() {
		if c.Name.Local == "td" || c.Name.Local == "th" {
			if i == at {
				return words(c)
			}
			i++
		}
	}
	return ""
}

// up gives e or the nearest element above it of that local name, or nil.
func up(e *xmltree.Element, local string) *xmltree.Element {
	for ; e != nil; e = e.Parent {
		if e.Name.Local == local {
			return e
		}
	}
	return nil
}

// plain gives s in lower case without accents, for comparing words.
func plain(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == '’':
			b.WriteByte('\'')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
