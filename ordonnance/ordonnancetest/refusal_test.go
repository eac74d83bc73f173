package ordonnancetest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// meddler changes requests on their way.
type meddler struct {
	http.RoundTripper
	change func(*http.Request, map[string]any)
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.change == nil {
		return m.RoundTripper.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	var body map[string]any
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = json.Unmarshal(b, &body)
	}
	m.change(r, body)
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	}
	return m.RoundTripper.RoundTrip(r)
}

type world struct {
	*ordonnance.Client
	srv     *ordonnancetest.Server
	meddler *meddler
	actor   socle.Actor
	patient ins.Identity
	number  ordonnance.Number
}

func newWorld(t *testing.T) *world {
	t.Helper()
	srv, err := ordonnancetest.NewServer(ordonnancetest.Options{Clock: emulator.NewClock(start)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	structure, err := socle.ParseStructureID("1060016219")
	require.NoError(t, err)
	person, err := socle.ParsePersonID("899900063480")
	require.NoError(t, err)
	cert, err := srv.ClientCertificate(structure)
	require.NoError(t, err)
	w := &world{srv: srv, actor: srv.Actor(socle.Professional{ID: person, Profession: socle.Code{Code: "21"}, Structure: socle.Structure{ID: structure}})}
	w.meddler = &meddler{RoundTripper: clientTLS(srv, cert)}
	w.Client, err = ordonnance.New(ordonnance.Config{Environment: srv.Environment(), Software: socle.Software{Name: "LGO", Version: "1"},
		HTTPClient: &http.Client{Transport: w.meddler}, Watch: socle.Watch{Clock: srv.Clock().Now}})
	require.NoError(t, err)
	p := patient(t)
	p.Traits.BirthName = "ESSAI"
	w.patient, err = ins.NewIdentity(p.Traits)
	require.NoError(t, err)
	w.patient, err = w.patient.Accept(ins.Result{Active: p.INS, Traits: p.Traits, At: start}, ins.Acceptance{At: start, By: "test"})
	require.NoError(t, err)
	w.patient, err = w.patient.Prove(ins.Evidence{Kind: ins.IDCard, At: start})
	require.NoError(t, err)
	w.number, err = srv.Load(ordonnancetest.Document(p, "", start))
	require.NoError(t, err)
	return w
}

func clientTLS(srv *ordonnancetest.Server, cert tls.Certificate) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Authority().Roots(), Certificates: []tls.Certificate{cert}, Time: srv.Clock().Now}, DisableKeepAlives: true}
}

func (w *world) read() (ordonnance.Claim, error) {
	return w.Read(context.Background(), w.actor, ordonnance.ReadRequest{Patient: w.patient, Number: w.number})
}

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

func TestReadRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*http.Request, map[string]any)
		status int
		want   string
	}{
		"path":          {func(r *http.Request, _ map[string]any) { r.URL.Path = "/elsewhere" }, 404, "no such operation"},
		"method":        {func(r *http.Request, _ map[string]any) { r.Method = http.MethodPut }, 404, "no such operation"},
		"no token":      {func(r *http.Request, _ map[string]any) { r.Header.Del("Authorization") }, 401, "Bearer token expected"},
		"basic":         {func(r *http.Request, _ map[string]any) { r.SetBasicAuth("a", "b") }, 401, "Bearer token expected"},
		"no request id": {func(r *http.Request, _ map[string]any) { r.Header.Del("X-Request-Id") }, 400, "X-Request-Id expected"},
		"no software":   {func(r *http.Request, _ map[string]any) { r.Header.Del("X-EPU-LPS") }, 400, "X-EPU-LPS expected"},
		"media type":    {func(r *http.Request, _ map[string]any) { r.Header.Set("Content-Type", "application/json") }, 415, "Content-Type"},
		"resource":      {func(_ *http.Request, b map[string]any) { b["resourceType"] = "Task" }, 400, "Parameters resource expected"},
		"not JSON": {func(r *http.Request, b map[string]any) {
			clear(b)
			b["parameter"] = strings.Repeat("x", 10)
		}, 400, "Parameters resource expected"},
		"organization": {func(_ *http.Request, b map[string]any) {
			at(b, "parameter", 1, "valueIdentifier")["value"] = "1580008803"
		}, 403, "organization"},
		"performer": {func(_ *http.Request, b map[string]any) {
			at(b, "parameter", 2, "valueIdentifier")["value"] = "899900038839"
		}, 403, "performer"},
		"no INS": {func(_ *http.Request, b map[string]any) { at(b, "parameter", 0)["name"] = "x" }, 400, "INS expected"},
		"other authority of the INS": {func(_ *http.Request, b map[string]any) {
			at(b, "parameter", 0, "valueIdentifier")["system"] = "urn:oid:1.2.250.1.213.1.4.8"
		}, 403, "another INS"},
	} {
		w.meddler.change = c.change
		_, err := w.read()
		var e *ordonnance.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.status, e.Status, name)
		require.Contains(t, err.Error(), c.want, name)
	}
	w.meddler.change = nil
	_, err := w.read()
	require.NoError(t, err, "none of them claimed it")
}

func TestDispenseRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claim, err := w.read()
	require.NoError(t, err)
	resource := func(b map[string]any) map[string]any { return at(b, "entry", 0, "resource") }
	for name, c := range map[string]struct {
		change func(*http.Request, map[string]any)
		status int
		want   string
	}{
		"media type":  {func(r *http.Request, _ map[string]any) { r.Header.Set("Content-Type", "text/plain") }, 415, "Content-Type"},
		"bundle type": {func(_ *http.Request, b map[string]any) { b["type"] = "batch" }, 400, "type collection expected"},
		"no key":      {func(r *http.Request, _ map[string]any) { r.Header.Del("X-EPU-Idempotency") }, 400, "X-EPU-Idempotency"},
		"no secret":   {func(r *http.Request, _ map[string]any) { r.URL.RawQuery = "" }, 403, "secret"},
		"resource":    {func(_ *http.Request, b map[string]any) { resource(b)["resourceType"] = "Task" }, 422, "MedicationDispense expected"},
		"line": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "authorizingPrescription", 0)["reference"] = "DeviceRequest/l1"
		}, 422, "line-unknown"},
		"no line":        {func(_ *http.Request, b map[string]any) { delete(resource(b), "authorizingPrescription") }, 422, "authorizingPrescription"},
		"a line missing": {func(_ *http.Request, b map[string]any) { b["entry"] = b["entry"].([]any)[:1] }, 422, "line 2: an outcome expected"},
		"a line twice":   {func(_ *http.Request, b map[string]any) { at(b, "entry", 1)["resource"] = resource(b) }, 422, "one outcome"},
		"outcome":        {func(_ *http.Request, b map[string]any) { at(resource(b), "extension", 0, "valueCoding")["code"] = "x" }, 422, "outcome: one of"},
		"status":         {func(_ *http.Request, b map[string]any) { resource(b)["status"] = "declined" }, 422, "status: completed expected"},
		"identifier":     {func(_ *http.Request, b map[string]any) { at(resource(b), "identifier", 0)["value"] = "x" }, 422, "identifier"},
		"subject":        {func(_ *http.Request, b map[string]any) { at(resource(b), "subject", "identifier")["value"] = "x" }, 422, "subject"},
		"performer": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "performer", 0, "actor", "identifier")["value"] = "x"
		}, 422, "performer"},
		"location":     {func(_ *http.Request, b map[string]any) { at(resource(b), "location", "identifier")["value"] = "x" }, 422, "location"},
		"completeness": {func(_ *http.Request, b map[string]any) { at(resource(b), "type", "coding", 0)["code"] = "FFC " }, 422, "FFC, FFP, RFC or RFP"},
		"refill":       {func(_ *http.Request, b map[string]any) { at(resource(b), "type", "coding", 0)["code"] = "RFC" }, 422, "first or refill"},
		"quantity":     {func(_ *http.Request, b map[string]any) { at(resource(b), "quantity")["value"] = -1 }, 422, "quantity: a number above 0"},
		"unit":         {func(_ *http.Request, b map[string]any) { delete(at(resource(b), "quantity"), "system") }, 422, "code and system go together"},
		"instant":      {func(_ *http.Request, b map[string]any) { resource(b)["whenHandedOver"] = "2026-03-02" }, 422, "an instant with its zone"},
		"product":      {func(_ *http.Request, b map[string]any) { delete(resource(b), "contained") }, 422, "contained Medication"},
		"expiry": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "contained", 0)["batch"] = map[string]any{"expirationDate": "03/2027"}
		}, 422, "Medication.batch"},
		"substituted": {func(_ *http.Request, b map[string]any) { at(resource(b), "substitution")["wasSubstituted"] = true }, 422, "wasSubstituted: false expected"},
		"posology": {func(_ *http.Request, b map[string]any) {
			resource(b)["dosageInstruction"] = []any{map[string]any{"text": "x"}}
		}, 422, "dosageInstruction"},
		"generic, no G": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "extension", 0, "valueCoding")["code"] = "substituted-generic"
		}, 422, "substitution.type: G expected"},
		"other, no words": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "extension", 0, "valueCoding")["code"] = "substituted-other"
		}, 422, "substitution.reason"},
		"no reason": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "extension", 0, "valueCoding")["code"], resource(b)["status"] = "not-dispensed", "declined"
		}, 422, "statusReason"},
		"no consent": {func(_ *http.Request, b map[string]any) {
			at(resource(b), "extension", 0, "valueCoding")["code"] = "posology-changed"
			resource(b)["dosageInstruction"] = []any{map[string]any{"text": "x"}}
		}, 422, "consent"},
	} {
		w.meddler.change = c.change
		_, err := w.Dispense(context.Background(), w.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: claim.Prescription.NewDispensation(start)})
		var e *ordonnance.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.status, e.Status, name)
		require.Contains(t, err.Error(), c.want, name)
	}
	st, ok := w.srv.State(w.number)
	require.True(t, ok)
	require.Zero(t, st.Dispensations)
	w.meddler.change = nil
	_, err = w.Dispense(context.Background(), w.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: claim.Prescription.NewDispensation(start)})
	require.NoError(t, err, "the request that nobody changed is accepted")
}

func TestCertificateRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sign, err := w.srv.Authority().Card(pki.Card{PersonID: "899900063480", FamilyName: "ESSAI", GivenName: "Alix", Type: pki.CPS}, pki.CardAuth)
	require.NoError(t, err)
	w.meddler.RoundTripper = clientTLS(w.srv, sign)
	_, err = w.read()
	require.ErrorIs(t, err, ordonnance.ErrForbidden)
	require.ErrorContains(t, err, "AUTH_CLI expected")
	w.meddler.RoundTripper = clientTLS(w.srv, tls.Certificate{})
	_, err = w.read()
	require.Error(t, err, "a certificate is mandatory")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestRoleOfTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doctor := w.actor.Professional
	doctor.Profession.Code = socle.ProfessionDoctor
	w.actor.Tokens = w.srv.Actor(doctor).Tokens // the client is told another profession
	_, err := w.read()
	require.ErrorIs(t, err, ordonnance.ErrForbidden)
	require.ErrorContains(t, err, "21 or 39 expected, 10 came")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := patient(t)
	_, err := w.srv.Load([]byte("x"))
	require.ErrorIs(t, err, ordonnance.ErrMalformed)
	_, err = w.srv.Load(ordonnancetest.Document(p, w.number, start))
	require.ErrorContains(t, err, "loaded already")
	p.INS = ins.INS{}
	doc := bytes.Replace(ordonnancetest.Document(patient(t), "", start), []byte("279035121518989"), []byte("0"), 1)
	_, err = w.srv.Load(doc)
	require.ErrorContains(t, err, "Loading.Patient")
	n, err := w.srv.LoadAs(doc, ordonnancetest.Loading{Patient: patient(t).INS})
	require.NoError(t, err)
	require.True(t, n.WellFormed())
	require.Error(t, w.srv.Cancel("nothing"))
	_, ok := w.srv.State("nothing")
	require.False(t, ok)
}
