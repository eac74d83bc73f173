package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc/proxy"
	"github.com/soclesante/socle/psc/psctest"
)

func aTrace(at time.Time) proxy.Trace {
	return proxy.Trace{Type: proxy.Send, ClientID: "c", NationalID: psctest.Titulaire, Address: "192.0.2.1", Ports: []int{4000}, Session: "s", SessionState: "x", DN: "CN=lgo",
		At: at, Request: &proxy.Request{API: "a", Method: "GET", Path: "/x"}}
}

func TestTraceMandatoryMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []proxy.TraceType{proxy.ConnectSuccess, proxy.ConnectReplay, proxy.ConnectFailure, proxy.Send, proxy.Disconnect} {
		good := aTrace(morning)
		if good.Type = tt; tt != proxy.Send {
			good.Request = nil
		}
		require.NoError(t, good.Check())
		for member, change := range map[string]func(*proxy.Trace){
			"IdRPPS": func(t *proxy.Trace) { t.NationalID = "" }, "ipAddress": func(t *proxy.Trace) { t.Address = "" }, "ports": func(t *proxy.Trace) { t.Ports = nil },
			"timestamp": func(t *proxy.Trace) { t.At = time.Time{} },
		} {
			bad := good
			change(&bad)
			require.ErrorContains(t, bad.Check(), member, tt)
		}
		for member, change := range map[string]func(*proxy.Trace){
			"clientId": func(t *proxy.Trace) { t.ClientID = "" }, "proxy_id_session": func(t *proxy.Trace) { t.Session = "" }, "session_state": func(t *proxy.Trace) { t.SessionState = "" },
		} {
			bad := good
			change(&bad)
			require.Equal(t, tt == proxy.ConnectFailure, bad.Check() == nil, "%s of %s", member, tt)
		}
		bad := good
		if bad.Request = nil; tt != proxy.Send {
			bad.Request = &proxy.Request{API: "a", Method: "GET", Path: "/x"}
		}
		require.ErrorContains(t, bad.Check(), "apiRequest")
		good.DN = ""
		require.NoError(t, good.Check(), "only with mutual TLS")
	}
	require.Error(t, proxy.Trace{Type: "OTHER"}.Check())
}

func TestTraceOnTheWire(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(aTrace(morning))
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"SEND","clientId":"c","IdRPPS":"`+psctest.Titulaire+`","ipAddress":"192.0.2.1","ports":[4000],"proxy_id_session":"s","session_state":"x",
		"dn":"CN=lgo","timestamp":"2026-03-02T09:00:00Z","apiRequest":{"nomApiPsc":"a","methode":"GET","path":"/x"}}`, string(b))
}

func TestSinks(t *testing.T) {
	t.Parallel()
	file, err := proxy.OpenFileSink(filepath.Join(t.TempDir(), "traces.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	for name, sink := range map[string]proxy.Sink{"memory": proxy.NewMemorySink(500), "file": file} {
		t.Run(name, func(t *testing.T) {
			for i := range 10 {
				require.NoError(t, sink.Put(t.Context(), aTrace(morning.Add(time.Duration(i)*time.Minute))))
			}
			require.Error(t, sink.Put(t.Context(), proxy.Trace{}), "what is not whole is not kept")
			var got []proxy.Trace
			for tr, err := range sink.Between(t.Context(), morning.Add(2*time.Minute), morning.Add(5*time.Minute)) {
				require.NoError(t, err)
				got = append(got, tr)
			}
			require.Len(t, got, 3, "the start is in, the end is not")
			require.Empty(t, cmp.Diff(aTrace(morning.Add(2*time.Minute)), got[0]))
			for range sink.Between(t.Context(), time.Time{}, morning.AddDate(1, 0, 0)) {
				break
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for _, err := range sink.Between(ctx, time.Time{}, morning.AddDate(1, 0, 0)) {
				require.ErrorIs(t, err, context.Canceled)
			}
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_ = sink.Put(context.Background(), aTrace(morning.Add(time.Hour)))
					for _, err := range sink.Between(context.Background(), time.Time{}, morning.AddDate(1, 0, 0)) {
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestMemorySinkKeepsTheLast(t *testing.T) {
	t.Parallel()
	m := proxy.NewMemorySink(3)
	for i := range 20 {
		require.NoError(t, m.Put(t.Context(), aTrace(morning.Add(time.Duration(i)*time.Second))))
		n := 0
		for tr := range m.Between(t.Context(), time.Time{}, morning.AddDate(1, 0, 0)) {
			n++
			require.LessOrEqual(t, i-2, int(tr.At.Sub(morning)/time.Second))
		}
		require.Equal(t, min(i+1, 3), n)
	}
}

func TestFileSinkAfterACrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	open := func() *proxy.FileSink {
		s, err := proxy.OpenFileSink(path)
		require.NoError(t, err)
		return s
	}
	s := open()
	require.NoError(t, s.Put(t.Context(), aTrace(morning)))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.ErrorContains(t, s.Put(t.Context(), aTrace(morning)), "closed")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"type":"SEND","cli`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	s = open()
	defer s.Close()
	require.NoError(t, s.Put(t.Context(), aTrace(morning.Add(time.Second))))
	good, bad := 0, 0
	for _, err := range s.Between(t.Context(), time.Time{}, morning.AddDate(1, 0, 0)) {
		if err != nil {
			require.ErrorContains(t, err, "line 2")
			bad++
			continue
		}
		good++
	}
	require.Equal(t, 2, good)
	require.Equal(t, 1, bad)
	_, err = proxy.OpenFileSink(t.TempDir())
	require.Error(t, err)
}

func TestTracesOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	require.Equal(t, 200, w.sign(t, s).StatusCode)
	w.psc.Clock().Advance(time.Minute)
	require.NoError(t, s.Disconnect(t.Context()))
	at := w.traced(t)[1].At
	get := func(query string) []map[string]any {
		resp, body := w.raw(t, "GET", "/traces?"+query, "", "")
		require.Equal(t, 200, resp.StatusCode, body)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		var all []map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &all))
		return all
	}
	require.Len(t, get("start=2026-03-02T00:00:00Z"), 3)
	require.Len(t, get("start=2026-03-02T00:00:00Z&end="+at.Add(time.Second).Format(time.RFC3339)), 2)
	require.Len(t, get("start=2026-03-02T01:00:00+01:00"), 3, "a plus that is not escaped")
	require.Len(t, get("start=2026-03-02T01:00:00%2B01:00"), 3)
	require.Empty(t, get("start=2027-03-02T00:00:00Z&end=2027-03-03T00:00:00Z"))
	send := get("start=2026-03-02T00:00:00Z")[1]
	require.Equal(t, "SEND", send["type"])
	require.Equal(t, s.ID(), send["proxy_id_session"])
	for _, bad := range []string{"", "start=", "start=yesterday", "start=2026-03-02T00:00:00Z&end=x", "start=2026-03-02T00:00:00Z&start=2026-03-02T00:00:00Z",
		"start=2026-03-02T00:00:00Z&end=2026-03-01T00:00:00Z", "start=%zz"} {
		resp, body := w.raw(t, "GET", "/traces?"+bad, "", "")
		require.Equal(t, 400, resp.StatusCode, bad)
		require.Contains(t, body, `"code":"400"`)
	}
	all, err := w.client.Traces(t.Context(), morning, time.Time{})
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.NoError(t, all[1].Check())
	_, err = w.client.Traces(t.Context(), morning, morning.Add(-time.Hour))
	require.ErrorIs(t, err, proxy.ErrRequest)
}

func TestTracesAreForWhoMayReadThem(t *testing.T) {
	t.Parallel()
	for _, may := range []func(*http.Request) bool{nil, func(*http.Request) bool { return false }} {
		w := newWorld(t, options{change: func(c *proxy.Config) { c.ServeTraces = may }})
		resp, _ := w.raw(t, "GET", "/traces?start=2026-03-02T00:00:00Z", "", "")
		require.Equal(t, 404, resp.StatusCode)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		header  []string
		address string
		port    int // 0: none
	}{
		"nobody trusted":             {nil, []string{"192.0.2.9"}, "127.0.0.1", -1},
		"no header":                  {trusted, nil, "127.0.0.1", -1},
		"one gateway":                {trusted, []string{"192.0.2.9"}, "192.0.2.9", 0},
		"with its port":              {trusted, []string{"192.0.2.9:4711"}, "192.0.2.9", 4711},
		"two gateways":               {trusted, []string{"192.0.2.9, 10.1.2.3"}, "192.0.2.9", 0},
		"two headers":                {trusted, []string{"192.0.2.9", "10.1.2.3"}, "192.0.2.9", 0},
		"forged by the workstation":  {trusted, []string{"198.51.100.1, 192.0.2.9"}, "192.0.2.9", 0},
		"all are gateways":           {trusted, []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1", 0},
		"rubbish":                    {trusted, []string{"<script>"}, "127.0.0.1", -1},
		"rubbish before":             {trusted, []string{"x, 10.0.0.2"}, "10.0.0.2", 0},
		"IPv6":                       {trusted, []string{"[2001:db8::1]:99, fd00::1"}, "2001:db8::1", 99},
		"IPv6 alone, zone left out":  {trusted, []string{"fe80::1%eth0"}, "fe80::1", 0},
		"IPv4 in IPv6 of a gateway":  {trusted, []string{"192.0.2.9, ::ffff:10.0.0.1"}, "192.0.2.9", 0},
		"a hundred gateways at most": {trusted, []string{"192.0.2.9" + strings.Repeat(", 10.0.0.1", 100)}, "10.0.0.1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: "127.0.0.1:5000", Header: http.Header{"X-Forwarded-For": c.header}}
			address, ports := proxy.Source(r, c.trusted)
			require.Equal(t, c.address, address)
			switch c.port {
			case -1:
				require.Equal(t, []int{5000}, ports)
			case 0:
				require.Equal(t, []int{}, ports)
			default:
				require.Equal(t, []int{c.port}, ports)
			}
		})
	}
	address, ports := proxy.Source(&http.Request{RemoteAddr: "@"}, nil)
	require.Equal(t, "0.0.0.0", address)
	require.Equal(t, []int{}, ports)
}

