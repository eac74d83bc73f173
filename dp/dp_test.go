package dp_test

import (
	"context"
	"crypto/tls"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/ordonnance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testNIR = "279035121518989"
	finessA = "1060016219"
	finessB = "1580008803"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.FixedZone("", 3600))

func testINS() ins.INS {
	i, err := ins.Parse(testNIR, ordonnance.OIDINSTest)
	if err != nil {
		panic(err)
	}
	return i
}

func testTraits() ins.Traits {
	return ins.Traits{BirthName: "PAT-TROIS", GivenNames: "DOMINIQUE", FirstGivenName: "DOMINIQUE", Sex: ins.Female,
		BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}}
}

func qualified() ins.Identity {
	id, _ := ins.NewIdentity(testTraits())
	id, _ = id.Accept(ins.Result{Active: testINS(), Traits: testTraits(), At: start}, ins.Acceptance{At: start, By: "test"})
	id, _ = id.Prove(ins.Evidence{Kind: ins.IDCard, At: start, By: "test"})
	return id
}

func professional(structure, profession, speciality, sector string) socle.Professional {
	id, err := socle.ParsePersonID("899900063480")
	if err != nil {
		panic(err)
	}
	st, err := socle.ParseStructureID(structure)
	if err != nil {
		panic(err)
	}
	return socle.Professional{ID: id, FamilyName: "ESSAI", GivenName: "Alix", Profession: socle.Code{Code: profession, System: socle.OIDProfession},
		Speciality: socle.Code{Code: speciality}, Structure: socle.Structure{ID: st, Name: "PHARMACIE DE TEST", Sector: socle.Code{Code: sector, System: socle.OIDSector}}}
}

func pharmacist(structure string) socle.Professional {
	return professional(structure, socle.ProfessionPharmacist, "", "SA33")
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

func newServer(t testing.TB, change ...func(*dptest.Options)) *dptest.Server {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	o := dptest.Options{Authority: a, Clock: emulator.NewClock(start)}
	for _, f := range change {
		f(&o)
	}
	srv, err := dptest.NewServer(o)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

func config(t testing.TB, srv *dptest.Server, structure string) dp.Config {
	t.Helper()
	return dp.Config{Environment: srv.Environment(), Software: socle.Software{Name: "LGO", Version: "1.0"}, Certificate: certificate(t, structure),
		Roots: srv.Authority().Roots(), Timeout: 20 * time.Second, Watch: socle.Watch{Clock: srv.Clock().Now}}
}

func open(t testing.TB, srv *dptest.Server, structure string, change ...func(*dp.Config)) *dp.Visit {
	t.Helper()
	cfg := config(t, srv, structure)
	for _, f := range change {
		f(&cfg)
	}
	c, err := dp.New(cfg)
	require.NoError(t, err)
	v, err := c.Open(srv.Actor(pharmacist(structure)), qualified(), "")
	require.NoError(t, err)
	t.Cleanup(v.Close)
	return v
}

var paracetamol = ordonnance.Product{Name: "PARACETAMOL MYLAN 500 mg, comprimé", Codes: []socle.Code{
	{Code: "3400933516390", System: ordonnance.OIDCIP, Display: "PARACETAMOL MYLAN 500 mg"}, {Code: "N02BE01", System: ordonnance.OIDATC, Display: "paracetamol"}}}

func line(id string, change ...func(*dp.Line)) dp.Line {
	l := dp.Line{ID: id, Product: paracetamol, Quantity: ordonnance.Quantity{Value: 2, Unit: "30009000"}, HandedOver: start}
	for _, f := range change {
		f(&l)
	}
	return l
}

const (
	idA = "0e5a9c4e-1111-4222-8333-444455556661"
	idB = "0e5a9c4e-1111-4222-8333-444455556662"
	idC = "0e5a9c4e-1111-4222-8333-444455556663"
)

// entry gives an entry of the history, so many months ago.
func entry(months int, kind dp.Kind, name string) dp.Entry {
	return dp.Entry{Line: dp.Line{Kind: kind, Product: ordonnance.Product{Name: name}, Quantity: ordonnance.Quantity{Value: 1, Unit: "30009000"},
		HandedOver: start.AddDate(0, -months, 1)}, Pharmacy: finessB, PharmacyName: "PHARMACIE B"}
}

func names(h *dp.History) []string {
	var out []string
	for _, e := range h.Entries {
		out = append(out, e.Product.Name)
	}
	return out
}

// token is a session with one token.
type token string

func (s token) AccessToken(context.Context) (string, error) { return string(s), nil }
