package dmptest

import (
	"testing"

	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// What the emulator reads by itself.
func FuzzRead(f *testing.F) {
	f.Add(hl7v3.Query{Head: hl7v3.Head{ID: hl7v3.ID{Root: "1"}}, Reason: hl7v3.ReasonExistence, QueryID: hl7v3.ID{Root: "2"},
		Patient: hl7v3.ID{Root: "1.2", Extension: "3"}}.Marshal())
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1"/><component><nonXMLBody><text mediaType="application/pdf" representation="B64">JVBERi0=</text></nonXMLBody></component></ClinicalDocument>`))
	f.Add([]byte(`<x><lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><r:RegistryObjectList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><r:RegistryPackage id="a"/><r:ExtrinsicObject id="b"/></r:RegistryObjectList></lcm:SubmitObjectsRequest></x>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		if q, err := readQuery(d.Root, "TEST_EXST"); err == nil && q.patient.matricule == "" {
			t.Fatal("a query for nobody")
		}
		l := &lot{who: &session{vihf: &saml.VIHF{}}, body: d.Root, metadata: &xds.Submission{}}
		if s, err := xds.FromXML(d.Root); err == nil {
			l.metadata = s
		}
		l.checkMetadata(true)
		l.checkDocument(xds.DocumentEntry{}, b)
		if len(l.errors) == 0 {
			t.Fatal("nothing was refused")
		}
	})
}
