package dmp_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// changedAnswers gives a client whose answers are what change makes of them.
func changedAnswers(change func([]byte) []byte) func(*dmp.Config) {
	return answering(func(b []byte) (int, string, []byte) { return 200, soapType, change(b) })
}

// changedMessages is changedAnswers that leaves the media type as it came.
func changedMessages(change func([]byte) []byte) func(*dmp.Config) {
	return func(cfg *dmp.Config) {
		tampering(func(b []byte) []byte { return b })(cfg)
		next := cfg.HTTPClient.Transport
		cfg.HTTPClient.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				return nil, err
			}
			b = change(b)
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			resp.Header.Del("Content-Length")
			return resp, nil
		})
	}
}

// twice repeats the first match of a pattern, changed.
func twice(start, end string, change func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		i := bytes.Index(b, []byte(start))
		j := i + bytes.Index(b[max(i, 0):], []byte(end)) + len(end)
		if i < 0 || j <= i {
			return b
		}
		return bytes.Join([][]byte{b[:j], change(bytes.Clone(b[i:j])), b[j:]}, nil)
	}
}

func TestAnAnswerAboutAnotherPatientIsRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, air)
	patient, r := qualified(t, "HALL"), checked(t, plain, pharmacist, "HALL")
	mine, theirs := find(t, "HALL").INS, find(t, "ORTIE").INS
	root := mine.OID.String()
	id := func(matricule, root string) string {
		return `<id extension="` + matricule + `" root="` + root + `"></id>`
	}
	ours := id(mine.Matricule.Wire(), root)
	for name, x := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"as it came":                     {func(b []byte) []byte { return b }, nil},
		"an INS-C alone":                 {replace(ours, id("1197854176879056415520", "1.2.250.1.213.1.4.2")), nil},
		"the same under another root":    {replace(ours, id(mine.Matricule.Wire(), "1.2.250.1.213.1.4.8")), nil},
		"another's":                      {replace(ours, id(theirs.Matricule.Wire(), root)), dmp.ErrPatientMismatch},
		"another's INS-NIR":              {replace(ours, id(theirs.Matricule.Wire(), "1.2.250.1.213.1.4.8")), dmp.ErrPatientMismatch},
		"another's INS-NIA":              {replace(ours, id(theirs.Matricule.Wire(), "1.2.250.1.213.1.4.9")), dmp.ErrPatientMismatch},
		"another's of an unknown root":   {replace(ours, id(theirs.Matricule.Wire(), "1.2.3")), dmp.ErrPatientMismatch},
		"an INS that is no matricule":    {replace(ours, ours+id("12", root)), dmp.ErrPatientMismatch},
		"none":                           {replace(ours, ""), dmp.ErrPatientMismatch},
		"one of the establishment alone": {replace(ours, id("42", "1.2.3")), dmp.ErrPatientMismatch},
		"ours, then another's":           {replace(ours, ours+id(theirs.Matricule.Wire(), root)), dmp.ErrPatientMismatch},
		"a second subject":               {twice("<subject ", "</registrationEvent></subject>", replace(mine.Matricule.Wire(), theirs.Matricule.Wire())), dmp.ErrPatientMismatch},
		"a second patient":               {twice("<patient ", "</patient>", replace(mine.Matricule.Wire(), theirs.Matricule.Wire())), dmp.ErrPatientMismatch},
		"acknowledges nothing":           {pattern(`(?s)<targetMessage>.*?</targetMessage>`, ""), dmp.ErrAnswer},
	} {
		c := client(t, srv, air, changedAnswers(x.change))
		record, err := c.Exists(t.Context(), pharmacist, patient)
		data, err2 := c.Administrative(t.Context(), pharmacist, patient, r)
		if x.want == nil {
			require.NoError(t, err, name)
			require.NoError(t, err2, name)
			continue
		}
		require.ErrorIs(t, err, x.want, name)
		require.ErrorIs(t, err2, x.want, name)
		require.Zero(t, record, name)
		require.Zero(t, data, name)
		require.NotContains(t, err.Error(), theirs.Matricule.Wire())
	}
}

func TestAnAcknowledgementAboutAnotherPatientIsRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, air)
	patient, r := qualified(t, "HALL"), checked(t, plain, pharmacist, "HALL")
	data, err := plain.Administrative(t.Context(), pharmacist, patient, r)
	require.NoError(t, err)
	mine, theirs := find(t, "HALL").INS, find(t, "ORTIE").INS
	with := func(matricule, root string) func([]byte) []byte {
		return replace(`<patient classCode="PAT">`, `<patient classCode="PAT"><id extension="`+matricule+`" root="`+root+`"></id>`)
	}
	for name, x := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"without identifier, as the DMP": {func(b []byte) []byte { return b }, nil},
		"ours":                           {with(mine.Matricule.Wire(), mine.OID.String()), nil},
		"another's":                      {with(theirs.Matricule.Wire(), mine.OID.String()), dmp.ErrPatientMismatch},
		"another's INS-NIR":              {with(theirs.Matricule.Wire(), "1.2.250.1.213.1.4.8"), dmp.ErrPatientMismatch},
		"a second patient":               {twice("<patient ", "</patient>", func(b []byte) []byte { return b }), dmp.ErrPatientMismatch},
		"acknowledges nothing":           {pattern(`(?s)<targetMessage>.*?</targetMessage>`, ""), dmp.ErrAnswer},
	} {
		c := client(t, srv, air, changedAnswers(x.change))
		_, err := c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: data})
		if x.want == nil {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, x.want, name)
	}
}

