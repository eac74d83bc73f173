package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
)

// inspectJSON runs the command and gives its status and one object for each file.
func inspectJSON(t *testing.T, files ...string) (int, []map[string]any) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(append([]string{"-json"}, files...), &stdout, &stderr)
	require.Empty(t, stderr.String())
	var all []map[string]any
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	require.Len(t, lines, len(files), "one line for each file")
	for i, l := range lines {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(l), &o))
		require.Equal(t, files[i], o["file"])
		all = append(all, o)
	}
	return status, all
}

// at follows names and indexes through a decoded object.
func at(t *testing.T, o any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := o.(map[string]any)
			require.True(t, ok, "%v is no object", p)
			o, ok = m[p]
			require.True(t, ok, "%v is missing", p)
		case int:
			a, ok := o.([]any)
			require.True(t, ok && p < len(a), "no element %d", p)
			o = a[p]
		}
	}
	return o
}

func TestEveryDocumentOfTheCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 17)
	status, all := inspectJSON(t, files...)
	require.Zero(t, status)
	for _, o := range all {
		require.Equal(t, "cda", o["kind"], o["file"])
		require.NotContains(t, o, "error")
		for _, p := range [][]any{
			{"id"}, {"templateIds", 0}, {"code", "code"}, {"code", "codeSystem"}, {"code", "displayName"}, {"title"}, {"effectiveTime"},
			{"confidentiality"}, {"setId"}, {"version"}, {"patient", "matricule"}, {"patient", "oid"}, {"patient", "birthName"},
			{"patient", "givenNames", 0}, {"patient", "sex"}, {"patient", "birthDate"}, {"patient", "birthPlace"},
			{"authors", 0, "id"}, {"authors", 0, "name"}, {"authors", 0, "kind"}, {"body", "kind"}, {"body", "size"},
			{"entry", "classCode"}, {"entry", "typeCode"}, {"entry", "formatCode"}, {"entry", "healthcareFacilityTypeCode"},
			{"entry", "practiceSettingCode"}, {"entry", "creationTime"}, {"entry", "serviceStartTime"}, {"entry", "languageCode"},
			{"entry", "uniqueId"}, {"entry", "hash"}, {"entry", "size"},
		} {
			v := at(t, o["cda"], p...)
			require.NotZero(t, v, "%v of %v", p, o["file"])
		}
		at(t, o["cda"], "patient", "keyValid")
		at(t, o["cda"], "entry", "serviceStopTime")
	}
}

