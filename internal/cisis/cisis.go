// Package cisis checks CDA documents against rules of the French framework of
// interoperability (CI-SIS): the header common to all documents (volet
// Structuration minimale), the vaccination note (VAC-NOTE 2023.01), the
// vaccinations of any document, and the rapid test (BIO-TROD 2024.01).
//
// The rules are our own reading of what the published schematrons demand;
// docs/validation.md says how far the two agree. A schema (XSD) is not checked:
// the order of elements, for one, is not looked at.
package cisis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// Severity tells what a finding means.
type Severity string

// Severities.
const (
	Error   Severity = "error"   // the document breaks a rule of its model
	Warning Severity = "warning" // it may be misread, or a service may dislike it
)

// Finding is something that a document has wrong. It holds no value of the
// document but codes and identifiers of models.
type Finding struct {
	Rule     string   `json:"rule"` // identifier of a [Rule]
	Path     string   `json:"path"` // of the element: "author[2]/assignedAuthor/id"
	Severity Severity `json:"severity"`
	Text     string   `json:"text"` // in English
}

// String gives the finding on one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", f.Severity, f.Path, f.Text, f.Rule)
}

// maxFindings bounds what one document gives.
const maxFindings = 500

// Validate checks a document that was read. A document made to be written has
// to be written and read first.
func Validate(d *cda.Document) []Finding {
	if d == nil || d.Root == nil {
		return nil
	}
	c := &check{texts: d.Texts()}
	root := at{e: d.Root}
	c.header(root)
	c.vaccinations(root)
	if d.HasTemplate(modelNote) || d.Code.Code.Code == codeNote {
		c.note(root)
	}
	if d.HasTemplate(modelTest) || d.Code.Code.Code == codeTest {
		c.test(root)
	}
	c.references(root)
	return c.out
}

// Errors keeps the findings that are errors.
func Errors(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Severity != Error })
}

// Rule is one of the rules.
type Rule struct {
	ID       string
	Severity Severity
	Text     string // what is demanded
}

// Rules gives all the rules in the order of their identifiers.
func Rules() []Rule {
	all := make([]Rule, 0, len(rules))
	for id, r := range rules {
		all = append(all, Rule{id, r.severity, r.text})
	}
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

type check struct {
	out   []Finding
	texts cda.Texts
}

// add reports a finding. detail says what is wrong where the rule's own words
// do not; it is ours, never the document's.
func (c *check) add(rule, path, detail string) {
	r, ok := rules[rule]
	if !ok {
		panic("cisis: unknown rule " + rule)
	}
	if len(c.out) >= maxFindings {
		return
	}
	text := r.text
	if detail != "" {
		text += ": " + detail
	}
	c.out = append(c.out, Finding{Rule: rule, Path: path, Severity: r.severity, Text: text})
}

func (c *check) want(ok bool, rule string, a at, detail string) {
	if !ok {
		c.add(rule, a.path, detail)
	}
}

// at is an element and its path below ClinicalDocument.
type at struct {
	e    *xmltree.Element
	path string
}

func (a at) attr(name string) string { return a.e.Attr(name) }

func (a at) has(name string) bool { _, ok := a.e.LookupAttr("", name); return ok }

func (a at) null() bool { return a.has("nullFlavor") }

// below names an element that may not be there.
func (a at) below(path string) string {
	if a.path == "" {
		return path
	}
	return a.path + "/" + path
}

// all gives the children of that name, along a path of one or more names.
func (a at) all(path string) []at {
	name, rest, more := strings.Cut(path, "/")
	var found []at
	for e := range a.e.All(cda.NS, name) {
		found = append(found, at{e: e})
	}
	for i := range found {
		found[i].path = a.below(name)
		if len(found) > 1 {
			found[i].path += fmt.Sprintf("[%d]", i+1)
		}
	}
	if !more {
		return found
	}
	var deep []at
	for _, f := range found {
		deep = append(deep, f.all(rest)...)
	}
	return deep
}

// valued gives those of all that have no nullFlavor.
func (a at) valued(path string) []at {
	return slices.DeleteFunc(a.all(path), at.null)
}

// model reports whether the element has that templateId.
func (a at) model(root string) bool {
	for t := range a.e.All(cda.NS, "templateId") {
		if t.Attr("root") == root {
			return true
		}
	}
	return false
}

// modelled gives the descendants that have that templateId.
func (a at) modelled(root string) []at {
	var found []at
	var walk func(at)
	walk = func(a at) {
		if a.model(root) {
			found = append(found, a)
		}
		n := map[string]int{}
		for e := range a.e.Elements() {
			n[e.Name.Local]++
		}
		i := map[string]int{}
		for e := range a.e.Elements() {
			name := e.Name.Local
			i[name]++
			path := a.below(name)
			if n[name] > 1 {
				path += fmt.Sprintf("[%d]", i[name])
			}
			if name != "text" && name != "templateId" {
				walk(at{e, path})
			}
		}
	}
	walk(a)
	return found
}

// count demands between least and most of the elements.
func (c *check) count(rule string, a at, name string, found []at, least, most int) {
	switch {
	case len(found) < least:
		c.add(rule, a.below(name), "missing")
	case len(found) > most:
		c.add(rule, a.below(name), fmt.Sprintf("%d of them, at most %d expected", len(found), most))
	}
}

// one demands exactly one child of that name without nullFlavor, and gives it.
func (c *check) one(rule string, a at, name string) (at, bool) {
	found := a.valued(name)
	c.count(rule, a, name, found, 1, 1)
	if len(found) == 0 {
		return at{}, false
	}
	return found[0], true
}

// trail gives the path of an element below the root, without indexes.
func trail(e *xmltree.Element) string {
	var names []string
	for ; e != nil && e.Name.Local != "ClinicalDocument"; e = e.Parent {
		names = append(names, e.Name.Local)
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}
