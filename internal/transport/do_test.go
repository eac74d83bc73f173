package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

func TestEveryFailureHasItsOutcome(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome   socle.Outcome
		retryable bool
		status    int
		is        error
		text      string
	}
	for _, tc := range []struct {
		name  string
		fault emulator.Fault
		want  want
	}{
		{"reset before", emulator.Fault{ResetBefore: true}, want{outcome: socle.OutcomeUnknown, retryable: true}},
		{"reset after", emulator.Fault{ResetAfter: true}, want{outcome: socle.OutcomeUnknown, retryable: true}},
		{"500", emulator.Fault{Status: 500}, want{socle.OutcomeUnknown, true, 500, nil, "500 Internal Server Error"}},
		{"502", emulator.Fault{Status: 502}, want{socle.OutcomeUnknown, true, 502, nil, "502 Bad Gateway"}},
		{"503", emulator.Fault{Status: 503}, want{socle.OutcomeUnknown, true, 503, nil, "503 Service Unavailable"}},
		{"501", emulator.Fault{Status: 501}, want{socle.OutcomeUnknown, false, 501, nil, "501 Not Implemented"}},
		{"429", emulator.Fault{Status: 429}, want{socle.OutcomeRefused, true, 429, nil, "429 Too Many Requests"}},
		{"400", emulator.Fault{Status: 400}, want{socle.OutcomeRefused, false, 400, nil, "400 Bad Request"}},
		{"late", emulator.Fault{Latency: time.Hour}, want{outcome: socle.OutcomeUnknown, retryable: true, is: context.DeadlineExceeded}},
		{"slow body", emulator.Fault{SlowBody: time.Hour}, want{outcome: socle.OutcomeUnknown, retryable: true, is: context.DeadlineExceeded}},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", tc.name, http2), func(t *testing.T) {
				t.Parallel()
				s := serve(t, emulator.Options{HTTP2: http2}, echo)
				s.Fail(tc.fault)
				var seen []socle.Exchange
				c := dial(t, s, func(cfg *transport.Config) {
					cfg.Watch.Observe = func(_ context.Context, x socle.Exchange) { seen = append(seen, x) }
				})
				ctx := t.Context()
				if tc.want.is == context.DeadlineExceeded {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
					defer cancel()
				}
				var got []byte
				err := c.Do(ctx, op, request(t, "POST", s.URL+"/path?matricule=1", struct{ io.Reader }{strings.NewReader("hello")}), into(&got))
				var e *transport.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tc.want.outcome, socle.OutcomeOf(err), "%v", err)
				require.Equal(t, tc.want.retryable, socle.Retryable(err), "%v", err)
				require.Equal(t, tc.want.status, e.Status)
				require.Equal(t, "TD2.1", e.Op)
				if tc.want.is != nil {
					require.ErrorIs(t, err, tc.want.is)
				}
				require.ErrorContains(t, err, "transport: TD2.1: ")
				require.ErrorContains(t, err, tc.want.text)
				require.NotContains(t, err.Error(), "matricule")
				require.Len(t, seen, 1)
				require.Equal(t, tc.want.outcome, seen[0].Outcome)
				require.Equal(t, err, seen[0].Err)
			})
		}
	}
}

