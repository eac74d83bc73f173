package xds_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

func query() *xds.Query {
	return &xds.Query{ID: xds.FindDocuments, Params: []xds.Param{
		{Name: xds.ParamPatient, Values: []string{patient.Wire()}},
		{Name: xds.ParamStatus, Form: xds.List, Values: []string{xds.StatusApproved, xds.StatusArchived}},
		{Name: xds.ParamType, Form: xds.List, Values: xds.Coded(coded("78601-2", "2.16.840.1.113883.6.1", "CR"), coded("87273-9", "2.16.840.1.113883.6.1", ""))},
		{Name: xds.ParamEvent, Form: xds.List, Values: xds.Coded(coded("J02.0", "2.16.840.1.113883.6.3", ""))},
		{Name: xds.ParamEvent, Form: xds.List, Values: xds.Coded(coded("C'est", "1.2", ""))},
		{Name: xds.ParamAuthor, Form: xds.List, Values: []string{"%L'ÉPINE%"}},
		{Name: xds.ParamCreationFrom, Form: xds.Number, Values: []string{"20260301000000"}},
	}}
}

func parseQuery(t require.TestingT, b []byte) (*xds.Query, error) {
	x, err := xmltree.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	return xds.ParseQuery(x.Root)
}

func TestQueryOnTheWire(t *testing.T) {
	t.Parallel()
	b, err := query().Marshal()
	require.NoError(t, err)
	for _, want := range []string{
		`<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"><query:ResponseOption returnComposedObjects="true" returnType="LeafClass"></query:ResponseOption><rim:AdhocQuery xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">`,
		`<rim:Slot name="$XDSDocumentEntryPatientId"><rim:ValueList><rim:Value>'260058815400233^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH'</rim:Value></rim:ValueList></rim:Slot>`,
		`<rim:Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved','urn:asip:ci-sis:2010:StatusType:Archived')</rim:Value>`,
		`<rim:Value>('78601-2^^2.16.840.1.113883.6.1','87273-9^^2.16.840.1.113883.6.1')</rim:Value>`,
		`<rim:Slot name="$XDSDocumentEntryEventCodeList"><rim:ValueList><rim:Value>('J02.0^^2.16.840.1.113883.6.3')</rim:Value></rim:ValueList></rim:Slot><rim:Slot name="$XDSDocumentEntryEventCodeList"><rim:ValueList><rim:Value>('C''est^^1.2')</rim:Value></rim:ValueList></rim:Slot>`,
		`<rim:Value>('%L''ÉPINE%')</rim:Value>`,
		`<rim:Value>20260301000000</rim:Value>`,
	} {
		require.Contains(t, string(b), want)
	}
	got, err := parseQuery(t, b)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(query(), got))
	require.Equal(t, []string{"J02.0^^2.16.840.1.113883.6.3", "C'est^^1.2"}, got.Values(xds.ParamEvent))
}

func TestLongListGoesOverSeveralValues(t *testing.T) {
	t.Parallel()
	q := &xds.Query{ID: xds.GetDocumentsAndAssociations, References: true, Params: []xds.Param{{Name: xds.ParamEntryUUID, Form: xds.List}}}
	for i := range 20 {
		q.Params[0].Values = append(q.Params[0].Values, "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b"+string(rune('a'+i))+"c")
	}
	b, err := q.Marshal()
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(string(b), "<rim:Value>"))
	for _, v := range strings.Split(string(b), "<rim:Value>")[1:] {
		v, _, _ = strings.Cut(v, "<")
		require.LessOrEqual(t, len(v), 256)
		require.True(t, strings.HasPrefix(v, "('urn:uuid:") && strings.HasSuffix(v, "')"), v)
	}
	got, err := parseQuery(t, b)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(q, got))
}

