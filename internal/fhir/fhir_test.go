package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/fhir"
)

func TestDecodeReadsByResourceType(t *testing.T) {
	t.Parallel()
	r, err := fhir.Decode([]byte(`{"resourceType":"Bundle","type":"searchset","total":2,
		"link":[{"relation":"self","url":"u1"},{"relation":"next","url":"u2"}],
		"entry":[
		 {"resource":{"resourceType":"Task","id":"t","status":"in-progress","foo":{"bar":1}}},
		 {"resource":{"resourceType":"MedicationDispense","status":"completed","quantity":{"value":2.50},
		   "contained":[{"resourceType":"Medication","id":"m1","batch":{"lotNumber":"L","expirationDate":"2032-12-31"}}],
		   "medicationReference":{"reference":"#m1"}}},
		 {"resource":{"resourceType":"Observation","valueQuantity":{"value":55}},"search":{"mode":"include"}}]}`), fhir.Limits{})
	require.NoError(t, err)
	b, ok := r.(*fhir.Bundle)
	require.True(t, ok)
	require.Equal(t, "u2", b.Next())
	require.Equal(t, 2, *b.Total)
	tasks := fhir.All[*fhir.Task](b)
	require.Len(t, tasks, 1)
	require.Equal(t, "in-progress", tasks[0].Status)
	d := fhir.All[*fhir.MedicationDispense](b)
	require.Len(t, d, 1)
	require.Equal(t, json.Number("2.50"), d[0].Quantity.Value, "digits are kept")
	require.Equal(t, "L", fhir.Contained(d[0].Contained, d[0].MedicationReference).Batch.LotNumber)
	require.Nil(t, fhir.Contained(d[0].Contained, nil))
	u := fhir.All[*fhir.Unknown](b)
	require.Len(t, u, 1)
	require.Equal(t, "Observation", u[0].Type)

	again, err := fhir.Marshal(b)
	require.NoError(t, err)
	r2, err := fhir.Decode(again, fhir.Limits{})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(b.Entry[1], r2.(*fhir.Bundle).Entry[1]))
	require.JSONEq(t, `{"resourceType":"Observation","valueQuantity":{"value":55}}`, string(fhir.All[*fhir.Unknown](r2.(*fhir.Bundle))[0].Raw))
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in     string
		limits fhir.Limits
		want   string
		limit  bool
	}{
		"empty":             {in: "", want: "unexpected EOF"},
		"truncated":         {in: `{"resourceType":"Task"`, want: "unexpected EOF"},
		"not JSON":          {in: `{'a'}`, want: "not JSON"},
		"not an object":     {in: `[]`, want: "fhir: "},
		"no type":           {in: `{"id":"x"}`, want: "resourceType is missing"},
		"nested no type":    {in: `{"resourceType":"Bundle","entry":[{"resource":{}}]}`, want: "resourceType is missing"},
		"wrong member type": {in: `{"resourceType":"Task","status":4}`, want: "member status is not a string"},
		"repeated name":     {in: `{"resourceType":"Task","id":"a","id":"b"}`, want: "repeated"},
		"trailing":          {in: `{"resourceType":"Task"}{}`, want: "after the resource"},
		"not UTF-8":         {in: "{\"resourceType\":\"Task\",\"id\":\"\xff\"}", want: "UTF-8"},
		"too big":           {in: `{"resourceType":"Task"}`, limits: fhir.Limits{Bytes: 10}, limit: true},
		"too deep":          {in: strings.Repeat(`[`, 70) + strings.Repeat(`]`, 70), limit: true},
		"too many values":   {in: `[` + strings.Repeat(`1,`, 50) + `1]`, limits: fhir.Limits{Values: 50}, limit: true},
		"bad base64":        {in: `{"resourceType":"Binary","contentType":"a/b","data":"***secret***"}`, want: "form of its FHIR type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fhir.Decode([]byte(c.in), c.limits)
			require.Error(t, err)
			require.Equal(t, c.limit, errors.Is(err, fhir.ErrLimit))
			require.Contains(t, err.Error(), c.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestMarshalPutsTheTypeFirst(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]fhir.Resource{
		`{"resourceType":"Task"}`:             &fhir.Task{},
		`{"resourceType":"Patient","id":"p"}`: &fhir.Patient{ID: "p"},
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Medication"}}]}`: &fhir.Bundle{
			Entry: []fhir.BundleEntry{{Resource: &fhir.Any{Resource: &fhir.Medication{}}}}},
		`null`: nil,
	} {
		b, err := fhir.Marshal(r)
		require.NoError(t, err)
		require.Equal(t, want, string(b))
	}
}

func TestEveryTypeComesBack(t *testing.T) {
	t.Parallel()
	for _, r := range []fhir.Resource{&fhir.Binary{}, &fhir.Bundle{}, &fhir.DeviceRequest{}, &fhir.Medication{}, &fhir.MedicationDispense{},
		&fhir.MedicationRequest{}, &fhir.OperationOutcome{}, &fhir.Parameters{}, &fhir.Patient{}, &fhir.Practitioner{}, &fhir.PractitionerRole{}, &fhir.Task{}} {
		b, err := fhir.Marshal(r)
		require.NoError(t, err)
		back, err := fhir.Decode(b, fhir.Limits{})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(r, back))
	}
}

