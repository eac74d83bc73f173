package ordonnance

import (
	"context"
	"net/http"
	"net/url"

	"github.com/soclesante/socle/internal/fhir"
)

// Dispense is POST Task/{id}/$dispense?secret= with a Bundle of
// MedicationDispense, one for each item; a device is one too, R4 having no
// resource for its delivery.
func (b *binding) Dispense(ctx context.Context, call DispenseCall) (Receipt, error) {
	d := call.Dispensation
	bundle := &fhir.Bundle{Type: "collection", Identifier: &fhir.Identifier{System: fhir.SystemURI, Value: "urn:uuid:" + d.ID}, Timestamp: fhir.At(d.At)}
	for i := range d.Items {
		id := "urn:uuid:" + d.ItemID(i)
		bundle.Entry = append(bundle.Entry, fhir.BundleEntry{FullURL: id, Resource: &fhir.Any{Resource: b.dispense(call, i, id)}})
	}
	query := url.Values{b.dialect.SecretParameter: {call.Claim.Secret.Reveal()}}
	r, err := b.send(ctx, opDispense, http.MethodPost, b.path(b.dialect.DispensePath, call.Claim.Number), query, call.By, d.ID, bundle)
	if err != nil {
		return Receipt{}, err
	}
	return b.receipt(r)
}

func (b *binding) dispense(call DispenseCall, i int, id string) *fhir.MedicationDispense {
	d, it := call.Dispensation, call.Dispensation.Items[i]
	m := &fhir.MedicationDispense{
		Identifier:     []fhir.Identifier{{System: fhir.SystemURI, Value: id}},
		Status:         dispenseStatus(it.Outcome),
		Subject:        &fhir.Reference{Identifier: &fhir.Identifier{System: "urn:oid:" + call.INS.OID.String(), Value: call.INS.Matricule.Wire()}},
		Performer:      []fhir.Performer{{Actor: fhir.Reference{Identifier: b.person(call.By.Professional.ID)}}},
		Location:       &fhir.Reference{Identifier: b.structure(call.By.Professional.Structure.ID)},
		WhenHandedOver: fhir.At(d.At),
		Extension: []fhir.Extension{{URL: b.dialect.ExtOutcome,
			ValueCoding: &fhir.Coding{System: b.dialect.SystemOutcome, Code: string(it.Outcome)}}},
	}
	if l := call.Claim.Prescription.Line(it.Line); l != nil {
		kind := "MedicationRequest/"
		if l.Device != nil {
			kind = "DeviceRequest/"
		}
		m.AuthorizingPrescription = []fhir.Reference{{Reference: kind + l.Ref}}
	}
	if !it.Outcome.Delivers() {
		m.StatusReason, m.WhenHandedOver = &fhir.CodeableConcept{Text: it.Reason}, ""
	}
	if it.Outcome.Delivers() {
		m.Type = &fhir.CodeableConcept{Coding: []fhir.Coding{{System: b.dialect.System(OIDCompleteness), Code: string(it.Completeness)}}}
		m.Quantity = b.amount(it.Quantity)
		substituted := it.Outcome == SubstitutedGeneric || it.Outcome == SubstitutedOther
		m.Substitution = &fhir.DispensedSubstitute{WasSubstituted: substituted}
		if it.Outcome == SubstitutedGeneric {
			m.Substitution.Type = &fhir.CodeableConcept{Coding: []fhir.Coding{{System: b.dialect.System(OIDSubstitution), Code: SubstitutionGeneric}}}
		}
		if substituted && it.Reason != "" {
			m.Substitution.Reason = []fhir.CodeableConcept{{Text: it.Reason}}
		}
	}
	if it.Product.Name != "" || len(it.Product.Codes) > 0 {
		m.MedicationReference = &fhir.Reference{Reference: "#m1"}
		m.Contained = []fhir.Any{{Resource: b.medication(it)}}
	}
	if it.Posology != "" {
		m.DosageInstruction = []fhir.Dosage{{Text: it.Posology}}
	}
	if it.Note != "" {
		m.Note = []fhir.Annotation{{Text: it.Note}}
	}
	if d.Receiver != "" {
		m.Receiver = []fhir.Reference{{Display: d.Receiver}}
	}
	if c := it.Consent; c != nil {
		m.Extension = append(m.Extension, fhir.Extension{URL: b.dialect.ExtConsent,
			Extension: []fhir.Extension{{URL: "by", ValueString: c.By}, {URL: "at", ValueDateTime: fhir.At(c.At)}}})
	}
	return m
}