func TestTracesHaveTheWorkstation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{change: func(c *proxy.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }})
	resp, _ := w.raw(t, "POST", "/connect", "", good, "X-Forwarded-For", "192.0.2.7:1234")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "192.0.2.7", w.traced(t)[0].Address)
	require.Equal(t, []int{1234}, w.traced(t)[0].Ports)
}

// Everything that is shown, in good and in bad days, has no token.
func TestNothingSecretShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	require.Equal(t, 200, w.sign(t, s).StatusCode)
	w.api.Kill()
	require.Equal(t, 401, w.sign(t, s).StatusCode)
	w.raw(t, "POST", "/connect", s.ID(), good)
	w.raw(t, "GET", "/send/signsessiondata/../x", s.ID(), "")
	shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	shown += string(b)
	_, err = w.client.Connect(t.Context(), proxy.Login{})
	shown += fmt.Sprint(err)
	require.NoError(t, s.Disconnect(t.Context()))
	err = s.Disconnect(t.Context())
	shown += fmt.Sprintf("%v %+v", err, err) + w.log.String()
	require.NotContains(t, shown, s.ID())
	require.NotContains(t, shown, psctest.Titulaire)
	traces, err := json.Marshal(w.traced(t))
	require.NoError(t, err)
	n := 0
	for _, e := range append(w.psc.Journal(), w.api.Journal()...) {
		var answer map[string]any
		if json.Unmarshal(e.Response, &answer) != nil {
			continue
		}
		for _, name := range []string{"access_token", "refresh_token", "id_token", "auth_req_id"} {
			if v, _ := answer[name].(string); v != "" {
				n++
				require.NotContains(t, shown, v)
				require.NotContains(t, string(traces), v)
			}
		}
	}
	require.GreaterOrEqual(t, n, 6)
	require.Contains(t, shown, "exchange", "the log was on")
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/send/api/a/b", "/send/api/%2e%2e/x", "/send/api/a%252f..", "/send/api/%25zz%2e", "/send/api", "/send/api/..;x/y"} {
		f.Add(s)
	}
	base, err := url.Parse("https://api.example.org/base/v1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("http://p" + path) // as a server reads it
		if err != nil || u.Host != "p" {
			return
		}
		api, endpoint, err := proxy.Target(u.EscapedPath())
		if err != nil {
			return
		}
		to, err := proxy.Join(base, endpoint, u.RawQuery)
		if err != nil {
			return
		}
		again, err := url.Parse(to.String())
		if err != nil {
			t.Fatalf("%q: %v", to, err)
		}
		if again.Host != base.Host || again.Scheme != "https" || again.User != nil || strings.Contains(api, "/") {
			t.Fatalf("another host: %q", to)
		}
		for seen := again.EscapedPath(); ; {
			clean, err := url.JoinPath("https://api.example.org", seen)
			if err != nil {
				break
			}
			c, err := url.Parse(clean)
			if err != nil || c.Path != "/base/v1" && !strings.HasPrefix(c.Path, "/base/v1/") {
				t.Fatalf("%q leaves the base: %q", path, clean)
			}
			next, err := url.PathUnescape(seen)
			if err != nil || next == seen {
				break
			}
			seen = next
		}
	})
}

func FuzzPeriod(f *testing.F) {
	f.Add("start=2026-03-02T00:00:00Z&end=2026-03-02T00:00:00+01:00")
	f.Add("start=%zz")
	f.Fuzz(func(t *testing.T, query string) {
		start, end, problem := proxy.Period(query, morning)
		if problem == "" && end.Before(start) {
			t.Fatal("end before start")
		}
	})
}

func FuzzSource(f *testing.F) {
	f.Add("192.0.2.1, [::1]:9")
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header string) {
		address, ports := proxy.Source(&http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {header}}}, trusted)
		if _, err := netip.ParseAddr(address); err != nil || ports == nil || len(ports) > 1 {
			t.Fatalf("%q %v", address, ports)
		}
	})
}
