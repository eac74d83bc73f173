package dp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
)

func TestConsultGivesTheHistory(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	require.NoError(t, srv.AddHistory(testINS(), entry(2, dp.Medicine, "two months ago"), entry(1, dp.Medicine, "one month ago"),
		entry(13, dp.Medicine, "out of the window"), entry(30, dp.Biologic, "biologic"), entry(40, dp.Biologic, "old biologic"),
		entry(20*12, dp.Vaccine, "vaccine"), entry(22*12, dp.Vaccine, "old vaccine")))
	v := open(t, srv, finessA)
	h, err := v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Equal(t, []string{"one month ago", "two months ago", "biologic", "vaccine"}, names(h))
	require.Equal(t, []string{"the history is cut to the windows of consultation"}, h.Notes)
	e := h.Entries[0]
	require.Equal(t, finessB, e.Pharmacy)
	require.Equal(t, "PHARMACIE B", e.PharmacyName)
	require.Equal(t, ordonnance.Quantity{Value: 1, Unit: "30009000"}, e.Quantity)
	require.Equal(t, ordonnance.FirstComplete, e.Completeness)
	require.True(t, start.AddDate(0, -1, 1).Equal(e.HandedOver))

	h, err = v.Consult(context.Background(), dp.Query{Since: start.AddDate(0, -2, -5)})
	require.NoError(t, err)
	require.Equal(t, []string{"one month ago", "two months ago"}, names(h))
	h, err = v.Consult(context.Background(), dp.Query{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"one month ago"}, names(h))
}

// The client cuts to its own windows even when the service shows more.
func TestConsultCutsToTheClientsWindows(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(o *dptest.Options) { o.Windows = dp.DefaultRetention() })
	require.NoError(t, srv.AddHistory(testINS(), entry(1, dp.Medicine, "recent"), entry(13, dp.Medicine, "old"), entry(13, dp.Biologic, "biologic")))
	v := open(t, srv, finessA)
	h, err := v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Equal(t, []string{"recent", "biologic"}, names(h))

	v = open(t, srv, finessA, func(c *dp.Config) { c.Windows = dp.WindowPolicy{dp.Medicine: 4} })
	h, err = v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Equal(t, []string{"recent"}, names(h))
}

func TestConsultFollowsPages(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	var all []dp.Entry
	for i := range 7 {
		e := entry(0, dp.Medicine, fmt.Sprint(i))
		e.HandedOver = start.Add(-time.Duration(i) * time.Hour)
		all = append(all, e)
	}
	require.NoError(t, srv.AddHistory(testINS(), all...))
	small := dp.DefaultDialect()
	small.PageSize = 3
	v := open(t, srv, finessA, func(c *dp.Config) { c.Dialect = small })
	h, err := v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6"}, names(h))
	require.Len(t, srv.Journal(), 3)
	for _, e := range srv.Journal() {
		require.NotContains(t, e.Path, testNIR)
	}
	srv.Fail(emulator.Fault{Operation: "Consult", ResetAfter: true})
	h, err = v.Consult(context.Background(), dp.Query{Limit: 4})
	require.NoError(t, err, "a read is tried again")
	require.Len(t, h.Entries, 4)
}

func TestConsultLeavesOutMaskedLines(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	secret := entry(1, dp.Medicine, "masked")
	secret.ID = idA
	require.NoError(t, srv.AddHistory(testINS(), secret, entry(2, dp.Medicine, "shown")))
	require.True(t, srv.Mask(idA))
	require.False(t, srv.Mask(idB))
	v := open(t, srv, finessA)
	h, err := v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Equal(t, []string{"shown"}, names(h))
	require.Empty(t, h.Notes, "that a line is masked is not told either")
}

