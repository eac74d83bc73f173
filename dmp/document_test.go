package dmp_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

// realPatient gives a patient under the INS-NIR of production.
func realPatient(t testing.TB, name string) dmptest.Patient {
	t.Helper()
	p := find(t, name)
	var err error
	p.INS, err = ins.Parse(p.INS.Matricule.Wire(), "1.2.250.1.213.1.4.8")
	require.NoError(t, err)
	return p
}

func content(t testing.TB, d *dmp.Document) []byte {
	t.Helper()
	r, err := d.Open()
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

func TestADocumentSaysWhoWhatAndWhen(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	paris := time.FixedZone("", 7200)
	r := report()
	r.Date = time.Date(2026, 7, 14, 10, 30, 0, 0, paris)
	r.Start, r.End = r.Date.Add(-time.Hour), r.Date.Add(-30*time.Minute)
	r.Event = socle.Code{Code: "Z71.9", System: "2.16.840.1.113883.6.3", Display: "Conseil"}
	r.Comments = "à lire"
	d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), r)
	require.NoError(t, err)
	b := content(t, d)
	require.EqualValues(t, len(b), d.Size())
	sum := sha1.Sum(b)
	require.Equal(t, hex.EncodeToString(sum[:]), d.Hash())
	require.Empty(t, d.Warnings)

	got, err := cda.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, d.ID(), got.ID.Root)
	require.True(t, strings.HasPrefix(d.ID(), software.OID+".3."))
	require.LessOrEqual(t, len(d.ID()), 64)
	require.Equal(t, got.ID, got.SetID)
	require.Equal(t, 1, got.Version)
	require.Equal(t, "20260714103000+0200", got.EffectiveTime.Value)
	require.Equal(t, "HALL", got.Patient.Name.BirthFamily())
	require.Equal(t, "08837", got.Patient.BirthPlace)
	require.Equal(t, "G15_21/A", got.Authors[0].Code.Code.Code)
	structure, _ := got.Authors[0].Organization.Structure()
	require.Equal(t, pharmacy.ID.String(), structure)
	require.Equal(t, "SA33", got.Encounter.Facility.Code.Code)
	require.Equal(t, "AMBULATOIRE", got.Events[0].Performers[0].Organization.Industry.Code.Code)

	e := dmp.MetadataOf(d)
	require.Equal(t, "20260714083000", e.CreationTime)
	require.Equal(t, "20260714073000", e.ServiceStart)
	require.Equal(t, "20260714080000", e.ServiceStop)
	require.Equal(t, "SA33", e.Facility.Code)
	require.Equal(t, "10", e.Class.Code)
	require.Equal(t, "Z71.9", e.Events[0].Code)
	require.Equal(t, "à lire", e.Comments)
	require.Equal(t, qualifiedCX(t, "HALL"), e.PatientID.Wire())
	require.NotContains(t, d.String(), "HALL")
}

func qualifiedCX(t testing.TB, name string) string {
	t.Helper()
	id, err := qualified(t, name).Sendable()
	require.NoError(t, err)
	return id.CX()
}

func TestDocumentsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	broken := errors.New("disk")
	for want, change := range map[string]func(*dmp.Report){
		"Report.Title: mandatory":  func(r *dmp.Report) { r.Title = "" },
		"Report.Type: mandatory":   func(r *dmp.Report) { r.Type = socle.Code{} },
		"is not of JDV_J07":        func(r *dmp.Report) { r.Type = socle.Code{Code: "1-1"} },
		"give Report.Class":        func(r *dmp.Report) { r.Type = socle.Code{Code: "1-1", System: "1.2", Display: "x"} },
		"Report.File: mandatory":   func(r *dmp.Report) { r.File = dmp.File{MediaType: "application/pdf"} },
		"has no format in the DMP": func(r *dmp.Report) { r.File = dmp.Bytes("video/mp4", []byte("x")) },
		"the file is not a PDF":    func(r *dmp.Report) { r.File = dmp.Bytes("application/pdf", []byte("PK")) },
		"shorter":                  func(r *dmp.Report) { r.File.Size++ },
		"longer":                   func(r *dmp.Report) { r.File.Size-- },
		"cannot be opened":         func(r *dmp.Report) { r.File.Open = func() (io.ReadCloser, error) { return nil, broken } },
		"Report.Title: mandatory; Report.Type: mandatory; Report.File: mandatory": func(r *dmp.Report) { *r = dmp.Report{} },
		"Date: in the future":            func(r *dmp.Report) { r.Date = time.Now().AddDate(5, 0, 0) },
		"End: before Start":              func(r *dmp.Report) { r.Start = time.Now(); r.End = r.Start.Add(-time.Hour) },
		"Edition.Replaces: the uniqueId": func(r *dmp.Report) { r.Edition = dmp.Edition{SetID: "1.2.3", Version: 2, Replaces: "urn:uuid:1"} },
		`Visibility: "N"`:                func(r *dmp.Report) { r.Visibility = []dmp.Visibility{"N"} },
		`Visibility: "CACHE"`:            func(r *dmp.Report) { r.Visibility = []dmp.Visibility{"CACHE"} },
		"write: id: an identifier whose": func(r *dmp.Report) { r.ID = "<1>" },
		"Edition.SetID":                  func(r *dmp.Report) { r.SetID = "1.2.3 " },
		"Document01/title: 1024":         func(r *dmp.Report) { r.Title = strings.Repeat("x", 1025) },
		"Document01/comments: 1024":      func(r *dmp.Report) { r.Comments = strings.Repeat("é", 1025) },
		"root and extension of 64 chara": func(r *dmp.Report) { r.ID = strings.Repeat("1.", 40) + "1" },
	} {
		r := report()
		change(&r)
		_, err := c.NewDocument(pharmacist, patient, r)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument, want)
		require.ErrorContains(t, err, want)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	r := report()
	r.File = pdf(6 << 20)
	_, err := c.NewDocument(pharmacist, patient, r)
	require.ErrorIs(t, err, dmp.ErrDocumentTooLarge)
	r.File.Size = math.MaxInt64 // more in base64 than a number can tell
	_, err = c.NewDocument(pharmacist, patient, r)
	require.ErrorIs(t, err, dmp.ErrDocumentTooLarge)

	p := find(t, "HALL")
	p.Traits.BirthPlace = ""
	nowhere, err := p.Qualified(time.Now())
	require.NoError(t, err)
	_, err = c.NewDocument(pharmacist, nowhere, report())
	require.ErrorContains(t, err, "county")
}

