package xdm_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

const matricule, oid = "279035121518989", "1.2.250.1.213.1.4.10"

// document is a small CDA, of a patient.
func document(id, matricule string) []byte {
	return fmt.Appendf(nil, `<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.250.1.999.1.%s"/><code code="PRESC" codeSystem="1.2.250.1.213.1.1.4.12"/><title>Essai</title>`+
		`<recordTarget><patientRole><id root="%s" extension="%s"/></patientRole></recordTarget></ClinicalDocument>`, id, oid, matricule)
}

// entry writes the metadata of a file by hand: nothing of the package is used.
func entry(n int, uri string, content []byte, change ...string) string {
	sum := sha1.Sum(content)
	s := fmt.Sprintf(`<ExtrinsicObject id="Document%02d" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" mimeType="text/xml">`+
		`<Slot name="hash"><ValueList><Value>%X</Value></ValueList></Slot>`+
		`<Slot name="size"><ValueList><Value>%d</Value></ValueList></Slot>`+
		`<Slot name="URI"><ValueList><Value>%s</Value></ValueList></Slot>`+
		`<ExternalIdentifier identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="%s^^^&amp;%s&amp;ISO^NH"/>`+
		`</ExtrinsicObject>`, n, sum, len(content), uri, matricule, oid)
	return strings.NewReplacer(change...).Replace(s)
}

func metadata(entries ...string) []byte {
	return []byte(`<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><RegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">` +
		strings.Join(entries, "") + `<RegistryPackage id="SubmissionSet01"/><Classification classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd" classifiedObject="SubmissionSet01"/>` +
		`</RegistryObjectList></lcm:SubmitObjectsRequest>`)
}

// archive zips pairs of names and contents.
func archive(t testing.TB, pairs ...any) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i].(string))
		require.NoError(t, err)
		_, err = w.Write(pairs[i+1].([]byte))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	one, two := document("1", matricule), document("2", matricule)
	for name, b := range map[string][]byte{
		"as the profile names": archive(t, "INDEX.HTM", []byte("x"), "README.TXT", []byte("x"),
			"IHE_XDM/SUBSET01/METADATA.XML", metadata(entry(1, "DOC1.XML", one), entry(2, "DOC2.XML", two)),
			"IHE_XDM/SUBSET01/DOC1.XML", one, "IHE_XDM/SUBSET01/DOC2.XML", two),
		"lower case, other folder": archive(t, "ihe_xdm/ss000001/metadata.xml", metadata(entry(1, "Doc1.xml", one), entry(2, "./doc2.XML", two)),
			"ihe_xdm/ss000001/doc1.XML", one, "ihe_xdm/ss000001/DOC2.xml", two),
		"Windows separators": archive(t, `IHE_XDM\SUBSET01\METADATA.XML`, metadata(entry(1, `FILES\DOC1.XML`, one), entry(2, "DOC2.XML", two)),
			`IHE_XDM\SUBSET01\FILES\DOC1.XML`, one, `IHE_XDM\SUBSET01\DOC2.XML`, two),
		"inside a folder, two subsets": archive(t, "envoi/IHE_XDM/SUBSET01/METADATA.XML", metadata(entry(1, "DOC1.XML", one)), "envoi/IHE_XDM/SUBSET01/DOC1.XML", one,
			"envoi/IHE_XDM/SUBSET02/METADATA.XML", metadata(entry(1, "DOC1.XML", two)), "envoi/IHE_XDM/SUBSET02/DOC1.XML", two),
	} {
		t.Run(name, func(t *testing.T) {
			a, err := xdm.Read(b, xdm.Limits{})
			require.NoError(t, err)
			require.Empty(t, a.Faults)
			var got [][]byte
			for _, s := range a.Subsets {
				for _, d := range s.Documents {
					require.NoError(t, d.Err)
					require.NotNil(t, d.CDA)
					got = append(got, d.Data)
				}
			}
			require.Equal(t, [][]byte{one, two}, got)
		})
	}
}

