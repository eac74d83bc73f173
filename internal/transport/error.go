package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// Situations that a caller may branch on, with errors.Is.
var (
	// ErrTooLarge: the answer is over the operation's MaxBytes.
	ErrTooLarge = errors.New("answer too large")
	// ErrRedirect: the service answered with a redirect, that is never followed:
	// it would carry the request's token and body elsewhere.
	ErrRedirect = errors.New("redirect refused")
	// ErrClientCertificate: the service refused the client's certificate, or
	// wanted one.
	ErrClientCertificate = errors.New("client certificate refused by the service")
	// ErrServerCertificate: the service's certificate is not one that Roots vouches for.
	ErrServerCertificate = errors.New("certificate of the service refused")
)

// Error is a call that got no answer, or no usable one.
type Error struct {
	Op     string // name of the operation
	Status int    // HTTP status, 0 when there was no answer
	// Sent is whether a connection was got, so that the service may have
	// received the request.
	Sent bool
	// RetryAfter is how long the service asks to wait, 0 when it does not say.
	RetryAfter time.Duration
	Err        error
}

// Error names the operation and the cause, never the address with its query.
func (e *Error) Error() string {
	op := ""
	if e.Op != "" {
		op = e.Op + ": "
	}
	return "transport: " + op + e.Err.Error()
}

// Unwrap gives the cause: one of this package's errors, the context's, or the network's.
func (e *Error) Unwrap() error { return e.Err }

// Outcome is NotSent when no connection was got or when the service refused
// the client's certificate, Refused for a 4xx status and for a redirect that
// asks for the same request elsewhere (307, 308), else Unknown: a 5xx may come
// from a gateway after the service did the work.
func (e *Error) Outcome() socle.Outcome {
	switch {
	case e.Status >= 400 && e.Status < 500, e.Status == http.StatusTemporaryRedirect, e.Status == http.StatusPermanentRedirect:
		return socle.OutcomeRefused
	case e.Status == 0 && (!e.Sent || errors.Is(e.Err, ErrClientCertificate)):
		return socle.OutcomeNotSent
	}
	return socle.OutcomeUnknown
}

// Retryable reports whether the same request may do better later: not after a
// cancellation, a refused certificate, a redirect, an answer over its bound or
// a status that blames the request.
func (e *Error) Retryable() bool {
	for _, final := range []error{context.Canceled, ErrTooLarge, ErrRedirect, ErrClientCertificate, ErrServerCertificate, errRequest} {
		if errors.Is(e.Err, final) {
			return false
		}
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Status < 300
}

var (
	// errRequest: the request cannot be sent as it is.
	errRequest = errors.New("request cannot be sent")
	// errNotHTTP: what came is no answer of HTTP.
	errNotHTTP = errors.New("the answer is not HTTP")
	// errCertificate: the caller gives no certificate.
	errCertificate = errors.New("GetCertificate")
)

// failure makes the error of a round trip that failed. Its text leaves out the
// address that net/http puts before the cause, and words of the service's own.
func failure(ctx context.Context, op string, sent bool, err error) *Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		err = fmt.Errorf("%w: %w; check Roots, the address and the clock", ErrServerCertificate, err)
	case certificateAlert(err):
		err = fmt.Errorf("%w: %w; check that Certificate is a valid AUTH_CLI certificate of the environment", ErrClientCertificate, err)
	case strings.HasPrefix(err.Error(), "http: ") && strings.Contains(err.Error(), "ContentLength"),
		strings.HasPrefix(err.Error(), "unsupported protocol scheme"), strings.HasPrefix(err.Error(), "net/http: invalid"):
		err = fmt.Errorf("%w: %w", errRequest, err)
	case strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "malformed MIME header"):
		err = &worded{errNotHTTP.Error(), fmt.Errorf("%w: %w", errNotHTTP, err)}
	default:
		err = quiet(err)
	}
	return &Error{Op: op, Sent: sent, Err: err}
}

// Alerts with which a TLS server refuses a client or its certificate (RFC 8446
// §6.2). With TLS 1.3 they come after the client took the handshake for done.
var refusals = []tls.AlertError{
	40,  // handshake_failure
	42,  // bad_certificate
	43,  // unsupported_certificate
	44,  // certificate_revoked
	45,  // certificate_expired
	46,  // certificate_unknown
	48,  // unknown_ca
	49,  // access_denied
	116, // certificate_required
}

// certificateAlert tells an alert from the peer by its text: crypto/tls gives it
// a type of its own that only has the text in common with tls.AlertError.
func certificateAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error" && remote.Err != nil &&
		slices.ContainsFunc(refusals, func(a tls.AlertError) bool { return a.Error() == remote.Err.Error() })
}

// CheckStatus gives nil for a 2xx answer, else an *[Error] that holds its
// status: what a decode function returns for an answer in which it finds no
// error of the service's own.
func CheckStatus(op string, resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	e := &Error{Op: op, Status: resp.StatusCode, Sent: true}
	e.Err = fmt.Errorf("the service answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && s <= 86400 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
