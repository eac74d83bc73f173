package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A server of TLS 1.3 refuses a client's certificate after the client took the
// handshake for done: with an alert, and then by closing a connection on which
// the request is already being written. net/http gives the error of the write if
// it sees that one first, and the cause is lost. Two things keep it: a connection
// on which nothing was answered yet leaves its broken writes to the reader
// (unproven), and what ended a connection is asked of the connection itself
// (connection.end).

// unproven is a connection whose broken writes count as done until the service
// has answered once: the alert that was received before tells more, and if there
// is none the reader meets the same breakage.
type unproven struct {
	net.Conn
	proven, broken atomic.Bool
}

func (u *unproven) Write(b []byte) (int, error) {
	if u.broken.Load() {
		return len(b), nil
	}
	n, err := u.Conn.Write(b)
	if err == nil || u.proven.Load() || errors.Is(err, net.ErrClosed) || timedOut(err) {
		return n, err
	}
	u.broken.Store(true)
	return len(b), nil
}

func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func dialUnproven(d *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &unproven{Conn: c}, nil
	}
}

// connection is the connection that a request got.
type connection struct {
	mu  sync.Mutex
	got net.Conn // the last, when net/http tried several
}

func (c *connection) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = i.Conn
	}})
}

func (c *connection) conn() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

// answered tells the connection that the service took it.
func (c *connection) answered() {
	if t, ok := c.conn().(*tls.Conn); ok {
		if u, ok := t.NetConn().(*unproven); ok {
			u.proven.Store(true)
		}
	}
}

// deadHTTP2 begins the errors of a connection that is over: not established, closed …
const deadHTTP2 = "http2: client conn"

// end gives the alert that ended the connection, which a tls.Conn gives again at
// each Read, or else err, the failure that net/http told. A failed HTTP/1
// connection is closed, so that Read does not wait; one of HTTP/2 may still serve
// other requests, unless net/http says that it is over.
func (c *connection) end(err error) error {
	t, ok := c.conn().(*tls.Conn)
	if !ok || t.ConnectionState().NegotiatedProtocol == "h2" && !strings.Contains(err.Error(), deadHTTP2) {
		return err
	}
	_ = t.SetReadDeadline(time.Unix(1, 0))
	if _, alert := t.Read(make([]byte, 1)); certificateAlert(alert) {
		return alert
	}
	return err
}