func TestWhatIsNotSent(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{ClientAuth: tls.RequireAndVerifyClientCert}, echo)
	other, err := pki.NewAuthority()
	require.NoError(t, err)
	cert := issue(t, s.Authority(), pharmacy, pki.AuthClient)
	mutual := func(cfg *transport.Config) { cfg.Certificate = cert }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tls12 := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots(), MaxVersion: tls.VersionTLS12}}
	t.Cleanup(tls12.CloseIdleConnections)
	astray := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots()}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.URL, "https://"))
	}}
	t.Cleanup(astray.CloseIdleConnections)

	for _, tc := range []struct {
		name      string
		ctx       context.Context
		client    *transport.Client
		url       string
		is        error
		retryable bool
		text      string
	}{
		{name: "nobody listens", client: dial(t, s, mutual), url: "https://" + closed.Addr().String(), retryable: true, text: "refused"},
		{name: "unknown authority", client: dial(t, s, mutual, func(c *transport.Config) { c.Roots = other.Roots() }), is: transport.ErrServerCertificate, text: "check Roots"},
		{name: "another host", client: dial(t, s, func(c *transport.Config) { c.HTTPClient = &http.Client{Transport: astray} }), url: "https://dmp.example", is: transport.ErrServerCertificate, text: "check Roots"},
		{name: "no certificate", client: dial(t, s), is: transport.ErrClientCertificate, text: "check that Certificate"},
		{name: "no certificate, TLS 1.2", client: dial(t, s, func(c *transport.Config) { c.HTTPClient = &http.Client{Transport: tls12} }), is: transport.ErrClientCertificate, text: "check that Certificate"},
		{name: "foreign certificate", client: dial(t, s, func(c *transport.Config) { c.Certificate = issue(t, other, pharmacy, pki.AuthClient) }), is: transport.ErrClientCertificate},
		{name: "already cancelled", ctx: cancelled, client: dial(t, s, mutual), is: context.Canceled},
		{name: "no address", client: dial(t, s, mutual), url: "dmp.example/path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.ctx == nil {
				tc.ctx = t.Context()
			}
			if tc.url == "" {
				tc.url = s.URL
			}
			err := tc.client.Do(tc.ctx, op, request(t, "POST", tc.url+"/?matricule=1", strings.NewReader("hello")), func(*http.Response) (string, error) {
				t.Error("there is an answer")
				return "", nil
			})
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), "%v", err)
			require.Equal(t, tc.retryable, socle.Retryable(err), "%v", err)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			require.ErrorContains(t, err, tc.text)
			require.NotContains(t, err.Error(), "matricule")
		})
	}
	require.Empty(t, s.Journal())
}

// A certificate that expires while the client lives is refused by the service,
// and the client says so.
func TestCertificateExpiresMidway(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{ClientAuth: tls.RequireAndVerifyClientCert}, echo)
	c := dial(t, s, func(cfg *transport.Config) { cfg.Certificate = issue(t, s.Authority(), pharmacy, pki.AuthClient) })
	s.Clock().Advance(3 * 366 * 24 * time.Hour)
	got := []byte{}
	err := c.Do(t.Context(), op, request(t, "GET", s.URL, nil), into(&got))
	require.Error(t, err)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
}

func TestCancellationTakesLessThan100ms(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never shakes hands
	require.NoError(t, err)
	t.Cleanup(func() { mute.Close() })
	for _, tc := range []struct {
		name  string
		fault emulator.Fault
		url   string
		stuck bool // the request's body never comes
		sent  bool
	}{
		{name: "handshake", url: "https://" + mute.Addr().String()},
		{name: "answer", fault: emulator.Fault{Latency: time.Hour}, sent: true},
		{name: "body of the answer", fault: emulator.Fault{SlowBody: time.Hour}, sent: true},
		{name: "body of the request", stuck: true, sent: true},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", tc.name, http2), func(t *testing.T) {
				t.Parallel()
				s := serve(t, emulator.Options{HTTP2: http2}, echo)
				s.Fail(tc.fault)
				c := dial(t, s)
				url := tc.url
				if url == "" {
					url = s.URL
				}
				var body io.Reader = struct{ io.Reader }{strings.NewReader("hello")}
				if tc.stuck {
					r, w := io.Pipe()
					t.Cleanup(func() { w.Close() })
					body = r
				}
				ctx, cancel := context.WithCancel(t.Context())
				var at time.Time
				time.AfterFunc(150*time.Millisecond, func() { at = time.Now(); cancel() })
				var got []byte
				err := c.Do(ctx, op, request(t, "POST", url, body), into(&got))
				require.ErrorIs(t, err, context.Canceled)
				require.Less(t, time.Since(at), 100*time.Millisecond)
				require.False(t, socle.Retryable(err))
				require.Equal(t, tc.sent, socle.OutcomeOf(err) == socle.OutcomeUnknown, "%v", err)
			})
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{}, echo)
	c := dial(t, s)
	send := func(n int, limit int64) ([]byte, error) {
		var got []byte
		o := op
		o.MaxBytes = limit
		err := c.Do(t.Context(), o, request(t, "POST", s.URL, bytes.NewReader(make([]byte, n))), into(&got))
		return got, err
	}
	got, err := send(1000, 1000)
	require.NoError(t, err)
	require.Len(t, got, 1000)
	_, err = send(1001, 1000)
	require.ErrorIs(t, err, transport.ErrTooLarge)
	require.ErrorContains(t, err, "over 1000 bytes")
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
	_, err = send(transport.DefaultMaxBytes+1, 0)
	require.ErrorIs(t, err, transport.ErrTooLarge)
}

