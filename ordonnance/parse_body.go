package ordonnance

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// Templates of sections and entries (ordonnance.md §5.4, §5.5).
const (
	sectionCode2D    = "1.2.250.1.213.1.1.2.223"
	sectionDrugs     = "1.2.250.1.213.1.1.2.171"
	sectionDevices   = "1.2.250.1.213.1.1.2.222"
	sectionComment   = "1.2.250.1.213.1.1.2.73"
	sectionVitals    = "1.2.250.1.213.1.1.2.75"
	sectionPregnancy = "1.2.250.1.213.1.1.2.77"
	sectionPDF       = "1.2.250.1.213.1.1.2.243"

	entryDevice       = "1.2.250.1.213.1.1.3.20"
	entryStructured   = "1.3.6.1.4.1.19376.1.9.1.3.6"
	entrySubordinate  = "1.2.250.1.213.1.1.3.83.1"
	entryQuantity     = "1.2.250.1.213.1.1.3.86"
	entrySubstitution = "1.2.250.1.213.1.1.3.87"

	loincWeight       = "29463-7"
	loincHeight       = "8302-2"
	loincPregnancy    = "11449-6"
	snomedPregnancy   = "77386006" // pregnancy under way
	codePatientNote   = "PINSTRUCT"
	codeDispenserNote = "FINSTRUCT"
	codeALD           = "MED-574"
	codeWorkAccident  = "GEN-180"
	codePrevention    = "GEN-295"
	codeNotCovered    = "GEN-181"
	codeOffLabel      = "GEN-179"
)

func hasTemplate(e *xmltree.Element, root string) bool {
	for t := range e.All("", "templateId") {
		if t.Attr("root") == root {
			return true
		}
	}
	return false
}

func (r *reader) body() error {
	body := r.doc.XML.Root.Path("component", "structuredBody")
	if body == nil {
		return errNoLine
	}
	r.words = newNarrative(body)
	for c := range body.All("", "component") {
		s := c.First("", "section")
		switch {
		case hasTemplate(s, sectionCode2D):
			r.p.Code2D = r.attachment(media(s))
		case hasTemplate(s, sectionPDF):
			r.p.PDF = r.attachment(media(s))
		case hasTemplate(s, sectionDrugs):
			for e := range s.All("", "entry") {
				if a := e.First("", "substanceAdministration"); a != nil {
					if err := r.add(r.drugLine, a); err != nil {
						return err
					}
				}
			}
		case hasTemplate(s, sectionDevices):
			for e := range s.All("", "entry") {
				if a := e.First("", "supply"); hasTemplate(a, entryDevice) {
					if err := r.add(r.deviceLine, a); err != nil {
						return err
					}
				}
			}
		case hasTemplate(s, sectionComment):
			r.p.Comment = words(s.First("", "text"))
		case hasTemplate(s, sectionVitals):
			r.vitals(s)
		case hasTemplate(s, sectionPregnancy):
			r.pregnancy(s)
		}
	}
	if len(r.p.Lines) == 0 {
		return errNoLine
	}
	r.line = 0
	r.lineIDs()
	return nil
}

// media gives the value of the first observationMedia below e.
func media(e *xmltree.Element) *xmltree.Element {
	for d := range e.Descendants() {
		if d.Is(cda.NS, "observationMedia") {
			return d.First("", "value")
		}
	}
	return nil
}

func (r *reader) add(read func(*xmltree.Element) Line, e *xmltree.Element) error {
	if len(r.p.Lines) == maxLines {
		return fmt.Errorf("the prescription has more than %d lines", maxLines)
	}
	r.line = len(r.p.Lines) + 1
	l := read(e)
	l.Index = r.line
	r.p.Lines = append(r.p.Lines, l)
	return nil
}

// lineIDs tells which lines cannot be told apart by their identifiers.
func (r *reader) lineIDs() {
	first := make(map[string]int)
	for _, l := range r.p.Lines {
		if l.ID == "" {
			r.p.Findings = append(r.p.Findings, Finding{Rule: RuleLineID, Line: l.Index, Text: "the line has no identifier"})
		} else if i, dup := first[l.ID]; dup {
			r.p.Findings = append(r.p.Findings, Finding{Rule: RuleLineID, Line: l.Index, Text: fmt.Sprintf("the line has the identifier of line %d", i)})
		} else {
			first[l.ID] = l.Index
		}
	}
}

