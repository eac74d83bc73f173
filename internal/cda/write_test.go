package cda_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

func marshal(t require.TestingT, d *cda.Document) []byte {
	e, err := d.Marshal()
	require.NoError(t, err)
	r, err := e.Open()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, e.Size(), int64(len(b)))
	return b
}

// full is a document that uses every field that Marshal writes.
func full() *cda.Document {
	d := sample()
	d.TemplateIDs = []cda.ID{{Root: cda.TemplateHL7France}, {Root: cda.TemplateCISIS}, {Root: cda.TemplateNonXML}}
	d.Patient.IDs = append(d.Patient.IDs, cda.ID{Root: "1.2.3.4", Extension: "IPP & <1>"})
	d.Patient.Addresses = []cda.Address{{Use: "H", Parts: []cda.AddressPart{{Kind: "streetName", Text: "Rue du \"Bac\""}, {Kind: "postalCode", Text: "75007"}, {Kind: "city", Text: "PARIS"}}}, {Parts: []cda.AddressPart{{Text: "au fond de la cour"}}}}
	d.Patient.Telecoms = []cda.Telecom{{Use: "MC", Value: "tel:0600000000"}, {Value: "mailto:odette@example.org"}}
	d.Patient.BirthPlaceName = "ÉPINAL"
	d.Patient.Guardians = []cda.Name{{Family: []cda.NamePart{{Text: "BLEUET"}}, Given: []cda.NamePart{{Text: "Zoé"}}, Prefix: []string{"MME"}}}
	d.Authors[0].Function = coded("PCP", "2.16.840.1.113883.5.88", "Médecin traitant")
	device := d.Authors[0]
	device.Function = cda.Code{}
	device.Person, device.Device = nil, &cda.Device{Model: "Officine", Software: "LGO 4.2"}
	d.Authors = append(d.Authors, device)
	colleague := d.Legal.Entity
	colleague.Organization = nil
	d.Recipients = []cda.Participation{{Entity: colleague}}
	d.Recipients[0].Code = cda.Code{}
	d.Authenticators = []cda.Participation{*d.Legal}
	d.Participants = []cda.Participation{{Type: "INF", Function: coded("PCP", "2.16.840.1.113883.5.88", ""), Time: cda.Interval{Low: cda.ParseTime("20260101")}, Entity: colleague}, {Type: "REF", Time: cda.Interval{Null: "UNK"}, Entity: d.Legal.Entity}}
	d.Orders = []cda.ID{{Root: "1.2.5", Extension: "7"}}
	d.Events[0].Class = "ACT"
	d.Events[0].IDs = []cda.ID{{Root: "1.2.6"}}
	d.Events[0].Code = cda.Code{Code: socle.Code{Code: "J02.0", System: "2.16.840.1.113883.6.3"}, Original: "angine", Translations: []cda.Code{coded("x", "1.2", "X")}}
	d.Events[0].Performers[0].Type = "PRF"
	d.Events = append(d.Events, cda.ServiceEvent{Class: "INFO", Code: coded("MED-1096", "1.2.250.1.213.1.1.4.322", "Prescription bizone")})
	d.Related = []cda.Related{{Type: "RPLC", IDs: []cda.ID{{Root: "1.2.250.1.999.1.1.7898.0"}}}}
	d.Version = 2
	d.Encounter.IDs = []cda.ID{{Root: "1.2.7"}}
	d.Encounter.Responsible = &cda.Participation{Entity: d.Legal.Entity}
	d.Encounter.FacilityIDs = []cda.ID{{Root: socle.OIDStructure, Extension: "1750512345"}}
	d.Encounter.FacilityName = "Pharmacie du Marché"
	return d
}