func TestBrokenAnswerIsNotWhatDecodeSaysOfIt(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`<half`))
	})
	wrong := errors.New("document refused")
	err := dial(t, s).Do(t.Context(), op, request(t, "GET", s.URL, nil), func(r *http.Response) (string, error) {
		_, _ = io.ReadAll(r.Body)
		return "", wrong
	})
	require.NotErrorIs(t, err, wrong)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "broken off")
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.True(t, socle.Retryable(err))
}

type refusal struct{ code string }

func (r refusal) Error() string          { return "refused " + r.code }
func (r refusal) Outcome() socle.Outcome { return socle.OutcomeRefused }

func TestExchangesAreReported(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	s := serve(t, emulator.Options{Clock: emulator.NewClock(at)}, echo)
	const secret = "188102B17295165"
	body := `<a><Action>do</Action><name>` + secret + `</name></a>`
	for _, evidence := range []bool{false, true} {
		var seen []socle.Exchange
		var logged bytes.Buffer
		c := dial(t, s, func(cfg *transport.Config) {
			cfg.Watch.Evidence = evidence
			cfg.Watch.Observe = func(_ context.Context, x socle.Exchange) { seen = append(seen, x) }
			cfg.Watch.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		call := func(decode func(*http.Response) (string, error)) error {
			req := request(t, "POST", s.URL+"/Patient/"+secret+"?identifier="+secret, strings.NewReader(body))
			req.Header.Set("Content-Type", "application/soap+xml")
			req.Header.Set("Authorization", "Bearer "+secret)
			o := op
			o.Attempt = 2
			return c.Do(t.Context(), o, req, decode)
		}
		var got []byte
		require.NoError(t, call(into(&got)))
		refused := refusal{"DESIR_560"}
		require.Equal(t, refused, call(func(r *http.Response) (string, error) {
			_, err := io.ReadAll(r.Body)
			return refused.code, errors.Join(err, refused).(interface{ Unwrap() []error }).Unwrap()[0]
		}))

		require.Len(t, seen, 2)
		shown := body
		if !evidence {
			shown = `<a><Action>do</Action><name>…</name></a>`
		}
		for i, want := range []socle.Exchange{
			{Code: "Success", Outcome: socle.OutcomeDone},
			{Code: "DESIR_560", Outcome: socle.OutcomeRefused, Err: refused},
		} {
			x := seen[i]
			require.Positive(t, x.Duration)
			x.Duration = 0
			want.Service, want.Operation, want.MessageID, want.Attempt, want.Start, want.Status = "dmp", "TD2.1", "urn:uuid:1", 2, at, 200
			want.Request, want.Response = []byte(shown), []byte(shown)
			require.Equal(t, want, x)
		}
		require.Equal(t, 2, strings.Count(logged.String(), `"msg":"exchange"`))
		require.Contains(t, logged.String(), `"code":"DESIR_560","outcome":"refused"`)
		require.NotContains(t, logged.String(), secret, "no log identifies anyone, evidence or not")
		require.NotContains(t, logged.String(), "Patient")
	}
}

// What the caller's own body says when it breaks may name a patient: it is in
// the error, not in the log.
func TestFailuresAreLoggedWithoutTheWordsOfOthers(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{Operation: func(r *http.Request) string { return r.URL.Path }}, echo)
	var logged bytes.Buffer
	c := dial(t, s, func(cfg *transport.Config) {
		cfg.Watch.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	broken := errors.New("read /home/lgo/DUPONT.pdf: input/output error")
	var got []byte
	err := c.Do(t.Context(), op, request(t, "POST", s.URL, iotest.ErrReader(broken)), into(&got))
	require.ErrorIs(t, err, broken)
	require.Contains(t, logged.String(), `"outcome":"unknown"`)
	require.NotContains(t, logged.String(), "DUPONT")

	s.Fail(emulator.Fault{Operation: "/cut", ResetBefore: true})
	require.Error(t, c.Do(t.Context(), op, request(t, "POST", s.URL+"/cut", strings.NewReader("hello")), into(&got)))
	require.Error(t, c.Do(t.Context(), transport.Operation{Name: "x", MaxBytes: 1}, request(t, "POST", s.URL, strings.NewReader("hello")), into(&got)))
	require.Contains(t, logged.String(), `"cause":"answer too large"`)
}

func TestNothingIsKeptWhenNobodyObserves(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{}, echo)
	given := &source{Reader: strings.NewReader("hello")}
	var inner io.Reader
	c := dial(t, s, func(cfg *transport.Config) {
		cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			inner = r.Body
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, nil
		})}
	})
	require.NoError(t, c.Do(t.Context(), op, request(t, "POST", s.URL, given), func(*http.Response) (string, error) { return "", nil }))
	require.True(t, inner == io.Reader(given), "the body goes as it came")
}