func TestTellsEveryFault(t *testing.T) {
	t.Parallel()
	one := document("1", matricule)
	const dir = "IHE_XDM/SUBSET01/"
	for code, b := range map[xdm.Code][]byte{
		xdm.NotArchive:      []byte("PK but not really"),
		xdm.EmptyArchive:    archive(t, "INDEX.HTM", []byte("x")),
		xdm.MetadataMissing: archive(t, dir+"DOC1.XML", one),
		xdm.MetadataInvalid: archive(t, dir+"METADATA.XML", []byte("<a>"), dir+"DOC1.XML", one),
		xdm.CDAMissing:      archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one))),
		xdm.NotCDA:          archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", []byte("<a/>"))), dir+"DOC1.XML", []byte("<a/>")),
		xdm.SizeMismatch:    archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one)), dir+"DOC1.XML", append(bytes.Clone(one), '\n')),
		xdm.HashMismatch:    archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one)), dir+"DOC1.XML", bytes.Replace(one, []byte("Essai"), []byte("Essay"), 1)),
		xdm.EmptyFile:       archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", nil)), dir+"DOC1.XML", []byte{}),
		xdm.PatientMismatch: archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one, matricule, "277076322082910")), dir+"DOC1.XML", one),
		xdm.PatientMismatch + " of the authority": archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one, oid, "1.2.250.1.213.1.4.8")), dir+"DOC1.XML", one),
		xdm.UnsafeName:    archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one)), dir+"DOC1.XML", one, "IHE_XDM/../../etc/DOC1.XML", one),
		xdm.DuplicateName: archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one)), dir+"DOC1.XML", one, dir+"doc1.xml", []byte("<a/>")),
		xdm.LimitReached:  archive(t, dir+"METADATA.XML", metadata(entry(1, "DOC1.XML", one)), dir+"DOC1.XML", bytes.Repeat([]byte{0}, 5<<20)),
	} {
		t.Run(string(code), func(t *testing.T) {
			a, err := xdm.Read(b, xdm.Limits{Ratio: 100})
			var all []error
			if a != nil {
				all = append(all, a.Faults...)
				for _, s := range a.Subsets {
					for _, d := range s.Documents {
						all = append(all, d.Err)
					}
				}
			}
			code, _, _ := strings.Cut(string(code), " ")
			require.ErrorIs(t, errors.Join(append(all, err)...), &xdm.Error{Code: xdm.Code(code)})
			require.NotContains(t, errors.Join(append(all, err)...).Error(), matricule)
		})
	}
}

func TestURIDoesNotLeaveItsSubset(t *testing.T) {
	t.Parallel()
	one := document("1", matricule)
	a, err := xdm.Read(archive(t, "IHE_XDM/A/METADATA.XML", metadata(entry(1, "../B/DOC1.XML", one)), "IHE_XDM/B/DOC1.XML", one), xdm.Limits{})
	require.NoError(t, err)
	require.ErrorIs(t, a.Subsets[0].Documents[0].Err, &xdm.Error{Code: xdm.CDAMissing})
}

func TestBombsStopEarly(t *testing.T) {
	t.Parallel()
	one := document("1", matricule)
	zero := bytes.Repeat([]byte{' '}, 3<<20)
	b := archive(t, "IHE_XDM/A/METADATA.XML", metadata(entry(1, "D", zero), entry(2, "E", zero), entry(3, "F", one)), "IHE_XDM/A/D", zero, "IHE_XDM/A/E", zero, "IHE_XDM/A/F", one)
	a, err := xdm.Read(b, xdm.Limits{Total: 5 << 20, Ratio: 1 << 20})
	require.NoError(t, err)
	require.ErrorIs(t, a.Subsets[0].Documents[1].Err, &xdm.Error{Code: xdm.LimitReached})
	_, err = xdm.Read(b, xdm.Limits{Files: 2})
	require.ErrorIs(t, err, &xdm.Error{Code: xdm.LimitReached})
}

func TestReadsTheActions(t *testing.T) {
	t.Parallel()
	one := document("1", matricule)
	e := entry(1, "D", one, `<Slot name="URI">`, `<Slot name="urn:other:Action"><ValueList><Value>d</Value></ValueList></Slot><Slot name="URI">`)
	a, err := xdm.Read(archive(t, "IHE_XDM/A/METADATA.XML", metadata(e), "IHE_XDM/A/D", one), xdm.Limits{})
	require.NoError(t, err)
	require.Equal(t, "D", a.Subsets[0].Documents[0].Action)
}

// corpus gives the real documents, as an archive to write.
func corpus(t testing.TB) *xdm.Archive {
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	a := &xdm.Archive{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		doc, err := cda.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		e := xds.FromCDA(doc, "", 0)
		a.Subsets = append(a.Subsets, xdm.Subset{
			Submission: &xds.Submission{Set: xds.SubmissionSet{ID: "SubmissionSet01", Authors: e.Authors, PatientID: e.PatientID,
				ContentType: socle.Code{Code: "SA33", System: socle.OIDSector}, SourceID: "1.2.3", UniqueID: "1.2.3.4", Time: "20261005080000"}},
			Documents: []xdm.Document{{Entry: e, Data: b}},
		})
	}
	return a
}

var about = xdm.About{Sender: "Claire OFFICINE", Organisation: "Pharmacie & Cie", Software: "LGO", At: time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC)}

