package dptest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// meddler changes requests on their way: the address and headers, then the body
// as a form or as JSON.
type meddler struct {
	http.RoundTripper
	change func(*http.Request, url.Values, map[string]any)
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.change == nil || r.Body == nil {
		return m.RoundTripper.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var form url.Values
	var body map[string]any
	if json.Unmarshal(b, &body) != nil {
		if form, err = url.ParseQuery(string(b)); err != nil {
			return nil, err
		}
	}
	m.change(r, form, body)
	if form != nil {
		b = []byte(form.Encode())
	} else if b, err = json.Marshal(body); err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return m.RoundTripper.RoundTrip(r)
}

type world struct {
	*dp.Visit
	srv     *dptest.Server
	meddler *meddler
	patient ins.INS
}

func newWorld(t *testing.T) *world {
	t.Helper()
	srv, err := dptest.NewServer(dptest.Options{Clock: emulator.NewClock(start)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	structure, err := socle.ParseStructureID("1060016219")
	require.NoError(t, err)
	person, err := socle.ParsePersonID("899900063480")
	require.NoError(t, err)
	cert, err := srv.ClientCertificate(structure)
	require.NoError(t, err)
	w := &world{srv: srv, meddler: &meddler{RoundTripper: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: srv.Authority().Roots(), Certificates: []tls.Certificate{cert}, Time: srv.Clock().Now}}}}
	client, err := dp.New(dp.Config{Environment: srv.Environment(), Software: socle.Software{Name: "LGO", Version: "1"}, Timeout: 20 * time.Second,
		HTTPClient: &http.Client{Transport: w.meddler}, Watch: socle.Watch{Clock: srv.Clock().Now}})
	require.NoError(t, err)
	w.patient, err = ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	require.NoError(t, err)
	traits := ins.Traits{BirthName: "ESSAI", GivenNames: "ANNE", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}}
	id, err := ins.NewIdentity(traits)
	require.NoError(t, err)
	id, err = id.Accept(ins.Result{Active: w.patient, Traits: traits, At: start}, ins.Acceptance{At: start, By: "test"})
	require.NoError(t, err)
	id, err = id.Prove(ins.Evidence{Kind: ins.IDCard, At: start})
	require.NoError(t, err)
	w.Visit, err = client.Open(srv.Actor(socle.Professional{ID: person, Profession: socle.Code{Code: "21"},
		Structure: socle.Structure{ID: structure, Sector: socle.Code{Code: "SA33"}}}), id, "")
	require.NoError(t, err)
	srv.SetDossier(w.patient, dptest.Dossier{State: dptest.StateOpen})
	return w
}

func TestConsultRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*http.Request, url.Values)
		status int
		want   string
	}{
		"path":           {func(r *http.Request, _ url.Values) { r.URL.Path = "/elsewhere" }, 404, "no such operation"},
		"query":          {func(r *http.Request, _ url.Values) { r.URL.RawQuery = "patient=1" }, 400, "no query expected"},
		"no token":       {func(r *http.Request, _ url.Values) { r.Header.Del("Authorization") }, 401, "Bearer token expected"},
		"no purpose":     {func(r *http.Request, _ url.Values) { r.Header.Del("X-DP-Purpose") }, 400, "X-DP-Purpose expected"},
		"media type":     {func(r *http.Request, _ url.Values) { r.Header.Set("Content-Type", "text/plain") }, 415, "form expected"},
		"no patient":     {func(_ *http.Request, f url.Values) { f.Del("patient.identifier") }, 400, "patient.identifier"},
		"bare matricule": {func(_ *http.Request, f url.Values) { f.Set("patient.identifier", "279035121518989") }, 400, "system|value expected"},
		"no date":        {func(_ *http.Request, f url.Values) { f.Set("whenhandedover", "2026") }, 400, "ge and a date expected"},
		"no count":       {func(_ *http.Request, f url.Values) { f.Set("_count", "0") }, 400, "_count"},
		"no sort":        {func(_ *http.Request, f url.Values) { f.Del("_sort") }, 400, "_sort"},
	} {
		w.meddler.change = func(r *http.Request, f url.Values, _ map[string]any) { c.change(r, f) }
		_, err := w.Consult(context.Background(), dp.Query{})
		var e *dp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.status, e.Status, name)
		require.Contains(t, err.Error(), c.want, name)
		require.NotContains(t, err.Error(), "279035121518989", name)
	}
	w.meddler.change = nil
	_, err := w.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
}

// A page belongs to the pharmacy that asked.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 60 {
		require.NoError(t, w.srv.AddHistory(w.patient, dp.Entry{Line: dp.Line{Product: ordonnance.Product{Name: "x"}, HandedOver: start.AddDate(0, 0, -1)}}))
	}
	h, err := w.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Len(t, h.Entries, 60)
	other, err := socle.ParseStructureID("1580008803")
	require.NoError(t, err)
	cert, err := w.srv.ClientCertificate(other)
	require.NoError(t, err)
	thief := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.srv.Authority().Roots(), Certificates: []tls.Certificate{cert}, Time: w.srv.Clock().Now}}
	honest := w.meddler.RoundTripper
	w.meddler.RoundTripper = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return thief.RoundTrip(r)
		}
		return honest.RoundTrip(r)
	})
	_, err = w.Consult(context.Background(), dp.Query{})
	require.ErrorContains(t, err, "no such page")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// at follows a path into a body.