// Facts read in the documents with other programs (xmllint, sha1sum, wc).
func TestFacts(t *testing.T) {
	t.Parallel()
	for file, facts := range map[string]map[string]any{
		"BIO-TROD_2024.01_Angine.xml": {
			"id": "1.2.250.1.213.1.1.1.59.2024.1.1", "setId": "1.2.250.1.213.1.1.1.59.2024.1", "version": 1.0, "confidentiality": "N",
			"templateIds/3": "1.2.250.1.213.1.1.1.59", "templateVersions/1.2.250.1.213.1.1.1.59": "2024.01",
			"code/code": "96173-0", "code/codeSystem": "2.16.840.1.113883.6.1", "code/displayName": "Test rapide d'orientation diagnostique",
			"title": "Test rapide d'orientation diagnostique : TROD Angine", "effectiveTime": "20240106113623+0100",
			"patient/matricule": "279035121518989", "patient/oid": "1.2.250.1.213.1.4.10", "patient/keyValid": true, "patient/birthName": "PAT-TROIS",
			"patient/givenNames/0": "DOMINIQUE", "patient/givenNames/1": "MARIE-LOUISE", "patient/sex": "F", "patient/birthDate": "1979-03-28", "patient/birthPlace": "51215",
			"authors/0/id": "807655473259", "authors/0/name": "Pierre DIDOT", "authors/0/role": "G15_21/A", "authors/0/organisation": "Pharmacie des 4 cantons", "authors/0/kind": "person",
			"body/kind": "structured", "entry/classCode": "10", "entry/typeCode": "96173-0", "entry/formatCode": "urn:ans:ci-sis:trod:2024",
			"entry/healthcareFacilityTypeCode": "SA33", "entry/practiceSettingCode": "DEPISTAGE", "entry/creationTime": "20240106103623", "entry/serviceStartTime": "20240106103623",
			"entry/serviceStopTime": "", "entry/languageCode": "fr-FR", "entry/uniqueId": "1.2.250.1.213.1.1.1.59.2024.1.1",
			"entry/hash": "cda15d36c9403e0e025e379404c8a62ad817f099", "entry/size": 24900.0,
		},
		"TLM-CR_2022.01.xml": {
			"title": "Compte-rendu de téléconsultation", "authors/0/name": "Olivier DUMAS", "body/kind": "nonXML", "body/mediaType": "application/pdf",
			"entry/formatCode": "urn:ihe:iti:xds-sd:pdf:2008", "entry/healthcareFacilityTypeCode": "SA03",
			"entry/hash": "5d630367705886dc3243a01e8ed16b77ce549574", "entry/size": 368175.0,
		},
		"eDISP-MED_2024.01.xml": {
			"patient/matricule": "277076322082910", "patient/oid": "1.2.250.1.213.1.4.8", "patient/keyValid": true,
			"authors/0/kind": "device", "authors/0/name": "Dossier Pharmaceutique", "authors/0/id": "578435954900010/1.2.250.1.176.1", "authors/0/organisation": "CONSEIL NATIONAL ORDRE DES PHARMACIENS",
			"authors/1/kind": "person", "authors/1/name": "Pierre DELIVE", "authors/1/organisation": "Pharmacie du village",
			"entry/classCode": "43", "entry/typeCode": "60593-1", "entry/formatCode": "urn:ihe:pharm:dis:2010", "entry/size": 67072.0,
		},
		"SDM-MR_2024.01_nouveau-ne.xml": {
			"version": 2.0, "patient/matricule": "224027511583555", "patient/keyValid": false, // its key is wrong in the document
			"patient/birthDate": "2024-02-28", "authors/0/organisation": "",
		},
		"IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml": {
			"version": 2.0, "entry/classCode": "31", "entry/serviceStartTime": "20210108092500", "entry/serviceStopTime": "20210108101700",
		},
		"eP-MED-DM_2024.01_PosoStruct.xml": { // begins with a byte order mark
			"title": "Prescription de médicaments et/ou de dispositifs médicaux", "authors/0/name": "Romain PIOU",
			"prescription/number": "01S2TBPZ2JCNZZYGHZ", "prescription/lines/0/index": 1.0,
			"prescription/lines/0/drug/product/name": "PARACETAMOL MYLAN 500 mg, comprimé", "prescription/lines/2/device/name": "lit médical, lit + 135 kg, forfait de livraison du lit et accessoires",
			"entry/hash": "ff32e41b12d434c89edc36e639990a2abc423582", "entry/size": 227009.0,
		},
	} {
		status, all := inspectJSON(t, oracle.Corpus(t, "cda", file))
		require.Zero(t, status)
		for path, want := range facts {
			var steps []any
			for _, s := range strings.Split(path, "/") {
				if len(s) == 1 && s[0] >= '0' && s[0] <= '9' {
					steps = append(steps, int(s[0]-'0'))
				} else {
					steps = append(steps, s)
				}
			}
			require.Equal(t, want, at(t, all[0]["cda"], steps...), "%s: %s", file, path)
		}
	}
}

func TestPrescriptionsOnly(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"eP-MED-DM_2023.01_PosoNonStruct.xml", "eP-MED-DM_2023.01_PosoStruct.xml", "eP-MED-DM_2024.01_PosoStruct.xml"} {
		_, all := inspectJSON(t, oracle.Corpus(t, "cda", file))
		require.Len(t, at(t, all[0], "cda", "prescription", "lines"), 3, file)
	}
	_, all := inspectJSON(t, oracle.Corpus(t, "cda", "VAC_2023.01.xml"))
	require.NotContains(t, all[0]["cda"], "prescription")
}

func TestPatientOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	const head = `<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>`
	const tail = `</patientRole></recordTarget></ClinicalDocument>`
	for ids, want := range map[string]patientReport{
		`<id nullFlavor="UNK"/>`:              {},
		`<id root="1.2.3" extension="IPP7"/>`: {Matricule: "IPP7", OID: "1.2.3"},
		`<id root="1.2.3" extension="IPP7"/><id root="1.2.4" extension="279035121518989"/>`:                          {Matricule: "279035121518989", OID: "1.2.4", KeyValid: true},
		`<id root="1.2.4" extension="279035121518989"/><id root="1.2.250.1.213.1.4.8" extension="279035121518988"/>`: {Matricule: "279035121518988", OID: "1.2.250.1.213.1.4.8"},
		`<id root="1.2.250.1.213.1.4.8" extension="12"/>`:                                                            {Matricule: "12", OID: "1.2.250.1.213.1.4.8"},
	} {
		want.GivenNames = []string{}
		require.Equal(t, want, inspect([]byte(head+ids+tail)).CDA.Patient, ids)
	}
}

