package ordonnancetest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
)

// bundle writes a claimed prescription. The lock is held.
func (s *Server) bundle(rec *record) obj {
	p := rec.p
	entries := arr{entry(s.task(rec)), entry(patientResource(p.Patient)), entry(role("prescriber", p.Prescriber))}
	if p.Replaced != nil {
		entries = append(entries, entry(role("replaced", *p.Replaced)))
	}
	for i, l := range p.Lines {
		entries = append(entries, entry(s.line(rec, l, rec.lines[i])))
	}
	if p.PDF != nil {
		entries = append(entries, entry(obj{"resourceType": "Binary", "contentType": p.PDF.MediaType, "data": base64.StdEncoding.EncodeToString(p.PDF.Data)}))
	}
	return obj{"resourceType": "Bundle", "type": "collection", "entry": entries}
}

func entry(resource obj) obj { return obj{"resource": resource} }

func (s *Server) task(rec *record) obj {
	p, d := rec.p, s.dialect
	var ext arr
	for _, sub := range p.Subtypes {
		ext = append(ext, obj{"url": d.ExtSubtype, "valueCoding": obj{"system": "urn:oid:" + ordonnance.OIDSubtype, "code": string(sub)}})
	}
	if p.Replaced != nil {
		ext = append(ext, obj{"url": d.ExtReplaced, "valueReference": obj{"reference": "PractitionerRole/replaced"}})
	}
	status := map[ordonnance.Status]string{ordonnance.StatusInDispense: "in-progress", ordonnance.StatusDispensed: "completed"}[rec.status]
	if status == "" {
		status = "ready"
	}
	t := obj{
		"resourceType": "Task", "id": string(p.Number), "status": status, "intent": "order",
		"identifier":     arr{obj{"system": "urn:oid:" + ordonnance.OIDNumber, "value": string(p.Number)}},
		"businessStatus": obj{"coding": arr{obj{"system": d.SystemState, "code": string(rec.status)}}},
		"for":            obj{"identifier": obj{"system": "urn:oid:" + p.Patient.INS.OID.String(), "value": p.Patient.INS.Matricule.Wire()}},
		"requester":      obj{"reference": "PractitionerRole/prescriber"},
	}
	put(t, "extension", ext)
	put(t, "authoredOn", instant(p.WrittenAt))
	put(t, "lastModified", instant(rec.since))
	if !p.Validity.IsZero() {
		t["restriction"] = obj{"period": periodOf(p.Validity)}
	}
	if p.Comment != "" {
		t["note"] = arr{obj{"text": p.Comment}}
	}
	if rec.status == ordonnance.StatusInDispense {
		t["identifier"] = append(t["identifier"].(arr), obj{"system": d.SecretSystem, "value": rec.secret})
		t["owner"] = obj{"identifier": structureID(rec.holder)}
	}
	return t
}

func patientResource(p ordonnance.Patient) obj {
	r := obj{"resourceType": "Patient", "id": "patient",
		"identifier": arr{obj{"system": "urn:oid:" + p.INS.OID.String(), "value": p.INS.Matricule.Wire()}}}
	names := arr{obj{"use": "official", "family": p.Traits.BirthName, "given": strings.Fields(p.Traits.GivenNames)}}
	if p.UsedName != "" || p.UsedGiven != "" {
		names = append(names, obj{"use": "usual", "family": p.UsedName, "given": strings.Fields(p.UsedGiven)})
	}
	r["name"] = names
	put(r, "gender", map[ins.Sex]string{ins.Male: "male", ins.Female: "female", ins.Indeterminate: "unknown"}[p.Traits.Sex])
	if p.Traits.BirthDate.Complete() {
		r["birthDate"] = p.Traits.BirthDate.Wire()
	}
	return r
}

func role(id string, p ordonnance.Practitioner) obj {
	person := obj{"resourceType": "Practitioner", "id": "p", "name": arr{obj{"family": p.FamilyName, "given": strings.Fields(p.GivenName)}}}
	if p.ID != "" {
		person["identifier"] = arr{obj{"system": "urn:oid:" + socle.OIDPerson, "value": p.ID}}
	}
	r := obj{"resourceType": "PractitionerRole", "id": id, "contained": arr{person}, "practitioner": obj{"reference": "#p"}}
	if p.Structure != "" || p.Organization != "" {
		o := obj{"display": p.Organization}
		if p.Structure != "" {
			o["identifier"] = obj{"system": "urn:oid:" + socle.OIDStructure, "value": p.Structure}
		}
		r["organization"] = o
	}
	if !p.Profession.IsZero() {
		r["code"] = arr{obj{"coding": arr{obj{"system": "urn:oid:" + p.Profession.System, "code": p.Profession.Code, "display": p.Profession.Display}}}}
	}
	return r
}

