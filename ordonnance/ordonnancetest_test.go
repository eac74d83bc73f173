package ordonnance_test

import (
	"context"
	"crypto/tls"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an emulator with one prescription and the pharmacies that know it.
type world struct {
	srv     *ordonnancetest.Server
	number  ordonnance.Number
	patient ins.Identity
}

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.FixedZone("", 3600))

const testNIR = "279035121518989"

func testINS(t testing.TB) ins.INS {
	t.Helper()
	id, err := ins.Parse(testNIR, ordonnance.OIDINSTest)
	require.NoError(t, err)
	return id
}

func testTraits() ins.Traits {
	return ins.Traits{BirthName: "PAT-TROIS", GivenNames: "DOMINIQUE MARIE-LOUISE", FirstGivenName: "DOMINIQUE", Sex: ins.Female,
		BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}, BirthPlace: "51215"}
}

// qualified gives a qualified identity.
func qualified(t testing.TB, id ins.INS, traits ins.Traits) ins.Identity {
	t.Helper()
	i, err := ins.NewIdentity(traits)
	require.NoError(t, err)
	i, err = i.Accept(ins.Result{Active: id, Traits: traits, At: start}, ins.Acceptance{At: start, By: "test"})
	require.NoError(t, err)
	i, err = i.Prove(ins.Evidence{Kind: ins.IDCard, At: start, By: "test"})
	require.NoError(t, err)
	return i
}

// authority is shared: making RSA keys takes most of the time of a test.
var authority = sync.OnceValues(func() (*pki.Authority, error) {
	return pki.NewAuthority(pki.WithClock(func() time.Time { return start }))
})

var certificates sync.Map // by structure

func certificate(t testing.TB, structure string) tls.Certificate {
	t.Helper()
	if c, ok := certificates.Load(structure); ok {
		return c.(tls.Certificate)
	}
	a, err := authority()
	require.NoError(t, err)
	c, err := a.Organisation(pki.Organisation{Structure: structure, Name: "PHARMACIE DE TEST", CommonName: "LGO"}, pki.AuthClient)
	require.NoError(t, err)
	certificates.Store(structure, c)
	return c
}

func newWorld(t testing.TB) *world {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	srv, err := ordonnancetest.NewServer(ordonnancetest.Options{Authority: a, Clock: emulator.NewClock(start)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	w := &world{srv: srv, patient: qualified(t, testINS(t), testTraits())}
	doc := ordonnancetest.Document(ordonnance.Patient{INS: testINS(t), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start.Add(-24*time.Hour))
	w.number, err = srv.Load(doc)
	require.NoError(t, err)
	return w
}

// counter is a client and its pharmacist.
type counter struct {
	*ordonnance.Client
	actor socle.Actor
}

const (
	finessA = "1060016219"
	finessB = "1580008803"
)

func pharmacist(t testing.TB, structure string) socle.Professional {
	t.Helper()
	id, err := socle.ParsePersonID("899900063480")
	require.NoError(t, err)
	st, err := socle.ParseStructureID(structure)
	require.NoError(t, err)
	return socle.Professional{ID: id, FamilyName: "ESSAI", GivenName: "Alix", Profession: socle.Code{Code: socle.ProfessionPharmacist, System: socle.OIDProfession},
		Structure: socle.Structure{ID: st, Name: "PHARMACIE DE TEST", Sector: socle.Code{Code: "SA33", System: socle.OIDSector}}}
}

func (w *world) config(t testing.TB, structure string) ordonnance.Config {
	t.Helper()
	return ordonnance.Config{Environment: w.srv.Environment(), Software: socle.Software{Name: "LGO", Version: "1.0"}, Certificate: certificate(t, structure),
		Roots: w.srv.Authority().Roots(), Watch: socle.Watch{Clock: w.srv.Clock().Now}}
}

func (w *world) pharmacy(t testing.TB, structure string, change ...func(*ordonnance.Config)) counter {
	t.Helper()
	cfg := w.config(t, structure)
	for _, f := range change {
		f(&cfg)
	}
	c, err := ordonnance.New(cfg)
	require.NoError(t, err)
	return counter{c, w.srv.Actor(pharmacist(t, structure))}
}

func (w *world) request() ordonnance.ReadRequest {
	return ordonnance.ReadRequest{Patient: w.patient, Number: w.number}
}

func (p counter) read(t testing.TB, w *world) ordonnance.Claim {
	t.Helper()
	claim, err := p.Read(context.Background(), p.actor, w.request())
	require.NoError(t, err)
	return claim
}

// token is a session with one token.
type token string

func (s token) AccessToken(context.Context) (string, error) { return string(s), nil }