func TestARefusalIsNotTakenForAnAbsentRecord(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	detail := `<acknowledgementDetail typeCode="E"><code code="DMPInternal"></code><text>en panne</text></acknowledgementDetail></acknowledgement>`
	refused := func(code, detail string) func([]byte) []byte {
		return func(b []byte) []byte {
			return replace(`</acknowledgement>`, detail)(replace(`typeCode="AA"`, `typeCode="`+code+`"`)(b))
		}
	}
	for name, x := range map[string]struct {
		patient string
		change  func([]byte) []byte
		known   []string
		none    bool
		code    string
		kind    error
	}{
		"AA":                 {"CONTESTE", func(b []byte) []byte { return b }, nil, true, "", nil},
		"AE without detail":  {"CONTESTE", refused("AE", "</acknowledgement>"), nil, true, "", nil},
		"AE of a known code": {"CONTESTE", refused("AE", detail), []string{"DMPInternal"}, true, "", nil},
		"AE":                 {"CONTESTE", refused("AE", detail), nil, false, "DMPInternal", nil},
		"AR":                 {"CONTESTE", refused("AR", "</acknowledgement>"), nil, false, "", nil},
		"with a subject":     {"HALL", replace(`queryResponseCode code="OK"`, `queryResponseCode code="NF"`), nil, false, "NF", dmp.ErrAnswer},
	} {
		c := client(t, srv, changedAnswers(x.change), func(cfg *dmp.Config) { cfg.Dialect.NoRecord = x.known })
		r, err := c.Exists(t.Context(), pharmacist, qualified(t, x.patient))
		if x.none {
			require.NoError(t, err, name)
			require.Equal(t, dmp.StateNone, r.State, name)
			continue
		}
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, x.code, e.Code, name)
		require.Zero(t, r, name)
		if x.kind != nil {
			require.ErrorIs(t, err, x.kind, name)
		}
	}
}

func TestMetadataOfAnotherPatientAreRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient, r := qualified(t, "ORTIE"), checked(t, plain, pharmacist, "ORTIE")
	feed(t, plain, patient, func(*dmp.Report) {})
	mine, theirs := find(t, "ORTIE").INS.Matricule.Wire(), find(t, "HALL").INS.Matricule.Wire()
	authority := "^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH"
	for name, x := range map[string]struct {
		to   string
		want error
	}{
		"as it came":                {mine + authority, nil},
		"an INS-C":                  {"1197854176879056415520^^^&amp;1.2.250.1.213.1.4.2&amp;ISO^NH", nil},
		"another's":                 {theirs + authority, dmp.ErrPatientMismatch},
		"without authority":         {theirs, dmp.ErrPatientMismatch},
		"an authority without OID":  {theirs + "^^^INS&amp;&amp;ISO^NH", dmp.ErrPatientMismatch},
		"of an unknown authority":   {theirs + "^^^&amp;1.2.3&amp;ISO^NH", dmp.ErrPatientMismatch},
		"as INS-C":                  {theirs + "^^^&amp;1.2.250.1.213.1.4.2&amp;ISO^NH", dmp.ErrPatientMismatch},
		"authority after a blank":   {theirs + "^^^&amp; 1.2.250.1.213.1.4.10&amp;ISO^NH", dmp.ErrPatientMismatch},
		"authority as a URN":        {theirs + "^^^&amp;urn:oid:1.2.250.1.213.1.4.10&amp;ISO^NH", dmp.ErrPatientMismatch},
		"half a matricule of a URN": {"12^^^&amp;urn:oid:1.2.250.1.213.1.4.10&amp;ISO^NH", dmp.ErrPatientMismatch},
		"nobody's":                  {"", dmp.ErrPatientMismatch},
	} {
		c := client(t, srv, direct, changedAnswers(replace(`value="`+mine+authority+`"`, `value="`+x.to+`"`)))
		found, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: r})
		if x.want == nil {
			require.NoError(t, err, name)
			require.NotEmpty(t, found.Entries, name)
			continue
		}
		require.ErrorIs(t, err, x.want, name)
		require.Empty(t, found.Entries, name)
	}
}
