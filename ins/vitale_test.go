package ins_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
)

// withReader puts a card into the emulator's reader and makes a client of it.
func withReader(t *testing.T, o instest.Options, edit ...func(*ins.Config)) (*instest.Server, *instest.Reader, *ins.Client) {
	t.Helper()
	srv, _ := setup(t, o)
	reader := srv.Reader()
	reader.Insert(instest.Cards()[0])
	_, certificate := shared()
	cfg := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots(), Vitale: reader}
	cfg.Clock = srv.Clock().Now
	for _, f := range edit {
		f(&cfg)
	}
	c, err := ins.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return srv, reader, c
}

func TestSearchByVitaleGivesTheBeneficiary(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*ins.Config){"software certificate": func(*ins.Config) {}, "card of the professional": withCard(t)} {
		srv, reader, c := withReader(t, instest.Options{Assertions: true}, edit)
		d, err := reader.Read(1)
		require.NoError(t, err)
		r, err := c.SearchByVitale(t.Context(), who, d)
		require.NoError(t, err, name)
		require.Equal(t, "181016322075140", r.Active.Matricule.Wire())

		d, err = reader.Read(2)
		require.NoError(t, err)
		r, err = c.SearchByVitale(t.Context(), who, d)
		require.NoError(t, err, name)
		require.Equal(t, "109076322083489", r.Active.Matricule.Wire(), "the child's, not that of the insured person")
		require.Equal(t, ins.OIDNIA, r.Active.OID, "CNDA 1.10")
		require.Len(t, r.History, 2)
		request := string(srv.Journal()[1].Request)
		require.Equal(t, "WS_INS1", srv.Journal()[1].Operation)
		require.Contains(t, request, `NameQualifier="VITALE"`)
		require.Contains(t, request, "<ctxbam:COUVERTURE><ctxbam:ASSURE>")
		require.NotContains(t, request, "MatriculeIndividu", "the child has no NIR certifié on the card")
	}
}

func TestTheAppNeedsNoAssertionOfACard(t *testing.T) {
	t.Parallel()
	srv, reader, c := withReader(t, instest.Options{})
	reader.Insert(instest.Cards()[1])
	d, err := reader.Read(1)
	require.NoError(t, err)
	require.True(t, d.App)
	r, err := c.SearchByVitale(t.Context(), who, d)
	require.NoError(t, err)
	require.Equal(t, "275126322074974", r.Active.Matricule.Wire())
	require.NotContains(t, string(srv.Journal()[0].Request), "Security")
}

func TestCoherenceOfTheCardAndTheBeneficiary(t *testing.T) {
	t.Parallel()
	srv, reader, c := withReader(t, instest.Options{})
	first, err := reader.Read(1)
	require.NoError(t, err)
	_, err = reader.Read(2)
	require.NoError(t, err)
	_, err = c.SearchByVitale(t.Context(), who, first)
	require.ErrorIs(t, err, ins.ErrOtherCard)
	require.ErrorContains(t, err, "CNDA 1.03")

	other := instest.Cards()[0]
	other.Serial = "9876543210"
	reader.Insert(other)
	_, err = c.SearchByVitale(t.Context(), who, first)
	require.ErrorIs(t, err, ins.ErrOtherCard, "not read")
	_, err = reader.Read(1)
	require.NoError(t, err)
	_, err = c.SearchByVitale(t.Context(), who, first)
	require.ErrorIs(t, err, ins.ErrOtherCard, "another card")
	require.ErrorContains(t, err, "not the one that was read")
	reader.Remove()
	_, err = c.SearchByVitale(t.Context(), who, first)
	require.ErrorIs(t, err, ins.ErrOtherCard, "no card")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Empty(t, srv.Journal(), "nothing was sent")
	require.NotContains(t, err.Error(), "0123456789")
}

func TestVitaleDataAreObsoleteAfter20Minutes(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now().Truncate(time.Second))
	srv, reader, c := withReader(t, instest.Options{Clock: clock})
	d, err := reader.Read(1)
	require.NoError(t, err)
	clock.Advance(20 * time.Minute)
	_, err = c.SearchByVitale(t.Context(), who, d)
	require.NoError(t, err)
	clock.Advance(time.Second)
	_, err = c.SearchByVitale(t.Context(), who, d)
	require.ErrorIs(t, err, ins.ErrStale, "CNDA 1.02")
	d.ReadAt = clock.Now()
	_, err = c.SearchByVitale(t.Context(), who, d)
	require.ErrorIs(t, err, ins.ErrStale, "its assertion is as old")
	require.Len(t, srv.Journal(), 1)

	// The emulator applies the rule by itself.
	_, certificate := shared()
	cfg := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots(), Vitale: reader, Dialect: ins.Dialect{VitaleMaxAge: time.Hour}}
	cfg.Clock = clock.Now
	lax, err := ins.New(cfg)
	require.NoError(t, err)
	t.Cleanup(lax.Close)
	_, err = lax.SearchByVitale(t.Context(), who, d)
	require.ErrorIs(t, err, ins.ErrRejected)
	require.ErrorContains(t, err, "AssertionVitale IssueInstant")
	d, err = reader.Read(1)
	require.NoError(t, err)
	_, err = c.SearchByVitale(t.Context(), who, d)
	require.NoError(t, err, "read again")
}

func TestVitaleDataAreCheckedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv, reader, c := withReader(t, instest.Options{})
	good, err := reader.Read(1)
	require.NoError(t, err)
	for name, edit := range map[string]func(*ins.VitaleData){
		"no card":        func(d *ins.VitaleData) { d.Card = "" },
		"no beneficiary": func(d *ins.VitaleData) { d.Beneficiary = 0 },
		"nobody insured": func(d *ins.VitaleData) { d.Insured = ins.Matricule{} },
		"no date":        func(d *ins.VitaleData) { d.BirthDate = ins.BirthDate{} },
		"future date":    func(d *ins.VitaleData) { d.BirthDate = ins.BirthDate{Year: 9000, Month: 1, Day: 1} },
		"rank":           func(d *ins.VitaleData) { d.BirthRank = 10 },
		"name":           func(d *ins.VitaleData) { d.BirthName = "ADR2" },
		"no time":        func(d *ins.VitaleData) { d.ReadAt = time.Time{} },
	} {
		d := good
		edit(&d)
		_, err := c.SearchByVitale(t.Context(), who, d)
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	early := good
	early.ReadAt = time.Now().Add(time.Hour)
	_, err = c.SearchByVitale(t.Context(), who, early)
	require.ErrorIs(t, err, ins.ErrStale)
	require.Empty(t, srv.Journal())

	without, _ := setup(t, instest.Options{})
	_, certificate := shared()
	bare, err := ins.New(ins.Config{Environment: without.Environment(), Software: instest.Software(), Certificate: certificate, Roots: without.Roots()})
	require.NoError(t, err)
	_, err = bare.SearchByVitale(t.Context(), who, good)
	require.ErrorContains(t, err, "Config.Vitale")

	env := ins.Production()
	production, err := ins.New(ins.Config{Environment: env, Software: instest.Software(), Certificate: productionCertificate(t, structure), Roots: without.Roots(), Vitale: reader})
	require.NoError(t, err)
	test := good
	test.Test = true
	_, err = production.SearchByVitale(t.Context(), who, test)
	require.ErrorIs(t, err, ins.ErrFictitious)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

// lying is a reader whose assertion is not what it says.
type lying struct {
	*instest.Reader
	edit func(*ins.VitaleAssertion)
	err  error
}

func (l lying) Assert(ctx context.Context) (ins.VitaleAssertion, error) {
	a, err := l.Reader.Assert(ctx)
	if l.edit != nil {
		l.edit(&a)
	}
	return a, errors.Join(err, l.err)
}

func TestAReaderThatLies(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		l  lying
		is error
	}{
		"assertion of another card": {lying{edit: func(a *ins.VitaleAssertion) { a.XML = []byte(strings.Replace(string(a.XML), "0123456789", "1", 1)) }}, ins.ErrOtherCard},
		"not an assertion Vitale":   {lying{edit: func(a *ins.VitaleAssertion) { a.XML = []byte(strings.Replace(string(a.XML), "VITALE", "CPS", 1)) }}, ins.ErrOtherCard},
		"nothing":                   {lying{edit: func(a *ins.VitaleAssertion) { a.XML = nil }}, ins.ErrInvalid},
		"broken":                    {lying{err: errors.New("reader unplugged")}, ins.ErrOtherCard},
	} {
		l := row.l
		srv, reader, c := withReader(t, instest.Options{}, func(cfg *ins.Config) {
			l.Reader = cfg.Vitale.(*instest.Reader)
			cfg.Vitale = l
		})
		d, err := reader.Read(1)
		require.NoError(t, err)
		_, err = c.SearchByVitale(t.Context(), who, d)
		require.ErrorIs(t, err, row.is, name)
		require.NotContains(t, err.Error(), "0123456789")
		require.Empty(t, srv.Journal())
	}
}

// Each row changes the data on their way; the emulator names the rule.
func TestWhatTheEmulatorRefusesOfVitaleData(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		edit func(*ins.VitaleData)
		says string
		is   error
	}{
		"another insured person": {func(d *ins.VitaleData) { d.Insured = zoeClaim(t).INS.Matricule }, "the insured person of the card", ins.ErrRejected},
		"another beneficiary":    {func(d *ins.VitaleData) { d.BirthDate.Day++ }, "a beneficiary of the card", ins.ErrRejected},
		"another rank":           {func(d *ins.VitaleData) { d.BirthRank = 2 }, "a beneficiary of the card", ins.ErrRejected},
		"another NIR certifié":   {func(d *ins.VitaleData) { d.Certified = zoeClaim(t).INS.Matricule }, "a beneficiary of the card", ins.ErrRejected},
		"the app of nobody": {func(d *ins.VitaleData) {
			d.App, d.Insured, d.Certified = true, mustMatricule("180032B02040123"), ins.Matricule{}
		}, "01", ins.ErrNotFound},
		"a card without assertion": {func(d *ins.VitaleData) { d.App = true }, "the assertion Vitale", ins.ErrRejected},
	} {
		_, reader, c := withReader(t, instest.Options{})
		d, err := reader.Read(1)
		require.NoError(t, err)
		row.edit(&d)
		_, err = c.SearchByVitale(t.Context(), who, d)
		require.ErrorIs(t, err, row.is, name)
		require.ErrorContains(t, err, row.says, name)
	}
	_, err := (&instest.Reader{}).Read(1)
	require.Error(t, err)
}

func mustMatricule(s string) ins.Matricule {
	m, err := ins.ParseMatricule(s)
	if err != nil {
		panic(err)
	}
	return m
}
