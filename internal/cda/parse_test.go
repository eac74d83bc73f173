package cda_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

func read(t *testing.T, file string) *cda.Document {
	t.Helper()
	b, err := os.ReadFile(oracle.Corpus(t, "cda", file))
	require.NoError(t, err)
	d, err := cda.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	return d
}

func TestEveryDocumentOfTheCorpusIsRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 17)
	for _, f := range files {
		d := read(t, filepath.Base(f))
		require.True(t, d.HasTemplate(cda.TemplateHL7France), f)
		require.NotEmpty(t, d.ID.Root, f)
		require.NotEmpty(t, d.Code.Code.Code, f)
		require.NotEmpty(t, d.Title, f)
		require.Equal(t, 14, d.EffectiveTime.Digits, f)
		require.True(t, d.EffectiveTime.Zoned, f)
		require.Equal(t, "fr-FR", d.Language, f)
		require.Positive(t, d.Version, f)
		ins, ok := d.Patient.INS()
		require.True(t, ok, f)
		require.Len(t, ins.Extension, 15, f)
		require.NotEmpty(t, d.Patient.Name.BirthFamily(), f)
		require.NotEmpty(t, d.Patient.Name.BirthGivens(), f)
		require.NotEmpty(t, d.Authors, f)
		require.False(t, d.Authors[0].ID().IsZero(), f)
		require.NotEmpty(t, d.Custodian.Name, f)
		require.NotNil(t, d.Legal, f)
		require.NotEmpty(t, d.Events, f)
		require.NotNil(t, d.Encounter, f)
		require.NotEmpty(t, d.Encounter.Facility.Code.Code, f)
		require.NotEqual(t, cda.BodyNone, d.Body.Kind, f)
		require.Positive(t, d.Body.Size(), f)
	}
}

func TestRapidTestHeader(t *testing.T) {
	t.Parallel()
	d := read(t, "BIO-TROD_2024.01_Angine.xml")
	require.Equal(t, "1.2.250.1.213.1.1.1.59.2024.1.1", d.ID.String())
	require.Equal(t, cda.ID{Root: "1.2.250.1.213.1.1.1.59", Extension: "2024.01"}, d.TemplateIDs[3])
	require.Equal(t, "Test rapide d'orientation diagnostique : TROD Angine", d.Title)
	require.Equal(t, "20240106103623", d.EffectiveTime.UTC(cda.Time{}))

	p := d.Patient
	require.Equal(t, "PAT-TROIS", p.Name.BirthFamily())
	require.Equal(t, []string{"DOMINIQUE", "MARIE-LOUISE"}, p.Name.BirthGivens())
	require.Equal(t, "DOMINIQUE", p.Name.FirstBirthGiven())
	require.Equal(t, "DOMINIQUE", p.Name.UsedGiven())
	require.Equal(t, "F", p.Gender.Code.Code)
	require.Equal(t, "1979-03-28", p.BirthTime.ISO())
	require.Equal(t, "51215", p.BirthPlace)
	require.Equal(t, "DOMPREMY", p.BirthPlaceName)
	require.Equal(t, "PARIS", p.Addresses[0].Part("city"))
	require.Len(t, p.Telecoms, 3)
	require.Equal(t, "Jeanne NESSI", p.Guardians[0].Full())

	a := d.Authors[0]
	require.Equal(t, "807655473259", a.ID().Extension)
	require.Equal(t, "G15_21/A", a.Code.Code.Code)
	require.Equal(t, "Pierre DIDOT", a.Person.Full())
	require.Equal(t, []string{"DR"}, a.Person.Suffix)
	structure, ok := a.Organization.Structure()
	require.True(t, ok)
	require.Equal(t, "2801234567", structure)

	// The offset is written with three digits in the document.
	require.Equal(t, "20240106113623+100", d.Legal.Time.Low.Value)
	require.Equal(t, "20240106103623", d.Legal.Time.Low.UTC(cda.Time{}))

	require.Equal(t, "J02.0", d.Events[0].Code.Code.Code)
	require.Equal(t, "DEPISTAGE", d.Events[0].Performers[0].Organization.Industry.Code.Code)
	require.Equal(t, "SA33", d.Encounter.Facility.Code.Code)
	require.Equal(t, "Pharmacie des 4 cantons", d.Encounter.FacilityName)
	require.Equal(t, cda.BodyStructured, d.Body.Kind)
	_, err := d.Body.Open()
	require.ErrorContains(t, err, "structured")
}

