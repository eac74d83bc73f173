package ins_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// constant is a TLS server that asks for a client certificate and gives always
// the same answer, and what a request to it looks like.
func constant(b *testing.B) (url string, cfg ins.Config, request []byte) {
	// A program that holds what programs hold collects its garbage more seldom
	// than one that is nothing but this benchmark.
	held := make([]byte, 32<<20)
	b.Cleanup(func() { runtime.KeepAlive(held) })
	authority, certificate := shared()
	srv, err := instest.NewServer(instest.Options{Authority: authority})
	require.NoError(b, err)
	defer srv.Close()
	cfg = ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots()}
	c, err := ins.New(cfg)
	require.NoError(b, err)
	defer c.Close()
	_, err = c.SearchByTraits(b.Context(), who, traits(b, "ADRUN", "ZOE", "F", "1975-12-31", ""))
	require.NoError(b, err)
	sample := srv.Journal()[0]

	server, err := authority.Server("127.0.0.1")
	require.NoError(b, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequestClientCert})
	require.NoError(b, err)
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
		_, _ = w.Write(sample.Response)
	})}
	go h.Serve(l)
	b.Cleanup(func() { h.Close() })
	cfg.Environment.URL = "https://" + l.Addr().String() + "/lps"
	return cfg.Environment.URL, cfg, sample.Request
}

// A search over a connection that is kept alive: normalised, checked, written,
// sent, read.
func BenchmarkSearchByTraits(b *testing.B) {
	_, cfg, _ := constant(b)
	c, err := ins.New(cfg)
	require.NoError(b, err)
	b.Cleanup(c.Close)
	tr := traits(b, "ADRUN", "ZOE", "F", "1975-12-31", "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.SearchByTraits(b.Context(), who, tr); err != nil {
			b.Fatal(err)
		}
	}
}

// The same bytes both ways by net/http alone.
func BenchmarkSearchByTraitsFloor(b *testing.B) {
	url, cfg, request := constant(b)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, Certificates: []tls.Certificate{cfg.Certificate}}}
	b.Cleanup(tr.CloseIdleConnections)
	c := &http.Client{Transport: tr}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := c.Post(url, "application/soap+xml; charset=utf-8", bytes.NewReader(request))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}
