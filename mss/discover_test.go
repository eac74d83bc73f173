package mss_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const (
	domain = "pharmacie.formation.mssante.fr"
	host   = "mail.operateur.mssante.fr"
)

func discoverer(t testing.TB, change ...func(*mss.DiscoverConfig)) (*msstest.Network, *mss.Discoverer) {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	n, err := msstest.NewNetwork(a)
	require.NoError(t, err)
	t.Cleanup(n.Close)
	n.AddHost(host)
	cfg := mss.DiscoverConfig{Roots: n.Roots(), Resolver: n, DialContext: n.DialContext, Private: []netip.Prefix{msstest.Loopback}}
	for _, f := range change {
		f(&cfg)
	}
	d, err := mss.NewDiscoverer(cfg)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return n, d
}

func srv(target string, port, priority, weight uint16) *net.SRV {
	return &net.SRV{Target: target, Port: port, Priority: priority, Weight: weight}
}

func TestDiscoversBySRVAndConnects(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{Hosts: []string{host}})
	n, d := discoverer(t)
	port := func(address string) uint16 {
		a, err := netip.ParseAddrPort(address)
		require.NoError(t, err)
		return a.Port()
	}
	env := b.server.Environment()
	n.SetSRV("_imap._tcp."+domain, srv(host+".", port(env.IMAP), 0, 1))
	n.SetSRV("_submission._tcp."+domain, srv(host+".", port(env.Submission), 0, 1))
	found, err := d.Discover(context.Background(), address(t, pharmacy))
	require.NoError(t, err)
	require.Equal(t, mss.SourceSRV, found.Source)
	require.Equal(t, domain, found.Domain)
	require.False(t, found.Environment.ImplicitTLS)
	require.False(t, found.At.IsZero())

	client, err := mss.New(mss.Config{Environment: found.Environment, Roots: b.server.Roots(), Software: software(), DialContext: d.DialContext})
	require.NoError(t, err)
	m, err := client.Open(context.Background(), b.access)
	require.NoError(t, err, "the addresses that were found open the mailbox")
	require.NoError(t, m.Close())
}

func TestSRVIsTriedInOrderOfPriority(t *testing.T) {
	t.Parallel()
	n, d := discoverer(t)
	n.AddHost("deux." + host)
	n.AddHost("trois." + host)
	n.SetSRV("_imap._tcp."+domain, srv("trois."+host, 143, 20, 0), srv("deux."+host, 143, 10, 0), srv(host, 143, 0, 0))
	n.SetSRV("_submission._tcp."+domain, srv(host, 587, 0, 0))
	found, err := d.Discover(context.Background(), address(t, pharmacy))
	require.NoError(t, err)
	require.Equal(t, []string{host + ":143", "deux." + host + ":143", "trois." + host + ":143"}, found.IMAP)
	require.Equal(t, mss.Environment{IMAP: host + ":143", Submission: host + ":587", Test: true}, found.Environment)
}

func TestSRVFallsBackToImplicitTLS(t *testing.T) {
	t.Parallel()
	n, d := discoverer(t, func(c *mss.DiscoverConfig) { c.Labels = mss.SRVLabels{IMAPS: "imaps-psc"} })
	n.SetSRV("_imap._tcp."+domain, srv(".", 0, 0, 0)) // not offered
	n.SetSRV("_imaps-psc._tcp."+domain, srv(host, 993, 0, 0))
	n.SetSRV("_submissions._tcp."+domain, srv(host, 465, 0, 0))
	found, err := d.Discover(context.Background(), address(t, pharmacy))
	require.NoError(t, err)
	require.Equal(t, mss.Environment{IMAP: host + ":993", Submission: host + ":465", ImplicitTLS: true, Test: true}, found.Environment)
}

func TestDiscoversByAutoconfigThenTable(t *testing.T) {
	t.Parallel()
	table := map[string]mss.Environment{"autre.mssante.fr": {IMAP: host + ":143", Submission: host + ":587"}}
	n, d := discoverer(t, func(c *mss.DiscoverConfig) { c.Static = table })
	n.SetAutoconfig(domain, msstest.Autoconfig(domain, host, "143", "587", "STARTTLS"))
	found, err := d.Discover(context.Background(), address(t, pharmacy))
	require.NoError(t, err)
	require.Equal(t, mss.SourceAutoconfig, found.Source)
	require.Equal(t, host+":143", found.Environment.IMAP)
	require.Equal(t, host+":587", found.Environment.Submission)
	require.Contains(t, n.Asked(), "GET https://autoconfig."+domain+"/mail/config-v1.1.xml")

	found, err = d.Discover(context.Background(), address(t, "a@autre.mssante.fr"))
	require.NoError(t, err)
	require.Equal(t, mss.SourceStatic, found.Source)

	_, err = d.Discover(context.Background(), address(t, "a@inconnu.mssante.fr"))
	require.ErrorIs(t, err, mss.ErrNotFound)
	require.True(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	var e *mss.Error
	require.ErrorAs(t, err, &e)
	for _, source := range []string{"srv: ", "autoconfig: ", "static: "} {
		require.ErrorContains(t, e.Err, source)
	}
}

func TestDiscoveriesAreKept(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now())
	n, d := discoverer(t, func(c *mss.DiscoverConfig) { c.Clock = clock.Now })
	ctx, who := context.Background(), address(t, pharmacy)
	_, err := d.Discover(ctx, who)
	require.ErrorIs(t, err, mss.ErrNotFound)
	n.SetAutoconfig(domain, msstest.Autoconfig(domain, host, "143", "587", "STARTTLS"))
	asked := len(n.Asked())
	_, err = d.Discover(ctx, who)
	require.ErrorIs(t, err, mss.ErrNotFound)
	clock.Advance(14 * time.Minute)
	_, err = d.Discover(ctx, who)
	require.ErrorIs(t, err, mss.ErrNotFound, "a lack is kept 15 minutes")
	require.Len(t, n.Asked(), asked)
	clock.Advance(time.Minute)
	_, err = d.Discover(ctx, who)
	require.NoError(t, err)
	asked = len(n.Asked())
	clock.Advance(23 * time.Hour)
	_, err = d.Discover(ctx, who)
	require.NoError(t, err)
	require.Len(t, n.Asked(), asked, "a result is kept 24 hours")
	d.Forget(who)
	_, err = d.Discover(ctx, who)
	require.NoError(t, err)
	require.Greater(t, len(n.Asked()), asked)
	asked = len(n.Asked())
	clock.Advance(24 * time.Hour)
	_, err = d.Discover(ctx, who)
	require.NoError(t, err)
	require.Greater(t, len(n.Asked()), asked)

	ctx, cancel := context.WithCancel(ctx)
	cancel()
	d.Forget(who)
	_, err = d.Discover(ctx, who)
	require.ErrorIs(t, err, context.Canceled)
	_, err = d.Discover(context.Background(), who)
	require.NoError(t, err, "a cancellation is not kept")
}