func TestATypeOutsideTheValueSetMayBeGivenWhole(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	r := report()
	r.Type = socle.Code{Code: "99999-1", System: "2.16.840.1.113883.6.1", Display: "Nouveau type"}
	r.Class = socle.Code{Code: "10", System: "1.2.250.1.213.1.1.4.1", Display: "Compte rendu"}
	r.Practice = socle.Code{Code: "DEPISTAGE"}
	r.ID, r.SetID, r.Version = "1.2.3.5", "1.2.3.4", 2
	d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), r)
	require.NoError(t, err)
	require.Equal(t, "1.2.3.5", d.ID())
	require.Equal(t, r.Type, d.Type())
	require.Equal(t, r.Title, d.Title())
	require.Equal(t, "DEPISTAGE", dmp.MetadataOf(d).Practice.Code)
}

func TestAPDFThatIsNotPDFAIsWarnedAbout(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	for _, x := range []struct {
		file  string
		warns bool
	}{
		{"%PDF-1.7\n" + strings.Repeat("x", 50_000), true},
		{"%PDF-1.7\n" + strings.Repeat("x", 24<<10-15) + "<pdfaid:part>1", false}, // across two reads
		{"%PDF-1.7\npdfaid:pa" + strings.Repeat("x", 50_000) + "rt", true},
	} {
		r := report()
		r.File = dmp.Bytes("application/pdf", []byte(x.file))
		for _, one := range []bool{false, true} {
			if one { // a byte at a time
				open := r.File.Open
				r.File.Open = func() (io.ReadCloser, error) {
					f, err := open()
					return struct {
						io.Reader
						io.Closer
					}{oneByte{f}, f}, err
				}
			}
			d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), r)
			require.NoError(t, err)
			require.Equal(t, x.warns, len(d.Warnings) == 1)
		}
	}
}

type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(1, len(p))]) }

func TestFilesOfTheDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "entretien.PDF")
	require.NoError(t, os.WriteFile(path, []byte("%PDF-1.4 pdfaid:part"), 0o600))
	f, err := dmp.OpenFile(path)
	require.NoError(t, err)
	require.Equal(t, "application/pdf", f.MediaType)
	require.EqualValues(t, 20, f.Size)
	_, c := setup(t, dmptest.Options{})
	r := report()
	r.File = f
	d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), r)
	require.NoError(t, err)
	require.True(t, bytes.Contains(content(t, d), []byte("JVBERi0xLjQgcGRmYWlkOnBhcnQ=")))
	for _, bad := range []string{path + "x", filepath.Join(filepath.Dir(path), "absent.pdf")} {
		_, err := dmp.OpenFile(bad)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument)
		require.NotContains(t, err.Error(), filepath.Dir(path))
	}
	require.NoError(t, os.Mkdir(path+".pdf", 0o700))
	_, err = dmp.OpenFile(path + ".pdf")
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
}

func TestAnIncompleteBirthDateKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	for date, want := range map[string]string{"1987-13-20": "1987", "1987-08-20": "19870820"} {
		p := find(t, "HALL")
		p.Traits.BirthDate, _ = ins.ParseBirthDate(date) // the first is lunar
		id, err := p.Qualified(time.Now())
		require.NoError(t, err)
		d, err := c.NewDocument(pharmacist, id, report())
		require.NoError(t, err)
		require.Contains(t, string(content(t, d)), `<birthTime value="`+want+`">`)
		_, err = c.NewVaccinationNote(pharmacist, id, note())
		require.NoError(t, err)
	}
}

func TestIdentifiersFitWhateverTheRoot(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	for root, prefix := range map[string]string{"1.2.250.1.999": "1.2.250.1.999.3.", "1.2." + strings.Repeat("1.", 21) + "1": "2.25."} {
		c := client(t, srv, func(cfg *dmp.Config) { cfg.Software.OID = root })
		d, err := c.NewDocument(pharmacist, qualified(t, "HALL"), report())
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(d.ID(), prefix), d.ID())
		require.LessOrEqual(t, len(d.ID()), 64)
	}
}
