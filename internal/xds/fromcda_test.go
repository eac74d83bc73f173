package xds_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

func derive(t *testing.T, file string) xds.DocumentEntry {
	t.Helper()
	b, err := os.ReadFile(oracle.Corpus(t, "cda", file))
	require.NoError(t, err)
	d, err := cda.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	return xds.FromCDA(d, "da39a3ee5e6b4b0d3255bfef95601890afd80709", int64(len(b)))
}

// The codes of every document of the corpus, read by eye in the documents and
// in the published correspondences.
func TestCodesOfTheCorpus(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][5]string{ // class, type, format, facility, practice
		"ANEST-CR-CPA_2022.01.xml":               {"10", "34749-2", "urn:asip:ci-sis:cr-cpa:2020", "SA01", "ETABLISSEMENT"},
		"BIO-CR-BIO_2024.01_TSH_1.xml":           {"10", "11502-2", "urn:ihe:lab:xd-lab:2008", "SA25", "AMBULATOIRE"},
		"BIO-TROD_2024.01_Angine.xml":            {"10", "96173-0", "urn:ans:ci-sis:trod:2024", "SA33", "DEPISTAGE"},
		"BIO-TROD_2024.01_Cystite.xml":           {"10", "96173-0", "urn:ans:ci-sis:trod:2024", "SA33", "DEPISTAGE"},
		"CNAM-HR_2021.01.xml":                    {"60", "REMB", "urn:asip:ci-sis:hr:2019", "SA24", "AMO"},
		"DOC_NON_STRUCTURE_CDA-R2-N1.xml":        {"10", "11502-2", "urn:ihe:iti:xds-sd:pdf:2008", "SA07", "AMBULATOIRE"},
		"IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml": {"31", "18748-4", "urn:ihe:iti:xds-sd:pdf:2008", "SA08", "AMBULATOIRE"},
		"LDL-SES_2022.01.xml":                    {"10", "11490-0", "urn:asip:ci-sis:ldl-ses:2017", "SA01", "ETABLISSEMENT"},
		"SDM-MR_2024.01_nouveau-ne.xml":          {"11", "34133-9", "urn:asip:ci-sis:sdm-mr:2017", "SA01", "ETABLISSEMENT"},
		"TLM-CR_2022.01.xml":                     {"10", "85208-7", "urn:ihe:iti:xds-sd:pdf:2008", "SA03", "ETABLISSEMENT"},
		"VAC-NOTE_2023.01.xml":                   {"10", "87273-9", "urn:asip:ci-sis:vac-note:2021", "SA07", "AMBULATOIRE"},
		"VAC_2023.01.xml":                        {"11", "11369-6", "urn:asip:ci-sis:vac:2019", "SA24", "AMO"},
		"VSM_1.4_2022.01.xml":                    {"11", "SYNTH", "urn:asip:ci-sis:vsm:2012", "SA04", "ETABLISSEMENT"},
		"eDISP-MED_2024.01.xml":                  {"43", "60593-1", "urn:ihe:pharm:dis:2010", "SA33", "AMBULATOIRE"},
		"eP-MED-DM_2023.01_PosoNonStruct.xml":    {"42", "57833-6", "urn:ihe:pharm:pre:2010", "SA07", "AMBULATOIRE"},
		"eP-MED-DM_2023.01_PosoStruct.xml":       {"42", "57833-6", "urn:ihe:pharm:pre:2010", "SA07", "AMBULATOIRE"},
		"eP-MED-DM_2024.01_PosoStruct.xml":       {"42", "57833-6", "urn:ihe:pharm:pre:2010", "SA07", "AMBULATOIRE"},
	} {
		e := derive(t, file)
		require.Equal(t, want, [5]string{e.Class.Code, e.Type.Code, e.Format.Code, e.Facility.Code, e.Practice.Code}, file)
	}
}

// A derived entry is complete: nothing is left to add but its id.
func TestEveryDocumentOfTheCorpusCanBeSubmitted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	for _, f := range files {
		s := sample()
		e := derive(t, filepath.Base(f))
		e.ID = "Document01"
		s.Set.PatientID, s.Documents, s.Associations = e.PatientID, []xds.DocumentEntry{e}, s.Associations[:1]
		_, err := s.Marshal()
		require.NoError(t, err, f)
	}
}

