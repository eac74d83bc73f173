package dmp_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

// elsewhere makes a document in another structure, as bytes.
func elsewhere(t testing.TB, srv *dmptest.Server, patient ins.Identity, e dmp.Edition) []byte {
	t.Helper()
	hospital := socle.Structure{ID: structure("1750000028"), Name: "HOPITAL D'ESSAI", Sector: socle.Code{Code: "SA01"}}
	auth, sign, err := srv.Organisation(hospital)
	require.NoError(t, err)
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Certificate, cfg.Signature = auth, sign })
	doctor := socle.Professional{ID: rpps("10000000025"), FamilyName: "ALOES", GivenName: "Jean",
		Profession: socle.Code{Code: socle.ProfessionDoctor}, Speciality: socle.Code{Code: "SM26"}, Structure: hospital}
	d, err := c.NewDocument(doctor, patient, dmp.Report{Title: "Compte rendu", Type: dmp.Consultation, File: pdf(500), Edition: e})
	require.NoError(t, err)
	r, err := d.Open()
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// The document of another is filed as it came: its author is its own, who files
// it answers for the lot.
func TestAdoptedDocumentIsFiled(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]byte) []byte{
		"canonical": func(b []byte) []byte { return b },
		"not canonical": func(b []byte) []byte {
			b = bytes.Replace(b, []byte("><title>"), []byte(">\r\n  <!-- of another software --> <title>"), 1)
			return append([]byte("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"), b...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, c := setup(t, dmptest.Options{})
			patient := qualified(t, "ORTIE")
			content := change(elsewhere(t, srv, patient, dmp.Edition{}))
			doc, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: content, Visibility: []dmp.Visibility{dmp.HiddenFromRepresentatives}})
			require.NoError(t, err)
			s := prepared(t, c, patient, report())
			s.Documents = []*dmp.Document{doc}
			_, err = c.Submit(context.Background(), pharmacist, patient, s)
			require.NoError(t, err)
			id, err := patient.Sendable()
			require.NoError(t, err)
			filed := srv.Documents(id)
			require.Len(t, filed, 1)
			require.Equal(t, content, filed[0].Content, "byte for byte")
			require.Equal(t, doc.ID(), filed[0].ID)
			require.Equal(t, pharmacist.ID.String(), filed[0].Author, "who files it")
			require.Contains(t, filed[0].Visibility, string(dmp.HiddenFromRepresentatives))
			_, err = c.Submit(context.Background(), pharmacist, patient, s)
			require.ErrorIs(t, err, dmp.ErrDuplicate)

			strict, c := setup(t, dmptest.Options{StrictAuthors: true})
			doc, err = c.Adopt(pharmacist, patient, dmp.Received{CDA: content})
			require.NoError(t, err)
			s = prepared(t, c, patient, report())
			s.Documents = []*dmp.Document{doc}
			_, err = c.Submit(context.Background(), pharmacist, patient, s)
			require.ErrorIs(t, err, dmp.ErrProfessional)
			c = client(t, strict, func(cfg *dmp.Config) { cfg.Dialect.FilerAsAuthor = true })
			s.Documents[0], err = c.Adopt(pharmacist, patient, dmp.Received{CDA: content})
			require.NoError(t, err)
			_, err = c.Submit(context.Background(), pharmacist, patient, s)
			require.NoError(t, err)
		})
	}
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "ORTIE")
	good := elsewhere(t, srv, patient, dmp.Edition{ID: "1.2.250.1.999.8.2", SetID: "1.2.250.1.999.8.1", Version: 2, Replaces: "1.2.250.1.999.8.1"})
	matricule := find(t, "ORTIE").INS.Matricule.Wire()
	for name, x := range map[string]struct {
		b    []byte
		kind error
	}{
		"not a CDA":       {[]byte("<a/>"), dmp.ErrInvalidDocument},
		"empty":           {nil, dmp.ErrInvalidDocument},
		"without INS":     {bytes.ReplaceAll(good, []byte("1.2.250.1.213.1.4.10"), []byte("1.2.3.4")), dmp.ErrPatientMismatch},
		"another patient": {bytes.ReplaceAll(good, []byte(matricule), []byte("277076322082910")), dmp.ErrPatientMismatch},
		"another OID":     {bytes.ReplaceAll(good, []byte(`"1.2.250.1.213.1.4.10"`), []byte(`"1.2.250.1.213.1.4.8"`)), dmp.ErrPatientMismatch},
		"unknown type":    {bytes.ReplaceAll(good, []byte("93024-8"), []byte("00000-0")), dmp.ErrInvalidDocument},
		"identifier":      {bytes.ReplaceAll(good, []byte(`<id root="1.2.250.1.999.8.2"`), []byte(`<id root="AADC9C14-0000-0000-0000-000000000000"`)), dmp.ErrInvalidDocument},
		"too large":       {bytes.Repeat([]byte(" "), 6<<20), dmp.ErrDocumentTooLarge},
	} {
		_, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: x.b})
		require.ErrorIs(t, err, x.kind, name)
		require.NotContains(t, err.Error(), matricule)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	doc, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: bytes.ReplaceAll(good, []byte("93024-8"), []byte("00000-0")),
		Class: socle.Code{Code: "10", System: "1.2.250.1.213.1.1.4.1", Display: "Compte rendu"}})
	require.NoError(t, err, "the caller knows its class")
	require.Equal(t, dmp.Edition{SetID: "1.2.250.1.999.8.1", Version: 3, Replaces: "1.2.250.1.999.8.2"}, doc.Next())

	stranger := pharmacist
	stranger.ID = rpps("10000000033")
	s := prepared(t, c, patient, report())
	s.Documents = []*dmp.Document{doc}
	s.Record, err = c.Exists(context.Background(), stranger, patient)
	require.NoError(t, err)
	_, err = c.Submit(context.Background(), stranger, patient, s)
	require.ErrorIs(t, err, dmp.ErrProfessional, "who files it is who adopted it")
	_, err = c.Adopt(pharmacist, ins.Identity{}, dmp.Received{CDA: good})
	require.ErrorIs(t, err, ins.ErrNotQualified)
}