func (b *binding) medication(it Item) *fhir.Medication {
	m := &fhir.Medication{ID: "m1", Code: &fhir.CodeableConcept{Text: it.Product.Name}}
	for _, c := range it.Product.Codes {
		m.Code.Coding = append(m.Code.Coding, fhir.Coding{System: b.dialect.System(c.System), Code: c.Code, Display: c.Display})
	}
	if it.Lot != "" || !it.Expiry.IsZero() {
		m.Batch = &fhir.MedicationBatch{LotNumber: it.Lot, ExpirationDate: fhir.Day(it.Expiry)}
	}
	if it.Serial != "" {
		m.Extension = []fhir.Extension{{URL: b.dialect.ExtSerial, ValueString: it.Serial}}
	}
	return m
}

// amount writes an amount with its system: a code without one is refused by
// the published profiles (fr-med-smpl-quant).
func (b *binding) amount(q Quantity) *fhir.Quantity {
	out := &fhir.Quantity{Value: fhir.Number(q.Value)}
	switch {
	case q.Unit == "":
	case q.EDQM():
		out.System, out.Code = b.dialect.System(OIDEDQM), q.Unit
	default:
		out.System, out.Code, out.Unit = fhir.SystemUCUM, q.Unit, q.Unit
	}
	return out
}

func dispenseStatus(o LineOutcome) string {
	switch o {
	case NotDispensed:
		return "declined"
	case Postponed:
		return "on-hold"
	}
	return "completed"
}

// receipt reads the answer: a Bundle with the Task and the states of the lines.
func (b *binding) receipt(r fhir.Resource) (Receipt, error) {
	bundle, ok := r.(*fhir.Bundle)
	if !ok || bundle.Identifier == nil {
		return Receipt{}, NewError(opDispense, ErrAnswer, "", "a Bundle that names the dispensation was expected", nil)
	}
	tasks := fhir.All[*fhir.Task](bundle)
	if len(tasks) != 1 {
		return Receipt{}, NewError(opDispense, ErrAnswer, "", "a Bundle with one Task was expected", nil)
	}
	t := tasks[0]
	out := Receipt{Number: Number(fhir.Identified(t.Identifier, "urn:oid:"+OIDNumber)), Dispensation: uuidOf(bundle.Identifier.Value)}
	out.At, _, _ = t.LastModified.Time()
	if c, ok := t.BusinessStatus.Code(b.dialect.SystemState); ok {
		out.Status = Status(c.Code)
	}
	if x := fhir.Extended(t.Extension, b.dialect.ExtReplayed); x != nil && x.ValueBoolean != nil {
		out.Replayed = *x.ValueBoolean
	}
	i := 0
	for _, e := range bundle.Entry {
		var l Line
		if e.Resource == nil {
			continue
		}
		switch r := e.Resource.Resource.(type) {
		case *fhir.MedicationRequest:
			l = b.line(r.ID, r.Status, r.Identifier, r.Extension)
		case *fhir.DeviceRequest:
			l = b.line(r.ID, r.Status, r.Identifier, r.Extension)
		default:
			continue
		}
		if out.Lines == nil {
			out.Lines = make(map[int]LineStatus)
		}
		i++
		out.Lines[i] = l.Status
	}
	return out, nil
}

func uuidOf(uri string) string {
	const prefix = "urn:uuid:"
	if len(uri) > len(prefix) && uri[:len(prefix)] == prefix {
		return uri[len(prefix):]
	}
	return uri
}
