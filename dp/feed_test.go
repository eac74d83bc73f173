package dp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func openDossier(t testing.TB) *dptest.Server {
	t.Helper()
	srv := newServer(t)
	srv.SetDossier(testINS(), dptest.Dossier{State: dptest.StateOpen})
	return srv
}

func TestFeedIsIdempotent(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	v := open(t, srv, finessA)
	r, err := v.Feed(context.Background(), []dp.Line{line(idA), line(strings.ToUpper(idB))})
	require.NoError(t, err)
	require.Equal(t, dp.Receipt{Fed: map[string]bool{idA: false, strings.ToUpper(idB): false}}, r)
	r, err = v.Feed(context.Background(), []dp.Line{line(idA), line(idB), line(idC)})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{idA: true, idB: true, idC: false}, r.Fed)
	require.Equal(t, []string{idA, idB, idC}, srv.Lines(testINS()))
}

func TestFeedAnswerLost(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	v := open(t, srv, finessA)
	srv.Fail(emulator.Fault{Operation: "Feed", ResetAfter: true})
	_, err := v.Feed(context.Background(), []dp.Line{line(idA)})
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Len(t, srv.Journal(), 1, "a write is not tried again by itself")
	r, err := v.Feed(context.Background(), []dp.Line{line(idA)})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{idA: true}, r.Fed)
	require.Equal(t, []string{idA}, srv.Lines(testINS()), "once")
}

func TestFeedWithholds(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	v := open(t, srv, finessA)
	secret := line(idB, func(l *dp.Line) { l.Withhold = true; l.Product.Name = "SECRET PRODUCT"; l.Lot = "SECRETLOT" })
	r, err := v.Feed(context.Background(), []dp.Line{line(idA), secret})
	require.NoError(t, err)
	require.Equal(t, 1, r.Withheld)
	require.NotContains(t, r.Fed, idB)
	for _, e := range srv.Journal() {
		require.NotContains(t, string(e.Request), "SECRET")
		require.NotContains(t, string(e.Request), idB)
	}
	calls := len(srv.Journal())
	r, err = v.Feed(context.Background(), []dp.Line{secret})
	require.NoError(t, err)
	require.Equal(t, dp.Receipt{Withheld: 1}, r)
	require.Len(t, srv.Journal(), calls, "nothing to send, nothing sent")
}

func TestFeedIsAllOrNothing(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	srv.UnknownProduct("3400933857042")
	v := open(t, srv, finessA)
	unknown := line(idB, func(l *dp.Line) {
		l.Product = ordonnance.Product{Name: "AMOXICILLINE", Codes: []socle.Code{{Code: "3400933857042", System: ordonnance.OIDCIP}}}
	})
	_, err := v.Feed(context.Background(), []dp.Line{line(idA), unknown, line(idC)})
	require.ErrorIs(t, err, dp.ErrUnknownProduct)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	var e *dp.Error
	require.ErrorAs(t, err, &e)
	require.Len(t, e.Issues, 1)
	require.Equal(t, idB, e.Issues[0].Line)
	require.Empty(t, srv.Lines(testINS()))
	_, err = v.Feed(context.Background(), []dp.Line{line(idA), line(idC)})
	require.NoError(t, err)
}

func TestFeedCheckedBeforeTheNetwork(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	v := open(t, srv, finessA)
	for name, c := range map[string]struct {
		lines []dp.Line
		want  error
		code  string
	}{
		"no id":            {[]dp.Line{line("")}, dp.ErrValidation, dp.IssueID},
		"an id twice":      {[]dp.Line{line(idA), line(strings.ToUpper(idA))}, dp.ErrValidation, dp.IssueID},
		"no product":       {[]dp.Line{line(idA, func(l *dp.Line) { l.Product = ordonnance.Product{} })}, dp.ErrValidation, dp.IssueProduct},
		"no quantity":      {[]dp.Line{line(idA, func(l *dp.Line) { l.Quantity.Value = 0 })}, dp.ErrValidation, dp.IssueQuantity},
		"no time":          {[]dp.Line{line(idA, func(l *dp.Line) { l.HandedOver = time.Time{} })}, dp.ErrValidation, dp.IssueTime},
		"in the future":    {[]dp.Line{line(idA, func(l *dp.Line) { l.HandedOver = start.Add(time.Hour) })}, dp.ErrValidation, dp.IssueTime},
		"no completeness":  {[]dp.Line{line(idA, func(l *dp.Line) { l.Completeness = "FFX" })}, dp.ErrValidation, dp.IssueCode},
		"a wrong CIP13":    {[]dp.Line{line(idA, func(l *dp.Line) { l.Product.Codes = []socle.Code{{Code: "3400933516391", System: ordonnance.OIDCIP}} })}, dp.ErrUnknownProduct, dp.IssueProduct},
		"a CIP7":           {[]dp.Line{line(idA, func(l *dp.Line) { l.Product.Codes = []socle.Code{{Code: "3351639", System: ordonnance.OIDCIP}} })}, dp.ErrUnknownProduct, dp.IssueProduct},
		"more than enough": {slices.Repeat([]dp.Line{line(idA)}, 201), dp.ErrValidation, dp.IssueID},
	} {
		_, err := v.Feed(context.Background(), c.lines)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		var e *dp.Error
		require.ErrorAs(t, err, &e)
		require.Contains(t, []string{c.code}, e.Issues[len(e.Issues)-1].Code, name)
	}
	require.Empty(t, srv.Journal())
}

func TestFeedFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault     emulator.Fault
		outcome   socle.Outcome
		retryable bool
		kind      error
	}{
		"503":             {emulator.Fault{Status: 503, Times: -1}, socle.OutcomeUnknown, true, dp.ErrUnavailable},
		"429":             {emulator.Fault{Status: 429, Times: -1}, socle.OutcomeRefused, true, dp.ErrUnavailable},
		"reset before":    {emulator.Fault{ResetBefore: true, Times: -1}, socle.OutcomeUnknown, true, nil},
		"401 of a proxy":  {emulator.Fault{Status: 401}, socle.OutcomeRefused, false, dp.ErrUnauthorized},
		"404 of a proxy":  {emulator.Fault{Status: 404}, socle.OutcomeRefused, false, dp.ErrAnswer},
		"200 of a portal": {emulator.Fault{Status: 200}, socle.OutcomeUnknown, false, dp.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := openDossier(t)
			v := open(t, srv, finessA)
			srv.Fail(c.fault)
			_, err := v.Feed(context.Background(), []dp.Line{line(idA)})
			require.Error(t, err)
			require.Equal(t, c.outcome, socle.OutcomeOf(err))
			require.Equal(t, c.retryable, socle.Retryable(err))
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
			}
			require.Empty(t, srv.Lines(testINS()))
		})
	}
}

func TestLinesOf(t *testing.T) {
	t.Parallel()
	p, err := ordonnance.ParseCDA(ordonnancetest.Document(ordonnance.Patient{INS: testINS(), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start))
	require.NoError(t, err)
	d := p.NewDispensation(start)
	d.Items[0].Outcome, d.Items[0].Lot = ordonnance.SubstitutedGeneric, "L1"
	d.Items[1] = ordonnance.Item{Line: 2, Outcome: ordonnance.NotDispensed, Reason: "x"}
	d.Items = append(d.Items, ordonnance.Item{Outcome: ordonnance.AddedByHand, Product: ordonnance.Product{Name: "par la main"}, Quantity: ordonnance.Quantity{Value: 1}})
	lines := dp.LinesOf(p, d)
	require.Len(t, lines, 2)
	require.Equal(t, d.ItemID(0), lines[0].ID)
	require.Equal(t, ordonnance.Number("01S2TBPZ2JCNZZYGHZ"), lines[0].Prescription)
	require.Equal(t, "801234567897", lines[0].Prescriber)
	require.Equal(t, ordonnance.SubstitutedGeneric, lines[0].Substitution)
	require.Equal(t, "L1", lines[0].Lot)
	require.Equal(t, d.ItemID(2), lines[1].ID)
	require.Empty(t, lines[1].Prescription)

	srv := openDossier(t)
	_, err = open(t, srv, finessA).Feed(context.Background(), lines)
	require.NoError(t, err)
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, dp.Medicine, dp.KindOf(paracetamol))
	require.Equal(t, dp.Vaccine, dp.KindOf(ordonnance.Product{Codes: []socle.Code{{Code: "J07BB02", System: ordonnance.OIDATC}}}))
}

func TestCheckCIP13(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"3400933516390", "3400930039946", "3400937916059", "3400941509087", "3400933857042"} {
		require.NoError(t, dp.CheckCIP13(good), good)
	}
	for _, bad := range []string{"", "3351639", "3400933516391", "3401533516390", "34009335163a0", "03400933516390"} {
		require.ErrorIs(t, dp.CheckCIP13(bad), dp.ErrUnknownProduct, bad)
	}
	// Any single wrong digit is found.
	rapid.Check(t, func(t *rapid.T) {
		b := []byte("3400933516390")
		i := rapid.IntRange(5, 12).Draw(t, "at")
		d := byte(rapid.IntRange(1, 9).Draw(t, "by"))
		b[i] = '0' + (b[i]-'0'+d)%10
		if dp.CheckCIP13(string(b)) == nil {
			t.Fatal("a wrong digit passed")
		}
	})
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := dp.New(dp.Config{Windows: dp.WindowPolicy{dp.Vaccine: -1}, Dialect: dp.Dialect{PageSize: 1}})
	require.Error(t, err)
	for _, field := range []string{"Software.Name", "Software.Version", "Environment.URL", "Certificate", "Roots", "Dialect", "Windows"} {
		require.ErrorContains(t, err, field)
	}
}