// What one pharmacy fed, the next one reads.
func TestConsultGivesWhatWasFed(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.SetDossier(testINS(), dptest.Dossier{State: dptest.StateOpen})
	fed := line(idA, func(l *dp.Line) {
		l.Lot, l.Serial, l.Expiry = "12345", "S-1", time.Date(2032, 12, 31, 0, 0, 0, 0, time.UTC)
		l.Prescription, l.Prescriber, l.Note, l.Substitution = "01S2TBPZ2JCNZZYGHZ", "801234567897", "à jeun", ordonnance.SubstitutedGeneric
		l.Completeness, l.Kind = ordonnance.RefillPartial, dp.Biologic
	})
	_, err := open(t, srv, finessA).Feed(context.Background(), []dp.Line{fed})
	require.NoError(t, err)
	h, err := open(t, srv, finessB).Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Len(t, h.Entries, 1)
	want := dp.Entry{Line: fed, Pharmacy: finessA, PharmacyName: "PHARMACIE DE TEST"}
	require.Empty(t, cmp.Diff(want, h.Entries[0], cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })))
}

// states are the refusals of the service for each state of a dossier.
var states = map[string]struct {
	dossier *dptest.Dossier
	want    error
	code    string
}{
	"none":      {nil, dp.ErrNoDossier, "dp-none"},
	"informed":  {&dptest.Dossier{State: dptest.StateInformed, InformedAt: start.AddDate(0, 0, -7)}, dp.ErrNotYetOpen, "dp-pending"},
	"opposed":   {&dptest.Dossier{State: dptest.StateOpposed}, dp.ErrOpposed, "dp-opposed"},
	"suspended": {&dptest.Dossier{State: dptest.StateSuspended}, dp.ErrSuspended, "dp-suspended"},
	"closed":    {&dptest.Dossier{State: dptest.StateClosed}, dp.ErrClosed, "dp-closed"},
	"mismatch":  {&dptest.Dossier{State: dptest.StateOpen, Mismatch: true}, dp.ErrPatientMismatch, "dp-identity"},
}

func TestStatesOfADossier(t *testing.T) {
	t.Parallel()
	for name, c := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			if c.dossier != nil {
				srv.SetDossier(testINS(), *c.dossier)
			}
			v := open(t, srv, finessA)
			_, consulted := v.Consult(context.Background(), dp.Query{})
			_, fed := v.Feed(context.Background(), []dp.Line{line(idA)})
			for _, err := range []error{consulted, fed} {
				require.ErrorIs(t, err, c.want)
				var e *dp.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.code, e.Code)
				require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
				require.False(t, socle.Retryable(err))
				if c.want == dp.ErrNotYetOpen {
					require.True(t, start.AddDate(0, 0, 35).Equal(e.Deadline))
				}
			}
			require.Empty(t, srv.Lines(testINS()))
			require.Len(t, srv.Journal(), 2)
		})
	}
}

func TestDossierOpensAfterSixWeeks(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.SetDossier(testINS(), dptest.Dossier{State: dptest.StateInformed, InformedAt: start})
	srv.Clock().Advance(42 * 24 * time.Hour)
	_, err := open(t, srv, finessA).Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
}

func TestRefusalsOfThePatient(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	require.NoError(t, srv.AddHistory(testINS(), entry(1, dp.Medicine, "x")))
	ctx := context.Background()

	v := open(t, srv, finessA)
	v.RefuseConsult(ctx)
	_, err := v.Consult(ctx, dp.Query{})
	require.ErrorIs(t, err, dp.ErrConsultRefused)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Empty(t, srv.Journal())
	_, err = v.Feed(ctx, []dp.Line{line(idA)})
	require.NoError(t, err, "feeding is another choice")

	v = open(t, srv, finessA)
	v.RefuseFeed(ctx)
	_, err = v.Feed(ctx, []dp.Line{line(idB)})
	require.ErrorIs(t, err, dp.ErrFeedRefused)
	require.Len(t, srv.Journal(), 1)
	h, err := v.Consult(ctx, dp.Query{})
	require.NoError(t, err, "consulting is another choice")
	require.NotEmpty(t, h.Entries)
	v.RefuseConsult(ctx)
	require.Empty(t, h.Entries, "what was seen is forgotten")
	require.NotContains(t, fmt.Sprint(srv.Lines(testINS())), idB)
}

