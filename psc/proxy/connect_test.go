package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc/proxy"
	"github.com/soclesante/socle/psc/psctest"
)

func TestConnectSendDisconnect(t *testing.T) {
	t.Parallel()
	for name, cnf := range map[string]psctest.CnfForm{"cnf of the CI-SIS": psctest.CnfCISIS, "cnf of RFC 8705": psctest.CnfRFC8705} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{api: psctest.APIOptions{Cnf: cnf}})
			var shown string
			l := w.login(t)
			l.Show = func(binding string) { shown = binding }
			s, err := w.client.Connect(t.Context(), l)
			require.NoError(t, err)
			require.Regexp(t, `^[0-9]{2}$`, shown)
			require.Contains(t, string(w.psc.Journal()[0].Request), "binding_message="+shown, "the number of the workstation")
			require.Contains(t, string(w.psc.Journal()[0].Request), "channel=MOBILE")
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, s.ID())
			require.NotEmpty(t, s.State())
			require.Equal(t, 1, count(w.api.Journal(), "exchange"), "at the connection")

			resp := w.sign(t, s)
			require.Equal(t, 200, resp.StatusCode)
			var signed struct{ Signature string }
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&signed))
			require.True(t, w.api.Signed(t.Context(), signed.Signature), "the API knows the session by its session_state")
			require.Equal(t, 1, count(w.api.Journal(), "exchange"))

			require.NoError(t, s.Disconnect(t.Context()))
			require.Equal(t, 2, count(w.api.Journal(), "revoke"))
			require.Equal(t, 1, count(w.psc.Journal(), "logout"))
			require.ErrorIs(t, s.Disconnect(t.Context()), proxy.ErrNoSession)
			req, err := s.Request(t.Context(), http.MethodGet, "signsessiondata", "x", nil)
			require.NoError(t, err)
			_, err = s.Do(req)
			require.ErrorIs(t, err, proxy.ErrNoSession)

			all := w.traced(t)
			require.Len(t, all, 3)
			port := all[0].Ports
			require.Len(t, port, 1)
			want := proxy.Trace{
				Type: proxy.ConnectSuccess, ClientID: psctest.ClientID, NationalID: psctest.Titulaire, Address: "127.0.0.1", Ports: port,
				Session: s.ID(), SessionState: s.State(), At: all[0].At, DN: all[0].DN,
			}
			require.Empty(t, cmp.Diff(want, all[0]))
			require.Contains(t, want.DN, "CN=lgo,OU="+psctest.Pharmacy)
			want.Type, want.At, want.Ports = proxy.Send, all[1].At, all[1].Ports
			want.Request = &proxy.Request{API: "signsessiondata", Method: "POST", Path: "/signsessiondata"}
			require.Empty(t, cmp.Diff(want, all[1]))
			want.Type, want.At, want.Ports, want.Request = proxy.Disconnect, all[2].At, all[2].Ports, nil
			require.Empty(t, cmp.Diff(want, all[2]))
		})
	}
}

const good = `{"nationalId":"` + psctest.Titulaire + `","bindingMessage":"07","clientId":"` + psctest.ClientID + `","channel":"CARD"}`