func TestDateTime(t *testing.T) {
	t.Parallel()
	paris := time.FixedZone("", 3600)
	for in, want := range map[fhir.DateTime]struct {
		t        time.Time
		dateOnly bool
		ok       bool
	}{
		"2024-12-25T09:00:00+01:00": {time.Date(2024, 12, 25, 9, 0, 0, 0, paris), false, true},
		"2024-12-25":                {time.Date(2024, 12, 25, 0, 0, 0, 0, time.UTC), true, true},
		"2024-12":                   {time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC), true, true},
		"2024":                      {time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), true, true},
		"":                          {},
		"25/12/2024":                {},
		"2024-12-25T09:00:00":       {}, // no zone
	} {
		got, dateOnly, ok := in.Time()
		require.Equal(t, want.ok, ok, in)
		require.Equal(t, want.dateOnly, dateOnly, in)
		require.True(t, want.t.Equal(got), in)
	}
	require.Equal(t, fhir.DateTime(""), fhir.At(time.Time{}))
	require.Equal(t, fhir.DateTime("2024-12-25"), fhir.Day(time.Date(2024, 12, 25, 9, 0, 0, 0, paris)))
}

func TestParametersAndConcepts(t *testing.T) {
	t.Parallel()
	p := fhir.Parameters{Parameter: []fhir.Parameter{{Name: "a", ValueString: "1"}}}
	require.Equal(t, "1", p.Get("a").ValueString)
	require.Nil(t, p.Get("b"))
	var none *fhir.CodeableConcept
	_, ok := none.Code("")
	require.False(t, ok)
	c := &fhir.CodeableConcept{Coding: []fhir.Coding{{System: "s1", Code: "1"}, {System: "s2", Code: "2"}}}
	k, ok := c.Code("s2")
	require.True(t, ok)
	require.Equal(t, "2", k.Code)
	require.Equal(t, "x", fhir.Identified([]fhir.Identifier{{System: "s", Value: "x"}}, "s"))
	require.Empty(t, fhir.Identified(nil, "s"))
	var q *fhir.Quantity
	_, ok = q.Float()
	require.False(t, ok)
}

// Property: a quantity's number survives, and so does a dosage around it.
func TestDosageRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &fhir.MedicationRequest{DosageInstruction: []fhir.Dosage{{
			Sequence: rapid.IntRange(1, 9).Draw(t, "sequence"),
			Text:     rapid.String().Draw(t, "text"),
			Timing:   &fhir.Timing{Repeat: &fhir.TimingRepeat{Frequency: 1, Period: fhir.Number(rapid.Float64Range(0, 1e6).Draw(t, "period")), PeriodUnit: "h"}},
			DoseAndRate: []fhir.DoseAndRate{{DoseRange: &fhir.Range{
				Low: &fhir.Quantity{Value: fhir.Number(rapid.Float64Range(0, 1e4).Draw(t, "low")), Code: "mg"}}}},
		}}}
		b, err := fhir.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := fhir.Decode(b, fhir.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, out); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"resourceType":"Task"}`, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"X","a":[1,{"b":null}]}}]}`,
		`{"resourceType":"MedicationDispense","contained":[{"resourceType":"Medication","id":"m"}],"quantity":{"value":1e400}}`, `[`, `{"a":"\ud800"}`} {
		f.Add([]byte(s))
	}
	limits := fhir.Limits{Bytes: 1 << 16, Depth: 16, Values: 500}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := fhir.Decode(b, limits)
		if err != nil {
			return
		}
		out, err := fhir.Marshal(r)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := fhir.Decode(out, fhir.Limits{}); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if u, ok := r.(*fhir.Unknown); ok && !bytes.Contains(b, u.Raw) {
			t.Fatal("an unknown resource changed")
		}
	})
}
