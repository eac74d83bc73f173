package ordonnance

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// nsPharm is the namespace of the pharmacy extension in documents. The
// published schematrons declare another one, urn:ihe:pharm: both are read.
const (
	nsPharm           = "urn:ihe:pharm:medication"
	nsPharmSchematron = "urn:ihe:pharm"
)

var modes = map[string]Mode{
	"1.3.6.1.4.1.19376.1.5.3.1.4.7.1": ModeNormal,
	"1.3.6.1.4.1.19376.1.5.3.1.4.8":   ModeTapered,
	"1.3.6.1.4.1.19376.1.5.3.1.4.9":   ModeSplit,
	"1.3.6.1.4.1.19376.1.5.3.1.4.10":  ModeConditional,
	"1.3.6.1.4.1.19376.1.5.3.1.4.11":  ModeCombined,
	"1.3.6.1.4.1.19376.1.5.3.1.4.21":  ModeDelayed,
}

func (r *reader) drugLine(e *xmltree.Element) Line {
	l, target := r.common(e)
	d := &Drug{Product: r.product(e.Path("consumable", "manufacturedProduct", "manufacturedMaterial"))}
	if d.Product.Name == "" {
		d.Product.Name = l.Text
	}
	if l.Text == "" {
		l.Text = d.Product.Name
	}
	for t := range e.All("", "templateId") {
		if m, ok := modes[t.Attr("root")]; ok {
			d.Mode = m
		}
	}
	d.Dosing = r.dosing(e, target)
	steps := 0
	for rel := range e.All("", "entryRelationship") {
		if hasTemplate(rel.First("", "substanceAdministration"), entrySubordinate) {
			steps++
		}
		if a := rel.First("", "act"); hasTemplate(a, entrySubstitution) {
			d.Substitution = r.substitution(a.First("", "code"))
		}
	}
	if several := d.Mode != ModeNormal && d.Mode != ModeDelayed; d.Mode == "" || several != (steps > 0) {
		r.note(RuleMode, "administration mode %q with %d subordinate entries", d.Mode, steps)
	}
	if c := e.Path("precondition", "criterion", "text"); c != nil {
		var found *xmltree.Element
		if d.Precondition, found = r.reference(c); found == nil && d.Precondition == "" {
			d.Precondition = r.words.near(target, "precond")
		}
	}
	l.Drug = d
	return l
}

func (r *reader) product(m *xmltree.Element) Product {
	var p Product
	c := cda.CodeOf(m.First("", "code"))
	p.Codes = codes(c)
	p.Name = words(m.First("", "name"))
	ns := nsPharm
	if m.First(ns, "formCode") == nil && m.First(nsPharmSchematron, "formCode") != nil {
		ns = nsPharmSchematron
	}
	p.Form = codeOf(m.First(ns, "formCode"))
	for k := range m.All(ns, "asSpecializedKind") {
		if atc := codeOf(k.First(ns, "generalizedMedicineClass").First(ns, "code")); atc.Code != "" {
			p.Codes = append(p.Codes, atc)
		}
	}
	for i := range m.All(ns, "ingredient") {
		in := i.First(ns, "ingredient")
		g := Ingredient{Name: words(in.First(ns, "name")), Code: codeOf(in.First(ns, "code"))}
		if q := i.First(ns, "quantity"); q != nil {
			g.Strength = ratioOf(q)
		}
		p.Ingredients = append(p.Ingredients, g)
	}
	p.Compounded = len(p.Codes) == 0 && c.Null == "NA"
	return p
}

func codeOf(e *xmltree.Element) socle.Code {
	return socle.Code{Code: strings.TrimSpace(e.Attr("code")), System: e.Attr("codeSystem"), Display: e.Attr("displayName")}
}

// ratioOf reads numerator and denominator, which are in the namespace of CDA
// even below an element of the pharmacy extension.
func ratioOf(e *xmltree.Element) *Ratio {
	n, d := quantityOf(e.First(cda.NS, "numerator")), quantityOf(e.First(cda.NS, "denominator"))
	if n == nil || d == nil {
		return nil
	}
	return &Ratio{*n, *d}
}

func (r *reader) substitution(c *xmltree.Element) Substitution {
	s := Substitution{Code: strings.TrimSpace(c.Attr("code"))}
	if o := c.First("", "originalText"); o != nil {
		s.Text, _ = r.reference(o)
	}
	if s.Refused() {
		s.Motive = motiveOf(s.Text)
		if s.Text == "" {
			r.note(RuleMotive, "substitution is refused without a motive")
		}
	}
	return s
}

// motiveOf finds a motive in the prescriber's words.
func motiveOf(text string) Motive {
	t := plain(text)
	abbreviated := func(a string) bool {
		return slices.Contains(strings.FieldsFunc(t, func(r rune) bool { return r < 'a' || r > 'z' }), a)
	}
	switch {
	case t == "":
		return ""
	case strings.Contains(t, "marge therapeutique") || abbreviated("mte"):
		return MotiveMargin
	case strings.Contains(t, "forme galenique") || abbreviated("efg"):
		return MotiveChild
	case strings.Contains(t, "contre-indication") || strings.Contains(t, "contre indication") || abbreviated("cif"):
		return MotiveContraindication
	}
	return MotiveOther
}