// The contract to the letter, without our client.
func TestConnectOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	resp, body := w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 200, resp.StatusCode)
	var answer map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	id := answer["proxy_session_id"]
	require.Len(t, answer, 2)
	require.NotEmpty(t, answer["session_state"])
	require.Equal(t, "proxy_session_id="+id+"; Path=/; HttpOnly; SameSite=Strict", resp.Header.Get("Set-Cookie"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	logins := count(w.psc.Journal(), "ciba.start")

	resp, body = w.raw(t, "POST", "/connect", id, good)
	require.Equal(t, 304, resp.StatusCode)
	require.Empty(t, body)
	require.Equal(t, logins, count(w.psc.Journal(), "ciba.start"), "Pro Santé Connect is not asked")

	resp, _ = w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 200, resp.StatusCode, "the identifier of a person opens nothing: there is a new login")
	require.Equal(t, logins+1, count(w.psc.Journal(), "ciba.start"))
	resp, _ = w.raw(t, "POST", "/connect", id, strings.Replace(good, psctest.Titulaire, psctest.Adjoint, 1))
	require.Equal(t, 200, resp.StatusCode, "the cookie of another is not hers")

	resp, _ = w.raw(t, "DELETE", "/disconnect", id, "")
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Set-Cookie"), "Max-Age=0")
	resp, body = w.raw(t, "DELETE", "/disconnect", id, "")
	require.Equal(t, 401, resp.StatusCode)
	require.JSONEq(t, `{"code":"401","message":"Session ID not found."}`, body)
	resp, body = w.raw(t, "GET", "/send/signsessiondata/x", "", "")
	require.Equal(t, 401, resp.StatusCode)
	require.JSONEq(t, `{"code":"401","message":"No session found."}`, body)
	require.Equal(t, []proxy.TraceType{"CONNECT_SUCCESS", "CONNECT_REPLAY", "CONNECT_SUCCESS", "CONNECT_SUCCESS", "DISCONNECT"}, w.types(t))
}

func TestConnectRefusals(t *testing.T) {
	t.Parallel()
	type c struct {
		body    string
		prepare func(*world)
		status  int
		message string
		traced  bool
	}
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for name, c := range map[string]c{
		"not JSON":        {body: `nationalId=1`, status: 400, message: "A JSON object with nationalId, bindingMessage, clientId and channel expected."},
		"too large":       {body: with("CARD", strings.Repeat("x", 5000)), status: 400, message: "A body of at most 4 KiB expected."},
		"no person":       {body: with(psctest.Titulaire, ""), status: 400, message: "nationalId is missing."},
		"wrong person":    {body: with(psctest.Titulaire, "899900001002"), status: 400, message: "nationalId is not a national identifier.", traced: true},
		"binding of one":  {body: with(`"07"`, `"7"`), status: 400, message: "bindingMessage: two digits expected.", traced: true},
		"binding of text": {body: with(`"07"`, `"ab"`), status: 400, message: "bindingMessage: two digits expected.", traced: true},
		"binding number":  {body: with(`"07"`, `7`), status: 400, message: "A JSON object with nationalId, bindingMessage, clientId and channel expected.", traced: true},
		"no client":       {body: with(psctest.ClientID, ""), status: 400, message: "clientId is missing.", traced: true},
		"no channel":      {body: with("CARD", ""), status: 400, message: "channel: CARD or MOBILE expected.", traced: true},
		"wrong channel":   {body: with("CARD", "FAX"), status: 400, message: "channel: CARD or MOBILE expected.", traced: true},
		"unknown client":  {body: with(psctest.ClientID, "other"), status: 404, message: "clientId is unknown.", traced: true},
		"unknown person":  {body: with(psctest.Titulaire, "899900001043"), status: 400, message: "The person is unknown or disabled.", traced: true},
		"denied": {prepare: func(w *world) { w.psc.Script(psctest.Titulaire, psctest.Answer{Decision: psctest.Deny}) },
			status: 401, message: "The person refused the authentication.", traced: true},
		"ignored": {prepare: func(w *world) { w.psc.Script(psctest.Titulaire, psctest.Answer{Decision: psctest.Ignore}) },
			status: 401, message: "The person did not answer in time.", traced: true},
		"answered by another": {prepare: func(w *world) { w.psc.Script(psctest.Titulaire, psctest.Answer{As: psctest.Adjoint}) },
			status: 401, message: "The identity cannot be trusted.", traced: true},
		"no device":  {prepare: func(w *world) { w.psc.Script(psctest.Titulaire, psctest.Answer{Unreachable: true}) }, status: 503, traced: true},
		"PSC is 502": {prepare: func(w *world) { w.psc.Fail(emulator.Fault{Operation: "ciba.start", Status: 502, Times: -1}) }, status: 502, traced: true},
		"PSC is 504": {prepare: func(w *world) { w.psc.Fail(emulator.Fault{Operation: "ciba.token", Status: 504, Times: -1}) }, status: 504, traced: true},
		"PSC is 500": {prepare: func(w *world) { w.psc.Fail(emulator.Fault{Operation: "ciba.start", Status: 500, Times: -1}) }, status: 500, message: "Internal error.", traced: true},
		"PSC is 429": {prepare: func(w *world) { w.psc.Fail(emulator.Fault{Operation: "ciba.start", Status: 429, Times: -1}) }, status: 503, traced: true},
		"PSC is away": {prepare: func(w *world) { w.psc.Fail(emulator.Fault{Operation: "ciba.start", ResetBefore: true, Times: -1}) },
			status: 502, traced: true},
		"the API's server is 503": {prepare: func(w *world) { w.api.Fail(emulator.Fault{Operation: "exchange", Status: 503, Times: -1}) }, status: 503, traced: true},
		"no right to the API": {prepare: func(w *world) { w.api.Deny(psctest.Titulaire) },
			status: 401, message: "The API's authorization server gives no token.", traced: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{})
			if c.prepare != nil {
				c.prepare(w)
			}
			if c.body == "" {
				c.body = good
			}
			resp, body := w.raw(t, "POST", "/connect", "", c.body)
			require.Equal(t, c.status, resp.StatusCode)
			require.Empty(t, resp.Header.Get("Set-Cookie"))
			if c.message == "" {
				require.Empty(t, body, "502, 503 and 504 have no body")
			} else {
				var said struct {
					Code, Message string
					Metadata      map[string]string
				}
				require.NoError(t, json.Unmarshal([]byte(body), &said))
				require.Equal(t, http.StatusText(c.status), http.StatusText(resp.StatusCode))
				require.Equal(t, c.message, said.Message)
				require.Regexp(t, `^[0-9]{3}$`, said.Code)
				require.Contains(t, said.Metadata, "nationalId")
				require.Contains(t, said.Metadata, "clientId")
			}
			traces := w.traced(t)
			require.Equal(t, c.traced, len(traces) == 1)
			if c.traced {
				require.Equal(t, proxy.ConnectFailure, traces[0].Type)
				require.Empty(t, traces[0].Session)
			}
			// Whoever logged in for nothing is logged out.
			require.Equal(t, strings.Contains(name, "API") || name == "answered by another", count(w.psc.Journal(), "logout") == 1)
		})
	}
}

func TestConnectRefusalsOfTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for _, c := range []struct {
		answer psctest.Answer
		kind   error
		status int
	}{
		{psctest.Answer{Decision: psctest.Deny}, proxy.ErrRefused, 401},
		{psctest.Answer{Unreachable: true}, nil, 503},
	} {
		w.psc.Script(psctest.Titulaire, c.answer)
		_, err := w.client.Connect(t.Context(), w.login(t))
		var e *proxy.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, c.status, e.Status)
		if c.kind != nil {
			require.ErrorIs(t, err, c.kind)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		} else {
			require.True(t, socle.Retryable(err))
		}
		require.NotContains(t, err.Error(), psctest.Titulaire)
	}
	l := w.login(t)
	l.Person = person(t, "899900001043")
	_, err := w.client.Connect(t.Context(), l)
	require.ErrorIs(t, err, proxy.ErrRequest)
	other, err := proxy.NewClient(proxy.ClientConfig{URL: w.srv.URL, ClientID: "other"})
	require.NoError(t, err)
	_, err = other.Connect(t.Context(), w.login(t))
	require.ErrorIs(t, err, proxy.ErrUnknownClient)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	l.Show = nil
	_, err = w.client.Connect(t.Context(), l)
	require.ErrorContains(t, err, "mandatory")
}

func TestConnectAgainWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	l := w.login(t)
	l.Session = s
	again, err := w.client.Connect(t.Context(), l)
	require.NoError(t, err)
	require.Same(t, s, again)
	require.NoError(t, s.Disconnect(t.Context()))
	again, err = w.client.Connect(t.Context(), l)
	require.NoError(t, err)
	require.NotEqual(t, s.ID(), again.ID())
}