func TestDispensationByADevice(t *testing.T) {
	t.Parallel()
	d := read(t, "eDISP-MED_2024.01.xml")
	require.Len(t, d.Authors, 2)
	require.NotNil(t, d.Authors[0].Device)
	require.Nil(t, d.Authors[0].Person)
	require.NotEmpty(t, d.Authors[0].Device.Software)
	require.Equal(t, "578435954900010/1.2.250.1.176.1", d.Authors[0].ID().Extension)
	require.NotNil(t, d.Authors[1].Person)
	require.Equal(t, []cda.ID{{Root: "1.2.250.1.213.1.1.1.39.1.1"}}, d.Orders)
	ins, _ := d.Patient.INS()
	require.Equal(t, "1.2.250.1.213.1.4.8", ins.Root)
}

func TestReplacement(t *testing.T) {
	t.Parallel()
	d := read(t, "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml")
	require.Equal(t, 2, d.Version)
	require.Len(t, d.Related, 1)
	require.Equal(t, "RPLC", d.Related[0].Type)
	require.Equal(t, "90E1C8EC-F951-4B26-A305-A34848818DD6", d.Related[0].IDs[0].Root)
	require.Len(t, d.Events, 4)
}

func TestFileOfLevelOne(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct {
		size int64
		sum  string // computed by other programs
	}{
		"DOC_NON_STRUCTURE_CDA-R2-N1.xml":        {326650, "72cbc4c926baf2817c7f9013a5f898c2254c84db2d3fad6febf22b64abd01529"},
		"IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml": {61736, "ce6c6ca92158909917fb6097f562c69f08dcc7b070635af1ad8e42b4eabe48ea"},
		"TLM-CR_2022.01.xml":                     {257508, "e5d20f4e6896cb17dbbc5e60152c735553cb7c8b2da57c0499e5f01bc33f5740"},
	} {
		d := read(t, file)
		require.Equal(t, cda.BodyNonXML, d.Body.Kind)
		require.Equal(t, "application/pdf", d.Body.MediaType)
		require.Equal(t, want.size, d.Body.Size(), file)
		for range 2 { // it opens more than once
			r, err := d.Body.Open()
			require.NoError(t, err)
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Len(t, b, int(want.size))
			require.True(t, bytes.HasPrefix(b, []byte("%PDF")))
			sum := sha256.Sum256(b)
			require.Equal(t, want.sum, hex.EncodeToString(sum[:]), file)
		}
	}
}

