package xds

import (
	"slices"

	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// Original is an ExtrinsicObject as the registry gave it, which may hold more
// than the model does: another version of the metadata is made of it.
type Original struct {
	XML   string
	Scope []xmltree.Decl // the namespaces that are declared around it
}

// Keep keeps the XML of the documents of an answer, whose element e was read
// from source, so that MarshalUpdate can send them back whole.
func (r *QueryResponse) Keep(e *xmltree.Element, source []byte) {
	i := 0
	for o := range e.First(NSRIM, "RegistryObjectList").All(NSRIM, "ExtrinsicObject") {
		if i == len(r.Documents) || o.End > len(source) {
			return
		}
		r.Documents[i].Original = Original{XML: string(source[o.Start:o.End]), Scope: scopeOf(o)}
		i++
	}
}

// scopeOf gives the namespaces that the ancestors of e declare.
func scopeOf(e *xmltree.Element) []xmltree.Decl {
	var all []xmltree.Decl
	for p := e.Parent; p != nil; p = p.Parent {
		for _, d := range p.Decls {
			if !slices.ContainsFunc(all, func(o xmltree.Decl) bool { return o.Prefix == d.Prefix }) {
				all = append(all, d)
			}
		}
	}
	return all
}

// element reads the original again.
func (o Original) element() (*xmltree.Element, error) {
	b := []byte("<x")
	for _, d := range o.Scope {
		b = append(b, " xmlns"...)
		if d.Prefix != "" {
			b = append(append(b, ':'), d.Prefix...)
		}
		b = append(xmltree.AppendAttr(append(b, `="`...), d.URI), '"')
	}
	b = append(append(append(b, '>'), o.XML...), "</x>"...)
	x, err := xmltree.Parse(b, xmltree.Limits{Bytes: len(b)})
	if err != nil {
		return nil, &Error{Op: "write", Text: "the ExtrinsicObject of the registry cannot be read again", Err: err}
	}
	for e := range x.Root.Elements() {
		return e, nil
	}
	return nil, &Error{Op: "write", Text: "the ExtrinsicObject of the registry is empty"}
}

// revised gives, canonical, the ExtrinsicObject of the registry with the id and
// the confidentialityCode of d. All the rest is as it came, but what only the
// registry gives to a version: its status, its VersionInfo, the ids of its parts.
func (d *DocumentEntry) revised() ([]byte, error) {
	e, err := d.Original.element()
	if err != nil {
		return nil, err
	}
	w := &writer{of: d.ID}
	codes, err := d.confidentiality()
	if err != nil {
		return nil, err
	}
	set(e, "id", d.ID)
	set(e, "lid", d.LogicalID)
	e.Attrs = slices.DeleteFunc(e.Attrs, func(a xmltree.Attr) bool { return a.Name.Space == "" && a.Name.Local == "status" })
	var kept []xmltree.Node
	for _, n := range e.Children {
		switch c, _ := n.(*xmltree.Element); {
		case c.Is(NSRIM, "VersionInfo"):
			continue
		case c.Is(NSRIM, "Classification") && scheme(c, "classificationScheme") == schemeConfidence:
			kept = append(kept, codes...)
			codes = nil
			continue
		case c.Is(NSRIM, "ExternalIdentifier"):
			kept = append(kept, codes...)
			codes = nil
		}
		kept = append(kept, n)
	}
	e.Children = append(kept, codes...)
	for c := range e.Elements() {
		c.Parent = e
		switch {
		case c.Is(NSRIM, "Classification"):
			set(c, "classifiedObject", d.ID)
			set(c, "id", w.part())
		case c.Is(NSRIM, "ExternalIdentifier"):
			set(c, "registryObject", d.ID)
			set(c, "id", w.part())
		}
	}
	return xmlsec.Canonical(e, xmlsec.Method{Algorithm: xmlsec.ExcC14N})
}

// confidentiality gives the classifications of the confidentialityCode of d.
func (d *DocumentEntry) confidentiality() ([]xmltree.Node, error) {
	w := &writer{of: d.ID}
	w.Start("rim:x", "xmlns:rim", NSRIM)
	w.classify(schemeConfidence, d.Confidentiality...)
	w.End()
	x, err := xmltree.Parse(w.Bytes(), xmltree.Limits{})
	if err != nil {
		return nil, &Error{Op: "write", Path: d.ID + "/confidentialityCode", Text: "cannot be written", Err: err}
	}
	var all []xmltree.Node
	for c := range x.Root.Elements() {
		c.Decls = []xmltree.Decl{{Prefix: "rim", URI: NSRIM}}
		all = append(all, c)
	}
	return all, nil
}

// set gives e an attribute without prefix.
func set(e *xmltree.Element, name, value string) {
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name.Space == "" && a.Name.Local == name {
			a.Value = value
			return
		}
	}
	a := xmltree.Attr{Value: value}
	a.Name.Local = name
	e.Attrs = append(e.Attrs, a)
}
