package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/soclesante/socle/internal/pki"
)

// maxHeld bounds the request that a fault keeps in memory while it waits.
const maxHeld = 256 << 20

// exchange is one request being served.
type exchange struct {
	server    *Server
	operation string
	fault     Fault
	struck    bool // a fault was taken for this request
	answer    *answer
	request   *http.Request
	body      *body
	sent      capture // what was read of the request's body
	gone      bool    // the client left while a fault made it wait
}

// body is the request's body, whose source changes when it must be held.
type body struct {
	io.Reader
	io.Closer
}

type exchangeKey struct{}

// stop is the panic with which Annotate ends a handler whose fault came first.
type stop struct{}

// Annotate names the operation of r once the handler knows it, on the handler's
// own goroutine and before the work. A fault planned for the operation strikes
// there: Annotate then does not return.
func Annotate(r *http.Request, operation string) {
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return
	}
	x.operation = operation
	if !x.strike() {
		panic(stop{})
	}
}

// serve runs the handler between the faults, keeps the exchange, then answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.running.Done()
	x := &exchange{server: s, answer: &answer{header: make(http.Header)}}
	x.body = &body{io.TeeReader(r.Body, &x.sent), r.Body}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	r.Body = x.body
	x.request = r
	if s.operation != nil {
		x.operation = s.operation(r)
	}
	e := Entry{At: s.clock.Now(), Method: r.Method, Path: r.URL.Path}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		e.ClientDN = pki.DN(r.TLS.PeerCertificates[0])
	}
	start := time.Now()
	done := false
	defer func() {
		e.Operation, e.Duration, e.Request = x.operation, time.Since(start), x.sent.Bytes()
		if x.struck {
			e.Fault = x.fault.String()
		}
		cut := x.fault.ResetBefore || x.fault.ResetAfter || x.gone
		if done && !x.fault.ResetBefore && !x.gone {
			e.Response = x.answer.kept()
		}
		if done && !cut {
			e.Status = x.answer.code()
		}
		s.journal.add(e)
		switch {
		case !done: // the handler panicked: net/http reports it and cuts the connection
		case cut:
			reset(r)
		default:
			x.send(w)
		}
	}()
	x.run()
	done = true
}

// run does what comes before the answer: the fault that is known at once, or
// the handler.
func (x *exchange) run() {
	defer func() {
		if p := recover(); p != nil && p != any(stop{}) {
			panic(p)
		}
	}()
	if x.strike() {
		x.server.handler.ServeHTTP(x.answer, x.request)
	}
}

// strike takes a fault, once for a request, does what of it comes before the
// work, and reports whether the work is to be done.
func (x *exchange) strike() bool {
	if x.struck {
		return true
	}
	if x.fault, x.struck = x.server.plan.take(x.operation); !x.struck {
		return true
	}
	if x.fault.Latency > 0 && !x.wait(x.fault.Latency) {
		x.gone = true
		return false
	}
	if x.fault.ResetBefore {
		return false
	}
	if x.fault.Status != 0 {
		*x.answer = answer{header: make(http.Header)}
		http.Error(x.answer, fmt.Sprintf("%d %s (fault asked of the emulator)", x.fault.Status, http.StatusText(x.fault.Status)), x.fault.Status)
		return false
	}
	return true
}

// wait pauses for d and reports false if the client went away. The request is
// read first: net/http watches a connection only once its request is read.
func (x *exchange) wait(d time.Duration) bool {
	rest, err := io.ReadAll(io.LimitReader(x.body.Reader, maxHeld))
	if err != nil && !errors.Is(err, http.ErrBodyReadAfterClose) {
		return false
	}
	x.body.Reader = bytes.NewReader(rest)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.request.Context().Done():
		return false
	}
}

// send writes the answer, slowly if asked.
func (x *exchange) send(w http.ResponseWriter) {
	a := x.answer
	for k, v := range a.header {
		w.Header()[k] = v
	}
	body := a.body.Bytes()
	if w.Header().Get("Content-Length") == "" && a.code() >= 200 && a.code() != http.StatusNoContent && a.code() != http.StatusNotModified {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	w.WriteHeader(a.code())
	if x.fault.SlowBody <= 0 || len(body) == 0 {
		_, _ = w.Write(body)
		return
	}
	const pieces = 20
	size := (len(body) + pieces - 1) / pieces
	pause := x.fault.SlowBody / time.Duration((len(body)+size-1)/size)
	for len(body) > 0 {
		n := min(size, len(body))
		if !x.wait(pause) {
			return
		}
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		body = body[n:]
	}
}
