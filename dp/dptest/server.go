// Package dptest is an emulator of the Dossier pharmaceutique, speaking the FHIR
// binding that package dp assumes.
//
// It holds dossiers in every state of the law, shows a history within its
// windows and without masked lines, and takes transactions as a whole or not at
// all, each line once. It verifies the client's certificate, the token, the
// roles and the content, and each refusal names the rule, what was expected and
// what came.
package dptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
)

// Options of a [Server]. Every field has a useful zero value.
type Options struct {
	Authority *pki.Authority  // issues the certificates; nil makes a new one
	Clock     *emulator.Clock // nil runs with the system's time
	// Introspect gives the professional that a token was given to, or why it is
	// refused. ID is mandatory; rights are checked when Profession is known. When
	// nil, the server knows the tokens that its own Token gave.
	Introspect func(ctx context.Context, token string) (socle.Professional, error)
	Windows    dp.WindowPolicy // shown; DefaultWindows when nil
	Access     dp.AccessPolicy // DefaultAccess when nil
	Dialect    dp.Dialect      // the zero value for dp.DefaultDialect
	Addr       string          // address to listen on; "" is a free port of 127.0.0.1
}

// Server is a running emulator.
type Server struct {
	http       *emulator.Server
	o          Options
	dialect    dp.Dialect
	introspect func(context.Context, string) (socle.Professional, error)
	tokens     *emulator.Tokens

	mu       sync.Mutex
	dossiers map[string]*dossier // by "system|value" of the INS
	lines    map[string]*line    // by UUID, in lower case
	unknown  map[string]bool     // CIP13
	pages    map[string]page
	serial   int
}

// TokenLife is how long a token of [Server.Token] lives, as those of Pro Santé Connect.
const TokenLife = emulator.TokenLife

// base is the path below which the binding lives.
const base = "/dp/fhir"

// NewServer starts an emulator. Close must be called.
func NewServer(o Options) (*Server, error) {
	if o.Windows == nil {
		o.Windows = dp.DefaultWindows()
	}
	if o.Access == nil {
		o.Access = dp.DefaultAccess()
	}
	s := &Server{o: o, dialect: o.Dialect, introspect: o.Introspect, dossiers: make(map[string]*dossier), lines: make(map[string]*line),
		unknown: make(map[string]bool), pages: make(map[string]page)}
	if s.dialect.ConsultPath == "" {
		s.dialect = dp.DefaultDialect()
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
		return nil, fmt.Errorf("dptest: %w", err)
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
func (s *Server) Environment() dp.Environment {
	return dp.Environment{Name: "emulator", URL: s.http.URL + base}
}

// Fail plans a fault; its operation is Consult or Feed.
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

// route gives the operation of a request, and the token of a page.
func (s *Server) route(r *http.Request) (op, page string) {
	path, under := strings.CutPrefix(r.URL.Path, base)
	switch {
	case !under:
	case r.Method == http.MethodPost && path == s.dialect.ConsultPath:
		return "Consult", ""
	case r.Method == http.MethodPost && path == s.dialect.FeedPath:
		return "Feed", ""
	case r.Method == http.MethodGet && strings.HasPrefix(path, pagePath):
		return "Consult", path[len(pagePath):]
	}
	return "", ""
}

func (s *Server) operation(r *http.Request) string {
	op, _ := s.route(r)
	return op
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	op, page := s.route(r)
	if op == "" {
		s.refuse(w, &refusal{status: http.StatusNotFound, code: "dp-validation", text: "no such operation: expected the paths of the Dialect, below " + base})
		return
	}
	caller, refused := s.caller(r, map[string]dp.Right{"Consult": dp.RightConsult, "Feed": dp.RightFeed}[op])
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	switch {
	case op == "Feed":
		s.feed(w, r, caller)
	case page != "":
		s.next(w, caller, page)
	default:
		s.consult(w, r, caller)
	}
}