func TestCloseForgets(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	require.NoError(t, srv.AddHistory(testINS(), entry(1, dp.Medicine, "x"), entry(2, dp.Medicine, "y")))
	v := open(t, srv, finessA)
	h, err := v.Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	entries := h.Entries
	require.Len(t, entries, 2)
	v.Close()
	v.Close()
	require.Empty(t, h.Entries)
	require.Equal(t, make([]dp.Entry, 2), entries, "the values are gone, not only the list")
	_, err = v.Consult(context.Background(), dp.Query{})
	require.ErrorIs(t, err, dp.ErrVisitClosed)
	_, err = v.Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrVisitClosed)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	both := dp.RightConsult | dp.RightFeed
	for name, c := range map[string]struct {
		profession, speciality, sector string
		want                           dp.Right
	}{
		"pharmacist, officine":         {"21", "", "SA33", both},
		"préparateur, officine":        {"39", "", "SA33", both},
		"pharmacist, hospital":         {"21", "", "SA01", both},
		"doctor, hospital":             {"10", "SM53", "SA01", dp.RightConsult},
		"doctor, army hospital":        {"10", "", "SA02", dp.RightConsult},
		"doctor, town":                 {"10", "SM26", "SA07", 0},
		"doctor, laboratory":           {"10", "SM26", "SA25", 0},
		"medical biologist":            {"10", "SM03", "SA25", dp.RightConsult},
		"pharmacist biologist":         {"21", "", "SA25", dp.RightConsult},
		"nurse":                        {"60", "", "SA07", 0},
		"pharmacist without situation": {"21", "", "", 0},
		"nobody":                       {"", "", "SA33", 0},
	} {
		who := professional(finessA, c.profession, c.speciality, c.sector)
		require.Equal(t, c.want, dp.DefaultAccess().Of(who), name)
	}

	srv := newServer(t)
	srv.SetDossier(testINS(), dptest.Dossier{State: dptest.StateOpen})
	client, err := dp.New(config(t, srv, finessA))
	require.NoError(t, err)
	_, err = client.Open(srv.Actor(professional(finessA, "10", "SM26", "SA07")), qualified(), "")
	require.ErrorIs(t, err, dp.ErrForbidden)
	doctor := srv.Actor(professional(finessA, "10", "", "SA01"))
	v, err := client.Open(doctor, qualified(), dp.ForHospital)
	require.NoError(t, err)
	_, err = v.Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrForbidden)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Empty(t, srv.Journal())

	// A client that would allow it is refused by the service.
	cfg := config(t, srv, finessA)
	cfg.Access = dp.AccessPolicy{{Rights: both}}
	lax, err := dp.New(cfg)
	require.NoError(t, err)
	v, err = lax.Open(doctor, qualified(), dp.ForHospital)
	require.NoError(t, err)
	_, err = v.Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrForbidden)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client, err := dp.New(config(t, srv, finessA))
	require.NoError(t, err)
	provisional, err := ins.NewIdentity(testTraits())
	require.NoError(t, err)
	actor := srv.Actor(pharmacist(finessA))
	_, err = client.Open(actor, provisional, "")
	require.ErrorIs(t, err, dp.ErrNotQualified)
	require.ErrorIs(t, err, ins.ErrNotQualified)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = client.Open(socle.Actor{Professional: actor.Professional}, qualified(), "")
	require.ErrorIs(t, err, dp.ErrUnauthorized)
	_, err = client.Open(socle.Actor{Tokens: actor.Tokens}, qualified(), "")
	require.ErrorIs(t, err, dp.ErrForbidden)

	cfg := config(t, srv, finessA)
	cfg.Environment.Production = true
	prod, err := dp.New(cfg)
	require.NoError(t, err)
	_, err = prod.Open(actor, qualified(), "")
	require.ErrorIs(t, err, dp.ErrPatientMismatch)
	require.Empty(t, srv.Journal())
}

