package dmp

import (
	"strconv"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// Models of what a vaccination holds.
const (
	modelRank      = "1.2.250.1.213.1.1.3.82"
	modelRankCCD   = "2.16.840.1.113883.10.20.1.46"
	modelComment   = "1.3.6.1.4.1.19376.1.5.3.1.4.2"
	modelCommentFR = "1.2.250.1.213.1.1.3.32"
)

// maxParts is the most reactions and codes that are read of one vaccination.
const maxParts = 100

// vaccinationOf reads an entry FR-Vaccination.
func vaccinationOf(e *xmltree.Element, texts cda.Texts) Vaccination {
	v := Vaccination{
		ID: cda.IDOf(e.First("", "id")).String(), Kind: cda.CodeOf(e.First("", "code")).Code, Date: momentOf(e.First("", "effectiveTime")),
		Route: cda.CodeOf(e.First("", "routeCode")).Code, Site: cda.CodeOf(e.First("", "approachSiteCode")).Code,
		NotDone: e.Attr("negationInd") == "true",
		Vaccine: vaccineOf(e.Path("consumable", "manufacturedProduct", "manufacturedMaterial"), texts),
	}
	if s := e.First("", "statusCode").Attr("code"); s != "completed" {
		v.Status = s
	}
	if a := e.Path("author", "assignedAuthor"); a != nil {
		v.Author = participantOf(cda.EntityOf(a))
	}
	if p := e.Path("performer", "assignedEntity"); p != nil {
		v.Performer = participantOf(cda.EntityOf(p))
	}
	for r := range e.All("", "entryRelationship") {
		for o := range r.All("", "observation") {
			switch {
			case claims(o, modelRank, modelRankCCD):
				if n, err := strconv.Atoi(o.First("", "value").Attr("value")); err == nil && n > 0 {
					v.Rank = n
				}
			case r.Attr("typeCode") == "CAUS" && len(v.Reactions) < maxParts:
				v.Reactions = append(v.Reactions, reactionOf(o, texts))
			}
		}
		for a := range r.All("", "act") {
			if claims(a, modelComment, modelCommentFR) && v.Comment == "" {
				v.Comment = texts.Of(a.First("", "text"))
			}
		}
	}
	return v
}

// momentOf reads a date, or the beginning of a period.
func momentOf(e *xmltree.Element) Date { return dateOf(cda.IntervalOf(e).Low) }

func vaccineOf(m *xmltree.Element, texts cda.Texts) Vaccine {
	code := m.First("", "code")
	c := cda.CodeOf(code)
	name, _ := cda.Narrative(m.First("", "name"), 1000)
	lot, _ := cda.Narrative(m.First("", "lotNumberText"), 200)
	v := Vaccine{Name: name, Lot: lot}
	all := []socle.Code{c.Code}
	for _, t := range c.Translations {
		all = append(all, t.Code)
	}
	for _, c := range all {
		switch {
		case c.Code == "":
		case c.System == SystemCIS && v.CIS == "":
			v.CIS = c.Code
		case c.System == SystemATC && v.ATC.IsZero():
			v.ATC = c
		case c.System == SystemCIP && v.CIP == "":
			v.CIP = c.Code
		case len(v.Codes) < maxParts:
			v.Codes = append(v.Codes, c)
		}
	}
	if v.Name == "" {
		v.Name = c.Display
	}
	if v.Name == "" {
		v.Name = texts.Of(code.First("", "originalText"))
	}
	return v
}

func reactionOf(o *xmltree.Element, texts cda.Texts) Reaction {
	value := o.First("", "value")
	r := Reaction{Code: cda.CodeOf(value).Code, Date: momentOf(o.First("", "effectiveTime")), Text: texts.Of(value.First("", "originalText"))}
	if r.Text == "" {
		r.Text = texts.Of(o.First("", "text"))
	}
	return r
}
