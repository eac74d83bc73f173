// Package ordonnancetest is an emulator of the ordonnance numérique, speaking
// the FHIR binding that package ordonnance assumes.
//
// It holds prescriptions loaded from eP-MED-DM documents and enforces what the
// service is known to enforce: a prescription is read once, by one pharmacy,
// which alone dispenses it, with an outcome for every line. It verifies the
// client's certificate, the token, the roles and the content, and each refusal
// names the rule, what was expected and what came.
package ordonnancetest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/ordonnance"
)

// Options of a [Server]. Every field has a useful zero value.
type Options struct {
	Authority *pki.Authority  // issues the certificates; nil makes a new one
	Clock     *emulator.Clock // nil runs with the system's time
	// Introspect gives the professional that a token was given to, or why it is
	// refused. ID is mandatory; the role is checked when Profession is known. When
	// nil, the server knows the tokens that its own Token gave.
	Introspect func(ctx context.Context, token string) (socle.Professional, error)
	// Dialect is the zero value for ordonnance.DefaultDialect.
	Dialect ordonnance.Dialect
	Addr    string // address to listen on; "" is a free port of 127.0.0.1
}

// Server is a running emulator.
type Server struct {
	http       *emulator.Server
	dialect    ordonnance.Dialect
	introspect func(context.Context, string) (socle.Professional, error)
	tokens     *emulator.Tokens

	mu      sync.Mutex
	records map[ordonnance.Number]*record
	byCode  map[string]ordonnance.Number // payloads of 2D codes that give no number
}

// TokenLife is how long a token of [Server.Token] lives, as those of Pro Santé Connect.
const TokenLife = emulator.TokenLife

// NewServer starts an emulator. Close must be called.
func NewServer(o Options) (*Server, error) {
	s := &Server{dialect: o.Dialect, introspect: o.Introspect, records: make(map[ordonnance.Number]*record),
		byCode: make(map[string]ordonnance.Number)}
	if s.dialect.ReadPath == "" {
		s.dialect = ordonnance.DefaultDialect()
	}
	if o.Clock == nil {
		o.Clock = emulator.NewClock(time.Time{})
	}
	if s.tokens = emulator.NewTokens(o.Clock); s.introspect == nil {
		s.introspect = s.tokens.Holder
	}
	var err error
	s.http, err = emulator.New(emulator.Options{Authority: o.Authority, Clock: o.Clock, Addr: o.Addr,
		ClientAuth: tls.RequireAndVerifyClientCert, Operation: s.operation}, http.HandlerFunc(s.serve))
	if err != nil {
		return nil, fmt.Errorf("ordonnancetest: %w", err)
	}
	return s, nil
}

// Close stops the server and waits until nothing of it runs.
func (s *Server) Close() { s.http.Close() }

// Authority gives the authority of the server's and its clients' certificates.
func (s *Server) Authority() *pki.Authority { return s.http.Authority() }

// Clock gives the server's clock.
func (s *Server) Clock() *emulator.Clock { return s.http.Clock() }

// Environment gives the client's Environment pointing at the server.
func (s *Server) Environment() ordonnance.Environment {
	return ordonnance.Environment{Name: "emulator", URL: s.http.URL + base}
}

// Fail plans a fault; its operation is Read, Recover or Dispense.
func (s *Server) Fail(f emulator.Fault) { s.http.Fail(f) }

// Journal gives the exchanges so far, oldest first.
func (s *Server) Journal() []emulator.Entry { return s.http.Journal() }

// ClientCertificate issues the AUTH_CLI certificate of a structure.
func (s *Server) ClientCertificate(id socle.StructureID) (tls.Certificate, error) {
	return s.Authority().Organisation(pki.Organisation{Structure: id.String(), Name: "PHARMACIE DE TEST", State: "Paris (75)", CommonName: "LGO"}, pki.AuthClient)
}

// Token gives a token of p that lives for TokenLife. It is for servers without
// Options.Introspect.
func (s *Server) Token(p socle.Professional) string { return s.tokens.Token(p) }

// Actor gives p with a session whose tokens are new at each call.
func (s *Server) Actor(p socle.Professional) socle.Actor { return s.tokens.Actor(p) }

// base is the path below which the binding lives.
const base = "/epu/fhir"

func (s *Server) operation(r *http.Request) string {
	op, _, _ := s.route(r)
	return op
}

// route gives the operation of a request and the prescription that its path names.
func (s *Server) route(r *http.Request) (op string, n ordonnance.Number, ok bool) {
	path, under := strings.CutPrefix(r.URL.Path, base)
	if !under {
		return "", "", false
	}
	d := s.dialect
	for _, c := range []struct{ op, method, template string }{
		{"Read", http.MethodPost, d.ReadByCode}, {"Recover", http.MethodPost, d.RecoverByCode}, {"Read", http.MethodPost, d.ReadPath},
		{"Dispense", http.MethodPost, d.DispensePath}, {"Recover", http.MethodGet, d.RecoverPath},
	} {
		before, after, hasID := strings.Cut(c.template, "{id}")
		switch {
		case r.Method != c.method:
		case !hasID && path == c.template:
			return c.op, "", true
		case hasID && len(path) > len(before)+len(after) && strings.HasPrefix(path, before) && strings.HasSuffix(path, after):
			if id := path[len(before) : len(path)-len(after)]; !strings.Contains(id, "/") {
				return c.op, ordonnance.Number(id), true
			}
		}
	}
	return "", "", false
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	op, number, ok := s.route(r)
	if !ok {
		s.refuse(w, &refusal{status: http.StatusNotFound, code: "not-found", text: "no such operation: expected the paths of the Dialect, below " + base})
		return
	}
	caller, refused := s.caller(r)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	switch op {
	case "Read":
		s.read(w, r, caller, number)
	case "Recover":
		s.recover(w, r, caller, number)
	case "Dispense":
		s.dispense(w, r, caller, number)
	}
}
