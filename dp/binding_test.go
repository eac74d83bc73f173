package dp

import (
	"testing"

	"github.com/soclesante/socle/internal/fhir"
)

// FuzzPage reads any FHIR as a page of a history.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"MedicationDispense","status":"completed","whenHandedOver":"2026-03-02","medicationReference":{"reference":"Medication/1"}}},{"resource":{"resourceType":"Medication","id":"1","code":{"text":"x","coding":[{"system":"s","code":"c"}]}}}]}`,
		`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"details":{"coding":[{"code":"dp-none"}]}}]}},{}]}`,
		`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"MedicationDispense","contained":[{"resourceType":"Medication"}],"substitution":{"wasSubstituted":true},"whenHandedOver":"2026"}}]}`,
	} {
		f.Add([]byte(s))
	}
	b := &binding{dialect: DefaultDialect()}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := fhir.Decode(raw, fhir.Limits{})
		if err != nil {
			return
		}
		page, ok := r.(*fhir.Bundle)
		if !ok {
			return
		}
		var h History
		if err := b.page(&h, page); err != nil {
			return
		}
		for _, e := range h.Entries {
			if e.HandedOver.IsZero() {
				t.Fatal("an entry without a date")
			}
			if e.Kind == "" {
				t.Fatal("an entry without a kind")
			}
		}
	})
}

// Without an OperationOutcome the status says what happened.
func TestByStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		302: ErrAnswer, 400: ErrValidation, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrAnswer, 410: ErrClosed, 418: ErrAnswer,
		422: ErrValidation, 423: ErrSuspended, 429: ErrUnavailable, 500: ErrUnavailable, 503: ErrUnavailable,
	} {
		if got := byStatus(status); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}
