package ordonnance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func TestReadClaimsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.pharmacy(t, finessA), w.pharmacy(t, finessB)
	claim := a.read(t, w)
	require.Equal(t, w.number, claim.Number)
	require.False(t, claim.Secret.IsZero())
	require.Equal(t, finessA, claim.Pharmacy.String())
	require.True(t, start.Equal(claim.ReadAt))
	require.Equal(t, ordonnance.StatusInDispense, claim.Prescription.Status)
	require.Len(t, claim.Prescription.Lines, 2)

	w.srv.Clock().Advance(time.Minute)
	_, err := b.Read(context.Background(), b.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrAlreadyRead)
	var e *ordonnance.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, finessA, e.Holder.String())
	require.True(t, start.Equal(e.Since))
	require.Equal(t, "already-read", e.Code)
	require.NotEmpty(t, e.RequestID)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))

	_, err = a.Read(context.Background(), a.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrAlreadyRead, "the holder too: Recover gives the claim again")
}

// What the emulator wrote with its own encoder is what the document said.
func TestReadGivesTheDocument(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"eP-MED-DM_2023.01_PosoNonStruct.xml", "eP-MED-DM_2023.01_PosoStruct.xml", "eP-MED-DM_2024.01_PosoStruct.xml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			doc, err := os.ReadFile(oracle.Corpus(t, "cda", file))
			require.NoError(t, err)
			w := newWorld(t)
			valid := ordonnance.Period{Start: start.Add(-time.Hour), End: start.AddDate(0, 1, 0)}
			n, err := w.srv.LoadAs(doc, ordonnancetest.Loading{Validity: valid, Number: "01AAAAAAAAAAAAAAAA"})
			require.NoError(t, err)
			a := w.pharmacy(t, finessA)
			claim, err := a.Read(context.Background(), a.actor, ordonnance.ReadRequest{Patient: w.patient, Number: n})
			require.NoError(t, err)
			want, err := ordonnance.ParseCDA(doc)
			require.NoError(t, err)
			got := claim.Prescription
			for i := range got.Lines {
				require.Equal(t, fmt.Sprintf("l%d", i+1), got.Lines[i].Ref)
				require.Equal(t, ordonnance.LineOpen, got.Lines[i].Status)
			}
			require.Equal(t, want.PDF.Data, got.PDF.Data)
			want.PDF, got.PDF = nil, nil
			want.Number, want.Validity = n, valid
			// Known losses of the assumed binding.
			for i := range want.Lines {
				if d := want.Lines[i].Drug; d != nil {
					for j := range d.Dosing.Steps {
						s := &d.Dosing.Steps[j]
						if s.Timing[0].Width != nil {
							s.Timing[0].Period = ordonnance.Period{} // FHIR has bounds by a period or by a duration
						}
						if s.Dose != nil {
							s.Dose.HighText = "" // other than the value in these documents
						}
						if s.Rate != nil {
							s.Rate.LowText, s.Rate.HighText = "", ""
						}
					}
				}
			}
			for i := range got.Lines {
				if d := got.Lines[i].Drug; d != nil {
					for j := range d.Dosing.Steps {
						if r := d.Dosing.Steps[j].Rate; r != nil {
							r.LowText, r.HighText = "", ""
						}
					}
				}
			}
			require.Empty(t, cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true }),
				cmpopts.IgnoreFields(ordonnance.Prescription{}, "Status", "Document", "Executor", "WantedBy", "WeightKg", "HeightCm", "Pregnant", "Code2D", "Findings"),
				cmpopts.IgnoreFields(ordonnance.Line{}, "Ref", "Status"),
				cmpopts.IgnoreFields(ordonnance.Practitioner{}, "Prefix", "Suffix", "Phones"),
				cmpopts.IgnoreFields(ins.Traits{}, "FirstGivenName", "BirthPlace"), cmpopts.EquateEmpty(),
				cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
				cmp.Comparer(func(a, b ins.INS) bool { return a == b })))
		})
	}
}