func TestWhatIsWrittenReadsBackTheSame(t *testing.T) {
	t.Parallel()
	d := full()
	b := marshal(t, d)
	got, err := cda.Parse(b, xmltree.Limits{})
	require.NoError(t, err)

	body, err := got.Body.Open()
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, "%PDF-1.4 not really", string(content))
	require.Equal(t, d.Content.Size, got.Body.Size())

	// What the writer adds where the profile wants an element in any case.
	asked := func(e *cda.Entity) {
		if e.Addresses == nil {
			e.Addresses = []cda.Address{{Null: "NASK"}}
		}
		if e.Telecoms == nil {
			e.Telecoms = []cda.Telecom{{Null: "NASK"}}
		}
	}
	for i := range d.Authors {
		asked(&d.Authors[i].Entity)
	}
	for i := range d.Participants {
		asked(&d.Participants[i].Entity)
	}
	for _, p := range []*cda.Participation{d.Legal, &d.Authenticators[0], &d.Events[0].Performers[0], d.Encounter.Responsible} {
		asked(&p.Entity)
	}
	diff := cmp.Diff(d, got, cmpopts.IgnoreFields(cda.Document{}, "Content", "Body", "XML", "Root"), cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b cda.Time) bool { return a.Value == b.Value && a.Null == b.Null && a.Time.Equal(b.Time) }))
	require.Empty(t, diff)
}

func TestAnyTextReadsBackTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-ZÉà'&<>"\-]([A-Z a-zÉé'&<>"\-]{0,20}[A-Za-z])?`)
		d := sample()
		d.Title = strings.Join(strings.Fields(text.Draw(t, "title")), " ")
		d.Patient.Name.Family[0].Text = strings.Join(strings.Fields(text.Draw(t, "family")), " ")
		d.Patient.BirthTime = cda.Day(rapid.StringMatching(`(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])`).Draw(t, "birth"))
		content := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "content")
		d.Content = cda.Bytes("application/pdf", content)
		got, err := cda.Parse(marshal(t, d), xmltree.Limits{})
		require.NoError(t, err)
		require.Equal(t, d.Title, got.Title)
		require.Equal(t, d.Patient.Name, got.Patient.Name)
		require.Equal(t, d.Patient.BirthTime.Value, got.Patient.BirthTime.Value)
		r, err := got.Body.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(iotest.OneByteReader(r))
		require.NoError(t, err)
		require.Equal(t, content, b)
	})
}

