package ordonnance

import (
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
)

// drugLine reads a MedicationRequest.
func (b *binding) drugLine(r *fhir.MedicationRequest) Line {
	l := b.line(r.ID, r.Status, r.Identifier, r.Extension)
	d := &Drug{}
	m := fhir.Contained(r.Contained, r.MedicationReference)
	if m == nil {
		m = &fhir.Medication{Code: r.MedicationConcept}
	}
	d.Product = b.product(m)
	l.Text = d.Product.Name
	if q := r.DispenseRequest; q != nil {
		if n := q.NumberOfRepeatsAllowed; n != nil && *n >= 0 {
			l.Repeats = n
		}
		l.Quantity = quantity(q.Quantity)
	}
	if s := r.Substitution; s != nil {
		if c, ok := s.AllowedConcept.Code(""); ok {
			d.Substitution.Code = c.Code
		}
		if s.Reason != nil {
			d.Substitution.Text = s.Reason.Text
			if c, ok := s.Reason.Code(""); ok {
				d.Substitution.Motive = Motive(c.Code)
			} else {
				d.Substitution.Motive = motiveOf(s.Reason.Text)
			}
		}
	}
	if x := fhir.Extended(r.Extension, b.dialect.ExtMode); x != nil {
		d.Mode = Mode(x.ValueString)
	}
	if x := fhir.Extended(r.Extension, b.dialect.ExtPrecondition); x != nil {
		d.Precondition = x.ValueString
	}
	for _, n := range r.Note {
		l.DispenserNote = strings.TrimSpace(l.DispenserNote + "\n" + n.Text)
	}
	b.dosing(&d.Dosing, r)
	for _, i := range r.DosageInstruction {
		for _, a := range i.AdditionalInstruction {
			if c, _ := a.Code("urn:oid:" + OIDInstruction); c.Code == codePatientNote && l.PatientNote == "" {
				l.PatientNote = a.Text
			}
		}
	}
	l.Drug = d
	return l
}

// deviceLine reads a DeviceRequest.
func (b *binding) deviceLine(r *fhir.DeviceRequest) Line {
	l := b.line(r.ID, r.Status, r.Identifier, r.Extension)
	d := &Device{}
	if r.CodeConcept != nil {
		d.Name = r.CodeConcept.Text
		d.Codes = b.codes(r.CodeConcept)
	}
	l.Text = d.Name
	if r.Occurrence != nil {
		l.Period = period(r.Occurrence)
	}
	if x := fhir.Extended(r.Extension, b.dialect.ExtRental); x != nil && x.ValueInteger != nil && *x.ValueInteger > 0 {
		d.RentalDays = *x.ValueInteger
	}
	if x := fhir.Extended(r.Extension, b.dialect.ExtQuantity); x != nil {
		l.Quantity = quantity(x.ValueQuantity)
	}
	if x := fhir.Extended(r.Extension, b.dialect.ExtRepeats); x != nil && x.ValueInteger != nil && *x.ValueInteger >= 0 {
		l.Repeats = x.ValueInteger
	}
	for _, n := range r.Note {
		l.DispenserNote = strings.TrimSpace(l.DispenserNote + "\n" + n.Text)
	}
	l.Device = d
	return l
}

// line reads what both have in common.
func (b *binding) line(id, status string, ids []fhir.Identifier, xs []fhir.Extension) Line {
	l := Line{Ref: id}
	if len(ids) > 0 {
		l.ID = ids[0].Value
	}
	switch status {
	case "completed":
		l.Status = LineComplete
	case "stopped", "cancelled":
		l.Status = LineRefused
	default:
		l.Status = LineOpen
	}
	flags := map[string]*Flag{codeALD: &l.Flags.ALD, codeWorkAccident: &l.Flags.WorkAccident, codePrevention: &l.Flags.Prevention,
		codeNotCovered: &l.Flags.NotCovered, codeOffLabel: &l.Flags.OffLabel}
	for _, x := range xs {
		switch x.URL {
		case b.dialect.ExtFlag:
			code, value := fhir.Extended(x.Extension, "code"), fhir.Extended(x.Extension, "value")
			if code != nil && code.ValueCoding != nil && value != nil && value.ValueBoolean != nil {
				if f := flags[code.ValueCoding.Code]; f != nil {
					*f = FlagOf(*value.ValueBoolean)
				}
			}
		case b.dialect.ExtDeliveries:
			if n := x.ValueInteger; n != nil && *n > 0 {
				l.Delivered = *n
				if l.Status == LineOpen {
					l.Status = LinePartial
				}
			}
		case b.dialect.ExtPeriod:
			start, end := fhir.Extended(x.Extension, "start"), fhir.Extended(x.Extension, "end")
			var p fhir.Period
			if start != nil {
				p.Start = start.ValueDateTime
			}
			if end != nil {
				p.End = end.ValueDateTime
			}
			l.Period = period(&p)
		}
	}
	return l
}

