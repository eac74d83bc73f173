package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var pharmacy = pki.Organisation{Structure: "10B0152872", Name: "PHARMACIE", CommonName: "LGO"}

// echo answers with what it received.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.Header().Set("X-User-Agent", r.UserAgent())
	_, _ = w.Write(body)
}

func serve(t *testing.T, o emulator.Options, h http.HandlerFunc) *emulator.Server {
	t.Helper()
	s, err := emulator.New(o, h)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func issue(t *testing.T, a *pki.Authority, o pki.Organisation, u pki.Usage) *tls.Certificate {
	t.Helper()
	c, err := a.Organisation(o, u)
	require.NoError(t, err)
	return &c
}

// dial makes a client of s.
func dial(t *testing.T, s *emulator.Server, change ...func(*transport.Config)) *transport.Client {
	t.Helper()
	cfg := transport.Config{Service: socle.ServiceDMP, Roots: s.Roots(), Watch: socle.Watch{Clock: s.Clock().Now}}
	for _, f := range change {
		f(&cfg)
	}
	c, err := transport.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/plain")
	return req
}

var op = transport.Operation{Name: "TD2.1", MessageID: "urn:uuid:1"}

// into reads the whole answer into b, after checking its status.
func into(b *[]byte) func(*http.Response) (string, error) {
	return func(resp *http.Response) (string, error) {
		if err := transport.CheckStatus(op.Name, resp); err != nil {
			return "", err
		}
		var err error
		*b, err = io.ReadAll(resp.Body)
		return "Success", err
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	a, err := pki.NewAuthority()
	require.NoError(t, err)
	_, err = transport.New(transport.Config{Certificate: issue(t, a, pharmacy, pki.Sign)})
	require.ErrorContains(t, err, "Config.Service: mandatory")
	require.ErrorContains(t, err, "Config.Roots: mandatory")
	require.ErrorContains(t, err, "Config.Certificate: pki: authenticate: ")
	require.ErrorIs(t, err, pki.ErrWrongUsage)

	past := pharmacy
	past.NotBefore, past.NotAfter = time.Now().AddDate(-4, 0, 0), time.Now().AddDate(0, 0, -1)
	_, err = transport.New(transport.Config{Service: "dmp", Roots: a.Roots(), Certificate: issue(t, a, past, pki.AuthClient)})
	require.ErrorIs(t, err, pki.ErrExpired)

	swapped := issue(t, a, pharmacy, pki.AuthClient)
	swapped.PrivateKey = issue(t, a, pharmacy, pki.Sign).PrivateKey
	_, err = transport.New(transport.Config{Service: "dmp", Roots: a.Roots(), Certificate: swapped})
	require.ErrorIs(t, err, pki.ErrKey)
}

func TestNewWarnsOfACertificateAboutToExpire(t *testing.T) {
	t.Parallel()
	a, err := pki.NewAuthority()
	require.NoError(t, err)
	soon := pharmacy
	soon.NotAfter = time.Now().AddDate(0, 0, 20)
	soon.NotBefore = time.Now().AddDate(-3, 0, 0)
	for _, tc := range []struct {
		o      pki.Organisation
		warned bool
	}{{soon, true}, {pharmacy, false}} {
		var out bytes.Buffer
		_, err := transport.New(transport.Config{Service: "dmp", Roots: a.Roots(), Certificate: issue(t, a, tc.o, pki.AuthClient),
			Watch: socle.Watch{Logger: slog.New(slog.NewTextHandler(&out, nil))}})
		require.NoError(t, err)
		require.Equal(t, tc.warned, strings.Contains(out.String(), "expires soon"), out.String())
	}
}

func TestCallWithMutualTLS(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		s := serve(t, emulator.Options{ClientAuth: tls.RequireAndVerifyClientCert, HTTP2: http2}, echo)
		c := dial(t, s, func(cfg *transport.Config) { cfg.Certificate = issue(t, s.Authority(), pharmacy, pki.AuthClient) })
		var reused []bool
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = append(reused, i.Reused) }})
		for range 2 {
			var got []byte
			require.NoError(t, c.Do(ctx, op, request(t, "POST", s.URL, strings.NewReader("hello")), into(&got)))
			require.Equal(t, "hello", string(got))
		}
		// an answer that decode leaves unread does not cost the connection
		require.NoError(t, c.Do(ctx, op, request(t, "POST", s.URL, strings.NewReader("hello")), func(*http.Response) (string, error) { return "", nil }))
		require.NoError(t, c.Do(ctx, op, request(t, "POST", s.URL, strings.NewReader("hello")), func(*http.Response) (string, error) { return "", nil }))
		require.Equal(t, []bool{false, true, true, true}, reused)
		require.Equal(t, "CN=LGO,OU=10B0152872,O=PHARMACIE,C=FR", s.Journal()[3].ClientDN)
	}
}

func TestRequestAndClientAreLeftAsGiven(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{}, echo)
	var followed bool
	given := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots()}},
		CheckRedirect: func(*http.Request, []*http.Request) error { followed = true; return nil },
	}
	t.Cleanup(given.CloseIdleConnections)
	c, err := transport.New(transport.Config{Service: "dmp", HTTPClient: given, UserAgent: "LGO Exemple/1.2",
		Watch: socle.Watch{Observe: func(context.Context, socle.Exchange) {}}})
	require.NoError(t, err)
	req := request(t, "POST", s.URL, strings.NewReader("hello"))
	body := req.Body
	var agent string
	require.NoError(t, c.Do(t.Context(), op, req, func(r *http.Response) (string, error) { agent = r.Header.Get("X-User-Agent"); return "", nil }))
	require.Equal(t, "LGO Exemple/1.2", agent)
	require.Empty(t, req.Header.Get("User-Agent"))
	require.True(t, body == req.Body)
	require.NoError(t, given.CheckRedirect(nil, nil))
	require.True(t, followed, "the client's own policy is still there")

	require.NoError(t, dial(t, s).Do(t.Context(), op, request(t, "GET", s.URL, nil), func(r *http.Response) (string, error) { agent = r.Header.Get("X-User-Agent"); return "", nil }))
	require.Equal(t, "socle", agent)
}

func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, emulator.Options{}, echo)
	for status, outcome := range map[int]socle.Outcome{
		301: socle.OutcomeUnknown, 302: socle.OutcomeUnknown, 303: socle.OutcomeUnknown, 307: socle.OutcomeRefused, 308: socle.OutcomeRefused,
	} {
		s := serve(t, emulator.Options{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?token=secret", status)
		})
		err := dial(t, s).Do(t.Context(), op, request(t, "GET", s.URL, nil), func(*http.Response) (string, error) {
			t.Error("decode was given a redirect")
			return "", nil
		})
		require.ErrorIs(t, err, transport.ErrRedirect)
		require.Equal(t, outcome, socle.OutcomeOf(err), "%d", status)
		require.False(t, socle.Retryable(err))
		require.NotContains(t, err.Error(), "secret")
	}
	require.Empty(t, elsewhere.Journal())
}
