package emulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with what it received, and counts the work done.
type echo struct {
	mu   sync.Mutex
	done int
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cannot read", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	e.done++
	e.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(append([]byte("echo "), body...))
}

func (e *echo) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.done
}

func start(t *testing.T, o emulator.Options, h http.Handler) *emulator.Server {
	t.Helper()
	s, err := emulator.New(o, h)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// client trusts s, and shows cert if it is given.
func client(t *testing.T, s *emulator.Server, cert ...tls.Certificate) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots(), Certificates: cert, Time: s.Clock().Now}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func post(ctx context.Context, c *http.Client, url, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func byPath(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") }

func TestJournalHoldsTheExchangeOnceItIsAnswered(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		s := start(t, emulator.Options{Clock: emulator.NewClock(at), Operation: byPath, HTTP2: http2, ClientAuth: tls.VerifyClientCertIfGiven}, new(echo))
		cert, err := s.Authority().Organisation(pki.Organisation{Structure: "10B0152872", Name: "PHARMACIE", CommonName: "LGO"}, pki.AuthClient)
		require.NoError(t, err)
		big := strings.Repeat("0123456789abcdef", 100_000) // 1.6 MB: over the bound of a body

		for _, c := range []*http.Client{client(t, s), client(t, s, cert)} {
			for range 3 {
				s.Clock().Advance(time.Minute)
				status, body, err := post(t.Context(), c, s.URL+"/consult?secret=1", "hello")
				require.NoError(t, err)
				require.Equal(t, 200, status)
				require.Equal(t, "echo hello", body)
			}
		}
		_, body, err := post(t.Context(), client(t, s), s.URL+"/feed", big)
		require.NoError(t, err)
		require.Equal(t, "echo "+big, body)

		j := s.Journal()
		require.Len(t, j, 7)
		first, last := j[0], j[6]
		require.Positive(t, first.Duration)
		first.Duration = 0
		require.Equal(t, emulator.Entry{At: at.Add(time.Minute), Operation: "consult", Method: "POST", Path: "/consult", Status: 200,
			Request: []byte("hello"), Response: []byte("echo hello")}, first)
		require.Equal(t, "CN=LGO,OU=10B0152872,O=PHARMACIE,C=FR", j[5].ClientDN)
		require.Len(t, last.Request, 1<<20)
		require.Len(t, last.Response, 1<<20)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		fault    emulator.Fault
		work     int // done by the failing request
		status   int // in the journal
		text     string
		err      error
		observed func(t *testing.T, status int, body string)
	}{
		{name: "status", fault: emulator.Fault{Status: 503}, status: 503, text: "status 503", observed: func(t *testing.T, status int, body string) {
			require.Equal(t, 503, status)
			require.Contains(t, body, "503 Service Unavailable")
		}},
		{name: "reset before", fault: emulator.Fault{ResetBefore: true}, text: "reset before the work", err: syscall.ECONNRESET},
		{name: "reset after", fault: emulator.Fault{ResetAfter: true}, work: 1, text: "reset after the work", err: syscall.ECONNRESET},
		{name: "slow body", fault: emulator.Fault{SlowBody: 40 * time.Millisecond}, work: 1, status: 200, text: "slow body 40ms",
			observed: func(t *testing.T, _ int, body string) { require.Equal(t, "echo hello", body) }},
		{name: "latency", fault: emulator.Fault{Latency: 20 * time.Millisecond}, work: 1, status: 200, text: "latency 20ms",
			observed: func(t *testing.T, _ int, body string) { require.Equal(t, "echo hello", body) }},
		{name: "both", fault: emulator.Fault{Latency: time.Millisecond, ResetAfter: true}, work: 1, text: "latency 1ms, reset after the work", err: syscall.ECONNRESET},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			work := new(echo)
			s := start(t, emulator.Options{Operation: byPath}, work)
			tc.fault.Operation = "feed"
			s.Fail(tc.fault)
			c := client(t, s)

			_, body, err := post(t.Context(), c, s.URL+"/consult", "hello") // another operation
			require.NoError(t, err)
			require.Equal(t, "echo hello", body)

			began := time.Now()
			status, body, err := post(t.Context(), c, s.URL+"/feed", "hello")
			require.GreaterOrEqual(t, time.Since(began), tc.fault.Latency+tc.fault.SlowBody)
			if tc.err != nil {
				// Which side of the connection net/http notices first is chance, and
				// Windows says it otherwise.
				require.Truef(t, errors.Is(err, tc.err) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE), "%v", err)
			} else {
				require.NoError(t, err)
				tc.observed(t, status, body)
			}
			require.Equal(t, 1+tc.work, work.count())
			e := s.Journal()[1]
			require.Equal(t, tc.text, e.Fault)
			require.Equal(t, tc.status, e.Status)

			_, body, err = post(t.Context(), c, s.URL+"/feed", "again") // the fault was for once
			require.NoError(t, err)
			require.Equal(t, "echo again", body)
		})
	}
}