// common reads what drugs and devices share.
func (r *reader) common(e *xmltree.Element) (Line, *xmltree.Element) {
	var l Line
	for id := range e.All("", "id") {
		if v := cda.IDOf(id); !v.IsZero() {
			l.ID = v.String()
			break
		}
	}
	var target *xmltree.Element
	l.Text, target = r.reference(e.First("", "text"))
	for t := range e.All("", "effectiveTime") {
		if xsiType(t) == "IVL_TS" || xsiType(t) == "" {
			l.Period = periodOf(cda.IntervalOf(t))
			break
		}
	}
	if n := e.First("", "repeatNumber"); n != nil {
		if v, err := strconv.Atoi(strings.TrimSpace(n.Attr("value"))); err == nil && v >= 0 && v <= math.MaxInt32 {
			l.Repeats = &v
		}
	}
	r.relations(e, &l)
	return l, target
}

// relations reads the flags and notes of a line.
func (r *reader) relations(e *xmltree.Element, l *Line) {
	flags := map[string]*Flag{codeALD: &l.Flags.ALD, codeWorkAccident: &l.Flags.WorkAccident, codePrevention: &l.Flags.Prevention,
		codeNotCovered: &l.Flags.NotCovered, codeOffLabel: &l.Flags.OffLabel}
	for rel := range e.All("", "entryRelationship") {
		if o := rel.First("", "observation"); o != nil {
			if f := flags[o.First("", "code").Attr("code")]; f != nil {
				switch o.First("", "value").Attr("value") {
				case "true", "1":
					*f = Yes
				case "false", "0":
					*f = No
				}
			}
		}
		if a := rel.First("", "act"); a != nil {
			switch a.First("", "code").Attr("code") {
			case codePatientNote:
				l.PatientNote, _ = r.reference(a.First("", "text"))
			case codeDispenserNote:
				l.DispenserNote, _ = r.reference(a.First("", "text"))
			}
		}
		if s := rel.First("", "supply"); hasTemplate(s, entryQuantity) {
			l.Quantity = quantityOf(s.First("", "quantity"))
		}
	}
	if l.Flags.ALD == Unstated {
		r.note(RuleFlag, "the line does not say whether it is related to an ALD (MED-574), which is mandatory")
	}
}

func (r *reader) deviceLine(e *xmltree.Element) Line {
	l, _ := r.common(e)
	d := &Device{}
	if c := e.Path("participant", "participantRole", "playingDevice", "code"); c != nil {
		code := cda.CodeOf(c)
		d.Codes = codes(code)
		for _, k := range d.Codes {
			if d.Name = k.Display; k.System == OIDLPP {
				break
			}
		}
	}
	if l.Text == "" { // the published reference is wrong (#DM001 for DM-001)
		l.Text = d.Name
	}
	l.Quantity = quantityOf(e.First("", "quantity"))
	if w := quantityOf(e.Path("expectedUseTime", "width")); w != nil && w.Unit == "d" && w.Value >= 0 && w.Value < 100_000 {
		d.RentalDays = int(w.Value)
	}
	l.Device = d
	return l
}

func (r *reader) vitals(s *xmltree.Element) {
	for o := range s.Descendants() {
		if !o.Is(cda.NS, "observation") {
			continue
		}
		q := quantityOf(o.First("", "value"))
		if q == nil || q.Value < 0 {
			continue
		}
		switch c := o.First("", "code").Attr("code"); {
		case c == loincWeight && q.Unit == "kg":
			r.p.WeightKg = q.Value
		case c == loincWeight && q.Unit == "g":
			r.p.WeightKg = q.Value / 1000
		case c == loincHeight && q.Unit == "cm":
			r.p.HeightCm = q.Value
		case c == loincHeight && q.Unit == "m":
			r.p.HeightCm = q.Value * 100
		}
	}
}

func (r *reader) pregnancy(s *xmltree.Element) {
	for o := range s.Descendants() {
		if o.Is(cda.NS, "observation") && o.First("", "code").Attr("code") == loincPregnancy && o.First("", "value").Attr("code") == snomedPregnancy {
			r.p.Pregnant = true
		}
	}
}

// quantityOf reads a physical quantity; nil when there is no number.
func quantityOf(e *xmltree.Element) *Quantity {
	v, err := strconv.ParseFloat(strings.TrimSpace(e.Attr("value")), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &Quantity{Value: v, Unit: strings.TrimSpace(e.Attr("unit"))}
}

func xsiType(e *xmltree.Element) string {
	v, _ := e.LookupAttr(xmltree.NSXSI, "type")
	if _, local, ok := strings.Cut(v, ":"); ok {
		return local
	}
	return strings.TrimSpace(v)
}
