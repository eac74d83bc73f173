package cisis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
)

const heading = "Test rapide d'orientation diagnostique"

// test checks a rapid test.
func (c *check) test(d at) {
	code := d.e.First(cda.NS, "code")
	c.want(code.Attr("code") == codeTest && code.Attr("codeSystem") == loinc && code.Attr("displayName") == heading, "test.code", at{path: "code"}, "")
	titles := d.all("title")
	c.want(len(titles) > 0, "test.title", at{path: "title"}, "")
	for _, t := range titles {
		c.want(strings.HasPrefix(t.e.Trimmed(), heading+" : "), "test.heading", t, "")
	}
	for _, m := range []string{modelTest, modelTestIHE, modelCISIS, modelFrance} {
		c.want(d.model(m), "test.models", at{path: "templateId"}, m+" is missing")
	}
	for _, e := range d.all("documentationOf/serviceEvent") {
		c.want(len(e.all("code")) > 0, "test.event", at{path: e.below("code")}, "missing")
		c.want(len(e.all("performer")) > 0, "test.event", at{path: e.below("performer")}, "missing")
		for _, p := range e.all("performer") {
			practice := p.all("assignedEntity/representedOrganization/standardIndustryClassCode")
			ok := slices.ContainsFunc(practice, func(a at) bool {
				return a.attr("code") == "DEPISTAGE" && a.attr("codeSystem") == nos.SystemPractice
			})
			c.want(ok, "test.practice", at{path: p.below("assignedEntity/representedOrganization/standardIndustryClassCode")}, "")
		}
	}
	consents := d.all("authorization/consent/code")
	c.want(slices.ContainsFunc(consents, func(a at) bool { return a.attr("code") == "GEN-366" }), "test.consent", at{path: "authorization/consent"}, "")

	body := d.all("component/structuredBody")
	for _, b := range body {
		sections := b.all("component/section")
		c.want(len(sections) > 0, "test.section", b, "no section")
		for _, s := range sections {
			if !s.model(sectionLab) {
				c.add("test.section", s.path, "another section")
				continue
			}
			entries := s.all("entry")
			whole := len(s.all("text")) > 0 && len(entries) == 1 && len(s.all("component")) == 0
			split := len(s.all("text")) == 0 && len(entries) == 0 && len(s.all("component")) > 0
			c.want(whole || split, "test.section", s, "a text and one entry are expected")
			c.want(len(s.modelled(entryLab)) > 0, "test.entry", s, "no entry of results")
		}
	}
	for _, e := range d.modelled(entryLab) {
		c.results(e)
	}
	for _, o := range d.modelled(entryResult) {
		c.result(o)
	}
}

// udiRoots are the agencies that issue UDIs.
var udiRoots = []string{"2.51.1.1", "1.0.15961.10.816", "2.16.840.1.113883.6.18.1.34"}

func (c *check) results(e at) {
	c.want(e.attr("typeCode") == "DRIV", "test.entry", e, "the typeCode is another")
	acts := e.all("act")
	ok := false
	for _, a := range acts {
		ok = a.attr("classCode") == "ACT" && a.attr("moodCode") == "EVN"
		for _, s := range a.all("statusCode") {
			ok = ok && slices.Contains([]string{"completed", "active", "aborted"}, s.attr("code"))
		}
		ok = ok && len(a.all("statusCode")) > 0
		for _, t := range a.all("effectiveTime") {
			ok = ok && len(t.all("low")) > 0 && len(t.all("high")) > 0
		}
	}
	c.want(ok, "test.entry", at{path: e.below("act")}, "")
	found := false
	for _, o := range e.all("act/entryRelationship/observation") {
		found = found || o.model(entryResult)
	}
	c.want(found, "test.result", e, "no result")
	devices := slices.DeleteFunc(e.all("act/participant"), func(a at) bool { return a.attr("typeCode") != "DEV" })
	c.want(len(devices) == 1, "test.device", at{path: e.below("act/participant[@typeCode='DEV']")}, strconv.Itoa(len(devices))+" of them")
	for _, p := range e.all("act/participant") {
		ids := p.all("participantRole/id")
		ok := len(ids) == 0 || slices.ContainsFunc(ids, func(a at) bool { return slices.Contains(udiRoots, a.attr("root")) })
		c.want(ok, "test.device", at{path: p.below("participantRole/id")}, "the root is no agency of UDIs")
		codes := p.all("participantRole/playingDevice/code")
		ok = len(codes) == 0 || len(p.all("participantRole/playingDevice/code/originalText/reference")) > 0
		c.want(ok, "test.device", at{path: p.below("participantRole/playingDevice/code")}, "it does not refer to the narrative")
		c.want(p.attr("typeCode") != "DEV" || len(ids)+len(codes) > 0, "test.device", p, "neither a UDI nor a text")
	}
}

