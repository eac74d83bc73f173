package dmp

import (
	"strings"
	"time"

	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Namespaces of the two services of the DMP's own.
const (
	nsRights   = "urn:si-dmp-habilitations"
	nsPatients = "urn:si-dmp-patients"
)

// statusOK is the status of a service of the DMP's own that did its work; its
// case varies.
const statusOK = "DMPOk"

// output gives the element output of an answer of that name, and the words of
// its context, or the refusal that its status is.
func output(op, ns, name string, e *soap.Envelope) (out *xmltree.Element, context string, err error) {
	if !e.Body.Is(ns, name) {
		return nil, "", &Error{Op: op, Text: "the answer is not a " + name, kind: ErrAnswer, ours: true}
	}
	out = child(e.Body, "output")
	status := child(out, "status").Trimmed()
	context = child(out, "context").Trimmed()
	switch {
	case status == "":
		return nil, "", &Error{Op: op, Text: "the answer has no status", kind: ErrAnswer, ours: true}
	case !strings.EqualFold(status, statusOK):
		e := &Error{Op: op, Code: status, Text: context}
		if context == "" {
			e.Text, e.ours = "the DMP says no more than its status", true
		}
		return nil, "", e.refused().judge()
	}
	return out, context, nil
}

// child gives the first child of that name, in the namespace of the service or in none:
// the WSDL and the samples qualify them, and not all writers do.
func child(e *xmltree.Element, name string) *xmltree.Element {
	for c := range children(e, name) {
		return c
	}
	return nil
}

func children(e *xmltree.Element, name string) func(func(*xmltree.Element) bool) {
	return func(yield func(*xmltree.Element) bool) {
		for c := range e.Elements() {
			if c.Name.Local == name && (c.Name.Space == nsRights || c.Name.Space == nsPatients || c.Name.Space == "") && !yield(c) {
				return
			}
		}
	}
}

// moment reads a date of a service of the DMP's own, zero when there is none.
func (d Dialect) moment(s string) time.Time {
	t, err := hl7v3.ParseTimeIn(s, d.Location)
	if err != nil {
		return time.Time{}
	}
	return t
}
