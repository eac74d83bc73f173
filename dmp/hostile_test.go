package dmp_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// answering answers requests by itself, with what the emulator would have
// answered when change says so.
func answering(change func(answer []byte) (status int, contentType string, body []byte)) func(*dmp.Config) {
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
			var contentType string
			resp.StatusCode, contentType, b = change(b)
			resp.Header.Set("Content-Type", contentType)
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			return resp, nil
		})
	}
}

const soapType = "application/soap+xml"

func TestAnswersThatAreNotOfTheDMP(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	matricule, other := find(t, "HALL").INS.Matricule.Wire(), find(t, "ORTIE").INS.Matricule.Wire()
	s := prepared(t, plain, patient, report())
	ok := func(change func([]byte) []byte) func([]byte) (int, string, []byte) {
		return func(b []byte) (int, string, []byte) { return 200, soapType, change(b) }
	}
	for name, x := range map[string]struct {
		answer  func([]byte) (int, string, []byte)
		kind    error
		outcome socle.Outcome
	}{
		"HTML page":             {func([]byte) (int, string, []byte) { return 200, "text/html", []byte("<html>portail captif</html>") }, dmp.ErrAnswer, socle.OutcomeUnknown},
		"HTML error":            {func([]byte) (int, string, []byte) { return 502, "text/html", []byte("<html>") }, dmp.ErrUnavailable, socle.OutcomeUnknown},
		"empty":                 {func([]byte) (int, string, []byte) { return 200, soapType, nil }, dmp.ErrAnswer, socle.OutcomeUnknown},
		"forbidden":             {func([]byte) (int, string, []byte) { return 403, "text/plain", []byte("non") }, dmp.ErrAnswer, socle.OutcomeRefused},
		"cut":                   {ok(func(b []byte) []byte { return b[:len(b)/2] }), dmp.ErrUnavailable, socle.OutcomeUnknown},
		"to another message":    {ok(pattern(`(<wsa:RelatesTo[^>]*>)[^<]*`, "${1}urn:uuid:0")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"empty body":            {ok(pattern(`(?s)<soap:Body>.*</soap:Body>`, "<soap:Body/>")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"another body":          {ok(pattern(`(?s)<soap:Body>.*</soap:Body>`, `<soap:Body><x/></soap:Body>`)), dmp.ErrAnswer, socle.OutcomeUnknown},
		"entity":                {ok(func(b []byte) []byte { return append([]byte(`<!DOCTYPE x [<!ENTITY a "b">]>`), b...) }), dmp.ErrAnswer, socle.OutcomeUnknown},
		"acknowledges another":  {ok(pattern(`(<targetMessage><id extension=")`, "${1}0")), dmp.ErrAnswer, socle.OutcomeUnknown},
		"about another patient": {ok(replace(matricule, other)), dmp.ErrPatientMismatch, socle.OutcomeUnknown},
		"unknown status":        {ok(replace(`statusCode code="active"`, `statusCode code="nullified"`)), dmp.ErrAnswer, socle.OutcomeUnknown},
		"nothing said":          {ok(pattern(`typeCode="AA"`, `typeCode="AE"`)), nil, socle.OutcomeRefused},
	} {
		c := client(t, srv, answering(x.answer))
		_, err := c.Exists(t.Context(), pharmacist, patient)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		if name == "nothing said" {
			require.Equal(t, "DMPFound", e.Code)
		} else {
			require.ErrorIs(t, err, x.kind, name)
		}
		require.Equal(t, x.outcome, socle.OutcomeOf(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), matricule)
	}
	for name, x := range map[string]struct {
		change  func([]byte) []byte
		kind    error
		outcome socle.Outcome
	}{
		"another body":   {pattern(`(?s)<soap:Body>.*</soap:Body>`, `<soap:Body><x/></soap:Body>`), dmp.ErrAnswer, socle.OutcomeUnknown},
		"no status":      {replace("status=", "statut="), dmp.ErrAnswer, socle.OutcomeUnknown},
		"unknown status": {replace("ResponseStatusType:Success", "ResponseStatusType:Peut-etre"), dmp.ErrAnswer, socle.OutcomeUnknown},
		"bare failure":   {replace("ResponseStatusType:Success", "ResponseStatusType:Failure"), nil, socle.OutcomeRefused},
	} {
		c := client(t, srv, answering(ok(x.change)))
		fresh, err := c.NewDocument(pharmacist, patient, report())
		require.NoError(t, err)
		_, err = c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: s.Record, Documents: []*dmp.Document{fresh}})
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		if x.kind != nil {
			require.ErrorIs(t, err, x.kind, name)
		}
		require.Equal(t, x.outcome, socle.OutcomeOf(err), name)
	}
}