func TestOneLoginOfAPersonAtATime(t *testing.T) {
	t.Parallel()
	asked, answered := make(chan struct{}, 1), make(chan struct{})
	w := newWorld(t, options{wait: func(ctx context.Context, _ time.Duration) error {
		asked <- struct{}{}
		select {
		case <-answered:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	done := make(chan error, 1)
	go func() {
		_, err := w.client.Connect(context.Background(), w.login(t))
		done <- err
	}()
	<-asked
	resp, body := w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, body, "already under way")
	close(answered)
	require.NoError(t, <-done)
}

// A workstation that hangs up leaves no login behind.
func TestConnectGivenUp(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	w := newWorld(t, options{wait: func(ctx context.Context, _ time.Duration) error {
		asked <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.client.Connect(ctx, w.login(t))
		done <- err
	}()
	<-asked
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Eventually(t, func() bool { return len(w.traced(t)) == 1 }, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, []proxy.TraceType{proxy.ConnectFailure}, w.types(t))
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{change: func(c *proxy.Config) { c.MaxSessions = 1 }})
	s := w.connect(t)
	resp, _ := w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 503, resp.StatusCode)
	require.NoError(t, s.Disconnect(t.Context()))
	w.connect(t)
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		life time.Duration
		idle time.Duration
	}{"four hours": {0, 4 * time.Hour}, "30 minutes idle": {0, 30 * time.Minute}, "of the configuration": {10 * time.Minute, 10 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{api: psctest.APIOptions{AccessLife: 5 * time.Hour}, change: func(cfg *proxy.Config) { cfg.SessionLife, cfg.Sweep = c.life, 5*time.Millisecond }})
			s := w.connect(t)
			require.Equal(t, 200, w.sign(t, s).StatusCode)
			w.psc.Clock().Advance(c.idle)
			require.Eventually(t, func() bool { return count(w.api.Journal(), "revoke") == 2 }, 10*time.Second, 5*time.Millisecond, "nobody called")
			require.Eventually(t, func() bool { return len(w.traced(t)) == 3 }, 10*time.Second, 5*time.Millisecond)
			require.Equal(t, proxy.Disconnect, w.traced(t)[2].Type)
			resp, _ := w.raw(t, "GET", "/send/signsessiondata/x", s.ID(), "")
			require.Equal(t, 401, resp.StatusCode)
			resp, _ = w.raw(t, "POST", "/connect", s.ID(), good)
			require.Equal(t, 200, resp.StatusCode, "not 304")
		})
	}
}

// At work all morning, a session of an API lasts four hours and no more.
func TestSessionsLastWhileAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	for range 11 {
		w.psc.Clock().Advance(20 * time.Minute)
		require.Equal(t, 200, w.sign(t, s).StatusCode)
	}
	w.psc.Clock().Advance(20 * time.Minute)
	resp, _ := w.raw(t, "GET", "/send/signsessiondata/x", s.ID(), "")
	require.Equal(t, 401, resp.StatusCode)
}

// Logged out elsewhere: the next call learns it.
func TestSessionsEndedByTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	w.psc.EndSessions(psctest.Titulaire)
	w.psc.Clock().Advance(15 * time.Minute)
	resp, body := w.raw(t, "GET", "/send/signsessiondata/x", s.ID(), "")
	require.Equal(t, 401, resp.StatusCode)
	require.Contains(t, body, "No session found.")
	require.Equal(t, []proxy.TraceType{"CONNECT_SUCCESS", "SEND", "DISCONNECT"}, w.types(t))
	require.Equal(t, 2, count(w.api.Journal(), "revoke"))
}

// broken is a sink that fails when told.
type broken struct {
	proxy.Sink
	fail map[proxy.TraceType]bool
}

func (b broken) Put(ctx context.Context, t proxy.Trace) error {
	if b.fail[t.Type] {
		return errors.New("disk full")
	}
	return b.Sink.Put(ctx, t)
}