func TestOddDocuments(t *testing.T) {
	t.Parallel()
	parse := func(s string) *cda.Document {
		d, err := cda.Parse([]byte(s), xmltree.Limits{})
		require.NoError(t, err)
		return d
	}
	empty := parse(`<h:ClinicalDocument xmlns:h="urn:hl7-org:v3"/>`)
	require.True(t, empty.ID.IsZero())
	require.Equal(t, cda.BodyNone, empty.Body.Kind)
	require.Zero(t, empty.Body.Size())

	null := parse(`<ClinicalDocument xmlns="urn:hl7-org:v3"><id nullFlavor="NI"/><code nullFlavor="UNK"><translation code="T" codeSystem="1.2"/></code>
		<effectiveTime nullFlavor="UNK"/><versionNumber value="x"/>
		<recordTarget><patientRole><id nullFlavor="MSK"/><patient><name nullFlavor="MSK"/><birthTime value="197903"/></patient></patientRole></recordTarget>
		<recordTarget/><author/><documentationOf/><componentOf/><relatedDocument/><legalAuthenticator/></ClinicalDocument>`)
	require.Equal(t, "NI", null.ID.Null)
	require.Equal(t, "UNK", null.Code.Null)
	require.Equal(t, "T", null.Code.Translations[0].Code.Code)
	require.True(t, null.EffectiveTime.IsZero())
	require.Zero(t, null.Version)
	require.Equal(t, "MSK", null.Patient.Name.Null)
	require.Equal(t, "1979-03", null.Patient.BirthTime.ISO())
	require.Len(t, null.OtherPatients, 1)
	require.Nil(t, null.Encounter)

	named := parse(`<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><patient>
		<name><family qualifier="SP">MARIEE</family></name>
		<name><family qualifier="BR">NEE</family><given qualifier="BR CL">ANNE</given></name></patient></patientRole></recordTarget>
		<author><assignedAuthor><assignedPerson><name>Docteur  Tant
		Pis</name></assignedPerson></assignedAuthor></author></ClinicalDocument>`)
	require.Equal(t, "NEE", named.Patient.Name.BirthFamily())
	require.Equal(t, []string{"ANNE"}, named.Patient.Name.BirthGivens())
	require.Equal(t, "Docteur Tant Pis", named.Authors[0].Person.Full())

	utf16 := append([]byte{0xFF, 0xFE}, func() []byte {
		var b []byte
		for _, c := range `<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Été</title></ClinicalDocument>` {
			b = append(b, byte(c), byte(c>>8))
		}
		return b
	}()...)
	require.Equal(t, "Été", parse(string(utf16)).Title)
	require.Equal(t, "Été", parse("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><ClinicalDocument xmlns=\"urn:hl7-org:v3\"><title>\xc9t\xe9</title></ClinicalDocument>").Title)

	carrier := parse(`<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><s:Contenu xmlns:s="urn:asip-sante:ci-sis"><c:ClinicalDocument xmlns:c="urn:hl7-org:v3"><c:title>Dedans</c:title></c:ClinicalDocument></s:Contenu><xsl:template match="/"/></xsl:stylesheet>`)
	require.Equal(t, "Dedans", carrier.Title)
	require.Equal(t, "ClinicalDocument", carrier.Root.Name.Local)

	text := parse(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="text/plain">Bonjour</text></nonXMLBody></component></ClinicalDocument>`)
	require.EqualValues(t, 7, text.Body.Size())
	r, err := text.Body.Open()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "Bonjour", string(b))

	wrong := parse(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="application/pdf" representation="B64">AA*A</text></nonXMLBody></component></ClinicalDocument>`)
	r, err = wrong.Body.Open()
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	var e *cda.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "component/nonXMLBody/text", e.Path)
}

func TestWhatIsNoCDA(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                    "not an XML document",
		"%PDF-1.4":            "not an XML document",
		"<a>":                 "not an XML document",
		"<ClinicalDocument/>": "not a CDA document",
		`<x xmlns="urn:y"/>`:  `its root is "x" in namespace "urn:y"`,
		"<!DOCTYPE a []><a/>": "document type declarations are refused",
		`<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>`: "not a CDA document",
		"\xff\xfe<": "not an XML document",
		`<ClinicalDocument xmlns="urn:hl7-org:v3">` + strings.Repeat("<author/>", 2001) + `</ClinicalDocument>`: "more than 2000 elements",
		"<a b='1' b='2'></a>":  "duplicate attribute",
		"<a><p:b></p:b></a>":   "undeclared namespace prefix",
		"<a></a>trailing text": "text outside",
	} {
		_, err := cda.Parse([]byte(in), xmltree.Limits{})
		require.ErrorContains(t, err, want, in)
		var e *cda.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "read", e.Op)
	}
}
