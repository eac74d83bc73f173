package cisis

import (
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/xmltree"
)

// vaccinations checks the vaccinations of any document.
func (c *check) vaccinations(d at) {
	for _, s := range d.modelled(sectionVaccines) {
		c.want(s.e.Name.Local == "section" && s.model("2.16.840.1.113883.10.20.1.6"), "vaccination.section", s, "a model is missing")
		code := s.e.First(cda.NS, "code")
		c.want(code.Attr("code") == "11369-6" && code.Attr("codeSystem") == loinc, "vaccination.section", s, "the code is another")
		c.want(len(s.modelled(entryVaccination)) > 0, "vaccination.section", s, "no vaccination")
	}
	for _, v := range d.modelled(entryVaccination) {
		c.vaccination(v)
	}
	for _, r := range d.modelled(entryRank) {
		code := r.all("code")
		ok := r.e.Name.Local == "observation" && r.attr("classCode") == "OBS" && r.attr("moodCode") == "EVN" && r.model(entryRankCCD) &&
			len(code) == 1 && code[0].attr("code") == "30973-2" && code[0].attr("codeSystem") == loinc &&
			len(r.all("statusCode")) > 0 && len(r.all("value")) == 1
		c.want(ok, "vaccination.rank", r, "")
	}
	comments := d.modelled(entryComment)
	for _, a := range d.modelled(entryCommentFR) {
		if !a.model(entryComment) {
			comments = append(comments, a)
		}
	}
	for _, a := range comments {
		code := a.e.First(cda.NS, "code")
		ok := a.model(entryComment) && a.model(entryCommentFR) && a.model("2.16.840.1.113883.10.20.1.40") &&
			code.Attr("code") == "48767-8" && code.Attr("codeSystem") == loinc &&
			a.e.First(cda.NS, "statusCode").Attr("code") == "completed" && len(a.all("text/reference")) > 0
		c.want(ok, "vaccination.comment", a, "")
	}
}

func (c *check) vaccination(v at) {
	negated := v.attr("negationInd")
	mood := v.attr("moodCode")
	c.want((negated == "true" || negated == "false") && v.attr("classCode") == "SBADM" && (mood == "EVN" || mood == "INT"), "vaccination.class", v, "")
	c.want(v.model("2.16.840.1.113883.10.20.1.24") && len(v.all("templateId")) > 1, "vaccination.models", v, "")
	c.count("vaccination.id", v, "id", v.all("id"), 1, 1)
	c.ids(v.all("id"))
	code := v.e.First(cda.NS, "code")
	_, known := nos.Lookup(nos.ImmunizationAct, code.Attr("code"))
	c.want(known && code.Attr("codeSystem") != "", "vaccination.act", at{path: v.below("code")}, "")
	status := v.all("statusCode")
	c.want(len(status) == 1 && status[0].attr("code") == "completed", "vaccination.status", at{path: v.below("statusCode")}, "")
	n := 0
	for _, r := range v.all("text/reference") {
		if r.has("value") {
			n++
		}
	}
	c.want(n == 1, "vaccination.text", at{path: v.below("text/reference")}, "")
	times := v.all("effectiveTime")
	c.count("vaccination.time", v, "effectiveTime", times, 1, 1)
	for _, t := range times {
		c.want(t.has("value") || t.null(), "vaccination.time", t, "a value is missing")
		c.moment(t)
	}
	c.product(v)
	for _, p := range v.all("performer") {
		c.want(p.attr("typeCode") == "PRF", "vaccination.people", p, "")
	}
	for _, a := range v.all("author") {
		c.want(a.attr("typeCode") == "AUT" && a.attr("contextControlCode") == "OP", "vaccination.people", a, "")
		for _, x := range a.all("assignedAuthor/code") {
			_, ok := nos.Lookup(nos.AuthorSpecialty, x.attr("code"))
			c.want(x.null() || ok && x.attr("codeSystem") != "", "vaccination.people", x, "the profession is not of JDV_J01")
		}
	}
	ranks, comments, orders := 0, 0, 0
	for _, r := range v.all("entryRelationship") {
		for _, x := range r.all("observation") {
			if r.attr("typeCode") == "SUBJ" && x.model(entryRankCCD) {
				ranks++
				c.want(x.e.First(cda.NS, "code").Attr("code") == "30973-2", "vaccination.rank", x, "the code is another")
			}
			if r.attr("typeCode") == "CAUS" && (x.model(entryProblem) || x.model(entryProblemFR)) {
				c.reaction(x)
			}
		}
		for _, x := range r.all("act") {
			if r.attr("typeCode") == "SUBJ" && x.model(entryComment) {
				comments++
			}
		}
		for _, x := range r.all("supply") {
			if r.attr("typeCode") == "REFR" && x.model("1.3.6.1.4.1.19376.1.5.3.1.4.7.3") {
				orders++
			}
		}
	}
	c.want(ranks < 2 && comments < 2 && orders < 2, "vaccination.more", v, "")
	for name, table := range map[string]*nos.Table{"routeCode": nos.ImmunizationRoute, "approachSiteCode": nos.ImmunizationSite} {
		for _, a := range v.all(name) {
			_, ok := nos.Lookup(table, a.attr("code"))
			c.want(a.null() || ok && a.attr("codeSystem") != "", "vaccination.codes", a, table.Name)
		}
	}
}

