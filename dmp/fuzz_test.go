package dmp

import (
	"errors"
	"testing"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// Answers are foreign bytes: whatever they are, there is a result or an *Error.
func FuzzAnswer(f *testing.F) {
	id := hl7v3.ID{Root: "1.2.250.1.213.1.4.10", Extension: "279035121518989"}
	seed := func(body []byte) { f.Add(soap.Message{Action: "urn:a", MessageID: "urn:uuid:1", Body: body}.Marshal()) }
	seed(hl7v3.Answer{Head: hl7v3.Head{ID: id}, Ack: "AA", Query: "NF"}.Marshal())
	seed(hl7v3.Answer{Head: hl7v3.Head{ID: id}, Ack: "AE", Details: []hl7v3.Detail{{Type: "E", Code: "DMPClosed", Text: "x"}}}.Marshal())
	seed(hl7v3.Answer{Head: hl7v3.Head{ID: id}, Ack: "AA", Query: "OK", Subject: &hl7v3.Subject{Status: "active", IDs: []hl7v3.ID{id}}}.Marshal())
	seed(xds.Response{Status: xds.ResponseSuccess}.Marshal())
	seed(xds.Response{Status: xds.ResponsePartial, Errors: []xds.RegistryError{{Code: "XDSRegistryBusy", Context: "x"}, {Code: "A", Severity: xds.SeverityWarning}}}.Marshal())
	patient, err := ins.Parse(id.Extension, id.Root)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		var own *Error
		var receipt Receipt
		if _, err := receipt.check(opSubmit, e); err != nil && !errors.As(err, &own) {
			t.Fatal(err)
		}
		var record Record
		_, err = record.check(opExists, e, hl7v3.Query{}, patient, nil, Dialect{}, nil)
		switch {
		case err != nil && !errors.As(err, &own):
			t.Fatal(err)
		case err == nil && record.State == StateUnknown:
			t.Fatal("an answer that says nothing")
		}
	})
}
