package cisis

import (
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

// people checks all those who take part in the document, but the patient.
func (c *check) people(d at) {
	authors := slices.DeleteFunc(d.valued("author"), func(a at) bool { return len(a.all("assignedAuthor")) == 0 })
	c.count("header.author", d, "author", authors, 1, 1<<20)
	for _, a := range authors {
		c.author(a)
	}
	c.count("header.author", d, "dataEnterer", d.all("dataEnterer"), 0, 1)
	for _, a := range d.all("informant") {
		c.informant(a)
	}
	c.custodian(d)
	for _, a := range d.all("informationRecipient") {
		roles := a.all("intendedRecipient")
		c.count("header.recipient", a, "intendedRecipient", roles, 1, 1)
		for _, r := range roles {
			c.count("header.recipient", r, "informationRecipient", r.all("informationRecipient"), 0, 1)
			c.count("header.recipient", r, "receivedOrganization", r.all("receivedOrganization"), 0, 1)
			c.ids(r.all("id"))
			for _, id := range r.all("id") {
				c.want(id.attr("root") != socle.OIDPerson || id.attr("extension") != "", "header.recipient", id, "an extension is missing")
			}
			c.reach(r)
			c.persons(r.all("informationRecipient"), false)
			for _, o := range r.all("receivedOrganization") {
				c.structure(o)
			}
		}
	}
	var signed []at
	for _, a := range d.all("legalAuthenticator") {
		if a.e.First("", "signatureCode").Attr("code") == "S" {
			signed = append(signed, a)
		}
	}
	c.count("header.legal", d, "legalAuthenticator[signatureCode/@code='S']", signed, 1, 1)
	for _, a := range signed {
		c.signature("header.legal", a, "")
	}
	for _, a := range d.all("authenticator") {
		if a.e.First("", "signatureCode").Attr("code") == "S" {
			c.signature("header.authenticator", a, socle.OIDPerson)
		}
	}
	for _, a := range d.all("participant") {
		c.participant(a)
	}
}

func (c *check) author(a at) {
	functions := a.all("functionCode")
	c.count("header.function", a, "functionCode", functions, 0, 1)
	for _, f := range functions {
		c.code("header.function", f, nos.Function, "code", "codeSystem")
	}
	times := a.all("time")
	c.count("header.author", a, "time", times, 1, 1)
	for _, t := range times {
		c.want(t.has("value"), "header.author", t, "a value is missing")
		c.moment(t)
	}
	role, ok := c.one("header.author", a, "assignedAuthor")
	if !ok {
		return
	}
	ids := role.all("id")
	c.count("header.author", role, "id", ids, 1, 1<<20)
	c.ids(ids)
	for _, id := range ids {
		c.want(id.attr("root") != "" && id.attr("extension") != "", "header.author", id, "a root and an extension are expected")
	}
	c.role(role, full...)
	c.reach(role)
	persons, devices := role.all("assignedPerson"), role.all("assignedAuthoringDevice")
	c.want(len(persons)+len(devices) <= 1, "header.author", role, "more than one person or device")
	c.persons(persons, true)
	for _, v := range devices {
		c.want(len(v.all("manufacturerModelName")) == 1 && len(v.all("softwareName")) == 1, "header.device", v, "")
	}
	organizations := role.all("representedOrganization")
	c.count("header.organization", role, "representedOrganization", organizations, 0, 1)
	for _, o := range organizations {
		c.structure(o)
	}
}

// role checks the profession of a role, and that it has one.
func (c *check) role(a at, demanded ...string) {
	codes := a.all("code")
	c.count("header.role", a, "code", codes, 0, 1)
	for _, x := range codes {
		c.code("header.role", x, nos.AuthorSpecialty, demanded...)
	}
}

// persons checks the names of a person, of which there is one at most. named
// tells that a name is mandatory.
func (c *check) persons(all []at, named bool) {
	for i, p := range all {
		c.want(i == 0, "header.name", p, "more than one person")
		names := p.all("name")
		full := 0
		for _, n := range names {
			if len(n.all("family")) == 0 {
				continue
			}
			full++
			c.count("header.name", n, "family", n.all("family"), 1, 1)
			c.count("header.name", n, "given", n.all("given"), 0, 1)
			c.count("header.name", n, "prefix", n.all("prefix"), 0, 1)
			c.count("header.name", n, "suffix", n.all("suffix"), 0, 1)
		}
		if named {
			c.want(full == 1, "header.name", at{path: p.below("name")}, "one name with a family name is expected")
		}
		for _, n := range names {
			for _, x := range n.all("prefix") {
				_, ok := nos.Lookup(nos.Civility, x.e.Text())
				c.want(ok, "header.name", x, "the prefix is not of JDV_J245")
			}
			for _, x := range n.all("suffix") {
				_, ok := nos.Lookup(nos.Title, x.e.Text())
				c.want(ok, "header.name", x, "the suffix is not of JDV_J246")
			}
		}
	}
}

// entity checks an assignedEntity and what it represents.
func (c *check) entity(a at) {
	c.ids(a.all("id"))
	c.role(a)
	c.reach(a)
	c.persons(a.all("assignedPerson"), true)
	organizations := a.all("representedOrganization")
	c.count("header.organization", a, "representedOrganization", organizations, 0, 1)
	for _, o := range organizations {
		c.structure(o)
		for _, x := range o.all("standardIndustryClassCode") {
			c.code("header.practice", x, nos.PracticeSetting)
		}
		c.count("header.organization", o, "standardIndustryClassCode", o.all("standardIndustryClassCode"), 0, 1)
	}
}

func (c *check) informant(a at) {
	professionals, related := a.all("assignedEntity"), a.all("relatedEntity")
	c.want(len(professionals)+len(related) == 1, "header.informant", a, "")
	for _, e := range professionals {
		c.count("header.informant", e, "id", e.all("id"), 1, 1)
		c.entity(e)
	}
	for _, e := range related {
		c.want(slices.Contains([]string{"ECON", "NOK", "CON", "CAREGIVER", "PAT"}, e.attr("classCode")), "header.informant", e, "the classCode is not known")
		for _, x := range e.all("code") {
			c.code("header.informant", x, nil, full...)
		}
		c.reach(e)
		persons := e.all("relatedPerson")
		c.count("header.informant", e, "relatedPerson", persons, 1, 1)
		c.persons(persons, true)
	}
}

func (c *check) custodian(d at) {
	found := slices.DeleteFunc(d.valued("custodian"), func(a at) bool { return len(a.all("assignedCustodian")) == 0 })
	c.count("header.custodian", d, "custodian", found, 1, 1)
	for _, a := range found {
		o := a.all("assignedCustodian/representedCustodianOrganization")
		c.count("header.custodian", a, "assignedCustodian/representedCustodianOrganization", o, 1, 1)
		if len(o) == 0 {
			continue
		}
		c.structure(o[0])
		if id, ok := c.one("header.custodian", o[0], "id"); ok {
			root := id.attr("root")
			c.want(root == socle.OIDStructure || root == "1.2.250.1.213.4.1", "header.custodian", id, "the root is neither that of the structures nor that of the DMP")
		}
		c.want(len(o[0].all("telecom")) <= 1 && len(o[0].all("addr")) <= 1, "header.custodian", o[0], "one address and one telecommunication address at most")
	}
}

// signature checks an authenticator; root is that of the identifier it must have.
func (c *check) signature(rule string, a at, root string) {
	times := a.all("time")
	c.count(rule, a, "time", times, 1, 1)
	for _, t := range times {
		c.want(t.has("value"), rule, t, "a value is missing")
		c.moment(t)
	}
	entities := a.all("assignedEntity")
	c.count(rule, a, "assignedEntity", entities, 1, 1)
	for _, e := range entities {
		ids := slices.DeleteFunc(e.valued("id"), func(id at) bool { return root != "" && id.attr("root") != root })
		c.count(rule, e, "id", ids, 1, 1)
		for _, id := range ids {
			c.want(id.attr("root") != "" && id.attr("extension") != "", rule, id, "a root and an extension are expected")
		}
		c.entity(e)
	}
}

// participations are the types of JDV_J144.
var participations = []string{"REF", "REFB", "INF", "RESP", "PRF", "CON", "VRF"}

func (c *check) participant(a at) {
	c.want(slices.Contains(participations, a.attr("typeCode")), "header.participant", a, "the typeCode is not of JDV_J144")
	for _, f := range a.all("functionCode") {
		c.code("header.function", f, nos.Function)
	}
	times := a.all("time")
	c.count("header.participant", a, "time", times, 1, 1)
	for _, t := range times {
		c.interval(t)
	}
	entities := a.all("associatedEntity")
	c.count("header.participant", a, "associatedEntity", entities, 1, 1)
	for _, e := range entities {
		class := e.attr("classCode")
		c.want(class == "PROV" || class == "AGNT", "header.participant", e, "the classCode is neither PROV nor AGNT")
		ids := e.all("id")
		c.count("header.participant", e, "id", ids, 0, 1)
		for _, id := range ids {
			c.want(id.attr("root") != "" && id.attr("extension") != "", "header.participant", id, "a root and an extension are expected")
		}
		c.ids(ids)
		c.role(e, full...)
		c.reach(e)
		c.persons(e.all("associatedPerson"), len(e.all("associatedPerson/name")) > 0)
		for _, o := range e.all("scopingOrganization") {
			c.structure(o)
			for _, x := range o.all("standardIndustryClassCode") {
				c.code("header.practice", x, nil)
			}
		}
	}
}