// Whatever the values, what is written is read back as it was, or is refused:
// nothing in a value becomes syntax.
func TestValuesCannotInject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`['(),\\%a0 ]{1,8}`), rapid.StringMatching(`.{1,60}('\)|',').{1,200}`))
		q := &xds.Query{ID: xds.FindDocuments}
		for range rapid.IntRange(1, 4).Draw(t, "params") {
			p := xds.Param{Name: "$" + rapid.StringMatching(`[A-Za-z]{1,20}`).Draw(t, "name"), Form: xds.Form(rapid.IntRange(0, 2).Draw(t, "form"))}
			n := 1
			if p.Form == xds.List {
				n = rapid.IntRange(1, 12).Draw(t, "n")
			}
			for range n {
				p.Values = append(p.Values, value.Draw(t, "value"))
			}
			q.Params = append(q.Params, p)
		}
		b, err := q.Marshal()
		if err != nil {
			return
		}
		got, err := parseQuery(t, b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(q, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestQueriesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]xds.Param{
		"no dollar":      {Name: "XDSDocumentEntryStatus", Values: []string{"a"}},
		"no value":       {Name: "$a"},
		"empty value":    {Name: "$a", Values: []string{""}},
		"two texts":      {Name: "$a", Values: []string{"a", "b"}},
		"no number":      {Name: "$a", Form: xds.Number, Values: []string{"2026-03-01"}},
		"control":        {Name: "$a", Values: []string{"a\x00b"}},
		"line":           {Name: "$a", Values: []string{"a\nb"}},
		"too long":       {Name: "$a", Form: xds.List, Values: []string{strings.Repeat("'", 200)}},
		"malformed UTF8": {Name: "$a", Values: []string{"a\xff"}},
	} {
		_, err := (&xds.Query{ID: xds.FindDocuments, Params: []xds.Param{p}}).Marshal()
		var e *xds.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, p.Name, e.Path, name)
	}
	_, err := (&xds.Query{}).Marshal()
	require.Error(t, err)
}

func TestMalformedQueriesAreRefused(t *testing.T) {
	t.Parallel()
	b, err := query().Marshal()
	require.NoError(t, err)
	for _, value := range []string{"'a", "a", "('a'", "('a';'b')", "('a' 'b')", "()", "''", "('a',)", "'a' or 'b'", "(1)", "'a'b'", ""} {
		s := strings.Replace(string(b), `('J02.0^^2.16.840.1.113883.6.3')`, value, 1)
		require.NotEqual(t, string(b), s)
		_, err := parseQuery(t, []byte(s))
		var e *xds.Error
		require.ErrorAs(t, err, &e, value)
		require.Equal(t, xds.ParamEvent, e.Path, value)
	}
	for _, spoil := range [][2]string{{"LeafClass", "Leaf"}, {`id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"`, `id=""`}, {"AdhocQueryRequest", "AdhocQueryResponse"}} {
		_, err := parseQuery(t, []byte(strings.ReplaceAll(string(b), spoil[0], spoil[1])))
		require.Error(t, err, spoil[0])
	}
}

// The query of the corpus tries to inject: its patient has a quote that is not closed.
func TestQueryOfTheCorpusIsRefused(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(oracle.Corpus(t, "xds", "iti18request.xml"))
	require.NoError(t, err)
	_, err = parseQuery(t, b)
	var e *xds.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, xds.ParamPatient, e.Path)
	require.NotContains(t, err.Error(), "593603")
	good := strings.Replace(string(b), "ISO''%20and%20611%3d611--%20", "ISO'", 1)
	q, err := parseQuery(t, []byte(good))
	require.NoError(t, err)
	require.Equal(t, []string{"593603^^^&2.16.756.5.33.2.5.1.5.1&ISO"}, q.Values(xds.ParamPatient))
	require.Equal(t, []string{"20221015151515"}, q.Values(xds.ParamCreationFrom))
}