func TestReadBy2DCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	n, err := w.srv.LoadAs(ordonnancetest.Document(ordonnance.Patient{INS: testINS(t), Traits: testTraits()}, "", start),
		ordonnancetest.Loading{Code2D: "Hello :)"})
	require.NoError(t, err)
	require.True(t, n.WellFormed())
	r := ordonnance.ReadRequest{Patient: w.patient, Code2D: ordonnance.Parse2D("]Q1Hello :)\r\n")}
	claim, err := a.Read(context.Background(), a.actor, r)
	require.NoError(t, err)
	require.Equal(t, n, claim.Number)
	again, err := a.Recover(context.Background(), a.actor, r)
	require.NoError(t, err)
	require.Equal(t, claim.Secret.Reveal(), again.Secret.Reveal())

	claim, err = a.Read(context.Background(), a.actor, ordonnance.ReadRequest{Patient: w.patient, Code2D: ordonnance.Parse2D(string(w.number))})
	require.NoError(t, err)
	require.Equal(t, w.number, claim.Number)

	_, err = a.Read(context.Background(), a.actor, ordonnance.ReadRequest{Patient: w.patient, Code2D: ordonnance.Parse2D("nothing known")})
	require.ErrorIs(t, err, ordonnance.ErrNotFound)
}

func TestReadRefusedByTheService(t *testing.T) {
	t.Parallel()
	other, err := ins.ParseLenient("277076322082910", ordonnance.OIDINSTest)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		before func(*testing.T, *world, *counter, *ordonnance.ReadRequest)
		want   error
		code   string
	}{
		"unknown number": {func(_ *testing.T, _ *world, _ *counter, r *ordonnance.ReadRequest) { r.Number = "01ZZZZZZZZZZZZZZZZ" }, ordonnance.ErrNotFound, "not-found"},
		"cancelled": {func(t *testing.T, w *world, _ *counter, _ *ordonnance.ReadRequest) {
			require.NoError(t, w.srv.Cancel(w.number))
		}, ordonnance.ErrCancelled, "cancelled"},
		"expired": {func(_ *testing.T, w *world, _ *counter, _ *ordonnance.ReadRequest) {
			w.srv.Clock().Advance(100 * 24 * time.Hour)
		}, ordonnance.ErrExpired, "expired"},
		"other patient": {func(t *testing.T, _ *world, _ *counter, r *ordonnance.ReadRequest) {
			r.Patient = qualified(t, other, testTraits())
		}, ordonnance.ErrPatientMismatch, "patient-mismatch"},
		"token nobody gave": {func(_ *testing.T, _ *world, p *counter, _ *ordonnance.ReadRequest) {
			p.actor.Tokens = token("forged")
		}, ordonnance.ErrUnauthorized, "token"},
		"token of yesterday": {func(t *testing.T, w *world, p *counter, _ *ordonnance.ReadRequest) {
			p.actor.Tokens = token(w.srv.Token(p.actor.Professional))
			w.srv.Clock().Advance(ordonnancetest.TokenLife)
		}, ordonnance.ErrUnauthorized, "token"},
		"token of somebody else": {func(t *testing.T, w *world, p *counter, _ *ordonnance.ReadRequest) {
			somebody := p.actor.Professional
			somebody.ID, err = socle.ParsePersonID("899900038839")
			require.NoError(t, err)
			p.actor.Tokens = token(w.srv.Token(somebody))
		}, ordonnance.ErrForbidden, "forbidden"},
		"certificate of another pharmacy": {func(t *testing.T, w *world, p *counter, _ *ordonnance.ReadRequest) {
			p.actor = w.srv.Actor(pharmacist(t, finessB))
		}, ordonnance.ErrForbidden, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, r := w.pharmacy(t, finessA), w.request()
			c.before(t, w, &p, &r)
			_, err := p.Read(context.Background(), p.actor, r)
			require.ErrorIs(t, err, c.want)
			var e *ordonnance.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			require.False(t, socle.Retryable(err))
			if st, ok := w.srv.State(r.Number); ok {
				require.Zero(t, st.Holder, "nothing was claimed")
			}
		})
	}
}

func TestReadRefusedBeforeTheNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	provisional, err := ins.NewIdentity(testTraits())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*socle.Actor, *ordonnance.ReadRequest)
		want   error
	}{
		"identity not qualified": {func(_ *socle.Actor, r *ordonnance.ReadRequest) { r.Patient = provisional }, ordonnance.ErrNotQualified},
		"nothing to read":        {func(_ *socle.Actor, r *ordonnance.ReadRequest) { r.Number = "" }, ordonnance.ErrMalformed},
		"malformed number":       {func(_ *socle.Actor, r *ordonnance.ReadRequest) { r.Number = "a/../b" }, ordonnance.ErrMalformed},
		"two numbers": {func(_ *socle.Actor, r *ordonnance.ReadRequest) {
			r.Code2D = ordonnance.Parse2D("01ZZZZZZZZZZZZZZZZ")
		}, ordonnance.ErrMalformed},
		"no session": {func(a *socle.Actor, _ *ordonnance.ReadRequest) { a.Tokens = nil }, ordonnance.ErrUnauthorized},
		"a doctor": {func(a *socle.Actor, _ *ordonnance.ReadRequest) {
			a.Professional.Profession.Code = socle.ProfessionDoctor
		}, ordonnance.ErrForbidden},
		"no structure": {func(a *socle.Actor, _ *ordonnance.ReadRequest) { a.Professional.Structure = socle.Structure{} }, ordonnance.ErrForbidden},
		"nobody":       {func(a *socle.Actor, _ *ordonnance.ReadRequest) { a.Professional.ID = socle.PersonID{} }, ordonnance.ErrForbidden},
		"empty token":  {func(a *socle.Actor, _ *ordonnance.ReadRequest) { a.Tokens = token("") }, ordonnance.ErrUnauthorized},
	} {
		p, r := w.pharmacy(t, finessA), w.request()
		c.change(&p.actor, &r)
		_, err := p.Read(context.Background(), p.actor, r)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
	}
	require.Empty(t, w.srv.Journal())

	prod := w.pharmacy(t, finessA, func(c *ordonnance.Config) { c.Environment.Production = true })
	_, err = prod.Read(context.Background(), prod.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrForbidden, "a test identity in production")
	require.Empty(t, w.srv.Journal())
}

func TestReadAnswerLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.pharmacy(t, finessA), w.pharmacy(t, finessB)
	ctx := context.Background()

	_, err := a.Recover(ctx, a.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrInvalidTransition, "nobody read it")

	w.srv.Fail(emulator.Fault{Operation: "Read", ResetAfter: true})
	_, err = a.Read(ctx, a.actor, w.request())
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Len(t, w.srv.Journal(), 2, "no second attempt by itself")

	_, err = b.Recover(ctx, b.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrAlreadyRead)
	var e *ordonnance.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, finessA, e.Holder.String())

	claim, err := a.Recover(ctx, a.actor, w.request())
	require.NoError(t, err)
	require.Len(t, claim.Prescription.Lines, 2)
	_, err = a.Dispense(ctx, a.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: claim.Prescription.NewDispensation(start)})
	require.NoError(t, err)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault     emulator.Fault
		outcome   socle.Outcome
		retryable bool
		kind      error
	}{
		"503 of a gateway": {emulator.Fault{Status: 503, Times: -1}, socle.OutcomeUnknown, true, ordonnance.ErrUnavailable},
		"429":              {emulator.Fault{Status: 429}, socle.OutcomeRefused, true, ordonnance.ErrUnavailable},
		"500":              {emulator.Fault{Status: 500}, socle.OutcomeUnknown, true, ordonnance.ErrUnavailable},
		"reset before":     {emulator.Fault{ResetBefore: true, Times: -1}, socle.OutcomeUnknown, true, nil},
		"reset after":      {emulator.Fault{ResetAfter: true}, socle.OutcomeUnknown, true, nil},
		"200 of a portal":  {emulator.Fault{Status: 200}, socle.OutcomeUnknown, false, ordonnance.ErrAnswer},
		"404 of a portal":  {emulator.Fault{Status: 404}, socle.OutcomeRefused, false, ordonnance.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.pharmacy(t, finessA)
			w.srv.Fail(c.fault)
			_, err := a.Read(context.Background(), a.actor, w.request())
			require.Error(t, err)
			require.Equal(t, c.outcome, socle.OutcomeOf(err))
			require.Equal(t, c.retryable, socle.Retryable(err))
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
			}
		})
	}
}

func TestRecoverIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	a.read(t, w)
	w.srv.Fail(emulator.Fault{Operation: "Recover", Status: 503, Times: 2})
	_, err := a.Recover(context.Background(), a.actor, w.request())
	require.NoError(t, err)
	require.Len(t, w.srv.Journal(), 4)
}

func TestServiceDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	w.srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := a.Read(ctx, a.actor, w.request())
	require.Error(t, err)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.True(t, socle.Retryable(err))
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	w.srv.Fail(emulator.Fault{Latency: 10 * time.Second, Times: -1})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, err := a.Read(ctx, a.actor, w.request())
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begin), 50*time.Millisecond+100*time.Millisecond)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(t, finessA)
	stranger, err := pki.NewAuthority(pki.WithClock(func() time.Time { return start }))
	require.NoError(t, err)
	cfg.Certificate, err = stranger.Organisation(pki.Organisation{Structure: finessA, Name: "PHARMACIE", CommonName: "LGO"}, pki.AuthClient)
	require.NoError(t, err)
	c, err := ordonnance.New(cfg)
	require.NoError(t, err)
	actor := w.srv.Actor(pharmacist(t, finessA))
	_, err = c.Read(context.Background(), actor, w.request())
	require.ErrorIs(t, err, transport.ErrClientCertificate)

	cfg = w.config(t, finessA)
	cfg.Roots = stranger.Roots()
	c, err = ordonnance.New(cfg)
	require.NoError(t, err)
	_, err = c.Read(context.Background(), actor, w.request())
	require.ErrorIs(t, err, transport.ErrServerCertificate)
	require.Equal(t, socle.OutcomeOf(err), socle.OutcomeOf(errors.Unwrap(err)))
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := ordonnance.New(ordonnance.Config{Dialect: ordonnance.Dialect{ReadPath: "x"}})
	require.Error(t, err)
	for _, field := range []string{"Software.Name", "Software.Version", "Environment.URL", "Certificate", "Roots", "Dialect"} {
		require.ErrorContains(t, err, field)
	}
	for _, u := range []string{"http://example.test", "https://", "https://u:p@example.test", "https://example.test/?a=b", "::"} {
		_, err := ordonnance.New(ordonnance.Config{Environment: ordonnance.Environment{URL: u}, Software: socle.Software{Name: "LGO", Version: "1"}})
		require.ErrorContains(t, err, "Environment.URL", u)
		require.NotContains(t, err.Error(), "u:p@")
	}
}

// No matricule, trait, token or secret shows in errors, logs, audit records or
// printed values.
func TestNothingIdentifyingShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var shown bytes.Buffer
	var audited []socle.AuditRecord
	secretToken := ""
	a := w.pharmacy(t, finessA, func(c *ordonnance.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Observe = func(_ context.Context, x socle.Exchange) {
			fmt.Fprintf(&shown, "%s %s %v\n", x.Request, x.Response, x.Err)
		}
		c.Audit = func(_ context.Context, r socle.AuditRecord) { audited = append(audited, r) }
		c.AuditKey = []byte("key of the test")
	})
	secretToken = w.srv.Token(a.actor.Professional)
	a.actor.Tokens = token(secretToken)
	claim := a.read(t, w)
	logger := slog.New(slog.NewTextHandler(&shown, nil))
	logger.Info("x", "claim", claim, "prescription", claim.Prescription, "patient", claim.Prescription.Patient, "secret", claim.Secret,
		"code", ordonnance.Parse2D("01S2TBPZ2JCNZZYGHZ|topsecretkey"))
	fmt.Fprintf(&shown, "%v %+v %#v %s\n", claim, claim, claim, claim.Prescription.Patient)
	_ = json.NewEncoder(&shown).Encode(claim.Prescription)
	_ = json.NewEncoder(&shown).Encode(claim.Secret)

	fail := func(err error) {
		require.Error(t, err)
		fmt.Fprintf(&shown, "%v %+v %#v\n", err, err, err)
	}
	_, err := a.Read(context.Background(), a.actor, w.request())
	fail(err)
	bad := claim.Prescription.NewDispensation(start)
	bad.Items = bad.Items[:1]
	_, err = a.Dispense(context.Background(), a.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: bad})
	fail(err)
	w.srv.Fail(emulator.Fault{ResetBefore: true})
	_, err = a.Dispense(context.Background(), a.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: claim.Prescription.NewDispensation(start)})
	fail(err)
	wrong := claim
	wrong.Secret = ordonnance.NewSecret("anothersecretvalue")
	_, err = a.Dispense(context.Background(), a.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: wrong, Dispensation: claim.Prescription.NewDispensation(start)})
	fail(err)

	require.Len(t, audited, 5)
	for _, r := range audited {
		require.NotEmpty(t, r.Patient)
		fmt.Fprintf(&shown, "%+v\n", r)
	}
	for _, secret := range []string{testNIR, testNIR[:13], "PAT-TROIS", "DOMINIQUE", "1979-03-28", "19790328", secretToken, claim.Secret.Reveal(), "anothersecretvalue", "topsecretkey"} {
		require.NotContains(t, shown.String(), secret)
	}
	require.True(t, strings.Contains(shown.String(), "already-read"), "the check would see what is there")
}