type source struct{ io.Reader }

func (*source) Close() error { return nil }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A body over the bound of what is kept streams whole; what is kept is its head.
func TestCaptureIsBoundedAndStreams(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	s := serve(t, emulator.Options{}, echo)
	var seen socle.Exchange
	c := dial(t, s, func(cfg *transport.Config) {
		cfg.Watch.Evidence = true
		cfg.Watch.Observe = func(_ context.Context, x socle.Exchange) { seen = x }
	})
	body := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	req := request(t, "POST", s.URL, bytes.NewReader(body))
	require.Equal(t, int64(size), req.ContentLength)
	var got []byte
	require.NoError(t, c.Do(t.Context(), op, req, into(&got)))
	require.True(t, bytes.Equal(body, got))
	require.True(t, bytes.Equal(body[:1<<20], seen.Request))
	require.True(t, bytes.Equal(body[:1<<20], seen.Response))
}

// net/http sends a request again by itself when a kept connection turns out to
// be dead before anything came back, if the request may be repeated: what is
// kept is then one body, not two.
func TestCaptureOfARequestThatNetHTTPRepeats(t *testing.T) {
	t.Parallel()
	twice := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.CopyN(io.Discard, r.Body, 3)
		again, err := r.GetBody()
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, again)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})
	for _, inMemory := range []bool{false, true} {
		var seen socle.Exchange
		c, err := transport.New(transport.Config{Service: socle.ServiceDMP, HTTPClient: &http.Client{Transport: twice},
			Watch: socle.Watch{Evidence: true, Observe: func(_ context.Context, x socle.Exchange) { seen = x }}})
		require.NoError(t, err)
		op := op
		op.InMemory = inMemory
		var got []byte
		require.NoError(t, c.Do(t.Context(), op, request(t, "POST", "http://dmp.example", strings.NewReader("hello")), into(&got)))
		require.Equal(t, "hello", string(seen.Request))
	}
}

func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{}, echo)
	var mu sync.Mutex
	n := 0
	c := dial(t, s, func(cfg *transport.Config) {
		cfg.Watch.Observe = func(context.Context, socle.Exchange) { mu.Lock(); n++; mu.Unlock() }
	})
	var wg sync.WaitGroup
	for i := range 8 {
		req := request(t, "POST", s.URL, strings.NewReader(fmt.Sprint(i)))
		wg.Go(func() {
			var got []byte
			if err := c.Do(context.Background(), op, req, into(&got)); err != nil || string(got) != fmt.Sprint(i) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 8, n)
}
