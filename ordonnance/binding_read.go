package ordonnance

import (
	"context"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/fhir"
)

// Read is POST Task/{id}/$accept with Parameters.
func (b *binding) Read(ctx context.Context, call ReadCall) (Claim, error) {
	path := b.dialect.ReadByCode
	if call.Number != "" {
		path = b.path(b.dialect.ReadPath, call.Number)
	}
	r, err := b.send(ctx, opRead, http.MethodPost, path, nil, call.By, "", b.parameters(call))
	if err != nil {
		return Claim{}, err
	}
	return b.claim(opRead, r)
}

// Recover is GET Task/{id}, or POST Task/$recover when only the code is known.
func (b *binding) Recover(ctx context.Context, call ReadCall) (Claim, error) {
	var r fhir.Resource
	var err error
	if call.Number != "" {
		r, err = b.send(ctx, opRecover, http.MethodGet, b.path(b.dialect.RecoverPath, call.Number), nil, call.By, "", nil)
	} else {
		r, err = b.send(ctx, opRecover, http.MethodPost, b.dialect.RecoverByCode, nil, call.By, "", b.parameters(call))
	}
	if err != nil {
		return Claim{}, err
	}
	return b.claim(opRecover, r)
}

func (b *binding) parameters(call ReadCall) *fhir.Parameters {
	p := &fhir.Parameters{Parameter: []fhir.Parameter{
		{Name: "ins", ValueIdentifier: &fhir.Identifier{System: "urn:oid:" + call.INS.OID.String(), Value: call.INS.Matricule.Wire()}},
		{Name: "organization", ValueIdentifier: b.structure(call.By.Professional.Structure.ID)},
		{Name: "performer", ValueIdentifier: b.person(call.By.Professional.ID)},
	}}
	if !call.Code2D.IsZero() {
		p.Parameter = append(p.Parameter, fhir.Parameter{Name: "code2d", ValueString: call.Code2D.Raw})
	}
	return p
}

// claim reads the answer: a Bundle with one Task and the lines.
func (b *binding) claim(op string, r fhir.Resource) (Claim, error) {
	bundle, ok := r.(*fhir.Bundle)
	if !ok {
		return Claim{}, NewError(op, ErrAnswer, "", "a Bundle was expected", nil)
	}
	tasks := fhir.All[*fhir.Task](bundle)
	if len(tasks) != 1 {
		return Claim{}, NewError(op, ErrAnswer, "", "a Bundle with one Task was expected", nil)
	}
	t := tasks[0]
	claim := Claim{
		Number: Number(fhir.Identified(t.Identifier, "urn:oid:"+OIDNumber)),
		Secret: NewSecret(fhir.Identified(t.Identifier, b.dialect.SecretSystem)),
	}
	claim.ReadAt, _, _ = t.LastModified.Time()
	if t.Owner != nil && t.Owner.Identifier != nil {
		claim.Pharmacy, _ = socle.ParseStructureID(t.Owner.Identifier.Value)
	}
	claim.Prescription = b.prescription(bundle, t)
	claim.Prescription.Number = claim.Number
	if len(claim.Prescription.Lines) == 0 || len(claim.Prescription.Lines) > maxLines {
		return Claim{}, NewError(op, ErrAnswer, "", "a prescription with 1 to 500 lines was expected", nil)
	}
	return claim, nil
}

