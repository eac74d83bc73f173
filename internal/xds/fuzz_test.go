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

func FuzzComposites(f *testing.F) {
	f.Add("260058815400233^^^&1.2.250.1.213.1.4.10&ISO^NH^^20200101")
	f.Add(`7^N\S\^P^Middle^Jr^Dr^MD^^a&1.2&ISO&x^L^^^EI^^FAC`)
	f.Fuzz(func(t *testing.T, s string) {
		if x := xds.ParseCX(s); x != xds.ParseCX(x.Wire()) {
			t.Fatalf("CX %q: %+v", s, x)
		}
		if x := xds.ParseXCN(s); x != xds.ParseXCN(x.Wire()) {
			t.Fatalf("XCN %q: %+v", s, x)
		}
		if x := xds.ParseXON(s); x != xds.ParseXON(x.Wire()) {
			t.Fatalf("XON %q: %+v", s, x)
		}
	})
}

// What is built from any value is read back as it was: nothing is injected.
func FuzzQuery(f *testing.F) {
	f.Add("$XDSDocumentEntryAuthorPerson", "O'NEIL", "') or ('a'='a", uint8(1))
	f.Add("$uuid", "urn:uuid:1", "20260302", uint8(2))
	f.Fuzz(func(t *testing.T, name, a, b string, form uint8) {
		p := xds.Param{Name: name, Form: xds.Form(form % 3), Values: []string{a}}
		if p.Form == xds.List {
			p.Values = append(p.Values, b)
		}
		q := &xds.Query{ID: xds.FindDocuments, Params: []xds.Param{p, {Name: name, Form: xds.Text, Values: []string{b}}}}
		wire, err := q.Marshal()
		if err != nil {
			return
		}
		x, err := xmltree.Parse(wire, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := xds.ParseQuery(x.Root)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(q, got); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	b, err := query().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 20, Nodes: 20_000})
		if err != nil {
			return
		}
		q, err := xds.ParseQuery(x.Root)
		if err != nil {
			return
		}
		again, err := q.Marshal() // what is too long for us is not written
		if err != nil {
			return
		}
		if x, err = xmltree.Parse(again, xmltree.Limits{}); err != nil {
			t.Fatal(err)
		}
		got, err := xds.ParseQuery(x.Root)
		if err != nil || !cmp.Equal(q, got) {
			t.Fatal(err, cmp.Diff(q, got))
		}
	})
}

func FuzzParseQueryResponse(f *testing.F) {
	f.Add(answer().Marshal())
	f.Add((&xds.RetrieveResponse{Response: xds.Response{Status: "s"}, Documents: []xds.Retrieved{{ContentID: "a@b"}, {Inline: []byte("a")}}}).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 20, Nodes: 20_000})
		if err != nil {
			return
		}
		if r, err := xds.ParseQueryResponse(x.Root); err == nil {
			x, err := xmltree.Parse(r.Marshal(), xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := xds.ParseQueryResponse(x.Root)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Documents) != len(r.Documents) || len(got.Sets) != len(r.Sets) || len(got.References) != len(r.References) || got.Total != r.Total {
				t.Fatal("not the same")
			}
		}
		if r, err := xds.ParseRetrieveResponse(x.Root); err == nil {
			_ = r.Marshal()
		}
		_, _ = xds.ParseRetrieve(x.Root)
	})
}
