package proxy_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/proxy"

	"crypto/tls"
)

// streaming is an API that gives any token, for what the emulator does not do.
type streaming struct{ srv *httptest.Server }

func newStreaming(t *testing.T, handler http.HandlerFunc) *streaming {
	t.Helper()
	cert, err := authority().Server("127.0.0.1")
	require.NoError(t, err)
	m := http.NewServeMux()
	m.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":14400}`))
	})
	m.Handle("/api/", handler)
	s := &streaming{httptest.NewUnstartedServer(m)}
	s.srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.srv.StartTLS()
	t.Cleanup(s.srv.Close)
	return s
}

func (s *streaming) exchanger(t *testing.T, c *proxy.Config) *psc.Exchanger {
	t.Helper()
	cert, err := certificate()
	require.NoError(t, err)
	x, err := psc.NewExchanger(psc.ExchangerConfig{
		ClientID: "c", Certificate: cert, Roots: authority().Roots(), Watch: c.Watch,
		APIs: []psc.API{{Name: "streaming", TokenURL: s.srv.URL + "/token", BaseURL: s.srv.URL + "/api"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = x.Close(context.Background()) })
	return x
}