func (s *Server) line(rec *record, l ordonnance.Line, st lineState) obj {
	d := s.dialect
	var ext arr
	for _, f := range []struct {
		code string
		flag ordonnance.Flag
	}{{"MED-574", l.Flags.ALD}, {"GEN-180", l.Flags.WorkAccident}, {"GEN-295", l.Flags.Prevention}, {"GEN-181", l.Flags.NotCovered}, {"GEN-179", l.Flags.OffLabel}} {
		if f.flag != ordonnance.Unstated {
			ext = append(ext, obj{"url": d.ExtFlag, "extension": arr{
				obj{"url": "code", "valueCoding": obj{"system": "urn:oid:" + ordonnance.OIDSubtype, "code": f.code}},
				obj{"url": "value", "valueBoolean": f.flag == ordonnance.Yes}}})
		}
	}
	if st.delivered > 0 {
		ext = append(ext, obj{"url": d.ExtDeliveries, "valueInteger": st.delivered})
	}
	r := obj{"id": st.ref, "status": lineStatus(st.status), "intent": "order",
		"groupIdentifier": obj{"system": "urn:oid:" + ordonnance.OIDNumber, "value": string(rec.p.Number)},
		"subject":         obj{"reference": "Patient/patient"},
		"requester":       obj{"reference": "PractitionerRole/prescriber"},
	}
	put(r, "authoredOn", instant(rec.p.WrittenAt))
	if l.ID != "" {
		r["identifier"] = arr{obj{"value": l.ID}}
	}
	if l.DispenserNote != "" {
		r["note"] = arr{obj{"text": l.DispenserNote}}
	}
	if l.Drug != nil {
		return s.drug(r, ext, l)
	}
	return s.device(r, ext, l)
}

func lineStatus(s ordonnance.LineStatus) string {
	switch s {
	case ordonnance.LineComplete:
		return "completed"
	case ordonnance.LineRefused:
		return "stopped"
	}
	return "active"
}

func (s *Server) device(r obj, ext arr, l ordonnance.Line) obj {
	d := s.dialect
	r["resourceType"] = "DeviceRequest"
	r["codeCodeableConcept"] = obj{"coding": s.codings(l.Device.Codes), "text": l.Text}
	if !l.Period.IsZero() {
		r["occurrencePeriod"] = periodOf(l.Period)
	}
	if l.Device.RentalDays > 0 {
		ext = append(ext, obj{"url": d.ExtRental, "valueInteger": l.Device.RentalDays})
	}
	if l.Quantity != nil {
		ext = append(ext, obj{"url": d.ExtQuantity, "valueQuantity": s.quantity(*l.Quantity, "")})
	}
	if l.Repeats != nil {
		ext = append(ext, obj{"url": d.ExtRepeats, "valueInteger": *l.Repeats})
	}
	put(r, "extension", ext)
	return r
}

func (s *Server) drug(r obj, ext arr, l ordonnance.Line) obj {
	d, drug := s.dialect, l.Drug
	r["resourceType"] = "MedicationRequest"
	m := obj{"resourceType": "Medication", "id": "m", "code": obj{"coding": s.codings(drug.Product.Codes), "text": drug.Product.Name}}
	if !drug.Product.Form.IsZero() {
		m["form"] = obj{"coding": s.codings([]socle.Code{drug.Product.Form})}
	}
	var ingredients arr
	for _, g := range drug.Product.Ingredients {
		i := obj{"isActive": true, "itemCodeableConcept": obj{"coding": s.codings([]socle.Code{g.Code}), "text": g.Name}}
		if g.Strength != nil {
			i["strength"] = s.ratio(*g.Strength)
		}
		ingredients = append(ingredients, i)
	}
	put(m, "ingredient", ingredients)
	r["contained"], r["medicationReference"] = arr{m}, obj{"reference": "#m"}

	if drug.Mode != "" {
		ext = append(ext, obj{"url": d.ExtMode, "valueString": string(drug.Mode)})
	}
	if drug.Precondition != "" {
		ext = append(ext, obj{"url": d.ExtPrecondition, "valueString": drug.Precondition})
	}
	if drug.Dosing.Text != "" {
		ext = append(ext, obj{"url": d.ExtRendered, "valueMarkdown": drug.Dosing.Text})
	}
	if !l.Period.IsZero() {
		p := periodOf(l.Period)
		var x arr
		for _, end := range []string{"start", "end"} {
			if v, ok := p[end]; ok {
				x = append(x, obj{"url": end, "valueDateTime": v})
			}
		}
		ext = append(ext, obj{"url": d.ExtPeriod, "extension": x})
	}
	put(r, "extension", ext)
	put(r, "dosageInstruction", s.dosage(l))

	dispense := obj{}
	if l.Repeats != nil {
		dispense["numberOfRepeatsAllowed"] = *l.Repeats
	}
	if l.Quantity != nil {
		dispense["quantity"] = s.quantity(*l.Quantity, "")
	}
	if len(dispense) > 0 {
		r["dispenseRequest"] = dispense
	}
	if sub := drug.Substitution; sub.Code != "" {
		o := obj{"allowedCodeableConcept": obj{"coding": arr{obj{"system": d.System(ordonnance.OIDSubstitution), "code": sub.Code}}}}
		if sub.Text != "" {
			o["reason"] = obj{"text": sub.Text}
		}
		r["substitution"] = o
	}
	return r
}

