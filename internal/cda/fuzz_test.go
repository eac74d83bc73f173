package cda_test

import (
	"io"
	"testing"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

func FuzzParse(f *testing.F) {
	e, err := full().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	r, err := e.Open()
	if err != nil {
		f.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><effectiveTime value="2024010611362+"/><component><nonXMLBody><text representation="B64">A=A</text></nonXMLBody></component></ClinicalDocument>`))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody/></component><author><assignedAuthor><id/></assignedAuthor></author></ClinicalDocument>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := cda.Parse(b, xmltree.Limits{Bytes: 1 << 20, Nodes: 20_000})
		if err != nil {
			return
		}
		_ = d.Patient.Name.BirthGivens()
		_ = d.EffectiveTime.UTC(d.Patient.BirthTime) + d.EffectiveTime.ISO()
		_ = d.Check()
		size := d.Body.Size()
		r, err := d.Body.Open()
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, r)
		if err == nil && n != size {
			t.Fatalf("Size says %d bytes, the body has %d", size, n)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"20240106113623+0100", "202401061136+100", "2020", "20240106113623.5Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cda.ParseTime(s)
		utc := got.UTC(cda.Time{})
		if got.IsZero() != (utc == "") || len(utc) != got.Digits {
			t.Fatalf("%q: %+v", s, got)
		}
		if again := cda.ParseTime(utc); utc != "" && again.UTC(cda.Time{}) != utc {
			t.Fatalf("%q: %q is not read again", s, utc)
		}
	})
}
