package xds_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

func FuzzParse(f *testing.F) {
	b, err := sample().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`<l xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><RegistryObjectList><ExtrinsicObject id="a"><Slot name="size"><ValueList><Value>x</Value></ValueList></Slot></ExtrinsicObject><Association/></RegistryObjectList></l>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := xds.Parse(b, xmltree.Limits{Bytes: 1 << 20, Nodes: 20_000})
		if err != nil {
			return
		}
		again, err := s.Marshal() // only what is complete is written
		if err != nil {
			return
		}
		got, err := xds.Parse(again, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Documents) != len(s.Documents) || !cmp.Equal(got.Set, s.Set, cmpopts.EquateEmpty()) {
			t.Fatal(cmp.Diff(s.Set, got.Set))
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte(`<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="s"><rs:RegistryErrorList><rs:RegistryError errorCode="a:b"/></rs:RegistryErrorList></rs:RegistryResponse>`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		x, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 20, Nodes: 20_000})
		if err != nil {
			return
		}
		if r, err := xds.ParseResponse(x.Root); err == nil {
			_ = r.Marshal()
		}
		_, _, _ = xds.ParseProvide(x.Root)
	})
}