func TestTokensAndCertificates(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.SetDossier(testINS(), dptest.Dossier{State: dptest.StateOpen})
	client, err := dp.New(config(t, srv, finessA))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		actor func() socle.Actor
		want  error
	}{
		"forged": {func() socle.Actor {
			return socle.Actor{Professional: pharmacist(finessA), Tokens: token("forged")}
		}, dp.ErrUnauthorized},
		"missing": {func() socle.Actor {
			return socle.Actor{Professional: pharmacist(finessA), Tokens: token("")}
		}, dp.ErrUnauthorized},
		"expired": {func() socle.Actor {
			a := socle.Actor{Professional: pharmacist(finessA), Tokens: token(srv.Token(pharmacist(finessA)))}
			srv.Clock().Advance(dptest.TokenLife)
			return a
		}, dp.ErrUnauthorized},
	} {
		v, err := client.Open(c.actor(), qualified(), "")
		require.NoError(t, err, name)
		_, err = v.Consult(context.Background(), dp.Query{})
		require.ErrorIs(t, err, c.want, name)
	}
	v, err := client.Open(srv.Actor(pharmacist(finessB)), qualified(), "")
	require.NoError(t, err)
	_, err = v.Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrValidation, "the certificate is another pharmacy's")
	require.Empty(t, srv.Lines(testINS()))
}

func TestServiceTooSlow(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.Fail(emulator.Fault{Latency: 10 * time.Second, Times: -1})
	v := open(t, srv, finessA, func(c *dp.Config) { c.Timeout = 50 * time.Millisecond })
	begin := time.Now()
	_, err := v.Consult(context.Background(), dp.Query{})
	require.ErrorIs(t, err, dp.ErrUnavailable)
	require.Less(t, time.Since(begin), time.Second)
	require.True(t, socle.Retryable(err))
	_, err = v.Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrUnavailable)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.Fail(emulator.Fault{Latency: 10 * time.Second, Times: -1})
	v := open(t, srv, finessA)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, err := v.Consult(ctx, dp.Query{})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begin), 150*time.Millisecond)
}

func TestServiceDown(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	v := open(t, srv, finessA)
	srv.Close()
	_, err := v.Consult(context.Background(), dp.Query{})
	require.Error(t, err)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.True(t, socle.Retryable(err))
}

// Answers that no service should give.
func TestConsultOfStrangeAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		want   string
	}{
		"not FHIR":             {"<html>", "media type"},
		"broken JSON":          {"{", "unexpected EOF"},
		"another resource":     {`{"resourceType":"Task"}`, "Bundle"},
		"another bundle":       {`{"resourceType":"Bundle","type":"batch"}`, "searchset"},
		"a page elsewhere":     {`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"https://elsewhere.test/dp/x"}]}`, "token stays"},
		"a page above":         {`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"BASE/../x"}]}`, "token stays"},
		"pages without end":    {`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"BASE/more"}]}`, "more than 100 pages"},
		"an entry without day": {`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"MedicationDispense","status":"completed"}}]}`, "date of delivery"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var base string
			calls := 0
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				_, _ = io.Copy(io.Discard, r.Body)
				if !strings.HasPrefix(c.answer, "<") {
					w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
				}
				_, _ = io.WriteString(w, strings.ReplaceAll(c.answer, "BASE", base))
			}))
			defer srv.Close()
			base = srv.URL + "/dp"
			client, err := dp.New(dp.Config{Environment: dp.Environment{URL: base}, Software: socle.Software{Name: "LGO", Version: "1"}, HTTPClient: srv.Client(), Timeout: 20 * time.Second})
			require.NoError(t, err)
			v, err := client.Open(socle.Actor{Professional: pharmacist(finessA), Tokens: token("t")}, qualified(), "")
			require.NoError(t, err)
			_, err = v.Consult(context.Background(), dp.Query{})
			require.ErrorIs(t, err, dp.ErrAnswer)
			require.ErrorContains(t, err, c.want)
			require.False(t, socle.Retryable(err))
			if name != "pages without end" {
				require.Equal(t, 1, calls)
			}
		})
	}
}