// The token is shown to whatever host a record or a file names.
func TestDiscoveryLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target string
		at     string
	}{
		"another domain":        {"imap.attaquant.example", "127.0.0.1"},
		"looks like the domain": {"mail.mssante.fr.attaquant.example", "127.0.0.1"},
		"ends like the domain":  {"attaquant-mssante.fr", "127.0.0.1"},
		"an IP address":         {"127.0.0.1", "127.0.0.1"},
		"a private network":     {"interne.mssante.fr", "10.1.2.3"},
		"link local":            {"meta.mssante.fr", "169.254.169.254"},
		"IPv6 in disguise":      {"meta.mssante.fr", "::ffff:192.168.1.1"},
		"IPv6 translated":       {"meta.mssante.fr", "64:ff9b::a00:1"},
		"IPv6 unique local":     {"meta.mssante.fr", "fd00::1"},
		"IPv6 with a zone":      {"meta.mssante.fr", "fe80::1%eth0"},
		"unspecified":           {"meta.mssante.fr", "0.0.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, d := discoverer(t)
			n.AddHost(c.target, netip.MustParseAddr(c.at))
			n.SetSRV("_imap._tcp."+domain, srv(c.target, 143, 0, 0))
			n.SetSRV("_submission._tcp."+domain, srv(c.target, 587, 0, 0))
			_, err := d.Discover(context.Background(), address(t, pharmacy))
			require.ErrorIs(t, err, mss.ErrForbidden)

			n, d = discoverer(t)
			n.AddHost(c.target, netip.MustParseAddr(c.at))
			n.SetAutoconfig(domain, msstest.Autoconfig(domain, c.target, "143", "587", "STARTTLS"))
			found, err := d.Discover(context.Background(), address(t, pharmacy))
			require.Error(t, err, found)
			_, err = d.DialContext(context.Background(), "tcp", net.JoinHostPort(c.target, "143"))
			require.ErrorIs(t, err, mss.ErrForbidden)
		})
	}
	_, d := discoverer(t, func(c *mss.DiscoverConfig) { c.Private = nil })
	_, err := d.DialContext(context.Background(), "tcp", host+":143")
	require.ErrorIs(t, err, mss.ErrForbidden, "the loopback is private")
	for _, who := range []string{"a@attaquant.example", matricule + "@patient.mssante.fr"} {
		_, err := d.Discover(context.Background(), address(t, who))
		require.ErrorIs(t, err, mss.ErrForbidden)
	}
}

func TestAutoconfigAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	file := msstest.Autoconfig(domain, host, "143", "587", "STARTTLS")
	for name, h := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+host+"/x", http.StatusFound)
		},
		"in clear": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.ReplaceAll(file, "STARTTLS", "plain")))
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 300<<10) + file))
		},
		"a DTD": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`<!DOCTYPE a [<!ENTITY b "c">]>` + file[39:]))
		},
		"bad port": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.ReplaceAll(file, ">143<", ">70000<")))
		},
		"no SMTP": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.ReplaceAll(file, `"smtp"`, `"exchange"`)))
		},
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"a web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><p>x</p></html>")) },
	} {
		n, d := discoverer(t)
		n.HandleAutoconfig(domain, h)
		_, err := d.Discover(context.Background(), address(t, pharmacy))
		require.ErrorIs(t, err, mss.ErrNotFound, name)
	}
	n, _ := discoverer(t)
	other, err := msstest.NewNetwork(nil)
	require.NoError(t, err)
	defer other.Close()
	_, d := discoverer(t, func(c *mss.DiscoverConfig) { c.Roots, c.Resolver, c.DialContext = other.Roots(), n, n.DialContext })
	n.SetAutoconfig(domain, file)
	_, err = d.Discover(context.Background(), address(t, pharmacy))
	require.ErrorIs(t, err, mss.ErrNotFound, "a server that another authority vouches for")

	_, err = mss.NewDiscoverer(mss.DiscoverConfig{Static: map[string]mss.Environment{"x": {}}, Timeout: -1})
	for _, field := range []string{"Roots", "Static", "Timeout"} {
		require.ErrorContains(t, err, field)
	}
}
