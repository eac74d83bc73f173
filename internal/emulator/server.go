// Package emulator is what the emulators of the six services share: a TLS server
// on a loopback port with a throw-away authority shaped like the IGC-Santé, a
// plan of faults, a journal of exchanges and a clock.
//
// An answer is held until its exchange is in the journal, so that a client that
// has its answer finds the exchange there.
package emulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/soclesante/socle/internal/pki"
)

// Options of a [Server]. Every field has a useful zero value.
type Options struct {
	// Authority issues the server's certificate and verifies the clients'; nil
	// makes a new one with the Clock.
	Authority *pki.Authority
	Clock     *Clock // nil runs with the system's time
	// ClientAuth is what is asked of a client: nothing (zero),
	// VerifyClientCertIfGiven or RequireAndVerifyClientCert.
	ClientAuth tls.ClientAuthType
	// Operation names the operation of a request from its line and headers; it
	// must not read the body. Where only the body tells, the handler calls
	// [Annotate].
	Operation func(*http.Request) string
	Addr      string // address to listen on; "" is a free port of 127.0.0.1
	HTTP2     bool   // offers HTTP/2 too: there a reset cuts every exchange of the connection
	// Logger receives what the server cannot answer, such as refused handshakes.
	Logger *slog.Logger
}

// Server is a running emulator of HTTP services.
type Server struct {
	URL string // https://127.0.0.1:port, without a slash at the end

	authority *pki.Authority
	clock     *Clock
	operation func(*http.Request) string
	handler   http.Handler
	plan      plan
	journal   journal
	http      *http.Server
	served    chan struct{}
	running   sync.WaitGroup // connections and handlers
	closing   sync.Mutex     // guards closed and the growth of running
	closed    bool
}

// New starts a server that serves h. Close must be called.
func New(o Options, h http.Handler) (*Server, error) {
	s := &Server{authority: o.Authority, clock: o.Clock, operation: o.Operation, handler: h, served: make(chan struct{})}
	if h == nil {
		return nil, errors.New("emulator: a handler is needed")
	}
	if s.clock == nil {
		s.clock = NewClock(time.Time{})
	}
	if s.authority == nil {
		var err error
		if s.authority, err = pki.NewAuthority(pki.WithClock(s.clock.Now)); err != nil {
			return nil, fmt.Errorf("emulator: %w", err)
		}
	}
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	config, err := s.tls(o.ClientAuth, listener.Addr())
	if err != nil {
		listener.Close()
		return nil, err
	}
	errorLog := log.New(io.Discard, "", 0)
	if o.Logger != nil {
		errorLog = slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.HTTP2)
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), TLSConfig: config, Protocols: protocols, ErrorLog: errorLog,
		ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ConnState:   s.connState,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	s.URL = "https://" + listener.Addr().String()
	go func() {
		defer close(s.served)
		_ = s.http.ServeTLS(listener, "", "")
	}()
	return s, nil
}

// Close stops the server, cuts its connections, and waits until nothing of it
// runs. It may be called more than once.
func (s *Server) Close() {
	s.closing.Lock()
	s.closed = true
	s.closing.Unlock()
	s.http.Close()
	<-s.served
	s.running.Wait()
}

// Authority gives the authority that issued the server's certificate.
func (s *Server) Authority() *pki.Authority { return s.authority }

// Clock gives the server's clock.
func (s *Server) Clock() *Clock { return s.clock }

// Roots gives the pool that a client of the server trusts.
func (s *Server) Roots() *x509.CertPool { return s.authority.Roots() }

// Fail plans a fault, after those already planned.
func (s *Server) Fail(f Fault) { s.plan.add(f) }

// Recover forgets the faults that are still planned.
func (s *Server) Recover() { s.plan.clear() }

// Journal gives the last exchanges that ended, oldest first.
func (s *Server) Journal() []Entry { return s.journal.list() }

func (s *Server) tls(auth tls.ClientAuthType, addr net.Addr) (*tls.Config, error) {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(addr.String()); err == nil && host != hosts[1] && host != hosts[2] {
		hosts = append(hosts, host)
	}
	cert, err := s.authority.Server(hosts...)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	clients := x509.NewCertPool()
	for _, ca := range s.authority.Chain() { // issuing ones too: some clients send their leaf alone
		clients.AddCert(ca)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert},
		ClientAuth: auth, ClientCAs: clients, Time: s.clock.Now,
	}, nil
}

type connKey struct{}

// enter counts something that runs, and reports false once the server is closed.
func (s *Server) enter() bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// connState counts connections. New ones come from the accept loop, that ends
// before Close waits.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.closing.Lock()
		s.running.Add(1)
		closed := s.closed
		s.closing.Unlock()
		if closed {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.running.Done()
	}
}

// reset cuts the connection of r so that its peer sees a TCP reset.
func reset(r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	if c != nil {
		c.Close()
	}
	panic(http.ErrAbortHandler)
}
