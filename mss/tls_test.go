package mss_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

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
	certificate, roots := rsaServer(t)
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"CBC": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{certificate}
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256}
		},
		"no forward secrecy": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{certificate}
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		},
		"another suite": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{certificate}
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
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
		c.Certificates, c.MaxVersion, c.CipherSuites = []tls.Certificate{certificate}, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	})
	c, err := mss.New(mss.Config{Environment: mss.Environment{IMAP: at, Submission: at, ImplicitTLS: true}, Roots: roots, Software: software()})
	require.NoError(t, err)
	_, a := opening(t, mss.Environment{IMAP: at, Submission: at}, socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }))
	_, err = c.Open(context.Background(), a)
	require.Error(t, err)
	require.NotErrorIs(t, err, mss.ErrInsecure)
	require.NotErrorIs(t, err, mss.ErrUntrusted)
	require.True(t, socle.Retryable(err), "it hung up")
}

// rsaServer makes a certificate of an RSA key, as those of operators are.
func rsaServer(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
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