func TestFaultsAreCountedAndForgotten(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{Operation: byPath}, new(echo))
	c := client(t, s)
	statuses := func(n int) (got []int) {
		for range n {
			status, _, err := post(t.Context(), c, s.URL+"/x", "")
			require.NoError(t, err)
			got = append(got, status)
		}
		return got
	}
	s.Fail(emulator.Fault{Status: 500, Times: 2})
	s.Fail(emulator.Fault{Operation: "y", Status: 404})
	s.Fail(emulator.Fault{Operation: "x", Status: 502, Times: -1})
	require.Equal(t, []int{500, 500, 502, 502, 502}, statuses(5))
	s.Recover()
	require.Equal(t, []int{200}, statuses(1))
}

// A handler that learns the operation from the body names it before the work.
func TestAnnotate(t *testing.T) {
	t.Parallel()
	var work echo
	s := start(t, emulator.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := make([]byte, 2)
		_, err := io.ReadFull(r.Body, head)
		if err != nil {
			http.Error(w, "short", http.StatusBadRequest)
			return
		}
		emulator.Annotate(r, string(head))
		work.ServeHTTP(w, r) // reads the rest, whatever the fault held
	}))
	c := client(t, s)
	s.Fail(emulator.Fault{Operation: "B:", Status: 503})
	s.Fail(emulator.Fault{Operation: "C:", Latency: 10 * time.Millisecond})
	s.Fail(emulator.Fault{Operation: "D:", ResetBefore: true})

	status, body, err := post(t.Context(), c, s.URL, "A:hello")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, "echo hello", body)
	status, _, err = post(t.Context(), c, s.URL, "B:hello")
	require.NoError(t, err)
	require.Equal(t, 503, status)
	_, body, err = post(t.Context(), c, s.URL, "C:hello")
	require.NoError(t, err)
	require.Equal(t, "echo hello", body)
	_, _, err = post(t.Context(), c, s.URL, "D:hello")
	require.Error(t, err)

	require.Equal(t, 2, work.count())
	j := s.Journal()
	require.Equal(t, []string{"A:", "B:", "C:", "D:"}, []string{j[0].Operation, j[1].Operation, j[2].Operation, j[3].Operation})
	require.Equal(t, "C:hello", string(j[2].Request))

	emulator.Annotate(&http.Request{}, "outside of a server") // does nothing
}

func TestLatencyEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	var work echo
	s := start(t, emulator.Options{}, &work)
	s.Fail(emulator.Fault{Latency: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := post(ctx, client(t, s), s.URL, "hello")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool { return len(s.Journal()) == 1 }, 5*time.Second, time.Millisecond)
	e := s.Journal()[0]
	require.Zero(t, e.Status)
	require.Equal(t, "latency 1h0m0s", e.Fault)
	require.Zero(t, work.count())
}

func TestCloseCutsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		arrived := make(chan struct{})
		s, err := emulator.New(emulator.Options{HTTP2: http2}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			close(arrived)
			<-r.Context().Done()
		}))
		require.NoError(t, err)
		c := client(t, s)
		failed := make(chan error, 1)
		go func() {
			_, _, err := post(context.Background(), c, s.URL, "hello")
			failed <- err
		}()
		idle, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "https://")) // never shakes hands
		require.NoError(t, err)
		defer idle.Close()
		<-arrived
		s.Close()
		s.Close()
		require.Error(t, <-failed)
		_, _, err = post(t.Context(), c, s.URL, "hello")
		require.Error(t, err)
	}
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	var logged lockedBuffer
	s := start(t, emulator.Options{ClientAuth: tls.RequireAndVerifyClientCert, Logger: slog.New(slog.NewTextHandler(&logged, nil))}, new(echo))
	other, err := pki.NewAuthority()
	require.NoError(t, err)
	org := pki.Organisation{Structure: "10B0152872", CommonName: "LGO"}
	past := org
	past.NotBefore, past.NotAfter = time.Now().AddDate(-4, 0, 0), time.Now().AddDate(-1, 0, 0)
	issue := func(a *pki.Authority, o pki.Organisation, u pki.Usage) tls.Certificate {
		c, err := a.Organisation(o, u)
		require.NoError(t, err)
		return c
	}
	good := issue(s.Authority(), org, pki.AuthClient)
	alone := good
	alone.Certificate = good.Certificate[:1] // without the issuing authority
	for name, cert := range map[string]tls.Certificate{"chain": good, "leaf": alone} {
		_, _, err := post(t.Context(), client(t, s, cert), s.URL, "")
		require.NoError(t, err, name)
	}
	for name, cert := range map[string]tls.Certificate{
		"none": {}, "signature": issue(s.Authority(), org, pki.Sign), "expired": issue(s.Authority(), past, pki.AuthClient), "foreign": issue(other, org, pki.AuthClient),
	} {
		_, _, err := post(t.Context(), client(t, s, cert), s.URL, "")
		require.Error(t, err, name) // of a broken write or of the alert: with TLS 1.3 they race
	}
	require.Len(t, s.Journal(), 2)
	before := strings.Count(logged.String(), "expired")

	s.Clock().Advance(4 * 365 * 24 * time.Hour)
	old := client(t, s, good)
	old.Transport.(*http.Transport).TLSClientConfig.Time = time.Now
	_, _, err = post(t.Context(), old, s.URL, "")
	require.Error(t, err)
	s.Close() // ends what logs
	require.Equal(t, 5, strings.Count(logged.String(), "TLS handshake error"))
	require.Greater(t, strings.Count(logged.String(), "expired"), before)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := emulator.New(emulator.Options{}, nil)
	require.ErrorContains(t, err, "handler")
	_, err = emulator.New(emulator.Options{Addr: "256.0.0.1:1"}, new(echo))
	require.ErrorContains(t, err, "emulator: ")
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{Operation: byPath}, new(echo))
	c := client(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				s.Fail(emulator.Fault{Status: 503})
				if _, _, err := post(context.Background(), c, s.URL+"/x", "hello"); err != nil {
					t.Error(err)
				}
				s.Clock().Advance(time.Millisecond)
				_ = s.Journal()
			}
		})
	}
	wg.Wait()
	require.Len(t, s.Journal(), 80)
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	c := emulator.NewClock(at)
	c.Advance(time.Hour)
	require.Equal(t, at.Add(time.Hour), c.Now())
	c.Set(at)
	require.Equal(t, at, c.Now())
	c.Set(time.Time{})
	require.WithinDuration(t, time.Now(), c.Now(), time.Minute)
	c.Advance(time.Hour)
	require.WithinDuration(t, time.Now().Add(time.Hour), c.Now(), time.Minute)
	require.WithinDuration(t, time.Now(), (*emulator.Clock)(nil).Now(), time.Minute)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