func TestAllThatIsMissingIsToldByItsPath(t *testing.T) {
	t.Parallel()
	_, err := (&cda.Document{}).Marshal()
	for _, path := range []string{"id", "code", "title", "effectiveTime", "confidentialityCode", "languageCode", "setId", "versionNumber",
		"recordTarget/patientRole/id", "author", "custodian/assignedCustodian/representedCustodianOrganization/id", "legalAuthenticator",
		"documentationOf/serviceEvent", "componentOf/encompassingEncounter", "component/nonXMLBody/text"} {
		require.ErrorContains(t, err, "cda: write: "+path+": ")
	}
	var e *cda.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "write", e.Op)

	for path, spoil := range map[string]func(*cda.Document){
		"templateId":                       func(d *cda.Document) { d.TemplateIDs = []cda.ID{{Root: "1.2.3"}} },
		"recordTarget/patientRole/telecom": func(d *cda.Document) { d.Patient.Telecoms = []cda.Telecom{{Null: "UNK"}, {Value: "tel:01"}} },
		"effectiveTime":                    func(d *cda.Document) { d.EffectiveTime = cda.ParseTime("20260302093000") }, // no zone
		"recordTarget/patientRole/id":      func(d *cda.Document) { d.Patient.IDs[0].Root = "1.2.3" },
		"recordTarget/patientRole/patient/name/family[@qualifier='BR']": func(d *cda.Document) { d.Patient.Name.Family[0].Qualifier = "CL" },
		"recordTarget/patientRole/patient/name/given":                   func(d *cda.Document) { d.Patient.Name.Given = d.Patient.Name.Given[1:] },
		"recordTarget/patientRole/patient/administrativeGenderCode":     func(d *cda.Document) { d.Patient.Gender.Code.Code = "I" },
		"recordTarget/patientRole/patient/birthTime":                    func(d *cda.Document) { d.Patient.BirthTime = cda.Day("inconnu") },
		"recordTarget/patientRole/patient/birthplace/place/addr/county": func(d *cda.Document) { d.Patient.BirthPlace = "" },
		"recordTarget":                                                       func(d *cda.Document) { d.OtherPatients = make([]cda.Patient, 1) },
		"author[1]/assignedAuthor/id":                                        func(d *cda.Document) { d.Authors[0].IDs = nil },
		"author[1]/assignedAuthor/code":                                      func(d *cda.Document) { d.Authors[0].Code = cda.Code{} },
		"author[1]/assignedAuthor/assignedPerson":                            func(d *cda.Document) { d.Authors[0].Person = nil },
		"legalAuthenticator/assignedEntity/assignedPerson":                   func(d *cda.Document) { d.Legal.Person, d.Legal.Device = nil, &cda.Device{} },
		"documentationOf[1]/serviceEvent/effectiveTime/low":                  func(d *cda.Document) { d.Events[0].Period = cda.Interval{} },
		"documentationOf[1]/serviceEvent/performer":                          func(d *cda.Document) { d.Events[0].Performers = nil },
		"componentOf/encompassingEncounter/effectiveTime":                    func(d *cda.Document) { d.Encounter.Period = cda.Interval{} },
		"componentOf/encompassingEncounter/location/healthCareFacility/code": func(d *cda.Document) { d.Encounter.Facility.System = "" },
		"relatedDocument[1]/@typeCode":                                       func(d *cda.Document) { d.Related = []cda.Related{{IDs: []cda.ID{{Root: "1.2"}}}} },
		"component/nonXMLBody/text/@mediaType":                               func(d *cda.Document) { d.Content.MediaType = "" },
		"custodian/assignedCustodian/representedCustodianOrganization/name":  func(d *cda.Document) { d.Custodian.Name = "" },
		"documentationOf[1]/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode": func(d *cda.Document) { d.Events[0].Performers[0].Organization.Industry = cda.Code{} },
	} {
		d := sample()
		spoil(d)
		_, err := d.Marshal()
		require.ErrorAs(t, err, &e, path)
		require.Equal(t, path, e.Path)
		require.NotContains(t, err.Error(), "260058815400233")
	}
}

// pattern is an endless reader.
type pattern struct{ n int }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.n++
		b[i] = byte(p.n * 7)
	}
	return len(b), nil
}

func TestContentIsStreamed(t *testing.T) { // alone, for it measures the heap
	const size = 100 << 20
	d := sample()
	opened := 0
	d.Content = cda.Content{MediaType: "application/pdf", Size: size, Open: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.LimitReader(&pattern{}, size)), nil
	}}
	e, err := d.Marshal()
	require.NoError(t, err)
	require.Zero(t, opened)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := e.Open()
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, r)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Equal(t, e.Size(), n)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "the content must not be held in memory")
}

func TestContentOfAnotherSizeIsAnError(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]string{9: "longer than its Size", 11: "shorter than its Size by 1 bytes"} {
		d := sample()
		d.Content = cda.Bytes("application/pdf", []byte("0123456789"))
		d.Content.Size = size
		e, err := d.Marshal()
		require.NoError(t, err)
		r, err := e.Open()
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r)
		require.ErrorContains(t, err, want)
	}
	d := sample()
	broken := errors.New("disk on fire")
	d.Content.Open = func() (io.ReadCloser, error) { return nil, broken }
	e, err := d.Marshal()
	require.NoError(t, err)
	_, err = e.Open()
	require.ErrorIs(t, err, broken)
	d.Content.Open = func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(broken)), nil }
	e, err = d.Marshal()
	require.NoError(t, err)
	r, err := e.Open()
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.ErrorIs(t, err, broken)
}

func TestBase64AtEveryLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 4, 24<<10 - 1, 24 << 10, 24<<10 + 1, 100_000} {
		content := make([]byte, n)
		_, _ = (&pattern{}).Read(content)
		d := sample()
		d.Content = cda.Bytes("application/pdf", content)
		got, err := cda.Parse(marshal(t, d), xmltree.Limits{})
		require.NoError(t, err)
		r, err := got.Body.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, b), n)
	}
}