func (r *reader) dosing(e, target *xmltree.Element) Dosing {
	d := Dosing{Structured: hasTemplate(e, entryStructured)}
	d.Route = r.worded(e.First("", "routeCode"))
	d.Site = r.worded(e.First("", "approachSiteCode"))
	for m := range e.All("", "maxDoseQuantity") {
		if ratio := ratioOf(m); ratio != nil {
			d.Max = append(d.Max, *ratio)
		}
	}
	if s := r.step(e); len(s.Timing) > 0 || s.Dose != nil || s.Rate != nil {
		d.Steps = append(d.Steps, s)
	}
	for rel := range e.All("", "entryRelationship") {
		sub := rel.First("", "substanceAdministration")
		if sub == nil {
			continue
		}
		s := r.step(sub)
		s.Sequence, _ = strconv.Atoi(strings.TrimSpace(rel.First("", "sequenceNumber").Attr("value")))
		if c := sub.Path("precondition", "criterion", "text"); c != nil {
			s.Condition, _ = r.reference(c)
		}
		d.Steps = append(d.Steps, s)
	}
	slices.SortStableFunc(d.Steps, func(a, b DoseStep) int { return cmp.Compare(a.Sequence, b.Sequence) })
	if d.Text = column(target, "posologie"); d.Text == "" {
		d.Text = r.words.near(target, "poso")
	}
	if d.Text == "" {
		d.Text = d.inWords()
	}
	return d
}

// worded reads a code; its words stand in for a missing display name.
func (r *reader) worded(e *xmltree.Element) socle.Code {
	if e == nil {
		return socle.Code{}
	}
	c := codeOf(e)
	if o := e.First("", "originalText"); o != nil {
		if w, _ := r.reference(o); c.Display == "" {
			c.Display = w
		}
	}
	return c
}

func (r *reader) step(e *xmltree.Element) DoseStep {
	var s DoseStep
	for t := range e.All("", "effectiveTime") {
		switch kind := xsiType(t); {
		case kind == "SXPR_TS":
			s.Timing = append(s.Timing, r.expression(t))
		case kind == "IVL_TS" || kind == "":
			if hasTemplate(e, entrySubordinate) { // of the line itself it is the treatment's period
				s.Timing = append(s.Timing, r.timing(t))
			}
		default:
			s.Timing = append(s.Timing, r.timing(t))
		}
	}
	s.Dose, s.Rate = r.rangeOf(e.First("", "doseQuantity")), r.rangeOf(e.First("", "rateQuantity"))
	return s
}

// expression reads the parts of an SXPR_TS into one Timing; a second part of
// the same kind is left to its words.
func (r *reader) expression(e *xmltree.Element) Timing {
	var t Timing
	for c := range e.All("", "comp") {
		part := r.timing(c)
		if t.Period.IsZero() {
			t.Period = part.Period
		}
		for _, f := range []struct{ to, from **Quantity }{{&t.Width, &part.Width}, {&t.Every, &part.Every}, {&t.Offset, &part.Offset}} {
			if *f.to == nil {
				*f.to = *f.from
			}
		}
		if t.Event == "" {
			t.Event = part.Event
		}
		if t.Text == "" {
			t.Text = part.Text
		}
	}
	return t
}

// timing reads an IVL_TS, PIVL_TS or EIVL_TS.
func (r *reader) timing(e *xmltree.Element) Timing {
	var t Timing
	switch xsiType(e) {
	case "PIVL_TS":
		t.Every = quantityOf(e.First("", "period"))
		t.Period = periodOf(cda.IntervalOf(e.First("", "phase")))
		t.Text = r.original(e.First("", "period"))
	case "EIVL_TS":
		t.Event = strings.TrimSpace(e.First("", "event").Attr("code"))
		if o := e.First("", "offset"); o != nil {
			if t.Offset = quantityOf(o.First("", "low")); t.Offset == nil {
				t.Offset = quantityOf(o)
			}
			t.Text = r.original(o)
		}
	default:
		t.Period = periodOf(cda.IntervalOf(e))
		t.Width = quantityOf(e.First("", "width"))
		t.Text = r.original(e.First("", "width"))
	}
	return t
}

// original gives the words of a quantity, in its translation.
func (r *reader) original(e *xmltree.Element) string {
	if o := e.Path("translation", "originalText"); o != nil {
		w, _ := r.reference(o)
		return w
	}
	return ""
}

func (r *reader) rangeOf(e *xmltree.Element) *Range {
	if e == nil {
		return nil
	}
	g := &Range{Low: quantityOf(e.First("", "low")), High: quantityOf(e.First("", "high")),
		LowText: r.original(e.First("", "low")), HighText: r.original(e.First("", "high"))}
	if g.Low == nil && g.High == nil {
		if q := quantityOf(e); q != nil {
			g.Low, g.High = q, q
		}
	}
	if *g == (Range{}) {
		return nil
	}
	return g
}

// inWords gives the prescriber's words for the steps, one step a line.
func (d Dosing) inWords() string {
	var lines []string
	for _, s := range d.Steps {
		var parts []string
		for _, t := range s.Timing {
			parts = append(parts, t.Text)
		}
		for _, g := range []*Range{s.Dose, s.Rate} {
			if g != nil {
				parts = append(parts, g.inWords())
			}
		}
		parts = append(parts, s.Condition)
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
		if len(parts) > 0 {
			lines = append(lines, strings.Join(parts, ", "))
		}
	}
	return strings.Join(lines, "\n")
}

func (g Range) inWords() string {
	switch {
	case g.LowText == "" || g.HighText == "" || g.LowText == g.HighText:
		return cmp.Or(g.LowText, g.HighText)
	}
	return g.LowText + " à " + g.HighText
}
