package dmp

import (
	"bytes"
	"regexp"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/xmltree"
)

// maxHeader is how much of a document is kept to find out whose it is: the
// patients of a CDA are among its first elements, before its authors.
const maxHeader = 256 << 10

// header watches the beginning of a document that comes: a CDA that names
// another patient must not be used, whatever its metadata say.
type header struct {
	patient ins.INS
	past    []ins.Past
	kept    []byte
	next    int // size at which what is kept is looked at
	done    bool
}

var (
	cdaRoot   = regexp.MustCompile(`<((?:[A-Za-z_][\w.-]*:)?ClinicalDocument)[\s>]`)
	cdaAuthor = regexp.MustCompile(`<(?:[A-Za-z_][\w.-]*:)?author[\s>]`)
	cdaTarget = regexp.MustCompile(`</(?:[A-Za-z_][\w.-]*:)?recordTarget\s*>`)
)

// take takes the next bytes, the last ones when end is set, and reports whether
// the document names another patient.
func (h *header) take(b []byte, end bool) bool {
	if h.done {
		return false
	}
	h.kept = append(h.kept, b[:min(len(b), maxHeader-len(h.kept))]...)
	if len(h.kept) < h.next && len(h.kept) < maxHeader && !end {
		return false
	}
	h.next = max(8<<10, 2*len(h.kept))
	author := cdaAuthor.FindIndex(h.kept)
	switch {
	case author != nil:
		h.kept = h.kept[:author[0]]
	case len(h.kept) < maxHeader && !end && isXML(h.kept):
		return false
	}
	another := isXML(h.kept) && h.another()
	h.done, h.kept = true, nil
	return another
}

func isXML(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, "\xef\xbb\xbf \t\r\n"), []byte("<"))
}

// another closes the document after its last patient, and reads it.
func (h *header) another() bool {
	root, targets := cdaRoot.FindSubmatch(h.kept), cdaTarget.FindAllIndex(h.kept, -1)
	if root == nil || len(targets) == 0 {
		return false
	}
	whole := append(bytes.Clone(h.kept[:targets[len(targets)-1][1]]), "</"+string(root[1])+">"...)
	doc, err := xmltree.Parse(whole, xmltree.Limits{Bytes: 2 * maxHeader})
	if err != nil {
		return false
	}
	for target := range doc.Root.All("", "recordTarget") {
		var ids []hl7v3.ID
		for id := range target.Path("patientRole").All("", "id") {
			ids = append(ids, hl7v3.ID{Root: id.Attr("root"), Extension: id.Attr("extension")})
		}
		if namesAnother(ids, h.patient, h.past) {
			return true
		}
	}
	return false
}