func TestWritesWhatItReads(t *testing.T) {
	t.Parallel()
	written := corpus(t)
	var b bytes.Buffer
	require.NoError(t, xdm.Write(&b, written, about))
	read, err := xdm.Read(b.Bytes(), xdm.Limits{})
	require.NoError(t, err)
	require.Empty(t, read.Faults)
	require.Len(t, read.Subsets, len(written.Subsets))
	for i, s := range read.Subsets {
		require.Equal(t, written.Subsets[i].Name, s.Name)
		require.NoError(t, s.Documents[0].Err)
		require.Equal(t, written.Subsets[i].Documents[0].Data, s.Documents[0].Data)
		require.Empty(t, cmp.Diff(written.Subsets[i].Documents[0].Entry.UniqueID, s.Documents[0].Entry.UniqueID))
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	require.Equal(t, "INDEX.HTM", z.File[0].Name)
	require.Equal(t, "README.TXT", z.File[1].Name)
	require.Equal(t, "IHE_XDM/SUBSET01/METADATA.XML", z.File[2].Name)
	require.Equal(t, "IHE_XDM/SUBSET01/DOC00001.XML", z.File[3].Name)
}

func TestWriteRefusesTheIncomplete(t *testing.T) {
	t.Parallel()
	require.Error(t, xdm.Write(&bytes.Buffer{}, &xdm.Archive{}, about))
	require.ErrorContains(t, xdm.Write(&bytes.Buffer{}, &xdm.Archive{Subsets: []xdm.Subset{{}}}, about), "subset 1")
	require.Error(t, xdm.Write(&bytes.Buffer{}, &xdm.Archive{Subsets: []xdm.Subset{{Submission: &xds.Submission{}, Documents: []xdm.Document{{Data: []byte("x")}}}}}, about))
}

// What is written is read back, whatever the number of subsets and documents and
// what becomes of them.
func TestArchivesSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	code := socle.Code{Code: "x", System: "1.2.3"}
	rapid.Check(t, func(t *rapid.T) {
		slot := rapid.SampledFrom([]string{"", "urn:other:Action", "action"}).Draw(t, "slot")
		written := &xdm.Archive{ActionSlot: slot}
		n := 0
		for range rapid.IntRange(1, 4).Draw(t, "subsets") {
			author := xds.Author{Person: xds.XCN{ID: "8", Authority: xds.HD{ID: "1.2.3", Type: "ISO"}}}
			s := xdm.Subset{Submission: &xds.Submission{Set: xds.SubmissionSet{ID: "SubmissionSet01", Authors: []xds.Author{author}, ContentType: code,
				PatientID: xds.PatientINS(matricule, oid), SourceID: "1.2.3", UniqueID: "1.2.3.4", Time: "20261005080000"}}}
			for range rapid.IntRange(1, 4).Draw(t, "documents") {
				n++
				content := append(document(fmt.Sprint(n), matricule), rapid.SliceOfN(rapid.SampledFrom([]byte(" \n\t")), 0, 20).Draw(t, "space")...)
				doc, err := cda.Parse(content, xmltree.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				e := xds.FromCDA(doc, "", 0)
				e.Class, e.Type, e.Format, e.Facility, e.Practice, e.Confidentiality = code, code, code, code, code, []socle.Code{code}
				e.Authors, e.CreationTime, e.Language = []xds.Author{author}, "20261005080000", "fr-FR"
				s.Documents = append(s.Documents, xdm.Document{Entry: e, Data: content, Action: rapid.SampledFrom([]string{"", "C", "D"}).Draw(t, "action")})
			}
			written.Subsets = append(written.Subsets, s)
		}
		var b bytes.Buffer
		if err := xdm.Write(&b, written, about); err != nil {
			t.Fatal(err)
		}
		read, err := xdm.Read(b.Bytes(), xdm.Limits{})
		if err != nil || len(read.Faults) > 0 || len(read.Subsets) != len(written.Subsets) {
			t.Fatal(err, read.Faults)
		}
		for i, s := range read.Subsets {
			for k, d := range s.Documents {
				want := written.Subsets[i].Documents[k]
				if d.Err != nil || d.Action != want.Action || !bytes.Equal(d.Data, want.Data) || d.Entry.UniqueID != want.Entry.UniqueID {
					t.Fatalf("subset %d, document %d: %v", i, k, d.Err)
				}
			}
		}
	})
}

func TestActionsAreCOrD(t *testing.T) {
	t.Parallel()
	a := corpus(t)
	a.Subsets[0].Documents[0].Action = "c"
	require.ErrorContains(t, xdm.Write(&bytes.Buffer{}, a, about), "action C or D")
}

func FuzzRead(f *testing.F) {
	one := document("1", matricule)
	f.Add(archive(f, "IHE_XDM/SUBSET01/METADATA.XML", metadata(entry(1, "DOC1.XML", one)), "IHE_XDM/SUBSET01/DOC1.XML", one))
	f.Add(archive(f, `ihe_xdm\a\metadata.xml`, metadata(), "IHE_XDM/../x", one))
	f.Add(archive(f, "IHE_XDM/SUBSET01/METADATA.XML", []byte("<a/>")))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := xdm.Read(b, xdm.Limits{Total: 1 << 20, File: 1 << 19})
		if (a == nil) == (err == nil) {
			t.Fatal("an archive or an error, not both")
		}
		if err != nil {
			var e *xdm.Error
			if !errors.As(err, &e) {
				t.Fatal("untyped error")
			}
			return
		}
		for _, s := range a.Subsets {
			for _, d := range s.Documents {
				if d.Err == nil && (d.CDA == nil || len(d.Data) == 0) {
					t.Fatal("a document without fault has bytes and a header")
				}
			}
		}
	})
}