// What Adopt lets through of the published documents, the emulator takes.
func TestPublishedDocumentsAreAdopted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	srv, c := setup(t, dmptest.Options{MaxDocumentSize: 32 << 20}, func(cfg *dmp.Config) { cfg.MaxDocumentSize = 32 << 20 })
	adopted := 0
	for _, f := range files {
		name := filepath.Base(f)
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		d, err := cda.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		have, ok := d.Patient.INS()
		if !ok {
			continue
		}
		number, err := ins.Parse(have.Extension, have.Root)
		if err != nil {
			continue // a matricule of the samples without a right key
		}
		born, err := ins.ParseBirthDate(d.Patient.BirthTime.ISO())
		require.NoError(t, err, name)
		sex := map[string]ins.Sex{"M": ins.Male, "F": ins.Female}[d.Patient.Gender.Code.Code]
		p := dmptest.Patient{INS: number, State: dmp.StateOpen, Traits: ins.Traits{BirthName: d.Patient.Name.BirthFamily(),
			GivenNames: d.Patient.Name.FirstBirthGiven(), Sex: sex, BirthDate: born}}
		require.NoError(t, srv.AddPatient(p))
		patient, err := p.Qualified(time.Now())
		require.NoError(t, err, name)
		doc, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: b})
		require.NoError(t, err, name)
		record, err := c.Exists(context.Background(), pharmacist, patient)
		require.NoError(t, err, name)
		_, err = c.Submit(context.Background(), pharmacist, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
		require.NoError(t, err, name)
		adopted++
	}
	require.Greater(t, adopted, 3)
}

