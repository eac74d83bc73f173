package mss

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/revocation"
)

// tlsConfig gives TLS 1.2 at least (ECO.1.1.1), forward secrecy with AES-GCM
// (ECO.1.1.3) and the caller's roots alone (ECO.1.1.10). The
// certificate is shown to whoever asks for one, nil shows none.
func (c *Client) tlsConfig(ctx context.Context, address string, certificate *tls.Certificate) *tls.Config {
	host, _, _ := net.SplitHostPort(address)
	config := &tls.Config{
		ServerName: host,
		RootCAs:    c.cfg.Roots,
		MinVersion: tls.VersionTLS12,
		// Those of MSS/CONF.02 that Go has and that are sound; TLS 1.3 has its own.
		CipherSuites:     []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		Time:             c.cfg.Now,
		VerifyConnection: c.notRevoked(ctx),
	}
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	return config
}

// whileOpen runs f and closes conn as soon as ctx ends, which makes f return:
// the mail libraries know no context. An error of f is then that of ctx too.
func whileOpen(ctx context.Context, conn net.Conn, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	raw := conn
	if s, ok := raw.(*secured); ok {
		raw = s.Conn
	}
	if t, ok := raw.(*tls.Conn); ok {
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
	var ours *Error
	if ctx.Err() == nil && errors.As(err, &ours) {
		ours.Op = op
		return ours
	}
	e := &Error{Op: op, Err: err, outcome: socle.OutcomeNotSent, retryable: true}
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		status    *revocation.Error
		clear     tls.RecordHeaderError
		remote    *net.OpError
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
	case errors.As(err, &clear):
		e.kind, e.retryable = ErrInsecure, false
		e.Text, e.Err = "something else than TLS came where TLS begins", nil
	case errors.As(err, &remote) && remote.Op == "remote error" && strings.Contains(remote.Err.Error(), "certificate"):
		e.kind, e.retryable = ErrAuthRefused, false
		e.Text = "in the TLS handshake: Access.Auth must hold the certificate that the operator knows"
	case errors.As(err, &remote) && remote.Op == "remote error" && (strings.Contains(remote.Err.Error(), "protocol version") || strings.Contains(remote.Err.Error(), "handshake failure")),
		strings.Contains(err.Error(), "tls: server selected unsupported protocol version"):
		e.kind, e.retryable = ErrInsecure, false
		e.Text = "no version of TLS, or no cipher suite, in common: TLS 1.3, or TLS 1.2 with ECDHE-RSA and AES-GCM, expected (ECO.1.1.1, ECO.1.1.3)"
	default:
		e.Text = "connection to the operator lost or refused"
	}
	return e
}