func (b *binding) product(m *fhir.Medication) Product {
	var p Product
	if m.Code != nil {
		p.Name = m.Code.Text
		p.Codes = b.codes(m.Code)
		for i := 0; p.Name == "" && i < len(p.Codes); i++ {
			p.Name = p.Codes[i].Display
		}
	}
	p.Compounded = len(p.Codes) == 0
	if c, ok := m.Form.Code(""); ok {
		p.Form = b.code(c)
	}
	for _, i := range m.Ingredient {
		g := Ingredient{Strength: ratio(i.Strength)}
		if i.ItemCodeableConcept != nil {
			g.Name = i.ItemCodeableConcept.Text
			if c, ok := i.ItemCodeableConcept.Code(""); ok {
				g.Code = b.code(c)
			}
		}
		p.Ingredients = append(p.Ingredients, g)
	}
	return p
}

func (b *binding) dosing(d *Dosing, r *fhir.MedicationRequest) {
	if x := fhir.Extended(r.Extension, b.dialect.ExtRendered); x != nil {
		d.Text = x.ValueMarkdown
	}
	for _, i := range r.DosageInstruction {
		if c, ok := i.Route.Code(""); ok && d.Route.Code == "" {
			d.Route = b.code(c)
		}
		if i.Site != nil && d.Site.Code == "" && d.Site.Display == "" {
			c, _ := i.Site.Code("")
			if d.Site = b.code(c); d.Site.Display == "" {
				d.Site.Display = i.Site.Text
			}
		}
		if m := ratio(i.MaxDosePerPeriod); m != nil {
			d.Max = append(d.Max, *m)
		}
		s := DoseStep{Sequence: i.Sequence}
		if t, ok := b.timing(i); ok {
			s.Timing = append(s.Timing, t)
		}
		for _, a := range i.DoseAndRate {
			s.Dose, s.Rate = rangeOf(a.DoseRange, a.DoseQuantity), rangeOf(a.RateRange, a.RateQuantity)
		}
		if i.AsNeededConcept != nil {
			s.Condition = i.AsNeededConcept.Text
		}
		if len(s.Timing) > 0 || s.Dose != nil || s.Rate != nil {
			d.Steps = append(d.Steps, s)
			d.Structured = true
		}
		if d.Text == "" && i.Text != "" {
			d.Text = i.Text
		}
	}
}

func (b *binding) timing(i fhir.Dosage) (Timing, bool) {
	if i.Timing == nil || i.Timing.Repeat == nil {
		return Timing{}, false
	}
	r := i.Timing.Repeat
	t := Timing{Text: i.Text, Period: period(r.BoundsPeriod), Width: quantity(r.BoundsDuration)}
	if v, err := r.Period.Float64(); err == nil && v > 0 {
		t.Every = &Quantity{Value: v, Unit: r.PeriodUnit}
		if r.Frequency > 1 {
			t.Times = r.Frequency
		}
	}
	if len(r.When) > 0 {
		t.Event = strings.Join(r.When, " ")
	}
	if r.Offset > 0 {
		t.Offset = &Quantity{Value: float64(r.Offset), Unit: "min"}
	}
	return t, true
}

func (b *binding) codes(c *fhir.CodeableConcept) []socle.Code {
	var out []socle.Code
	for _, k := range c.Coding {
		if k.Code != "" {
			out = append(out, b.code(k))
		}
	}
	return out
}

func (b *binding) code(c fhir.Coding) socle.Code {
	return socle.Code{Code: c.Code, System: b.dialect.OID(c.System), Display: c.Display}
}

// quantity reads an amount; its unit is the code, or the words without one.
func quantity(q *fhir.Quantity) *Quantity {
	v, ok := q.Float()
	if !ok {
		return nil
	}
	if q.Code != "" {
		return &Quantity{v, q.Code}
	}
	return &Quantity{v, q.Unit}
}

func ratio(r *fhir.Ratio) *Ratio {
	if r == nil {
		return nil
	}
	n, d := quantity(r.Numerator), quantity(r.Denominator)
	if n == nil || d == nil {
		return nil
	}
	return &Ratio{*n, *d}
}

func rangeOf(r *fhir.Range, q *fhir.Quantity) *Range {
	if r == nil && q == nil {
		return nil
	}
	if r == nil {
		r = &fhir.Range{Low: q, High: q}
	}
	g := &Range{Low: quantity(r.Low), High: quantity(r.High)}
	for _, w := range []struct {
		to *string
		q  *fhir.Quantity
	}{{&g.LowText, r.Low}, {&g.HighText, r.High}} {
		if w.q != nil && w.q.Code != "" && w.q.Unit != "" && w.q.Unit != w.q.Code {
			*w.to = strings.TrimSpace(string(w.q.Value) + " " + w.q.Unit)
		}
	}
	if g.Low == nil && g.High == nil {
		return nil
	}
	return g
}
