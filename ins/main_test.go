package ins_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const structure = "10B0152872"

// shared is one authority and one software certificate for all tests: RSA keys
// take their time.
var shared = sync.OnceValues(func() (*pki.Authority, tls.Certificate) {
	a, err := pki.NewAuthority()
	if err != nil {
		panic(err)
	}
	c, err := a.Organisation(pki.Organisation{Structure: structure, Name: "PHARMACIE DES TESTS", CommonName: ins.Auto}, pki.AuthClient)
	if err != nil {
		panic(err)
	}
	return a, c
})

// setup starts an emulator and a client of it, whose Config may be changed.
func setup(t *testing.T, o instest.Options, edit ...func(*ins.Config)) (*instest.Server, *ins.Client) {
	t.Helper()
	authority, certificate := shared()
	o.Authority = authority
	srv, err := instest.NewServer(o)
	require.NoError(t, err)
	cfg := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots()}
	for _, f := range edit {
		f(&cfg)
	}
	c, err := ins.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		srv.Close()
	})
	return srv, c
}

var who = func() socle.Professional {
	id, err := socle.ParsePersonID("899900063480")
	if err != nil {
		panic(err)
	}
	return socle.Professional{ID: id, FamilyName: "SPECIMEN"}
}()

func traits(t testing.TB, name, given string, sex ins.Sex, birth, place string) ins.Traits {
	t.Helper()
	d, err := ins.ParseBirthDate(birth)
	require.NoError(t, err)
	return ins.Traits{BirthName: name, GivenNames: given, Sex: sex, BirthDate: d, BirthPlace: ins.COG(place)}
}

func identity(t testing.TB, tr ins.Traits) ins.Identity {
	t.Helper()
	id, err := ins.NewIdentity(tr)
	require.NoError(t, err)
	return id
}

// watcher keeps what a client tells its Watch.
type watcher struct {
	mu        sync.Mutex
	exchanges []socle.Exchange
	audit     []socle.AuditRecord
	log       bytes.Buffer
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *watcher) observe(_ context.Context, x socle.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, x)
}

func (w *watcher) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w *watcher) attach(cfg *ins.Config) {
	cfg.Observe, cfg.Audit, cfg.AuditKey, cfg.Logger = w.observe, w.record, []byte("key of the audit"), w.logger()
}

func (w *watcher) record(_ context.Context, r socle.AuditRecord) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audit = append(w.audit, r)
}

var (
	now   = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)