func TestRapidTestMetadata(t *testing.T) {
	t.Parallel()
	e := derive(t, "BIO-TROD_2024.01_Angine.xml")
	require.Equal(t, "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", e.PatientID.Wire())
	require.Equal(t, e.PatientID, e.SourcePatientID) // it has no local one
	require.Equal(t, []string{"PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-5|PAT-TROIS^DOMINIQUE^^^^^D", "PID-7|19790328", "PID-8|F"}, e.SourcePatientInfo)
	require.Equal(t, "1.2.250.1.213.1.1.1.59.2024.1.1", e.UniqueID)
	require.Equal(t, "20240106103623", e.CreationTime)
	require.Equal(t, "20240106103623", e.ServiceStart)
	require.Empty(t, e.ServiceStop)
	require.Equal(t, "fr-FR", e.Language)
	require.Equal(t, "text/xml", e.MimeType)
	require.Equal(t, []socle.Code{{Code: "N", System: "2.16.840.1.113883.5.25", Display: "Normal"}}, e.Confidentiality)
	require.Equal(t, "J02.0", e.Events[0].Code)
	require.Len(t, e.Authors, 1)
	require.Equal(t, "807655473259^DIDOT^Pierre^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", e.Authors[0].Person.Wire())
	require.Equal(t, "Pharmacie des 4 cantons^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^2801234567", e.Authors[0].Institutions[0].Wire())
	require.Equal(t, "G15_21/A", e.Authors[0].Specialties[0].Code)
	require.Equal(t, e.Authors[0].Person, e.Legal)
}

func TestLocalIdentifierAndPeriod(t *testing.T) {
	t.Parallel()
	e := derive(t, "DOC_NON_STRUCTURE_CDA-R2-N1.xml")
	require.Equal(t, "1234567890121^^^&1.2.3.4.567.8.9.10&ISO^PI", e.SourcePatientID.Wire())
	require.Equal(t, "20210401124745", e.CreationTime)
	require.Equal(t, "20210104124700", e.ServiceStart)
	require.Equal(t, "20210104125500", e.ServiceStop)
}

func TestDeviceAsAuthor(t *testing.T) {
	t.Parallel()
	e := derive(t, "eDISP-MED_2024.01.xml")
	require.Len(t, e.Authors, 2)
	require.Equal(t, "578435954900010/1.2.250.1.176.1", e.Authors[0].Person.ID)
	require.Equal(t, "EI", e.Authors[0].Person.IDType)
	require.Equal(t, "U", e.Authors[0].Person.NameType)
	require.NotEmpty(t, e.Authors[0].Person.Family)
}

func TestPoorDocumentsGiveWhatTheyHave(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		`<ClinicalDocument xmlns="urn:hl7-org:v3"/>`,
		`<ClinicalDocument xmlns="urn:hl7-org:v3"><id nullFlavor="NI"/><code nullFlavor="UNK"/><recordTarget><patientRole><id nullFlavor="MSK"/></patientRole></recordTarget><author><assignedAuthor><id nullFlavor="UNK"/></assignedAuthor></author><component><nonXMLBody/></component></ClinicalDocument>`,
	} {
		d, err := cda.Parse([]byte(s), xmltree.Limits{})
		require.NoError(t, err)
		e := xds.FromCDA(d, "", 0)
		require.True(t, e.PatientID.IsZero())
		require.Empty(t, e.UniqueID)
		require.True(t, e.Class.IsZero())
	}
	d, err := cda.Parse([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><code code="99999-9" codeSystem="1.2"/><component><structuredBody/></component></ClinicalDocument>`), xmltree.Limits{})
	require.NoError(t, err)
	e := xds.FromCDA(d, "", 0)
	require.Equal(t, "99999-9", e.Type.Code)
	require.True(t, e.Class.IsZero())
	require.Equal(t, nos.FormatOutOfProfile, e.Format.Code)
}
