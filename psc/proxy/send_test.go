package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc/proxy"
	"github.com/soclesante/socle/psc/psctest"
)

func TestSendPassesThrough(t *testing.T) {
	t.Parallel()
	type request struct {
		method, path, query, host string
		header                    http.Header
		body                      string
	}
	seen := make(chan request, 1)
	w := newWorld(t, options{api: psctest.APIOptions{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- request{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.Header.Clone(), string(b)}
		w.Header().Set("Content-Type", "application/fhir+json")
		w.Header().Set("ETag", `W/"1"`)
		w.Header().Add("Set-Cookie", "proxy_session_id=stolen; Path=/")
		w.Header().Add("Set-Cookie", "api=1; Path=/")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("{}"))
	})}})
	s := w.connect(t)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		resp, body := w.raw(t, method, "/send/signsessiondata/Patient/a%20b%2Bc/?_id=1&x=%41;y&z", s.ID(), "corps",
			"Authorization", "Bearer of-the-workstation", "X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1", "Upgrade", "h2c", "Connection", "upgrade, x-hop",
			"X-Hop", "1", "X-Own", "kept", "Content-Type", "application/fhir+json", "Cookie", "a=1; proxy_session_id="+s.ID()+"; b=2")
		require.Equal(t, http.StatusCreated, resp.StatusCode)
		require.Equal(t, "{}", body)
		require.Equal(t, `W/"1"`, resp.Header.Get("ETag"))
		require.Equal(t, []string{"api=1; Path=/"}, resp.Header.Values("Set-Cookie"))
		got := <-seen
		require.Equal(t, method, got.method)
		require.Equal(t, "/Patient/a%20b%2Bc/", got.path)
		require.Equal(t, "_id=1&x=%41;y&z", got.query)
		require.Equal(t, strings.TrimPrefix(w.api.URL, "https://"), got.host)
		require.Equal(t, "corps", got.body)
		require.Equal(t, "application/fhir+json", got.header.Get("Content-Type"))
		require.Equal(t, "kept", got.header.Get("X-Own"))
		require.Equal(t, "a=1; b=2", got.header.Get("Cookie"))
		require.NotContains(t, got.header.Get("Authorization"), "workstation")
		for _, name := range []string{"X-Forwarded-For", "Forwarded", "Upgrade", "Connection", "X-Hop"} {
			require.Empty(t, got.header.Values(name), name)
		}
	}
	last := w.traced(t)[5]
	require.Equal(t, &proxy.Request{API: "signsessiondata", Method: "DELETE", Path: "/Patient/a%20b%2Bc/"}, last.Request, "the query is not kept")
	resp, _ := w.raw(t, "OPTIONS", "/send/signsessiondata/x", s.ID(), "")
	require.Equal(t, 405, resp.StatusCode)
	require.Equal(t, "GET, POST, PUT, PATCH, DELETE", resp.Header.Get("Allow"))
}

func TestSendGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	w := newWorld(t, options{api: psctest.APIOptions{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })}})
	s := w.connect(t)
	for _, path := range []string{
		"/send/signsessiondata/../../realms/x", "/send/signsessiondata/%2e%2e/%2e%2e/realms", "/send/signsessiondata/.%2e/x", "/send/signsessiondata/a%2f..%2f..%2fx",
		"/send/signsessiondata/%252e%252e/x", "/send/signsessiondata/%25252e%25252e/x", "/send/signsessiondata/a%5c..%5cx", "/send/signsessiondata/..%3bx/y",
		"/send/signsessiondata//evil.example.org/x", "/send/signsessiondata/a//b", "/send/signsessiondata/%00", "/send/signsessiondata/a%0d%0aX:y", "/send/signsessiondata/.",
		"/send/%73ignsessiondata/x", "/send//x",
	} {
		resp, _ := w.raw(t, "GET", path, s.ID(), "")
		require.Equal(t, 400, resp.StatusCode, path)
	}
	for _, path := range []string{"/send/other/x", "/send/127.0.0.1:80/x", "/send/https:/x", "/send/user@host/x"} {
		resp, body := w.raw(t, "GET", path, s.ID(), "")
		require.Equal(t, 404, resp.StatusCode, path)
		require.Contains(t, body, "The API is unknown.")
	}
	for _, path := range []string{"/", "/send", "/connect/", "/Connect", "//connect", "/send/../connect"} {
		resp, _ := w.raw(t, "POST", path, s.ID(), "")
		require.Contains(t, []int{400, 404}, resp.StatusCode, path)
	}
	resp, _ := w.raw(t, "GET", "/connect", "", "")
	require.Equal(t, 405, resp.StatusCode)
	// An absolute form must not choose the host either.
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.srv.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET http://evil.example.org/send/signsessiondata/x HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\nCookie: proxy_session_id=%s\r\n\r\n", s.ID())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), " 200 ")
	require.Equal(t, int32(1), reached.Load(), "the API itself, and only once")
	require.Equal(t, []proxy.TraceType{"CONNECT_SUCCESS", "SEND"}, w.types(t))
}

func TestSendAnswersOfTheAPI(t *testing.T) {
	t.Parallel()
	const token = "X-Status"
	w := newWorld(t, options{api: psctest.APIOptions{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.Header.Get(token), &status)
		w.Header().Set("Location", "https://evil.example.org/")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("of the API"))
	})}})
	s := w.connect(t)
	for status, want := range map[string]string{"200": "of the API", "302": "of the API", "400": "of the API", "401": "of the API", "404": "of the API", "422": "of the API",
		"500": "of the API", "502": "", "503": "", "504": ""} {
		resp, body := w.raw(t, "GET", "/send/signsessiondata/x", s.ID(), "", token, status)
		require.Equal(t, status, fmt.Sprint(resp.StatusCode))
		require.Equal(t, want, body, status)
	}
	// One of the API's refusals is not mistaken for the end of the session.
	req, err := s.Request(t.Context(), "GET", "signsessiondata", "x?y=1", nil)
	require.NoError(t, err)
	req.Header.Set(token, "401")
	resp, err := s.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "of the API", string(b))
}

func TestSendWhenSomethingFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*world)
		status  int
		body    string
	}{
		"the API is away":    {func(w *world) { w.api.Fail(emulator.Fault{Operation: "api", ResetBefore: true, Times: -1}) }, 502, ""},
		"its server is 503":  {func(w *world) { w.api.Fail(emulator.Fault{Operation: "exchange", Status: 503, Times: -1}) }, 503, ""},
		"its server is 504":  {func(w *world) { w.api.Fail(emulator.Fault{Operation: "exchange", Status: 504, Times: -1}) }, 504, ""},
		"its server refuses": {func(w *world) { w.api.Deny(psctest.Titulaire) }, 500, `{"code":"500","message":"The API gives no token."}`},
		"PSC is 502": {func(w *world) {
			w.psc.Clock().Advance(110 * time.Second)
			w.psc.Fail(emulator.Fault{Operation: "token.refresh", Status: 502, Times: -1})
		}, 502, ""},
		"PSC ended the session": {func(w *world) { w.psc.Clock().Advance(110 * time.Second); w.psc.EndSessions(psctest.Titulaire) }, 401,
			`{"code":"401","message":"No session found."}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{change: func(c *proxy.Config) { c.Lazy = true }})
			s := w.connect(t)
			c.prepare(w)
			resp, body := w.raw(t, "POST", "/send/signsessiondata/signsessiondata", s.ID(), "{}")
			require.Equal(t, c.status, resp.StatusCode)
			if c.body == "" {
				require.Empty(t, body)
			} else {
				require.JSONEq(t, c.body, body)
			}
		})
	}
}

// A token that the API kills is exchanged anew at the next call.
func TestSendAfterATokenDied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	w.api.Kill()
	require.Equal(t, 401, w.sign(t, s).StatusCode, "a body cannot be sent twice")
	require.Equal(t, 200, w.sign(t, s).StatusCode)
	w.api.Kill()
	resp, _ := w.raw(t, "GET", "/send/signsessiondata/x", s.ID(), "")
	require.Equal(t, 404, resp.StatusCode, "no body: again at once")
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{
		api: psctest.APIOptions{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/large" {
				n = 3000
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), int(n)))
		})},
		change: func(c *proxy.Config) { c.MaxBody, c.MaxAnswer = 2000, 2500 },
	})
	s := w.connect(t)
	resp, body := w.raw(t, "POST", "/send/signsessiondata/x", s.ID(), strings.Repeat("x", 2000))
	require.Equal(t, 200, resp.StatusCode)
	require.Len(t, body, 2000)
	before := len(w.traced(t))
	resp, body = w.raw(t, "POST", "/send/signsessiondata/x", s.ID(), strings.Repeat("x", 2001))
	require.Equal(t, 413, resp.StatusCode)
	require.Contains(t, body, `"413"`)
	require.Len(t, w.traced(t), before)

	req, err := http.NewRequestWithContext(t.Context(), "POST", w.srv.URL+"/send/signsessiondata/x", io.MultiReader(strings.NewReader(strings.Repeat("x", 5000))))
	require.NoError(t, err)
	req.Header.Set("Cookie", "proxy_session_id="+s.ID())
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err = c.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 413, resp.StatusCode, "of unknown length")

	resp, _ = w.raw(t, "GET", "/send/signsessiondata/large", s.ID(), "")
	require.Equal(t, 502, resp.StatusCode)
}

// What the API sends arrives before it has ended, and what goes over the bound
// is cut and not passed for an answer.
func TestAnswersAreStreamed(t *testing.T) {
	t.Parallel()
	// The emulator holds answers: a server of its own streams.
	more := make(chan struct{})
	api := newStreaming(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("first"))
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = w.Write(bytes.Repeat([]byte("x"), 5000))
	})
	w := newWorld(t, options{change: func(c *proxy.Config) { c.MaxAnswer = 4000; c.Software[0].Exchange = api.exchanger(t, c) }})
	s := w.connect(t)
	req, err := s.Request(t.Context(), "GET", "streaming", "x", nil)
	require.NoError(t, err)
	resp, err := s.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	first := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	require.Equal(t, "first", string(first))
	close(more)
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestRequestsOfTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	s := w.connect(t)
	for _, endpoint := range []string{"../x", "a/%2e%2e/b", "a#b", "a\nb", "a//b"} {
		_, err := s.Request(t.Context(), "GET", "signsessiondata", endpoint, nil)
		require.Error(t, err, endpoint)
	}
	_, err := s.Request(t.Context(), "GET", "a/b?c", "", nil)
	require.Error(t, err)
	for _, address := range []string{"https://evil.example.org/send/x", w.srv.URL + "/traces", strings.Replace(w.srv.URL, "127.0.0.1", "localhost", 1) + "/send/x"} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		_, err = s.Do((&http.Request{Method: "GET", URL: u, Header: http.Header{}}).WithContext(t.Context()))
		require.ErrorContains(t, err, "not sent elsewhere")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := s.Request(ctx, "GET", "signsessiondata", "x", nil)
	require.NoError(t, err)
	_, err = s.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Disconnect(ctx), context.Canceled)
}
