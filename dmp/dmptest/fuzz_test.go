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
	head := hl7v3.Head{ID: hl7v3.ID{Root: "1"}, Receiver: hl7v3.Device{OID: hl7v3.OIDDMP}, Sender: hl7v3.Device{OID: "1.2", Software: "x"}}
	f.Add(hl7v3.Find{Head: head, QueryID: hl7v3.ID{Root: "2"}, Family: "AB"}.Marshal())
	f.Add(hl7v3.Change{Head: head, Reason: hl7v3.ReasonAmend, Patient: hl7v3.ID{Root: "1.2", Extension: "3"}, Status: "active", Name: hl7v3.Name{Birth: "AB"},
		Author: hl7v3.Author{ID: hl7v3.ID{Root: "1.2.250.1.71.4.2.1", Extension: "8"}, Organization: hl7v3.ID{Root: "1.2.250.1.71.4.2.2", Extension: "1"}}}.Marshal())
	f.Add([]byte(`<setAuthorization xmlns="urn:si-dmp-habilitations"><action>AJOUT</action></setAuthorization>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		if q, err := readQuery(d.Root, "TEST_EXST"); err == nil && q.patient.matricule == "" {
			t.Fatal("a query for nobody")
		}
		if c, err := readAmendment(d.Root, opAmend); err == nil && (c.patient.matricule == "" || c.author == "") {
			t.Fatal("a change of nobody, or by nobody")
		}
		if q, err := readSearch(d.Root); err == nil && len([]rune(q.family)) < 2 {
			t.Fatal("a search for anybody")
		}
		if in, err := form(d.Root, nsRights, "setAuthorization", "action", "role?"); err == nil && len(in) == 0 {
			t.Fatal("a form without action")
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