// A document that has the patient's INS but is not theirs alone is not filed.
func TestAdoptRefusesWhatIsNotOfThePatientAlone(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "ORTIE")
	mine, other := find(t, "ORTIE"), find(t, "TILLEUL")
	good := elsewhere(t, srv, patient, dmp.Edition{})
	target := regexp.MustCompile(`(?s)<recordTarget>.*?</recordTarget>`).Find(good)
	role := regexp.MustCompile(`<patientRole>(<id [^>]*></id>)`).FindSubmatch(good)
	require.NotNil(t, role)
	ofOther := func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte(mine.INS.Matricule.Wire()), []byte(other.INS.Matricule.Wire()))
	}
	insert := func(id []byte) []byte {
		return bytes.Replace(good, role[0], slices.Concat([]byte("<patientRole>"), id), 1)
	}
	replace := func(from, to string) []byte {
		x := regexp.MustCompile(from).ReplaceAll(good, []byte(to))
		require.NotEqual(t, string(good), string(x), from)
		return x
	}
	for name, b := range map[string][]byte{
		"the INS of two persons, ours first":  insert(slices.Concat(role[1], ofOther(role[1]))),
		"the INS of two persons, ours second": insert(slices.Concat(ofOther(role[1]), role[1])),
		"a matricule of another authority":    insert(slices.Concat(role[1], bytes.ReplaceAll(ofOther(role[1]), []byte("1.2.250.1.213.1.4.10"), []byte("1.2.3.4")))),
		"two patients":                        bytes.Replace(good, target, slices.Concat(target, ofOther(target)), 1),
		"the same patient twice":              bytes.Replace(good, target, slices.Concat(target, target), 1),
	} {
		require.NotEqual(t, string(good), string(b), name)
		_, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: b})
		require.ErrorIs(t, err, dmp.ErrPatientMismatch, name)
		require.NotContains(t, err.Error(), other.INS.Matricule.Wire())
		read, err := dmp.ParseCDA(b)
		require.NoError(t, err, name)
		require.False(t, read.IsOf(mine.INS), name)
		require.False(t, read.IsOf(other.INS), name)
	}
	for trait, b := range map[string][]byte{
		"birth name":       replace(`ORTIE`, "AUTRE"),
		"first given name": replace(`(<given[^>]*>)[^<]*`, "${1}ZEBULON"),
		"sex":              replace(`(<administrativeGenderCode [^>]*code=")[MF]"`, `${1}`+map[ins.Sex]string{ins.Male: "F", ins.Female: "M"}[mine.Traits.Sex]+`"`),
		"birth date":       replace(`(<birthTime value=")\d{4}`, "${1}1901"),
	} {
		_, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: b})
		require.ErrorIs(t, err, dmp.ErrPatientMismatch, trait)
		require.ErrorContains(t, err, trait)
		require.NotContains(t, err.Error(), "ORTIE")
	}
	for name, b := range map[string][]byte{
		"a local identifier":       insert(slices.Concat(role[1], []byte(`<id extension="1234567" root="1.2.3.4"/>`))),
		"an older INS-C":           insert(slices.Concat(role[1], []byte(`<id extension="1197854176879056415520" root="1.2.250.1.213.1.4.2"/>`))),
		"a name written otherwise": replace(`ORTIE`, "Ortié"),
		"a year of birth":          replace(`(<birthTime value="\d{4})\d+`, "${1}"),
		"no sex":                   replace(`<administrativeGenderCode [^>]*>`, `<administrativeGenderCode nullFlavor="UNK">`),
	} {
		_, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: b})
		require.NoError(t, err, name)
	}
}

func FuzzAdopt(f *testing.F) {
	srv, c := setup(f, dmptest.Options{})
	patient := qualified(f, "ORTIE")
	f.Add(elsewhere(f, srv, patient, dmp.Edition{}))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget/></ClinicalDocument>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := c.Adopt(pharmacist, patient, dmp.Received{CDA: b})
		if (d == nil) == (err == nil) {
			t.Fatal("a document or an error")
		}
		if d != nil && (d.ID() == "" || d.Size() != int64(len(b))) {
			t.Fatal("a document has its identifier and its bytes")
		}
	})
}
