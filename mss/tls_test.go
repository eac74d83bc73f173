package mss_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// handshakes is a server that begins with TLS and says nothing more.
func handshakes(t *testing.T, change func(*tls.Config)) string {
	a, err := authority()
	require.NoError(t, err)
	c, err := a.Server("127.0.0.1")
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{c}}
	change(config)
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	var served sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); served.Wait() })
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

// What is weaker than ECO.1.1.1 and ECO.1.1.3 want is refused, and no token sent.
func TestWeakTLSIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"CBC": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := handshakes(t, change)
			asked := 0
			c, a := opening(t, mss.Environment{IMAP: at, Submission: at, ImplicitTLS: true}, socle.TokenFunc(func(context.Context) (string, error) { asked++; return "jeton", nil }))
			_, err := c.Open(context.Background(), a)
			require.ErrorIs(t, err, mss.ErrInsecure)
			require.False(t, socle.Retryable(err))
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			require.Equal(t, 1, asked)
		})
	}
	// The weakest that is accepted.
	at := handshakes(t, func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	})
	c, a := opening(t, mss.Environment{IMAP: at, Submission: at, ImplicitTLS: true}, socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }))
	_, err := c.Open(context.Background(), a)
	require.Error(t, err)
	require.NotErrorIs(t, err, mss.ErrInsecure)
	require.NotErrorIs(t, err, mss.ErrUntrusted)
	require.True(t, socle.Retryable(err), "it hung up")
}

// A certificate for another host, of the right authority, is refused.
func TestOperatorOfAnotherName(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	_, port, err := net.SplitHostPort(b.server.Environment().IMAP)
	require.NoError(t, err)
	e := mss.Environment{IMAP: "autre.mssante.fr:" + port, Submission: "autre.mssante.fr:" + port}
	a, err := authority()
	require.NoError(t, err)
	c, err := mss.New(mss.Config{Environment: e, Roots: a.Roots(), Software: software(), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}})
	require.NoError(t, err)
	_, err = c.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrUntrusted)
	require.ErrorContains(t, err, "host name")
	require.Empty(t, b.server.Journal())
}