// answer is one to a query: sample in the form of a registry.
func answer() *xds.QueryResponse {
	s := sample()
	r := &xds.QueryResponse{Response: xds.Response{Status: xds.ResponseSuccess}, Total: 2, References: []string{"urn:uuid:1"}}
	s.Set.ID, s.Set.Status = "urn:uuid:set", xds.StatusApproved
	other := s.Set
	other.ID, other.UniqueID = "urn:uuid:set2", "1.2.3"
	r.Sets = []xds.SubmissionSet{s.Set, other}
	for i, d := range s.Documents {
		d.ID, d.LogicalID, d.Version = "urn:uuid:"+d.ID, "urn:uuid:l"+d.ID, string(rune('1'+i))
		d.Status, d.ObjectType, d.Repository = xds.StatusApproved, xds.ObjectTypeStable, "1.2.250.1.213.4.1.1.1.2"
		r.Documents = append(r.Documents, d)
	}
	r.Associations = []xds.Association{{ID: "urn:uuid:a", Type: xds.HasMember, Source: "urn:uuid:set", Target: r.Documents[0].ID,
		Slots: []xds.Slot{{Name: "SubmissionSetStatus", Values: []string{"Original"}}}}}
	return r
}

func TestAnswerReadsBackTheSame(t *testing.T) {
	t.Parallel()
	want := answer()
	want.Status, want.Errors = xds.ResponsePartial, []xds.RegistryError{{Code: xds.CodeRegistryBusy, Context: "plus tard", Severity: xds.SeverityError}}
	x, err := xmltree.Parse(want.Marshal(), xmltree.Limits{})
	require.NoError(t, err)
	got, err := xds.ParseQueryResponse(x.Root)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got))
}

func TestAnswersAsServersWriteThem(t *testing.T) {
	t.Parallel()
	read := func(s string) (*xds.QueryResponse, error) {
		x, err := xmltree.Parse([]byte(s), xmltree.Limits{})
		require.NoError(t, err)
		return xds.ParseQueryResponse(x.Root)
	}
	const open = `<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" `
	r, err := read(open + `status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"/>`)
	require.NoError(t, err)
	require.Equal(t, -1, r.Total)
	require.Empty(t, r.Documents)

	r, err = read(open + `status="s" totalResultCount="7"><r:RegistryObjectList>
		<r:ExtrinsicObject id="urn:uuid:1" lid="urn:uuid:2"><r:Slot name="HASH"><r:ValueList><r:Value> ab </r:Value></r:ValueList></r:Slot>
		 <r:Slot name="hash"><r:ValueList><r:Value>again</r:Value></r:ValueList></r:Slot><r:Slot name="size"><r:ValueList><r:Value>big</r:Value></r:ValueList></r:Slot>
		 <r:Name/><r:VersionInfo versionName="3"/>
		 <r:Classification classificationScheme=" urn:uuid:F0306F51-975f-434e-a61c-c59651d33983" nodeRepresentation="LOCAL"><r:Slot name="codingScheme"><r:ValueList><r:Value>9.9</r:Value></r:ValueList></r:Slot></r:Classification>
		 <r:Classification classificationScheme="urn:uuid:0" nodeRepresentation="x"/></r:ExtrinsicObject>
		<r:RegistryPackage id="urn:uuid:folder"/><r:ObjectRef id="urn:uuid:ref"/><r:Unknown/></r:RegistryObjectList></q:AdhocQueryResponse>`)
	require.NoError(t, err)
	require.Equal(t, 7, r.Total)
	require.Empty(t, r.Sets)
	require.Equal(t, []string{"urn:uuid:ref"}, r.References)
	d := r.Documents[0]
	require.Equal(t, "ab", d.Hash)
	require.Equal(t, "3", d.Version)
	require.Equal(t, coded("LOCAL", "9.9", ""), d.Type)
	require.Equal(t, []xds.Slot{{Name: "hash", Values: []string{"again"}}, {Name: "size", Values: []string{"big"}}}, d.Extra)
	require.Len(t, d.Other, 1)

	_, err = read(open + `/>`)
	require.Error(t, err, "no status")
	_, err = read(`<a/>`)
	require.Error(t, err)
	_, err = read(open + `status="s"><r:RegistryObjectList>` + strings.Repeat(`<r:ObjectRef id="a"/>`, 10_001) + `</r:RegistryObjectList></q:AdhocQueryResponse>`)
	require.Error(t, err, "too many objects")
}