func at(v any, path ...any) map[string]any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v.(map[string]any)
}

func TestFeedRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	line := func(id string) dp.Line {
		return dp.Line{ID: id, Product: ordonnance.Product{Name: "PARACETAMOL", Codes: []socle.Code{{Code: "3400933516390", System: ordonnance.OIDCIP}}},
			Quantity: ordonnance.Quantity{Value: 1, Unit: "30009000"}, HandedOver: start, Lot: "L", Expiry: start.AddDate(1, 0, 0)}
	}
	lines := []dp.Line{line("0e5a9c4e-1111-4222-8333-444455556661"), line("0e5a9c4e-1111-4222-8333-444455556662")}
	resource := func(b map[string]any) map[string]any { return at(b, "entry", 0, "resource") }
	for name, c := range map[string]struct {
		change func(*http.Request, map[string]any)
		status int
		want   string
	}{
		"media type": {func(r *http.Request, _ map[string]any) { r.Header.Set("Content-Type", "text/plain") }, 415, "Content-Type"},
		"bundle":     {func(_ *http.Request, b map[string]any) { b["type"] = "batch" }, 400, "type transaction"},
		"empty":      {func(_ *http.Request, b map[string]any) { b["entry"] = []any{} }, 400, "with entries"},
		"nobody":     {func(_ *http.Request, b map[string]any) { delete(resource(b), "subject") }, 409, "no dossier"},
		"two patients": {func(_ *http.Request, b map[string]any) {
			at(b, "entry", 1, "resource", "subject", "identifier")["value"] = "1"
		}, 422, "one patient"},
		"resource":    {func(_ *http.Request, b map[string]any) { resource(b)["resourceType"] = "Task" }, 422, "MedicationDispense expected"},
		"identifier":  {func(_ *http.Request, b map[string]any) { at(resource(b), "identifier", 0)["value"] = "x" }, 422, "identifier"},
		"same twice":  {func(_ *http.Request, b map[string]any) { b["entry"].([]any)[1] = b["entry"].([]any)[0] }, 422, "another one for each line"},
		"not if none": {func(_ *http.Request, b map[string]any) { delete(at(b, "entry", 0, "request"), "ifNoneExist") }, 422, "if none has"},
		"status":      {func(_ *http.Request, b map[string]any) { resource(b)["status"] = "declined" }, 422, "status"},
		"performer": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "performer", 0, "actor", "identifier")["value"] = "x"
		}, 422, "performer"},
		"location":     {func(_ *http.Request, b map[string]any) { at(resource(b), "location", "identifier")["value"] = "x" }, 422, "location"},
		"completeness": {func(_ *http.Request, b map[string]any) { delete(resource(b), "type") }, 422, "FFC"},
		"quantity":     {func(_ *http.Request, b map[string]any) { at(resource(b), "quantity")["value"] = "1" }, 422, "quantity"},
		"instant":      {func(_ *http.Request, b map[string]any) { resource(b)["whenHandedOver"] = "2027-03-02T10:00:00Z" }, 422, "whenHandedOver"},
		"substitution": {func(_ *http.Request, b map[string]any) { delete(resource(b), "substitution") }, 422, "wasSubstituted"},
		"type of none": {func(_ *http.Request, b map[string]any) { at(resource(b), "substitution")["type"] = map[string]any{} }, 422, "substitution.type"},
		"kind":         {func(_ *http.Request, b map[string]any) { delete(resource(b), "category") }, 422, "kind of the product"},
		"product":      {func(_ *http.Request, b map[string]any) { delete(resource(b), "contained") }, 422, "contained Medication"},
		"no code":      {func(_ *http.Request, b map[string]any) { at(resource(b), "contained", 0)["code"] = map[string]any{} }, 422, "a code or a text"},
		"wrong key": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "contained", 0, "code", "coding", 0)["code"] = "3400933516391"
		}, 422, "known CIP13"},
		"expiry": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "contained", 0, "batch")["expirationDate"] = "soon"
		}, 422, "expirationDate"},
	} {
		w.meddler.change = func(r *http.Request, _ url.Values, b map[string]any) { c.change(r, b) }
		_, err := w.Feed(context.Background(), lines)
		var e *dp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.status, e.Status, name)
		require.Contains(t, err.Error(), c.want, name)
		require.Empty(t, w.srv.Lines(w.patient), name)
	}
	w.meddler.change = nil
	_, err := w.Feed(context.Background(), lines)
	require.NoError(t, err, "the request that nobody changed is accepted")
	require.Len(t, w.srv.Lines(w.patient), 2)

	// A line of another patient is not this one's.
	require.NoError(t, w.srv.AddHistory(ins.INS{Matricule: w.patient.Matricule, OID: ins.OIDDemo},
		dp.Entry{Line: dp.Line{ID: "0E5A9C4E-1111-4222-8333-444455556663", Product: ordonnance.Product{Name: "x"}, HandedOver: start}}))
	_, err = w.Feed(context.Background(), []dp.Line{line("0e5a9c4e-1111-4222-8333-444455556663")})
	require.ErrorContains(t, err, "another patient")
	require.Error(t, w.srv.AddHistory(w.patient, dp.Entry{Line: dp.Line{ID: lines[0].ID}}), "an ID is taken once")

	w.srv.SetDossier(w.patient, dptest.Dossier{State: dptest.StateClosed})
	require.Empty(t, w.srv.Lines(w.patient), "closing erases")
}