func (c *check) result(o at) {
	want := func(ok bool, detail string) { c.want(ok, "test.result", o, detail) }
	want(o.e.Name.Local == "observation" && o.attr("classCode") == "OBS" && o.attr("moodCode") == "EVN", "its class or mood is another")
	codes := o.all("code")
	want(len(codes) == 1, "one code is expected")
	if o.model(entryResultFR) {
		want(len(o.all("code/originalText")) == 1 && len(o.all("code/originalText/reference")) == 1, "its code does not refer to the narrative")
	}
	status := o.e.First(cda.NS, "statusCode").Attr("code")
	want(slices.Contains([]string{"completed", "aborted", "active", "obsolete"}, status), "its status is another")
	values := o.all("value")
	want(len(values) == 1, "one value is expected")
	want(slices.ContainsFunc(values, func(a at) bool { return slices.Contains([]string{"CD", "PQ", "IVL_PQ"}, typed(a.e)) }), "its value is of another type")
	times := o.all("effectiveTime")
	want(len(times) > 0, "a date is missing")
	for _, t := range times {
		if t.has("value") {
			c.moment(t)
		}
	}
	more := o.all("entryRelationship")
	want(len(more) == 0 || slices.ContainsFunc(more, func(a at) bool { return a.attr("typeCode") == "SUBJ" }), "a comment has type SUBJ")
	if len(codes) != 1 || !c.screened(o, codes[0].attr("code")) {
		return
	}
	for _, v := range values {
		if t := typed(v.e); t != "CD" && t != "CE" && t != "" {
			continue
		}
		_, ok := nos.Lookup(nos.ScreeningResult, v.attr("code"))
		ok = ok && v.attr("codeSystem") == "2.16.840.1.113883.6.96" && !v.null()
		c.want(ok, "test.value", v, "")
	}
}

// screening are the tests (LOINC) whose result is positive, negative or neither.
var screening = []string{"80387-4", "75666-8", "78012-2", "94558-4", "80382-5", "80383-3", "72376-7", "75410-1", "75377-2", "29663-2", "100964-6", "26643-7",
	"69945-4", "40801-3", "18282-4", "19359-9", "19295-5", "19343-3", "19568-5", "14316-4", "19550-3", "19528-9", "40802-1", "19554-5", "12327-3"}

// screened tells whether that value set holds the results of a test. Those of
// urine do when a cystitis is looked for.
func (c *check) screened(o at, test string) bool {
	if test != "5802-4" && test != "5799-2" {
		return slices.Contains(screening, test)
	}
	root := o.e
	for root.Parent != nil && root.Name.Local != "ClinicalDocument" {
		root = root.Parent
	}
	for _, x := range (at{e: root}).all("documentationOf/serviceEvent/code") {
		if x.attr("code") == "N30" {
			return true
		}
	}
	return false
}

// references finds references to texts that the narrative does not have.
func (c *check) references(d at) {
	for _, b := range d.all("component/structuredBody") {
		for e := range b.e.Descendants() {
			value := e.Attr("value")
			if e.Is(cda.NS, "reference") && strings.HasPrefix(value, "#") && c.texts[value[1:]] == nil {
				c.add("narrative.reference", trail(e), "")
			}
		}
	}
}
