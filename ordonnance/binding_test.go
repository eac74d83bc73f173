package ordonnance

import (
	"encoding/json"
	"testing"

	"github.com/soclesante/socle/internal/fhir"
)

// FuzzClaim reads any FHIR as a claim.
func FuzzClaim(f *testing.F) {
	for _, s := range []string{
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Task","identifier":[{"system":"urn:oid:1.2.250.1.215.500.1.1","value":"01"}]}},{"resource":{"resourceType":"MedicationRequest","id":"l1","medicationCodeableConcept":{"text":"x"},"dosageInstruction":[{"timing":{"repeat":{"period":1,"periodUnit":"d","when":["AC"]}},"doseAndRate":[{"doseQuantity":{"value":1}}]}]}}]}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Task","requester":{"reference":"PractitionerRole/p"}}},{"resource":{"resourceType":"PractitionerRole","id":"p","contained":[{"resourceType":"Practitioner","id":"1","name":[{}]}],"practitioner":{"reference":"#1"}}},{"resource":{"resourceType":"DeviceRequest"}},{}]}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Task"}},{"resource":{"resourceType":"MedicationRequest","substitution":{},"dispenseRequest":{},"contained":[{"resourceType":"Medication","id":"m","ingredient":[{}]}],"medicationReference":{"reference":"#m"}}}]}`,
	} {
		f.Add([]byte(s))
	}
	b := &binding{dialect: DefaultDialect()}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := fhir.Decode(raw, fhir.Limits{})
		if err != nil {
			return
		}
		c, err := b.claim(opRead, r)
		if err != nil {
			return
		}
		for i, l := range c.Prescription.Lines {
			if l.Index != i+1 || (l.Drug == nil) == (l.Device == nil) {
				t.Fatal("a line that is neither a drug nor a device, or out of order")
			}
		}
		if _, err := json.Marshal(c.Prescription); err != nil {
			t.Fatalf("a prescription that cannot be kept: %v", err)
		}
		if _, err := b.receipt(r); err == nil && len(c.Prescription.Lines) == 0 {
			t.Fatal("a receipt of a claim without lines")
		}
	})
}

// Without an OperationOutcome the status says what happened.
func TestByStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		302: ErrAnswer, 400: ErrValidation, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 409: ErrInvalidTransition,
		410: ErrExpired, 418: ErrAnswer, 422: ErrValidation, 429: ErrUnavailable, 500: ErrUnavailable, 503: ErrUnavailable,
	} {
		if got := byStatus(status); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}
