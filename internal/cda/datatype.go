package cda

import (
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// ID is an instance identifier (II): an OID or UUID, and mostly an extension.
type ID struct {
	Root, Extension string
	Null            string // nullFlavor
}

// IsZero reports whether there is no value.
func (id ID) IsZero() bool { return id.Root == "" && id.Extension == "" }

// String gives the root, or the root, a circumflex and the extension: the form
// of uniqueId in XDS. It identifies people when the ID does.
func (id ID) String() string {
	if id.Extension == "" {
		return id.Root
	}
	return id.Root + "^" + id.Extension
}

// Code is a coded value (CD, CE, CV, CS).
type Code struct {
	socle.Code
	SystemName   string
	Original     string // originalText
	Null         string // nullFlavor
	Translations []Code
}

// Address is a postal address (AD): its parts in order, or its bare text.
type Address struct {
	Use   string
	Null  string
	Parts []AddressPart
}

// AddressPart is a part of an address; Kind is its element: "streetName",
// "postalCode", "city"… and empty for bare text.
type AddressPart struct{ Kind, Text string }

// Part gives the first part of that kind.
func (a Address) Part(kind string) string {
	for _, p := range a.Parts {
		if p.Kind == kind {
			return p.Text
		}
	}
	return ""
}

// Telecom is a telephone number, a mail address… (TEL).
type Telecom struct {
	Use   string // "H", "WP", "MC"…
	Value string // with its scheme: "tel:", "mailto:"…
	Null  string
}

// IDOf reads an identifier. e may be nil, as for all the functions of this kind.
func IDOf(e *xmltree.Element) ID {
	return ID{Root: attr(e, "root"), Extension: attr(e, "extension"), Null: attr(e, "nullFlavor")}
}

// CodeOf reads a coded value.
func CodeOf(e *xmltree.Element) Code {
	c := Code{
		Code:       socle.Code{Code: attr(e, "code"), System: attr(e, "codeSystem"), Display: attr(e, "displayName")},
		SystemName: attr(e, "codeSystemName"),
		Null:       attr(e, "nullFlavor"),
	}
	if o := e.First("", "originalText"); o != nil {
		c.Original = deepText(o)
	}
	for t := range e.All("", "translation") {
		c.Translations = append(c.Translations, codeOfFlat(t))
	}
	return c
}

// codeOfFlat leaves out translations of translations, which bounds the recursion.
func codeOfFlat(e *xmltree.Element) Code {
	return Code{
		Code:       socle.Code{Code: attr(e, "code"), System: attr(e, "codeSystem"), Display: attr(e, "displayName")},
		SystemName: attr(e, "codeSystemName"),
		Null:       attr(e, "nullFlavor"),
	}
}

// AddressOf reads an address.
func AddressOf(e *xmltree.Element) Address {
	a := Address{Use: attr(e, "use"), Null: attr(e, "nullFlavor")}
	for c := range e.Elements() {
		if t := deepText(c); t != "" {
			a.Parts = append(a.Parts, AddressPart{c.Name.Local, t})
		}
	}
	if len(a.Parts) == 0 {
		if t := e.Trimmed(); t != "" {
			a.Parts = []AddressPart{{"", t}}
		}
	}
	return a
}

// TelecomOf reads a telecommunication address.
func TelecomOf(e *xmltree.Element) Telecom {
	return Telecom{Use: attr(e, "use"), Value: attr(e, "value"), Null: attr(e, "nullFlavor")}
}

func attr(e *xmltree.Element, name string) string { return strings.TrimSpace(e.Attr(name)) }

// deepText gives the text of e and below, white space collapsed.
func deepText(e *xmltree.Element) string {
	var b strings.Builder
	for d := range e.Descendants() {
		for _, n := range d.Children {
			if t, ok := n.(xmltree.Text); ok {
				b.WriteString(string(t))
				b.WriteByte(' ')
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