func TestTextForPeople(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	file := oracle.Corpus(t, "cda", "eP-MED-DM_2024.01_PosoStruct.xml")
	require.Zero(t, run([]string{file}, &stdout, &stderr))
	require.Empty(t, stderr.String())
	for _, want := range []string{file + ": CDA document", "PAT-TROIS DOMINIQUE MARIE-LOUISE, F, born 1979-03-28 at 51215", "right key",
		"Romain PIOU", "class 42, type 57833-6", "01S2TBPZ2JCNZZYGHZ, valid until 2024-07-30", "line 3"} {
		require.Contains(t, stdout.String(), want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	good := write("good.xml", `<ClinicalDocument xmlns="urn:hl7-org:v3"/>`)
	files := map[string]string{
		filepath.Join(dir, "none.xml"): "no such file",
		dir:                            "is a folder",
		os.DevNull:                     "is no regular file",
		write("empty.xml", ""):         "is empty",
		write("a.pdf", "%PDF-1.7\n%âãÏÓ\n1 0 obj"):                       "not a CDA document but application/pdf",
		write("a.zip", "PK\x03\x04\x14\x00\x00\x00"):                     "xdm: NOT_ARCHIVE",
		write("a.txt", "bonjour"):                                        "not an XML document",
		write("other.xml", `<Bundle xmlns="http://hl7.org/fhir"/>`):      `its root is "Bundle" in namespace "http://hl7.org/fhir"`,
		write("cut.xml", `<ClinicalDocument xmlns="urn:hl7-org:v3"><id`): "unexpected EOF",
		write("bomb.xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`):    "document type declarations are refused",
		write("deep.xml", strings.Repeat("<a>", 10_000)):                 "deeper than 128",
		write("empty-prescription.xml", `<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="1.2.250.1.213.1.1.1.39"/></ClinicalDocument>`): "claims to be a prescription",
	}
	for path, want := range files {
		status, all := inspectJSON(t, path, good)
		require.Equal(t, 1, status, path)
		require.Contains(t, all[0]["error"], want, path)
		require.Equal(t, "cda", all[1]["kind"], "the other files are read all the same")

		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, run([]string{path}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "inspect: "+path+": ")
		require.Contains(t, stderr.String(), want)
	}
}

func TestCalledWrongly(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-json"}, {"-yaml", "x"}} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, run(args, &stdout, &stderr))
		require.Contains(t, stderr.String(), "usage: inspect [-json] FILE…")
	}
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"-h"}, &stdout, &stderr))
}

func TestTruncatedDocumentsGiveAnError(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"BIO-TROD_2024.01_Angine.xml", "eP-MED-DM_2024.01_PosoStruct.xml", "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml"} {
		b, err := os.ReadFile(oracle.Corpus(t, "cda", file))
		require.NoError(t, err)
		end := bytes.LastIndex(b, []byte("</ClinicalDocument>"))
		for n := 0; n < end; n += 1 + end/150 {
			r := inspect(b[:n])
			require.NotEmpty(t, r.Error, "%s cut at %d", file, n)
			require.Nil(t, r.CDA)
		}
		require.NotEmpty(t, inspect(b[:end+5]).Error)
	}
}

func TestMutatedDocumentsAreSurvived(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	read, refused := 0, 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		for range 12 {
			m := bytes.Clone(b)
			switch from := random.IntN(len(m)); random.IntN(3) {
			case 0: // bytes change
				for range 1 + random.IntN(20) {
					m[random.IntN(len(m))] = byte(random.IntN(256))
				}
			case 1: // a piece is lost
				m = append(m[:from], m[min(len(m), from+random.IntN(2000)):]...)
			case 2: // an element is lost, and what it held
				if i := bytes.Index(m[from:], []byte("<id ")); i >= 0 {
					j := bytes.IndexByte(m[from+i:], '>')
					m = append(m[:from+i], m[from+i+j+1:]...)
				}
			}
			r := inspect(m)
			if r.Error != "" {
				refused++
				continue
			}
			read++
			require.NotNil(t, r.CDA)
			require.NoError(t, r.print(&bytes.Buffer{}))
			_, err := json.Marshal(r)
			require.NoError(t, err)
		}
	}
	require.Positive(t, read)
	require.Positive(t, refused)
}