func (b *binding) prescription(bundle *fhir.Bundle, t *fhir.Task) Prescription {
	d := b.dialect
	var p Prescription
	if c, ok := t.BusinessStatus.Code(d.SystemState); ok {
		p.Status = Status(c.Code)
	}
	p.WrittenAt, _, _ = t.AuthoredOn.Time()
	if t.Restriction != nil {
		p.Validity = period(t.Restriction.Period)
	}
	for _, x := range t.Extension {
		switch {
		case x.URL == d.ExtSubtype && x.ValueCoding != nil && !p.Has(Subtype(x.ValueCoding.Code)):
			p.Subtypes = append(p.Subtypes, Subtype(x.ValueCoding.Code))
		case x.URL == d.ExtReplaced && x.ValueReference != nil:
			if r, ok := b.role(bundle, x.ValueReference); ok {
				p.Replaced = &r
			}
		}
	}
	for _, n := range t.Note {
		p.Comment = strings.TrimSpace(p.Comment + "\n" + n.Text)
	}
	p.Prescriber, _ = b.role(bundle, t.Requester)
	b.patient(&p.Patient, bundle, t.For)
	for _, f := range fhir.All[*fhir.Binary](bundle) {
		if f.ContentType == "application/pdf" && p.PDF == nil {
			p.PDF = &Attachment{MediaType: sniff(f.Data, f.ContentType), Declared: f.ContentType, Size: len(f.Data), Data: f.Data}
		}
	}
	for _, e := range bundle.Entry {
		if e.Resource == nil {
			continue
		}
		var l Line
		switch r := e.Resource.Resource.(type) {
		case *fhir.MedicationRequest:
			l = b.drugLine(r)
		case *fhir.DeviceRequest:
			l = b.deviceLine(r)
		default:
			continue
		}
		l.Index = len(p.Lines) + 1
		p.Lines = append(p.Lines, l)
	}
	return p
}

func (b *binding) patient(p *Patient, bundle *fhir.Bundle, who *fhir.Reference) {
	if who != nil && who.Identifier != nil {
		if id, err := ins.ParseLenient(who.Identifier.Value, b.dialect.OID(who.Identifier.System)); err == nil {
			p.INS = id
		}
	}
	if all := fhir.All[*fhir.Patient](bundle); len(all) == 1 {
		r := all[0]
		for _, n := range r.Name {
			switch n.Use {
			case "official", "":
				p.Traits.BirthName, p.Traits.GivenNames = n.Family, strings.Join(n.Given, " ")
			case "usual":
				p.UsedName, p.UsedGiven = n.Family, strings.Join(n.Given, " ")
			}
		}
		switch r.Gender {
		case "male":
			p.Traits.Sex = ins.Male
		case "female":
			p.Traits.Sex = ins.Female
		case "other", "unknown":
			p.Traits.Sex = ins.Indeterminate
		}
		if d, err := ins.ParseBirthDate(string(r.BirthDate)); err == nil {
			p.Traits.BirthDate = d
		}
	}
}

// role finds the PractitionerRole that ref points to.
func (b *binding) role(bundle *fhir.Bundle, ref *fhir.Reference) (Practitioner, bool) {
	if ref == nil {
		return Practitioner{}, false
	}
	for _, r := range fhir.All[*fhir.PractitionerRole](bundle) {
		if ref.Reference != "PractitionerRole/"+r.ID {
			continue
		}
		var p Practitioner
		for _, a := range r.Contained {
			w, ok := a.Resource.(*fhir.Practitioner)
			if !ok || r.Practitioner == nil || r.Practitioner.Reference != "#"+w.ID {
				continue
			}
			p.ID = fhir.Identified(w.Identifier, "urn:oid:"+socle.OIDPerson)
			if len(w.Name) > 0 {
				p.FamilyName, p.GivenName = w.Name[0].Family, strings.Join(w.Name[0].Given, " ")
			}
		}
		if o := r.Organization; o != nil {
			p.Organization = o.Display
			if o.Identifier != nil {
				p.Structure = o.Identifier.Value
			}
		}
		for _, c := range r.Code {
			if k, ok := c.Code(""); ok {
				p.Profession = socle.Code{Code: k.Code, System: b.dialect.OID(k.System), Display: k.Display}
				break
			}
		}
		return p, true
	}
	return Practitioner{}, false
}

func period(p *fhir.Period) Period {
	if p == nil {
		return Period{}
	}
	var out Period
	var startDay, endDay, started, ended bool
	out.Start, startDay, started = p.Start.Time()
	out.End, endDay, ended = p.End.Time()
	out.DateOnly = (started || ended) && (startDay || !started) && (endDay || !ended)
	return out
}
