package ordonnancetest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir/loose"
	"github.com/soclesante/socle/ordonnance"
)

// check reads a delivery and gathers what is wrong with it.
type check struct {
	server *Server
	rec    *record
	caller caller
	now    time.Time
	issues []issue
}

// item is what is kept of an accepted MedicationDispense; line is -1 for a
// product added by hand.
type item struct {
	line         int
	outcome      ordonnance.LineOutcome
	completeness string
}

func (x *check) add(line int, format string, args ...any) {
	x.issues = append(x.issues, issue{line + 1, fmt.Sprintf(format, args...)})
}

func (x *check) bundle(body loose.Node) ([]item, *refusal) {
	var items []item
	seen := make(map[int]bool)
	for i, e := range body.Get("entry").Items() {
		r := e.Get("resource")
		if r.Get("resourceType").Text() != "MedicationDispense" {
			return nil, &refusal{status: http.StatusUnprocessableEntity, code: "validation", text: fmt.Sprintf("entry %d: a MedicationDispense expected", i)}
		}
		it, refused := x.item(r)
		if refused != nil {
			return nil, refused
		}
		if it.line >= 0 && seen[it.line] {
			x.add(it.line, "one outcome for the line expected, another came")
		}
		seen[it.line] = true
		items = append(items, it)
	}
	for i, l := range x.rec.lines {
		if !l.status.Closed() && !seen[i] {
			x.add(i, "an outcome expected for every line, none came")
		}
	}
	if len(x.issues) > 0 {
		return nil, &refusal{status: http.StatusUnprocessableEntity, code: "validation", issues: x.issues}
	}
	return items, nil
}

// item checks one MedicationDispense.
func (x *check) item(r loose.Node) (item, *refusal) {
	d := x.server.dialect
	it := item{line: -1}
	coding := r.Get("extension").Where("url", d.ExtOutcome).Get("valueCoding")
	if coding.Get("system").Text() == d.SystemOutcome {
		it.outcome = ordonnance.LineOutcome(coding.Get("code").Text())
	}
	if refs := r.Get("authorizingPrescription").Items(); len(refs) > 0 {
		var refused *refusal
		if it.line, refused = x.reference(refs); refused != nil {
			return it, refused
		}
	}
	if (it.outcome == ordonnance.AddedByHand) != (it.line < 0) {
		x.add(it.line, "authorizingPrescription: expected for each line of the base, and only there")
	}
	x.people(r, it)
	id := r.Get("identifier", 0)
	if id.Get("system").Text() != "urn:ietf:rfc:3986" || !strings.HasPrefix(id.Get("value").Text(), "urn:uuid:") {
		x.add(it.line, "identifier: urn:uuid:… of system urn:ietf:rfc:3986 expected")
	}
	status, delivers := "completed", true
	switch it.outcome {
	case ordonnance.NotDispensed:
		status, delivers = "declined", false
	case ordonnance.Postponed:
		status, delivers = "on-hold", false
	case ordonnance.AsPrescribed, ordonnance.SubstitutedGeneric, ordonnance.SubstitutedOther, ordonnance.PosologyChanged,
		ordonnance.QuantityChanged, ordonnance.AddedByHand:
	default:
		x.add(it.line, "outcome: one of the known codes expected")
	}
	if got := r.Get("status").Text(); got != status {
		x.add(it.line, "status: %s expected with this outcome", status)
	}
	if !delivers {
		if r.Get("statusReasonCodeableConcept", "text").Text() == "" {
			x.add(it.line, "statusReason: expected when nothing is handed over")
		}
		return it, nil
	}
	x.delivery(r, &it)
	return it, nil
}

func (x *check) reference(refs []loose.Node) (int, *refusal) {
	ref := refs[0].Get("reference").Text()
	for i, l := range x.rec.lines {
		kind := "MedicationRequest/"
		if x.rec.p.Lines[i].Device != nil {
			kind = "DeviceRequest/"
		}
		if ref != kind+l.ref {
			continue
		}
		if l.status.Closed() {
			return i, &refusal{status: http.StatusConflict, code: "repeat-mismatch", text: fmt.Sprintf("line %d is closed", i+1)}
		}
		return i, nil
	}
	return -1, &refusal{status: http.StatusUnprocessableEntity, code: "line-unknown", text: "authorizingPrescription: a line of the prescription expected"}
}