// dosage writes one dosageInstruction a step, and the words that have no step
// on the first.
func (s *Server) dosage(l ordonnance.Line) arr {
	d := l.Drug.Dosing
	var out arr
	for _, st := range d.Steps {
		o := obj{}
		if st.Sequence > 0 {
			o["sequence"] = st.Sequence
		}
		repeat := obj{}
		for _, t := range st.Timing {
			if t.Text != "" {
				o["text"] = t.Text
			}
			switch {
			case t.Width != nil: // bounds[x]: the duration, whose start FHIR has no place for
				repeat["boundsDuration"] = s.quantity(*t.Width, "")
			case !t.Period.IsZero():
				repeat["boundsPeriod"] = periodOf(t.Period)
			}
			if t.Every != nil {
				repeat["frequency"], repeat["period"], repeat["periodUnit"] = max(t.Times, 1), t.Every.Value, t.Every.Unit
			}
			if t.Event != "" {
				repeat["when"] = strings.Fields(t.Event)
			}
		}
		if len(repeat) > 0 {
			o["timing"] = obj{"repeat": repeat}
		}
		rate := obj{}
		if st.Dose != nil {
			rate["doseRange"] = s.span(*st.Dose)
		}
		if st.Rate != nil {
			rate["rateRange"] = s.span(*st.Rate)
		}
		if len(rate) > 0 {
			o["doseAndRate"] = arr{rate}
		}
		if st.Condition != "" {
			o["asNeededCodeableConcept"] = obj{"text": st.Condition}
		}
		out = append(out, o)
	}
	first := obj{}
	if len(out) > 0 {
		first = out[0].(obj)
	}
	if !d.Route.IsZero() {
		first["route"] = obj{"coding": s.codings([]socle.Code{d.Route})}
	}
	if !d.Site.IsZero() {
		first["site"] = obj{"coding": s.codings([]socle.Code{d.Site})}
	} else if d.Site.Display != "" {
		first["site"] = obj{"text": d.Site.Display}
	}
	if len(d.Max) > 0 {
		first["maxDosePerPeriod"] = s.ratio(d.Max[0])
	}
	if l.PatientNote != "" {
		first["additionalInstruction"] = arr{obj{"coding": arr{obj{"system": "urn:oid:" + ordonnance.OIDInstruction, "code": "PINSTRUCT"}}, "text": l.PatientNote}}
	}
	if len(out) == 0 && len(first) > 0 {
		out = arr{first}
	}
	return out
}

func (s *Server) codings(codes []socle.Code) arr {
	out := arr{}
	for _, c := range codes {
		if c.Code != "" {
			o := obj{"system": s.dialect.System(c.System), "code": c.Code}
			put(o, "display", c.Display)
			out = append(out, o)
		}
	}
	return out
}

func (s *Server) quantity(q ordonnance.Quantity, words string) obj {
	o := obj{"value": q.Value}
	switch {
	case q.Unit == "":
	case q.EDQM():
		o["system"], o["code"] = s.dialect.System(ordonnance.OIDEDQM), q.Unit
	default:
		o["system"], o["code"] = "http://unitsofmeasure.org", q.Unit
	}
	if unit, ok := strings.CutPrefix(words, fmt.Sprintf("%v ", q.Value)); ok {
		o["unit"] = unit
	}
	return o
}

func (s *Server) span(r ordonnance.Range) obj {
	o := obj{}
	if r.Low != nil {
		o["low"] = s.quantity(*r.Low, r.LowText)
	}
	if r.High != nil {
		o["high"] = s.quantity(*r.High, r.HighText)
	}
	return o
}

func (s *Server) ratio(r ordonnance.Ratio) obj {
	return obj{"numerator": s.quantity(r.Numerator, ""), "denominator": s.quantity(r.Denominator, "")}
}

func periodOf(p ordonnance.Period) obj {
	layout := time.RFC3339
	if p.DateOnly {
		layout = time.DateOnly
	}
	o := obj{}
	if !p.Start.IsZero() {
		o["start"] = p.Start.Format(layout)
	}
	if !p.End.IsZero() {
		o["end"] = p.End.Format(layout)
	}
	return o
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// put leaves out what is empty.
func put(o obj, name string, v any) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return
		}
	case arr:
		if len(v) == 0 {
			return
		}
	}
	o[name] = v
}
