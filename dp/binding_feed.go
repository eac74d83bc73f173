package dp

import (
	"context"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
	"github.com/soclesante/socle/ordonnance"
)

// Feed is POST of a transaction Bundle: one MedicationDispense a line, created
// unless its UUID is known.
func (b *binding) Feed(ctx context.Context, call FeedCall) (Receipt, error) {
	bundle := &fhir.Bundle{Type: "transaction"}
	for _, l := range call.Lines {
		id := "urn:uuid:" + l.ID
		bundle.Entry = append(bundle.Entry, fhir.BundleEntry{FullURL: id, Resource: &fhir.Any{Resource: b.dispense(call, l, id)},
			Request: &fhir.EntryRequest{Method: http.MethodPost, URL: "MedicationDispense", IfNoneExist: "identifier=" + fhir.SystemURI + "|" + id}})
	}
	body, err := fhir.Marshal(bundle)
	if err != nil {
		return Receipt{}, local(opFeed, ErrValidation, "a line has no FHIR form")
	}
	answer, err := b.send(ctx, opFeed, http.MethodPost, b.base+b.dialect.FeedPath, call.By, fhir.MediaType, body)
	if err != nil {
		return Receipt{}, err
	}
	if answer.Type != "transaction-response" || len(answer.Entry) != len(call.Lines) {
		return Receipt{}, NewError(opFeed, ErrAnswer, "", "a transaction-response with one entry a line was expected", nil)
	}
	r := Receipt{Fed: make(map[string]bool, len(call.Lines))}
	for i, e := range answer.Entry {
		status := ""
		if e.Response != nil {
			status, _, _ = strings.Cut(e.Response.Status, " ")
		}
		switch status {
		case "201":
			r.Fed[call.Lines[i].ID] = false
		case "200":
			r.Fed[call.Lines[i].ID] = true
		default:
			return Receipt{}, NewError(opFeed, ErrAnswer, "", "a status of a line is neither 201 nor 200", nil)
		}
	}
	return r, nil
}

func (b *binding) dispense(call FeedCall, l Line, id string) *fhir.MedicationDispense {
	d := b.dialect
	m := &fhir.Medication{ID: "m1", Code: &fhir.CodeableConcept{Text: l.Product.Name}}
	for _, c := range l.Product.Codes {
		m.Code.Coding = append(m.Code.Coding, fhir.Coding{System: d.System(c.System), Code: c.Code, Display: c.Display})
	}
	if l.Lot != "" || !l.Expiry.IsZero() {
		m.Batch = &fhir.MedicationBatch{LotNumber: l.Lot, ExpirationDate: fhir.Day(l.Expiry)}
	}
	if l.Serial != "" {
		m.Extension = []fhir.Extension{{URL: d.ExtSerial, ValueString: l.Serial}}
	}
	r := &fhir.MedicationDispense{
		Identifier:          []fhir.Identifier{{System: fhir.SystemURI, Value: id}},
		Status:              "completed",
		Category:            &fhir.CodeableConcept{Coding: []fhir.Coding{{System: d.SystemKind, Code: string(l.Kind)}}},
		Type:                &fhir.CodeableConcept{Coding: []fhir.Coding{{System: d.System(ordonnance.OIDCompleteness), Code: string(l.Completeness)}}},
		MedicationReference: &fhir.Reference{Reference: "#m1"},
		Contained:           []fhir.Any{{Resource: m}},
		Subject:             &fhir.Reference{Identifier: &fhir.Identifier{System: "urn:oid:" + call.INS.OID.String(), Value: call.INS.Matricule.Wire()}},
		Performer:           []fhir.Performer{{Actor: fhir.Reference{Identifier: person(call.By.Professional.ID.String())}}},
		Location: &fhir.Reference{Identifier: &fhir.Identifier{System: "urn:oid:" + socle.OIDStructure, Value: call.By.Professional.Structure.ID.String()},
			Display: call.By.Professional.Structure.Name},
		Quantity:       b.amount(l.Quantity),
		WhenHandedOver: fhir.At(l.HandedOver),
		Substitution:   &fhir.DispensedSubstitute{WasSubstituted: l.Substitution != ""},
	}
	if d.Profile != "" {
		r.Meta = &fhir.Meta{Profile: []string{d.Profile}}
	}
	if l.Substitution == ordonnance.SubstitutedGeneric {
		r.Substitution.Type = &fhir.CodeableConcept{Coding: []fhir.Coding{{System: d.System(ordonnance.OIDSubstitution), Code: ordonnance.SubstitutionGeneric}}}
	}
	if l.Prescription != "" {
		r.AuthorizingPrescription = []fhir.Reference{{Identifier: &fhir.Identifier{System: d.SystemNumber, Value: string(l.Prescription)}}}
	}
	if l.Prescriber != "" {
		r.Extension = []fhir.Extension{{URL: d.ExtPrescriber, ValueReference: &fhir.Reference{Identifier: person(l.Prescriber)}}}
	}
	if l.Note != "" {
		r.Note = []fhir.Annotation{{Text: l.Note}}
	}
	return r
}

func person(id string) *fhir.Identifier {
	return &fhir.Identifier{System: "urn:oid:" + socle.OIDPerson, Value: id}
}

func (b *binding) amount(q ordonnance.Quantity) *fhir.Quantity {
	out := &fhir.Quantity{Value: fhir.Number(q.Value)}
	switch {
	case q.Unit == "":
	case q.EDQM():
		out.System, out.Code = b.dialect.System(ordonnance.OIDEDQM), q.Unit
	default:
		out.System, out.Code, out.Unit = fhir.SystemUCUM, q.Unit, q.Unit
	}
	return out
}
