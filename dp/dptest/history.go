package dptest

import (
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
)

// AddHistory puts entries into a patient's dossier as other pharmacies fed
// them; it opens the dossier if there is none. An entry without ID gets one.
func (s *Server) AddHistory(id ins.INS, entries ...dp.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dossiers[key(id)]
	if d == nil {
		d = &dossier{Dossier: Dossier{State: StateOpen}}
		s.dossiers[key(id)] = d
	}
	for _, e := range entries {
		if e.ID == "" {
			s.serial++
			e.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.serial)
		}
		e.ID = strings.ToLower(e.ID)
		if s.lines[e.ID] != nil {
			return fmt.Errorf("dptest: the ID %s is taken", e.ID)
		}
		if e.Kind == "" {
			e.Kind = dp.KindOf(e.Product)
		}
		l := &line{id: e.ID, patient: key(id), kind: e.Kind, handedOver: e.HandedOver, resource: s.resource(id, e)}
		l.structure, _ = socle.ParseStructureID(e.Pharmacy)
		s.lines[l.id] = l
		d.lines = append(d.lines, l)
	}
	return nil
}

// resource writes an entry. The lock is held.
func (s *Server) resource(id ins.INS, e dp.Entry) obj {
	d := s.dialect
	var codings arr
	for _, c := range e.Product.Codes {
		codings = append(codings, obj{"system": d.System(c.System), "code": c.Code, "display": c.Display})
	}
	m := obj{"resourceType": "Medication", "id": "m", "code": obj{"text": e.Product.Name}}
	if len(codings) > 0 {
		m["code"] = obj{"text": e.Product.Name, "coding": codings}
	}
	if e.Lot != "" {
		m["batch"] = obj{"lotNumber": e.Lot}
	}
	completeness := e.Completeness
	if completeness == "" {
		completeness = ordonnance.FirstComplete
	}
	quantity := obj{"value": e.Quantity.Value}
	if e.Quantity.Value == 0 {
		quantity["value"] = 1
	}
	if e.Quantity.EDQM() {
		quantity["system"], quantity["code"] = d.System(ordonnance.OIDEDQM), e.Quantity.Unit
	}
	r := obj{
		"resourceType":        "MedicationDispense",
		"identifier":          arr{obj{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:" + e.ID}},
		"status":              "completed",
		"category":            obj{"coding": arr{obj{"system": d.SystemKind, "code": string(e.Kind)}}},
		"type":                obj{"coding": arr{obj{"system": d.System(ordonnance.OIDCompleteness), "code": string(completeness)}}},
		"contained":           arr{m},
		"medicationReference": obj{"reference": "#m"},
		"subject":             obj{"identifier": obj{"system": "urn:oid:" + id.OID.String(), "value": id.Matricule.Wire()}},
		"quantity":            quantity,
		"whenHandedOver":      e.HandedOver.Format(time.RFC3339),
		"substitution":        obj{"wasSubstituted": e.Substitution != ""},
	}
	if e.Pharmacy != "" || e.PharmacyName != "" {
		r["location"] = obj{"identifier": obj{"system": "urn:oid:" + socle.OIDStructure, "value": e.Pharmacy}, "display": e.PharmacyName}
	}
	return r
}