func TestRetrieveReadsBackTheSame(t *testing.T) {
	t.Parallel()
	want := []xds.DocumentRequest{{"1.2.250.1.213.4.1.1.1.2", "1.2.3"}, {"1.2.250.1.213.4.1.1.1.2", "1.2.4^x&y"}}
	b, err := xds.MarshalRetrieve(want)
	require.NoError(t, err)
	require.Contains(t, string(b), `<xdsb:DocumentRequest><xdsb:RepositoryUniqueId>1.2.250.1.213.4.1.1.1.2</xdsb:RepositoryUniqueId><xdsb:DocumentUniqueId>1.2.3</xdsb:DocumentUniqueId></xdsb:DocumentRequest>`)
	x, err := xmltree.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	got, err := xds.ParseRetrieve(x.Root)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for _, bad := range [][]xds.DocumentRequest{nil, {{"", "1"}}, {{"1", ""}}, {{"1", strings.Repeat("1", 257)}}} {
		_, err := xds.MarshalRetrieve(bad)
		require.Error(t, err)
	}

	r := &xds.RetrieveResponse{Response: xds.Response{Status: xds.ResponseSuccess}, Documents: []xds.Retrieved{
		{DocumentRequest: want[0], MimeType: "text/xml", ContentID: "a b@urn:ihe:iti:xds-b:2007"},
		{DocumentRequest: want[1], MimeType: "text/xml", Inline: []byte("<a/>")},
		{DocumentRequest: want[1], MimeType: "text/xml", Inline: []byte{}},
	}}
	x, err = xmltree.Parse(r.Marshal(), xmltree.Limits{})
	require.NoError(t, err)
	back, err := xds.ParseRetrieveResponse(x.Root)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(r, back))
}

func TestRetrieveAnswersAsServersWriteThem(t *testing.T) {
	t.Parallel()
	read := func(document string) (*xds.RetrieveResponse, error) {
		x, err := xmltree.Parse([]byte(`<RetrieveDocumentSetResponse xmlns="urn:ihe:iti:xds-b:2007"><s:RegistryResponse xmlns:s="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="s"/>`+
			`<DocumentResponse><RepositoryUniqueId> 1 </RepositoryUniqueId><DocumentUniqueId>2</DocumentUniqueId><mimeType>text/xml</mimeType>`+document+`</DocumentResponse></RetrieveDocumentSetResponse>`), xmltree.Limits{})
		require.NoError(t, err)
		return xds.ParseRetrieveResponse(x.Root)
	}
	const include = `<Document><Include xmlns="http://www.w3.org/2004/08/xop/include" href="`
	for href, want := range map[string]string{
		"cid:b-2@urn%3Aihe%3Aiti%3Axds-b%3A2007": "b-2@urn:ihe:iti:xds-b:2007",
		"CID:a@b":                                "a@b", "cid:a%2@b": "a%2@b",
	} {
		r, err := read(include + href + `"/></Document>`)
		require.NoError(t, err)
		require.Equal(t, want, r.Documents[0].ContentID)
		require.Equal(t, "1", r.Documents[0].Repository)
	}
	r, err := read("<Document>\n PGEv \r\n Pg== </Document>")
	require.NoError(t, err)
	require.Equal(t, "<a/>", string(r.Documents[0].Inline))
	for _, bad := range []string{"", "<Document>!</Document>", include + `http://a"/></Document>`, include + `"/></Document>`} {
		_, err := read(bad)
		require.Error(t, err, bad)
	}
}
