package cisis

import (
	"regexp"
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

var (
	language = regexp.MustCompile(`^[a-z]{2}-[A-Z]{2}$`)
	integer  = regexp.MustCompile(`^\d+$`)
)

// confidentialities are those of HL7 (2.16.840.1.113883.1.11.10228).
var confidentialities = []string{"L", "M", "N", "R", "U", "V"}

func (c *check) header(d at) {
	c.top(d)
	c.patient(d)
	c.people(d)
	c.events(d)
	c.encounter(d)
	body := d.all("component")
	c.count("header.body", d, "component", body, 1, 1)
	for _, b := range body {
		c.want(len(b.all("structuredBody"))+len(b.all("nonXMLBody")) > 0, "header.body", b, "it is empty")
	}
}

func (c *check) top(d at) {
	realm, kind := 0, 0
	for _, a := range d.all("realmCode") {
		if a.attr("code") == "FR" {
			realm++
		}
	}
	for _, a := range d.all("typeId") {
		if a.attr("root") == "2.16.840.1.113883.1.3" && a.attr("extension") == "POCD_HD000040" {
			kind++
		}
	}
	c.want(realm == 1 && kind == 1, "header.realm", d, "")
	c.want(!d.has("classCode") || d.attr("classCode") == "DOCCLIN", "header.realm", d, "classCode is not DOCCLIN")
	c.want(!d.has("moodCode") || d.attr("moodCode") == "EVN", "header.realm", d, "moodCode is not EVN")

	models := d.all("templateId")
	c.ids(models)
	n := map[string]int{}
	for _, a := range models {
		n[a.attr("root")]++
	}
	ok := n[modelFrance] == 1 && n[modelCISIS] == 1 && len(models) > 2
	c.want(ok, "header.models", at{path: "templateId"}, "")
	if len(d.all("component/nonXMLBody")) > 0 {
		c.want(len(models) == 3 && n[modelFile] > 0, "header.file", at{path: "templateId"}, "")
	}

	if a, ok := c.one("header.id", d, "id"); ok {
		c.id(a)
	}
	if a, ok := c.one("header.code", d, "code"); ok {
		c.code("header.code", a, nos.TypeCode, full...)
	}
	if a, ok := c.one("header.title", d, "title"); ok {
		c.want(a.e.Trimmed() != "", "header.title", a, "it is empty")
	}
	if a, ok := c.one("header.time", d, "effectiveTime"); ok {
		c.want(a.has("value"), "header.time", a, "a value is missing")
		c.moment(a)
	}
	if a, ok := c.one("header.confidentiality", d, "confidentialityCode"); ok {
		c.code("header.confidentiality", a, nil, full...)
		code := a.attr("code")
		c.want(code == "" || slices.Contains(confidentialities, code), "header.confidentiality", a, "the code is not a level of HL7")
	}
	if a, ok := c.one("header.language", d, "languageCode"); ok {
		c.want(language.MatchString(a.attr("code")), "header.language", a, "")
	}
	if a, ok := c.one("header.version", d, "setId"); ok {
		c.id(a)
	}
	if a, ok := c.one("header.version", d, "versionNumber"); ok {
		c.want(integer.MatchString(a.attr("value")), "header.version", a, "an integer is expected")
	}
	var replaced []at
	for _, a := range d.all("relatedDocument") {
		if a.attr("typeCode") == "RPLC" {
			replaced = append(replaced, a)
		}
	}
	c.count("header.replaces", d, "relatedDocument", replaced, 0, 1)
	for _, a := range replaced {
		if p, ok := c.one("header.replaces", a, "parentDocument"); ok {
			if id, ok := c.one("header.replaces", p, "id"); ok {
				c.id(id)
			}
		}
	}
	for _, a := range d.all("inFulfillmentOf") {
		orders := a.all("order")
		c.count("header.order", a, "order", orders, 1, 1)
		for _, o := range orders {
			c.count("header.order", o, "id", o.all("id"), 1, 1)
			c.ids(o.all("id"))
		}
	}
	for _, a := range d.all("authorization") {
		consents := a.all("consent")
		done := slices.DeleteFunc(slices.Clone(consents), func(x at) bool {
			s := x.all("statusCode")
			return len(s) != 1 || s[0].attr("code") != "completed" && !s[0].null()
		})
		if len(consents) == 0 {
			continue
		}
		c.count("header.consent", a, "consent", done, 1, 1)
		for _, x := range done {
			codes := x.all("code")
			c.count("header.consent", x, "code", codes, 1, 1)
			for _, y := range codes {
				c.code("header.consent", y, nil)
			}
		}
	}
}

var insRoots = []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}

