package dmp_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
)

// officialAnswer is an answer to TD3.1 of n documents, with values of our own in
// the layout of the official samples: one prefix for all of ebRIM, indented by
// three, slots in alphabetical order, a language on each string, an identifier
// on each part.
func officialAnswer(n int) []byte {
	var b bytes.Buffer
	line := func(depth int, format string, args ...any) {
		b.WriteString(strings.Repeat("   ", depth))
		fmt.Fprintf(&b, format, args...)
		b.WriteByte('\n')
	}
	slot := func(depth int, name string, values ...string) {
		line(depth, `<ns4:Slot name="%s">`, name)
		line(depth+1, `<ns4:ValueList>`)
		for _, v := range values {
			line(depth+2, `<ns4:Value>%s</ns4:Value>`, v)
		}
		line(depth+1, `</ns4:ValueList>`)
		line(depth, `</ns4:Slot>`)
	}
	text := func(depth int, element, value string) {
		line(depth, `<ns4:%s>`, element)
		line(depth+1, `<ns4:LocalizedString charset="UTF8" value="%s" xml:lang="FR"/>`, value)
		line(depth, `</ns4:%s>`, element)
	}
	line(0, `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">`)
	line(1, `<soap:Header>`)
	line(2, `<Action xmlns="http://www.w3.org/2005/08/addressing">urn:ihe:iti:2007:RegistryStoredQueryResponse</Action>`)
	line(1, `</soap:Header>`)
	line(1, `<soap:Body>`)
	line(2, `<ns3:AdhocQueryResponse startIndex="0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success" totalResultCount="%d" `+
		`xmlns:ns2="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:ns3="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:ns4="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" xmlns:ns6="urn:hl7-org:v3">`, n)
	line(3, `<ns4:RegistryObjectList>`)
	for i := range n {
		id, part := fmt.Sprintf("urn:uuid:0aa2c8f0-7a1c-41eb-816f-%012d", i), 0
		uuid := func() string { part++; return fmt.Sprintf("urn:uuid:%08d-7a1c-41eb-9%03d-0aa2c8f07a1c", i, part) }
		classified := func(scheme, code, system, display string) {
			line(5, `<ns4:Classification classificationScheme="urn:uuid:%s" classifiedObject="%s" id="%s" nodeRepresentation="%s">`, scheme, id, uuid(), code)
			slot(6, "codingScheme", system)
			text(6, "Name", display)
			line(5, `</ns4:Classification>`)
		}
		line(4, `<ns4:ExtrinsicObject id="%s" isOpaque="false" lid="%s" mimeType="text/xml" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved">`, id, id)
		slot(5, "creationTime", fmt.Sprintf("2026%02d%02d093000", 1+i%12, 1+i%28))
		slot(5, "hash", fmt.Sprintf("%040x", i))
		slot(5, "languageCode", "fr-FR")
		slot(5, "legalAuthenticator", "810000000017^ARNICA^PAULE^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS")
		slot(5, "repositoryUniqueId", "1.2.250.1.213.4.1.1.1.2")
		slot(5, "serviceStartTime", "20260302093000")
		slot(5, "serviceStopTime", "20260302094500")
		slot(5, "size", fmt.Sprint(2000+i))
		slot(5, "sourcePatientId", "0123456789^^^&amp;1.2.250.1.999.7.2&amp;ISO^PI")
		slot(5, "sourcePatientInfo", "PID-5|ORTIE^CAPUCINE^^^^^L", "PID-7|19840611", "PID-8|F")
		text(5, "Name", "Compte rendu d'entretien pharmaceutique")
		text(5, "Description", "suivi d&apos;un traitement par anticoagulant oral")
		line(5, `<ns4:VersionInfo versionName="1"/>`)
		line(5, `<ns4:Classification classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d" classifiedObject="%s" id="%s" nodeRepresentation="">`, id, uuid())
		slot(6, "authorInstitution", "PHARMACIE DES ARCADES^^^^^&amp;1.2.250.1.71.4.2.2&amp;ISO^IDNST^^^1750000010")
		slot(6, "authorPerson", "810000000017^ARNICA^PAULE^^^^^^&amp;1.2.250.1.71.4.2.1&amp;ISO^D^^^IDNPS")
		slot(6, "authorSpecialty", "G15_21/A^Pharmacien - Pharmacien titulaire d'officine^1.2.250.1.213.1.1.4.5")
		line(5, `</ns4:Classification>`)
		classified("41a5887f-8865-4c09-adf7-e362475b143a", "10", "1.2.250.1.213.1.1.4.1", "Compte rendu")
		classified("f4f85eac-e6cb-4883-b524-f2705394840f", "N", "2.16.840.1.113883.5.25", "Normal")
		classified("f4f85eac-e6cb-4883-b524-f2705394840f", "INVISIBLE_PATIENT", "1.2.250.1.213.1.1.4.13", "Non visible par le patient")
		classified("2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "I48", "2.16.840.1.113883.6.3", "Fibrillation et flutter auriculaires")
		classified("a09d5840-386c-46f2-b5ad-9c3699a4309d", "urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3", "Document à corps non structuré en Pdf/A-1")
		classified("f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "SA33", "1.2.250.1.71.4.2.4", "Pharmacie d'officine")
		classified("cccf5598-8b07-4b77-a05e-ae952c785ead", "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
		classified("f0306f51-975f-434e-a61c-c59651d33983", "78601-2", "2.16.840.1.113883.6.1", "CR d'entretien pharmaceutique")
		for _, x := range [][3]string{{"58a6f841-87b3-4a3e-92fd-a8ffeff98427", "284069205012349^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH^^20240907", "patientId"},
			{"2e82c1f6-a085-4c72-9da3-8640a32e42ab", fmt.Sprintf("1.2.250.1.999.7.1.%d", i), "uniqueId"}} {
			line(5, `<ns4:ExternalIdentifier id="%s" identificationScheme="urn:uuid:%s" registryObject="%s" value="%s">`, uuid(), x[0], id, x[1])
			text(6, "Name", "XDSDocumentEntry."+x[2])
			line(5, `</ns4:ExternalIdentifier>`)
		}
		line(4, `</ns4:ExtrinsicObject>`)
	}
	line(3, `</ns4:RegistryObjectList>`)
	line(2, `</ns3:AdhocQueryResponse>`)
	line(1, `</soap:Body>`)
	line(0, `</soap:Envelope>`)
	return b.Bytes()
}

func TestOfficialLayoutIsRead(t *testing.T) {
	t.Parallel()
	ortie := find(t, "ORTIE").INS
	b := bytes.ReplaceAll(officialAnswer(3), []byte("284069205012349"), []byte(ortie.Matricule.Wire()))
	r, err := dmp.DecodeSearch(b, ortie)
	require.NoError(t, err)
	require.Equal(t, 3, r.Total)
	e := r.Entries[0] // the most recent
	require.Equal(t, "1.2.250.1.999.7.1.2", e.ID)
	require.Equal(t, dmp.Date("2026-03-03T09:30:00Z"), e.Created)
	require.Equal(t, "suivi d'un traitement par anticoagulant oral", e.Comments)
	require.Equal(t, int64(2002), e.Size)
	require.Equal(t, "Pharmacie d'officine", e.Facility.Display)
	require.Equal(t, "I48", e.Events[0].Code)
	require.Empty(t, e.Extra)
	// Another patient in one of them, and nothing is given.
	b = bytes.Replace(b, []byte(ortie.Matricule.Wire()), []byte("101010000000000"), 1)
	r, err = dmp.DecodeSearch(b, ortie)
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	require.Empty(t, r.Entries)
}

// Decoding an answer of 1,000 documents: from the bytes of the envelope to the
// entries, sorted.
func BenchmarkDecodeSearch1000(b *testing.B) {
	ortie := find(b, "ORTIE").INS
	answer := bytes.ReplaceAll(officialAnswer(1000), []byte("284069205012349"), []byte(ortie.Matricule.Wire()))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := dmp.DecodeSearch(answer, ortie)
		if err != nil || len(r.Entries) != 1000 {
			b.Fatal(err, len(r.Entries))
		}
	}
}

// The floor: encoding/xml goes over the same bytes, token by token, and keeps nothing.
func BenchmarkDecodeSearch1000Floor(b *testing.B) {
	answer := officialAnswer(1000)
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		d := xml.NewDecoder(bytes.NewReader(answer))
		for {
			if _, err := d.RawToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