func (x *check) people(r loose.Node, it item) {
	id := r.Get("subject", "identifier")
	if id.Get("system").Text()+"|"+id.Get("value").Text() != wire(x.rec) {
		x.add(it.line, "subject: the patient of the prescription expected")
	}
	who := r.Get("performer", 0, "actor", "identifier")
	if who.Get("system").Text() != "urn:oid:"+socle.OIDPerson || who.Get("value").Text() != x.caller.person.String() {
		x.add(it.line, "performer: the professional of the token expected")
	}
	where := r.Get("location", "identifier")
	if where.Get("system").Text() != "urn:oid:"+socle.OIDStructure || where.Get("value").Text() != x.caller.structure.String() {
		x.add(it.line, "location: the structure of the certificate expected")
	}
}

// delivery checks what was handed over.
func (x *check) delivery(r loose.Node, it *item) {
	d := x.server.dialect
	it.completeness = x.completeness(r, it.line)
	if v, ok := r.Get("quantity", "value").Number(); !ok || v <= 0 {
		x.add(it.line, "quantity: a number above 0 expected")
	}
	if r.Get("quantity", "code").Exists() != r.Get("quantity", "system").Exists() {
		x.add(it.line, "quantity: code and system go together (fr-med-smpl-quant)")
	}
	at, err := time.Parse(time.RFC3339, r.Get("whenHandedOver").Text())
	switch {
	case err != nil:
		x.add(it.line, "whenHandedOver: an instant with its zone expected")
	case at.After(x.now.Add(5 * time.Minute)):
		x.add(it.line, "whenHandedOver: in the future")
	}
	product := r.Get("contained").Where("resourceType", "Medication")
	if !product.Exists() || "#"+product.Get("id").Text() != r.Get("medicationReference", "reference").Text() {
		x.add(it.line, "medicationReference: a contained Medication expected")
	}
	if cip := product.Get("code", "coding").Where("system", d.System(ordonnance.OIDCIP)).Get("code").Text(); cip != "" && !ean13(cip) {
		x.add(it.line, "Medication.code: the CIP13 fails its key")
	}
	if day := product.Get("batch", "expirationDate").Text(); day != "" {
		if t, err := time.Parse(time.DateOnly, day); err != nil || x.now.After(t.AddDate(0, 0, 1)) {
			x.add(it.line, "Medication.batch: a product that has not expired expected")
		}
	}
	substituted, _ := r.Get("substitution", "wasSubstituted").Bool()
	if wants := it.outcome == ordonnance.SubstitutedGeneric || it.outcome == ordonnance.SubstitutedOther; wants != substituted {
		x.add(it.line, "substitution.wasSubstituted: %v expected with this outcome", wants)
	}
	if it.outcome == ordonnance.SubstitutedGeneric && r.Get("substitution", "type", "coding", 0, "code").Text() != "G" {
		x.add(it.line, "substitution.type: G expected")
	}
	if it.outcome == ordonnance.SubstitutedOther && r.Get("substitution", "reason", 0, "text").Text() == "" {
		x.add(it.line, "substitution.reason: expected outside the generic group")
	}
	changed := r.Get("dosageInstruction").Exists()
	if changed != (it.outcome == ordonnance.PosologyChanged) {
		x.add(it.line, "dosageInstruction: expected when the posology was changed, and only then")
	}
	consent := r.Get("extension").Where("url", d.ExtConsent).Get("extension")
	if changed && (consent.Where("url", "by").Get("valueString").Text() == "" || consent.Where("url", "at").Get("valueDateTime").Text() == "") {
		x.add(it.line, "consent: the prescriber's expected when the posology was changed")
	}
}

// completeness checks the code against the deliveries made so far.
func (x *check) completeness(r loose.Node, line int) string {
	c := r.Get("type", "coding").Where("system", x.server.dialect.System(ordonnance.OIDCompleteness)).Get("code").Text()
	switch c {
	case "FFC", "FFP", "RFC", "RFP":
	default:
		x.add(line, "type: FFC, FFP, RFC or RFP expected")
		return ""
	}
	if line >= 0 {
		if refill := x.rec.lines[line].delivered > 0; refill != strings.HasPrefix(c, "RF") {
			x.add(line, "type: first or refill does not follow from the %d deliveries made", x.rec.lines[line].delivered)
		}
	}
	return c
}

// ean13 checks the key of a code of 13 digits (GS1).
func ean13(s string) bool {
	if len(s) != 13 {
		return false
	}
	sum := 0
	for i, c := range s {
		if c < '0' || c > '9' {
			return false
		}
		weight := 1
		if i%2 == 1 {
			weight = 3
		}
		sum += weight * int(c-'0')
	}
	return sum%10 == 0
}