func (b broken) Between(ctx context.Context, start, end time.Time) iter.Seq2[proxy.Trace, error] {
	return b.Sink.Between(ctx, start, end)
}

func TestNothingUntracedIsDone(t *testing.T) {
	t.Parallel()
	failing := func(types ...proxy.TraceType) options {
		return options{change: func(c *proxy.Config) {
			b := broken{c.Traces, map[proxy.TraceType]bool{}}
			for _, tt := range types {
				b.fail[tt] = true
			}
			c.Traces = b
		}}
	}
	w := newWorld(t, failing(proxy.ConnectSuccess))
	resp, _ := w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 500, resp.StatusCode)
	require.Equal(t, 1, count(w.psc.Journal(), "logout"))
	require.Equal(t, 2, count(w.api.Journal(), "revoke"))

	w = newWorld(t, failing(proxy.Send, proxy.ConnectReplay, proxy.Disconnect))
	s := w.connect(t)
	resp, _ = w.raw(t, "POST", "/send/signsessiondata/signsessiondata", s.ID(), "{}")
	require.Equal(t, 500, resp.StatusCode)
	require.Zero(t, count(w.api.Journal(), "api"))
	resp, _ = w.raw(t, "POST", "/connect", s.ID(), good)
	require.Equal(t, 500, resp.StatusCode)
	require.NoError(t, s.Disconnect(t.Context()), "an end is not refused")
	require.Equal(t, 1, count(w.psc.Journal(), "logout"))
}

func TestCloseEndsEverySession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.connect(t)
	w.connect(t)
	require.NoError(t, w.h.Close(t.Context()))
	require.NoError(t, w.h.Close(t.Context()))
	require.Equal(t, 2, count(w.psc.Journal(), "logout"))
	resp, _ := w.raw(t, "POST", "/connect", "", good)
	require.Equal(t, 503, resp.StatusCode)
}

func TestDisconnectAlthoughTheServiceIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	w.psc.Fail(emulator.Fault{Operation: "logout", Status: 503, Times: -1})
	require.NoError(t, s.Disconnect(t.Context()))
	require.ErrorIs(t, s.Disconnect(t.Context()), proxy.ErrNoSession)
	require.Contains(t, w.log.String(), "may not be elsewhere")
}

func TestLazy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{change: func(c *proxy.Config) { c.Lazy = true }})
	s := w.connect(t)
	require.Zero(t, count(w.api.Journal(), "exchange"))
	require.Equal(t, 200, w.sign(t, s).StatusCode)
	require.Equal(t, 1, count(w.api.Journal(), "exchange"))
}

func TestConfigTellsEverything(t *testing.T) {
	t.Parallel()
	_, err := proxy.New(proxy.Config{Software: []proxy.Software{{}}, SessionLife: 5 * time.Hour, MaxBody: -1, MaxAnswer: -1, MaxSessions: -1, Sweep: -1})
	for _, field := range []string{"Software[0].ClientID", "Software[0].PSC", "Software[0].Exchange", "Traces", "SessionLife", "MaxBody", "MaxAnswer", "MaxSessions", "Sweep"} {
		require.ErrorContains(t, err, "proxy: config: "+field+": ")
	}
	_, err = proxy.New(proxy.Config{})
	require.ErrorContains(t, err, "Software: missing")
	_, err = proxy.NewClient(proxy.ClientConfig{URL: "http://proxy.example.org"})
	require.ErrorContains(t, err, "https expected")
	require.ErrorContains(t, err, "ClientID")
	_, err = proxy.NewClient(proxy.ClientConfig{URL: "https://proxy.example.org", ClientID: "c"})
	require.ErrorContains(t, err, "Roots")
	_, err = proxy.NewClient(proxy.ClientConfig{URL: "http://localhost:1?x", ClientID: "c"})
	require.ErrorContains(t, err, "URL")
	_, err = proxy.NewClient(proxy.ClientConfig{URL: "http://localhost:1/proxy", ClientID: "c"})
	require.NoError(t, err)
}
