package dmp

import (
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// maxResults is the most results that are read of one rapid test.
const maxResults = 1000

// testOf reads the rapid test of a report.
func testOf(d *cda.Document, texts cda.Texts) *RapidTest {
	t := &RapidTest{}
	if heading, name, ok := strings.Cut(d.Title, " : "); ok && heading == testHeading {
		t.Name = name
	} else {
		t.Name = d.Title
	}
	for _, e := range d.Events {
		if e.Code.Code.Code != "" {
			t.Diseases = append(t.Diseases, e.Code.Code)
		}
		if t.At.IsZero() {
			t.At = e.Period.Low.Time
		}
	}
	for _, c := range d.Consents {
		t.Consent = t.Consent || c.Code.Code == "GEN-366"
	}
	if d.Body.Kind != cda.BodyStructured {
		return t
	}
	section := d.Body.Element.Path("component", "section")
	t.Chapter = cda.CodeOf(section.First("", "code")).Code
	act := section.Path("entry", "act")
	t.Battery = cda.CodeOf(act.First("", "code")).Code
	for p := range act.All("", "participant") {
		if p.Attr("typeCode") != "DEV" {
			continue
		}
		role := p.First("", "participantRole")
		t.Device.UDI = cda.IDOf(role.First("", "id")).Extension
		t.Device.parse(texts.Of(role.Path("playingDevice", "code", "originalText")))
		break
	}
	for e := range entries(d, modelResult) {
		if len(t.Results) == maxResults {
			break
		}
		t.Results = append(t.Results, resultOf(e, texts, t))
	}
	return t
}

func resultOf(e *xmltree.Element, texts cda.Texts, t *RapidTest) TestResult {
	code, value := e.First("", "code"), e.First("", "value")
	r := TestResult{Analysis: cda.CodeOf(code).Code, Label: texts.Of(code.First("", "originalText")), Value: cda.CodeOf(value).Code}
	if r.Label == "" {
		r.Label = r.Analysis.Display
	}
	if at := cda.IntervalOf(e.First("", "effectiveTime")).Low; !at.Time.Equal(t.At) {
		r.At = at.Time
	}
	if r.Value.Code == "" {
		r.Quantity = quantityOf(value)
	}
	for rel := range e.All("", "entryRelationship") {
		for a := range rel.All("", "act") {
			if claims(a, modelComment, modelCommentFR) && r.Comment == "" {
				r.Comment = texts.Of(a.First("", "text"))
			}
		}
	}
	return r
}

// quantityOf gives a quantity (PQ, IVL_PQ) or a text as a person reads it.
func quantityOf(e *xmltree.Element) string {
	one := func(e *xmltree.Element) string { return strings.TrimSpace(e.Attr("value") + " " + e.Attr("unit")) }
	if s := one(e); s != "" {
		return s
	}
	low, high := one(e.First("", "low")), one(e.First("", "high"))
	switch {
	case low != "" && high != "":
		return low + " – " + high
	case low != "":
		return "≥ " + low
	case high != "":
		return "≤ " + high
	}
	s, _ := cda.Narrative(e, 1000)
	return s
}