func (c *check) patient(d at) {
	target, ok := c.one("header.patient", d, "recordTarget")
	if !ok {
		return
	}
	roles := target.all("patientRole")
	c.count("header.patient", target, "patientRole", roles, 1, 1)
	if len(roles) == 0 {
		return
	}
	role := roles[0]
	ids := role.valued("id")
	c.count("header.patient", role, "id", ids, 1, 1<<20)
	c.ids(role.all("id"))
	c.reach(role)
	ins := false
	for _, a := range ids {
		c.want(a.attr("root") != "" && a.attr("extension") != "", "header.patient", a, "a root and an extension are expected")
		ins = ins || slices.Contains(insRoots, a.attr("root"))
	}
	who, ok := c.one("header.patient", role, "patient")
	if !ok {
		return
	}
	if ins {
		c.traits(who)
	} else {
		c.add("header.ins", role.below("id"), "")
	}
	if name, ok := c.one("header.name", who, "name"); ok {
		c.patientName(name)
	}
	genders := who.all("administrativeGenderCode")
	c.count("header.gender", who, "administrativeGenderCode", genders, 1, 1)
	for _, g := range genders {
		c.code("header.gender", g, nil)
		c.want(slices.Contains([]string{"M", "F", "UN"}, g.attr("code")), "header.gender", g, "")
	}
	births := who.all("birthTime")
	c.count("header.birth", who, "birthTime", births, 1, 1)
	for _, b := range births {
		c.want(b.has("value"), "header.birth", b, "a value is missing")
		c.moment(b)
	}
	for _, g := range who.all("guardian") {
		persons, organizations := g.all("guardianPerson"), g.all("guardianOrganization")
		c.want(len(persons)+len(organizations) == 1, "header.guardian", g, "")
		c.ids(g.all("id"))
		c.reach(g)
		for _, p := range persons {
			c.want(len(p.all("name")) == 1 && len(p.all("name/family")) > 0, "header.guardian", p, "one name with a family name is expected")
		}
	}
	places := who.all("birthplace/place")
	c.count("header.birth", who, "birthplace/place", places, 0, 1)
	for _, p := range places {
		c.reach(p)
	}
}

// traits demands what identifies the patient when there is an INS.
func (c *check) traits(who at) {
	qualified := func(path, q string) bool {
		return slices.ContainsFunc(who.all(path), func(a at) bool { return a.attr("qualifier") == q })
	}
	for _, t := range []struct {
		ok   bool
		path string
	}{
		{qualified("name/family", "BR"), "name/family[@qualifier='BR']"},
		{qualified("name/given", "BR"), "name/given[@qualifier='BR']"},
		{slices.ContainsFunc(who.all("name/given"), func(a at) bool { return !a.has("qualifier") }), "name/given[not(@qualifier)]"},
		{len(who.all("birthTime")) > 0, "birthTime"},
		{len(who.all("birthplace/place/addr/county")) > 0, "birthplace/place/addr/county"},
		{slices.ContainsFunc(who.all("administrativeGenderCode"), func(a at) bool { return a.has("code") }), "administrativeGenderCode"},
	} {
		c.want(t.ok, "header.traits", at{path: who.below(t.path)}, "missing")
	}
}

func (c *check) patientName(name at) {
	for _, part := range []string{"given", "family"} {
		found := name.valued(part)
		c.want(len(found) > 0, "header.name", at{path: name.below(part)}, "missing")
		for _, a := range found {
			q := a.attr("qualifier")
			switch {
			case part == "family" && !a.has("qualifier"):
				c.add("header.name", a.path, "a family name of a patient has a qualifier, BR or CL")
			case a.has("qualifier") && q != "BR" && q != "CL":
				c.add("header.name", a.path, "the qualifier is neither BR nor CL")
			}
		}
	}
	c.count("header.name", name, "prefix", name.all("prefix"), 0, 1)
	c.count("header.name", name, "suffix", name.all("suffix"), 0, 1)
}

// structure demands the value of a national identifier of an organization.
func (c *check) structure(o at) {
	c.ids(o.all("id"))
	for _, id := range o.all("id") {
		if id.attr("root") == socle.OIDStructure {
			c.want(id.attr("extension") != "", "header.organization", id, "the identifier has no extension")
		}
	}
	c.count("header.organization", o, "name", o.all("name"), 0, 1)
	c.reach(o)
}
