package cisis

import (
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

// events checks the acts that the document documents.
func (c *check) events(d at) {
	all := slices.DeleteFunc(d.valued("documentationOf"), func(a at) bool { return len(a.all("serviceEvent")) == 0 })
	c.count("header.event", d, "documentationOf", all, 1, 1<<20)
	for i, a := range all {
		e, ok := c.one("header.event", a, "serviceEvent")
		if !ok {
			continue
		}
		times, performers := e.all("effectiveTime"), e.all("performer")
		least := 0
		if i == 0 {
			least = 1
		}
		c.count("header.event", e, "effectiveTime", times, least, 1)
		c.count("header.event", e, "performer", performers, least, 1)
		c.ids(e.all("id"))
		codes := e.all("code")
		c.count("header.eventcode", e, "code", codes, 0, 1)
		for _, x := range codes {
			c.code("header.eventcode", x, nil)
			coded := x.has("code") && x.has("codeSystem")
			c.want(coded != x.null() && (coded || !x.has("code") && !x.has("codeSystem")), "header.eventcode", x, "")
		}
		for _, t := range times {
			low := t.all("low")
			c.count("header.event", t, "effectiveTime/low", low, 1, 1)
			for _, l := range low {
				c.want(l.has("value"), "header.event", l, "a value is missing")
			}
			c.interval(t)
		}
		for _, p := range performers {
			c.performer(p)
		}
	}
}

func (c *check) performer(p at) {
	if p.attr("typeCode") != "PRF" {
		return
	}
	for _, f := range p.all("functionCode") {
		c.code("header.function", f, nil)
	}
	for _, t := range p.all("time") {
		c.interval(t)
	}
	entities := p.all("assignedEntity")
	c.count("header.performer", p, "assignedEntity", entities, 1, 1)
	for _, e := range entities {
		c.count("header.performer", e, "id", e.all("id"), 1, 1)
		c.entity(e)
		organizations := e.all("representedOrganization")
		c.count("header.performer", e, "representedOrganization", organizations, 1, 1)
		for _, o := range organizations {
			practices := o.valued("standardIndustryClassCode")
			c.count("header.practice", o, "standardIndustryClassCode", practices, 1, 1)
			for _, x := range practices {
				for _, name := range full {
					c.want(x.attr(name) != "", "header.practice", x, name+" is missing")
				}
			}
		}
	}
}

// encounter checks the care during which the document was made.
func (c *check) encounter(d at) {
	all := slices.DeleteFunc(d.valued("componentOf"), func(a at) bool { return len(a.all("encompassingEncounter")) == 0 })
	c.count("header.encounter", d, "componentOf/encompassingEncounter", all, 1, 1)
	if len(all) == 0 {
		return
	}
	e, ok := c.one("header.encounter", all[0], "encompassingEncounter")
	if !ok {
		return
	}
	c.ids(e.all("id"))
	codes := e.all("code")
	c.count("header.encounter", e, "code", codes, 0, 1)
	for _, x := range codes {
		c.code("header.encounter", x, nos.Encounter, full...)
	}
	times := e.all("effectiveTime")
	c.count("header.encounter", e, "effectiveTime", times, 1, 1)
	for _, t := range times {
		c.interval(t)
	}
	responsible := e.all("responsibleParty")
	c.count("header.encounter", e, "responsibleParty", responsible, 0, 1)
	for _, p := range append(responsible, e.all("encounterParticipant")...) {
		entities := p.all("assignedEntity")
		c.count("header.encounter", p, "assignedEntity", entities, 1, 1)
		for _, x := range entities {
			n := 0
			for _, id := range x.all("id") {
				if id.attr("root") == socle.OIDPerson {
					n++
					c.want(id.attr("extension") != "", "header.encounter", id, "an extension is missing")
				}
			}
			c.want(n == 1, "header.encounter", at{path: x.below("id")}, "one national identifier is expected")
			for _, practice := range x.all("representedOrganization/standardIndustryClassCode") {
				c.want(practice.null() || practice.attr("displayName") != "", "header.practice", practice, "displayName is missing")
			}
			c.entity(x)
		}
	}
	places := e.all("location/healthCareFacility")
	c.count("header.facility", e, "location/healthCareFacility", places, 1, 1)
	for _, f := range places {
		if x, ok := c.one("header.facility", f, "code"); ok {
			c.code("header.facility", x, nos.HealthcareFacility, full...)
		}
		c.ids(f.all("id"))
		for _, l := range f.all("location") {
			c.reach(l)
		}
	}
}