// reaction checks what was observed after a vaccination.
func (c *check) reaction(o at) {
	want := func(ok bool, path string) { c.want(ok, "vaccination.reaction", at{path: o.below(path)}, "") }
	want(o.attr("classCode") == "OBS" && o.attr("moodCode") == "EVN", "@classCode")
	want(o.model("2.16.840.1.113883.10.20.1.28") && o.model(entryProblem), "templateId")
	want(len(o.all("id")) == 1, "id")
	codes := o.all("code")
	want(len(codes) == 1 && codes[0].attr("code") != "" && codes[0].attr("codeSystem") != "", "code")
	references := o.all("text/reference")
	want(len(references) > 0 && references[0].has("value"), "text/reference")
	want(o.e.First(cda.NS, "statusCode").Attr("code") == "completed", "statusCode")
	low := o.all("effectiveTime/low")
	want(len(low) > 0 && (low[0].has("value") || low[0].attr("nullFlavor") == "UNK" || low[0].attr("nullFlavor") == "NAV"), "effectiveTime/low")
	values := o.all("value")
	ok := len(values) == 1
	for _, v := range values {
		ok = ok && (v.null() || typed(v.e) == "CD" && len(v.all("originalText")) == 1) && v.has("code") == v.has("codeSystem")
	}
	want(ok, "value")
}

func (c *check) product(v at) {
	found := v.all("consumable")
	ok := len(found) > 0 && found[0].attr("typeCode") == "CSM"
	for _, p := range v.all("consumable/manufacturedProduct") {
		ok = ok && p.model(entryProduct) && p.model("2.16.840.1.113883.10.20.1.53")
	}
	for _, m := range v.all("consumable/manufacturedProduct/manufacturedMaterial") {
		names := m.all("name")
		ok = ok && (len(names) == 1 || len(names) > 0 && names[0].attr("nullFlavor") == "NA")
	}
	codes := v.all("consumable/manufacturedProduct/manufacturedMaterial/code")
	ok = ok && len(codes) > 0
	for _, x := range codes {
		ok = ok && (x.null() || len(x.all("originalText/reference")) == 1) && (!x.has("codeSystem") || x.attr("codeSystem") == systemCIS)
	}
	c.want(ok, "vaccination.product", at{path: v.below("consumable")}, "")
}

// note checks a vaccination note.
func (c *check) note(d at) {
	ok := d.model(modelNoteIHE)
	n := 0
	for _, t := range d.all("templateId") {
		if t.attr("root") == modelNote && t.attr("extension") == "2023.01" {
			n++
		}
	}
	c.want(ok && n == 1, "note.models", at{path: "templateId"}, "")
	code := d.e.First(cda.NS, "code")
	c.want(code.Attr("code") == codeNote && code.Attr("codeSystem") == loinc, "note.code", at{path: "code"}, "")
	c.want(len(d.all("recordTarget/patientRole/patient/birthTime")) > 0, "note.birth", at{path: "recordTarget/patientRole/patient/birthTime"}, "")
	sections := d.modelled(sectionVaccines)
	c.want(len(sections) > 0, "note.section", at{path: "component/structuredBody"}, "")
	for _, s := range sections {
		made := s.modelled(entryVaccination)
		c.want(len(made) == 1, "note.one", s, strconv.Itoa(len(made))+" of them")
	}
	for _, v := range d.modelled(entryVaccination) {
		c.noted(v)
	}
}

// noted checks the vaccination of a note.
func (c *check) noted(v at) {
	c.want(!v.has("negationInd") || v.attr("negationInd") == "false", "note.done", v, "")
	times := v.all("effectiveTime")
	c.want(len(times) == 1 && len(times[0].attr("value")) == 8 && !times[0].null(), "note.date", at{path: v.below("effectiveTime")}, "")
	const material = "consumable/manufacturedProduct/manufacturedMaterial"
	cis, atc := false, false
	label := func(ok bool, path string) { c.want(ok, "note.label", at{path: path}, "displayName is missing") }
	for _, x := range v.all(material + "/code") {
		cis = cis || x.attr("codeSystem") == systemCIS
		label(!x.has("code") || x.has("displayName"), x.path)
		for _, t := range x.all("translation") {
			if t.attr("codeSystem") == "2.16.840.1.113883.6.73" {
				atc = true
				label(t.has("displayName"), t.path)
			}
		}
	}
	c.want(cis, "note.vaccine", at{path: v.below(material + "/code")}, "")
	c.want(atc, "note.atc", at{path: v.below(material + "/code/translation")}, "")
	c.want(len(v.all(material+"/lotNumberText")) > 0, "note.lot", at{path: v.below(material + "/lotNumberText")}, "")
	for _, path := range []string{"author", "author/assignedAuthor/id", "author/assignedAuthor/code", "author/assignedAuthor/assignedPerson/name"} {
		c.want(len(v.all(path)) > 0, "note.author", at{path: v.below(path)}, "missing")
	}
	for _, path := range []string{"code", "routeCode", "approachSiteCode", "author/assignedAuthor/code", "performer/assignedEntity/code"} {
		for _, x := range v.all(path) {
			label(x.null() || x.has("displayName"), x.path)
		}
	}
	for _, x := range v.all("entryRelationship/observation") {
		if !x.model(entryRank) {
			continue
		}
		status, value := x.e.First(cda.NS, "statusCode"), x.e.First(cda.NS, "value")
		c.want(status.Attr("code") == "completed" && value.Attr("value") != "" && typed(value) == "INT", "note.rank", x, "")
	}
}

// typed gives the local name of xsi:type.
func typed(e *xmltree.Element) string {
	v, _ := e.LookupAttr(xmltree.NSXSI, "type")
	if i := strings.LastIndexByte(v, ':'); i >= 0 {
		v = v[i+1:]
	}
	return strings.TrimSpace(v)
}