// vendor is a Transport of a vendor's own.
type vendor struct{ err error }

func (v vendor) Consult(_ context.Context, call dp.ConsultCall) (dp.History, error) {
	if v.err != nil {
		return dp.History{}, v.err
	}
	return dp.History{Entries: []dp.Entry{{Line: line(idA)}, {Line: line(idB, func(l *dp.Line) { l.HandedOver = start.AddDate(-2, 0, 0) })}}}, nil
}

func (v vendor) Feed(_ context.Context, call dp.FeedCall) (dp.Receipt, error) {
	return dp.Receipt{}, v.err
}

func TestTransportOfAVendor(t *testing.T) {
	t.Parallel()
	visit := func(v vendor) *dp.Visit {
		client, err := dp.New(dp.Config{Software: socle.Software{Name: "LGO", Version: "1"}, Transport: v, Watch: socle.Watch{Clock: func() time.Time { return start }}})
		require.NoError(t, err)
		out, err := client.Open(socle.Actor{Professional: pharmacist(finessA), Tokens: token("t")}, qualified(), "")
		require.NoError(t, err)
		return out
	}
	h, err := visit(vendor{}).Consult(context.Background(), dp.Query{})
	require.NoError(t, err)
	require.Len(t, h.Entries, 1, "windows apply to any transport")
	_, err = visit(vendor{}).Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrAnswer, "a receipt that tells of no line")
	boom := errors.New("boom")
	_, err = visit(vendor{boom}).Consult(context.Background(), dp.Query{})
	require.ErrorIs(t, err, boom)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	_, err = visit(vendor{dp.NewError("Feed", dp.ErrClosed, "X42", "fermé", nil)}).Feed(context.Background(), []dp.Line{line(idA)})
	require.ErrorIs(t, err, dp.ErrClosed)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	require.Equal(t, "dp: Feed: dossier closed: fermé (X42)", err.Error())
}

// No matricule, trait, token or product shows in errors, logs, audit records or
// printed values.
func TestNothingIdentifyingShows(t *testing.T) {
	t.Parallel()
	srv := openDossier(t)
	require.NoError(t, srv.AddHistory(testINS(), entry(1, dp.Medicine, "SECRETMEDICINE")))
	srv.UnknownProduct("3400933516390")
	var shown bytes.Buffer
	var audited []socle.AuditRecord
	cfg := config(t, srv, finessA)
	cfg.Logger = slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Observe = func(_ context.Context, x socle.Exchange) {
		fmt.Fprintf(&shown, "%s %s %v\n", x.Request, x.Response, x.Err)
	}
	cfg.Audit = func(_ context.Context, r socle.AuditRecord) { audited = append(audited, r) }
	cfg.AuditKey = []byte("key of the test")
	client, err := dp.New(cfg)
	require.NoError(t, err)
	secret := srv.Token(pharmacist(finessA))
	v, err := client.Open(socle.Actor{Professional: pharmacist(finessA), Tokens: token(secret)}, qualified(), "")
	require.NoError(t, err)
	ctx := context.Background()
	h, err := v.Consult(ctx, dp.Query{})
	require.NoError(t, err)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "history", h, "value", *h, "entry", h.Entries[0], "line", h.Entries[0].Line)
	fmt.Fprintf(&shown, "%v %+v %#v %v %+v\n", h, *h, *h, h.Entries, h.Entries[0].Line)
	fail := func(err error) {
		require.Error(t, err)
		fmt.Fprintf(&shown, "%v %+v %#v\n", err, err, err)
	}
	_, err = v.Feed(ctx, []dp.Line{line(idA)})
	fail(err)
	_, err = v.Feed(ctx, []dp.Line{line(idA, func(l *dp.Line) { l.Product.Codes = []socle.Code{{Code: "3400933516391", System: ordonnance.OIDCIP}} })})
	fail(err)
	srv.Fail(emulator.Fault{ResetBefore: true, Times: -1})
	_, err = v.Feed(ctx, []dp.Line{line(idA)})
	fail(err)
	v.RefuseFeed(ctx)
	_, err = v.Feed(ctx, []dp.Line{line(idA)})
	fail(err)
	require.Len(t, audited, 6)
	for _, r := range audited {
		require.NotEmpty(t, r.Patient)
		fmt.Fprintf(&shown, "%+v\n", r)
	}
	for _, s := range []string{testNIR, testNIR[:13], "PAT-TROIS", "DOMINIQUE", "1979-03-28", secret, "SECRETMEDICINE", "PARACETAMOL"} {
		require.NotContains(t, shown.String(), s)
	}
	require.Contains(t, shown.String(), "dp-unknown-product", "the check would see what is there")
}
