package mss

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/revocation"
)

// connect opens a connection, up to TLS when TLS comes first.
func (c *Client) connect(ctx context.Context, address string) (net.Conn, error) {
	conn, err := c.cfg.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if !c.cfg.Environment.ImplicitTLS {
		return conn, nil
	}
	secured := tls.Client(conn, c.tlsConfig(ctx, address))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

// tlsConfig gives TLS 1.2 at least (ECO.1.1.1), forward secrecy with AES-GCM or
// ChaCha20 (ECO.1.1.3) and the caller's roots alone (ECO.1.1.10).
func (c *Client) tlsConfig(ctx context.Context, address string) *tls.Config {
	host, _, _ := net.SplitHostPort(address)
	return &tls.Config{
		ServerName: host,
		RootCAs:    c.cfg.Roots,
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		Time:             c.cfg.Now,
		VerifyConnection: c.notRevoked(ctx),
	}
}

// whileOpen runs f and closes conn as soon as ctx ends, which makes f return:
// the mail libraries know no context. An error of f is then that of ctx too.
func whileOpen(ctx context.Context, conn net.Conn, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn() // closing it waits for no lock and no alert
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err := f()
	if !stop() && err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// lost makes the error of a connection that could not be made or has broken,
// when the operator has done nothing of what was asked.
func lost(ctx context.Context, op string, err error) *Error {
	e := &Error{Op: op, Err: err, outcome: socle.OutcomeNotSent, retryable: true}
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		status    *revocation.Error
	)
	switch {
	case ctx.Err() != nil:
		e.Err, e.retryable = ctx.Err(), errors.Is(ctx.Err(), context.DeadlineExceeded)
	case errors.As(err, &status):
		e.kind, e.Err, e.retryable = statusUnknown(status)
	case errors.As(err, &authority):
		e.kind, e.retryable = ErrUntrusted, false
		e.Text, e.Err = "it does not chain to Config.Roots: they must hold the roots of the IGC-Santé of this environment", nil
	case errors.As(err, &name):
		e.kind, e.retryable = ErrUntrusted, false
		e.Text, e.Err = "it does not bear the host name of Config.Environment", nil
	case errors.As(err, &verify), errors.As(err, &invalid):
		e.kind, e.retryable = ErrUntrusted, false
	default:
		e.Text = "connection to the operator lost or refused"
	}
	return e
}
