package cda

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// BodyKind is the level of a body.
type BodyKind int

// Kinds of bodies.
const (
	BodyNone       BodyKind = iota // the document has no body
	BodyNonXML                     // a file: level 1
	BodyStructured                 // sections: levels 2 and 3
)

// String gives "none", "nonXML" or "structured".
func (k BodyKind) String() string {
	switch k {
	case BodyNonXML:
		return "nonXML"
	case BodyStructured:
		return "structured"
	}
	return "none"
}

// Body is the body of a document that was read.
type Body struct {
	Kind BodyKind
	// Element is nonXMLBody/text or structuredBody, nil for BodyNone.
	Element *xmltree.Element
	// MediaType is that which the document claims; it may lie.
	MediaType string
	// Base64 tells that the text is in base64 (representation B64).
	Base64 bool
	// Compression is the claimed compression of the decoded bytes ("GZ", "DF"…),
	// which Open leaves as it is.
	Compression string
	// Reference is the address of a body that is elsewhere (text/reference).
	Reference string
}

func bodyOf(r *xmltree.Element) Body {
	for c := range r.All("", "component") {
		if e := c.First("", "structuredBody"); e != nil {
			return Body{Kind: BodyStructured, Element: e}
		}
		if e := c.First("", "nonXMLBody"); e != nil {
			b := Body{Kind: BodyNonXML, Element: e.First("", "text")}
			b.MediaType = attr(b.Element, "mediaType")
			b.Base64 = attr(b.Element, "representation") == "B64"
			b.Compression = attr(b.Element, "compression")
			b.Reference = attr(b.Element.First("", "reference"), "value")
			return b
		}
	}
	return Body{}
}

// Size gives the number of bytes: of the decoded file for BodyNonXML, of the
// element as it is in the document for BodyStructured. For base64 that is not
// well-formed it is what the number of its characters gives.
func (b Body) Size() int64 {
	switch {
	case b.Element == nil:
		return 0
	case b.Kind == BodyStructured:
		return int64(b.Element.End - b.Element.Start)
	}
	n := int64(0)
	for _, c := range b.Element.Children {
		t, ok := c.(xmltree.Text)
		if !ok {
			continue
		}
		if !b.Base64 {
			n += int64(len(t))
			continue
		}
		for i := 0; i < len(t); i++ {
			switch t[i] {
			case ' ', '\t', '\n', '\r':
			case '=': // padding
			default:
				n++
			}
		}
	}
	if b.Base64 {
		return n * 3 / 4
	}
	return n
}

// Open gives the decoded bytes of the file of a BodyNonXML. It decodes as it is
// read; malformed base64 is an *Error of the Read that meets it. It may be
// called any number of times.
func (b Body) Open() (io.Reader, error) {
	if b.Kind != BodyNonXML {
		return nil, &Error{Op: "read", Path: "component", Text: "the body is " + b.Kind.String() + ": it holds no file"}
	}
	var parts []io.Reader
	if b.Element != nil {
		for _, c := range b.Element.Children {
			if t, ok := c.(xmltree.Text); ok {
				parts = append(parts, strings.NewReader(string(t)))
			}
		}
	}
	r := io.MultiReader(parts...)
	if b.Base64 {
		return &decoded{base64.NewDecoder(base64.StdEncoding, &dense{r})}, nil
	}
	return r, nil
}

// dense drops white space.
type dense struct{ r io.Reader }

func (d *dense) Read(p []byte) (int, error) {
	for {
		n, err := d.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			switch c {
			case ' ', '\t', '\n', '\r':
			default:
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}

type decoded struct{ r io.Reader }

func (d *decoded) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		var corrupt base64.CorruptInputError
		if !errors.As(err, &corrupt) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return n, err
		}
		err = &Error{Op: "read", Path: "component/nonXMLBody/text", Text: "malformed base64", Err: err}
	}
	return n, err
}
