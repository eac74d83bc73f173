package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
)

// worded is a cause whose own words are not shown: net/http quotes what it
// cannot read, and the error of a file names it.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

const unworded = "the request could not be written, or the answer not be read (the cause is wrapped: it may quote either)"

// quiet gives err, or, unless its words are known to be ours or those of the
// network, an error that wraps it under other words.
func quiet(err error) error {
	text := words(err)
	if text == err.Error() {
		return err
	}
	return &worded{text, err}
}

func words(err error) string {
	for _, own := range []error{ErrTooLarge, errCertificate, errNotHTTP} {
		if errors.Is(err, own) {
			return err.Error()
		}
	}
	var network *net.OpError // names addresses only
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &network):
		return network.Error()
	case errors.As(err, &record):
		return record.Error()
	}
	for _, cause := range []error{io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	for _, start := range phrases {
		if strings.HasPrefix(err.Error(), start) {
			return start
		}
	}
	return unworded
}

// phrases are the beginnings of errors of net/http whose rest may hold more.
var phrases = []string{
	"http: server gave HTTP response to HTTPS client", "http: server closed idle connection",
	"net/http: TLS handshake timeout", "net/http: timeout awaiting response headers", "net/http: server replied with more than declared Content-Length",
	"http2: server sent GOAWAY and closed the connection", "http2: client connection lost", "http2: timeout awaiting response headers",
	"stream error",
}

// Code gives a code of the service as logs and errors may show it: "…" in place
// of what has not the form of one, or holds a number as long as those that
// identify people.
func Code(s string) string {
	run := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			run++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.ContainsRune("._:-/#", c):
			run = 0
		default:
			return "…"
		}
		if run > 10 {
			return "…"
		}
	}
	if len(s) > 100 {
		return "…"
	}
	return s
}
