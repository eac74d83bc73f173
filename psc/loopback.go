package psc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/soclesante/socle"
)

// LoopbackRequest says how a person logs in with the browser of their desktop.
type LoopbackRequest struct {
	// AuthRequest is what is asked; its RedirectURI is made by LoopbackLogin.
	AuthRequest
	// Open shows an address in the browser; [OpenBrowser] if nil.
	Open func(address string) error
	// Port is that of the address declared to the ANS; any free one if zero,
	// where http://127.0.0.1 is declared for every port (RFC 8252 §7.3).
	Port int
	// Path is that of the address declared, "/callback" if empty.
	Path string
	// Page is the HTML shown in the browser at the end, in place of a sentence.
	Page string
}

// LoopbackLogin logs a person in by the code flow from a desktop program, in
// the browser of their system (RFC 8252; PSC.01, in the external browser): it
// listens on the loopback address for the time of the login, opens the browser,
// and waits for it to come back, for ten minutes at most. Requests that do not
// answer this login are refused and do not end it. Errors: those of Callback,
// and that the port is taken.
func (c *Client) LoopbackLogin(ctx context.Context, r LoopbackRequest) (*Session, error) {
	if r.Path == "" {
		r.Path = "/callback"
	}
	if local(r.Path) == "" || r.Port < 0 || r.Port > 65535 {
		return nil, notSent(opAuthorize, errors.New("LoopbackRequest: a path such as /callback and a port expected"))
	}
	if r.Open == nil {
		r.Open = OpenBrowser
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port)))
	if err != nil {
		return nil, notSent(opAuthorize, fmt.Errorf("the loopback port cannot be had: %w", err))
	}
	r.RedirectURI = "http://" + l.Addr().String() + r.Path
	a, err := c.Authorize(r.AuthRequest)
	if err != nil {
		l.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptLife)
	defer cancel()
	wait := newLoopback(c, a, l.Addr().String(), r)
	wait.ctx = ctx
	srv := &http.Server{
		Handler: wait, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: discardLog,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l)
	}()
	defer func() {
		// The page must reach the browser, but nothing holds the login back long.
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if ctx.Err() != nil || srv.Shutdown(end) != nil {
			srv.Close()
		}
		<-served
	}()
	if err := r.Open(a.URL()); err != nil {
		return nil, notSent(opAuthorize, fmt.Errorf("the browser cannot be opened: %w", err))
	}
	select {
	case <-wait.done:
		return wait.session, wait.err
	case <-ctx.Done():
		if !wait.take() { // it came back at the last moment
			<-wait.done
			return wait.session, wait.err
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, &Error{Op: opCallback, Err: ctx.Err(), kind: ErrExpired, outcome: socle.OutcomeNotSent, Fix: "begin a new login"}
		}
		return nil, &Error{Op: opCallback, Err: ctx.Err(), outcome: socle.OutcomeNotSent}
	}
}

// OpenBrowser shows an address in the browser of the system.
func OpenBrowser(address string) error {
	if err := checkRedirect(address); err != nil {
		return err
	}
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	case "darwin":
		cmd = exec.Command("open", address)
	default:
		cmd = exec.Command("xdg-open", address)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // some stay until the browser closes
	return nil
}
