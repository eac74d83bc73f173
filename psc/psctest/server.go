package psctest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/jose"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
)

const (
	realm  = "/auth/realms/esante-wallet"
	oidc   = realm + "/protocol/openid-connect"
	wallet = "/auth" // on another host name than the realm
)

// ClientID is the client id that [Server.ClientCertificate] registers for.
const ClientID = "ans-lgo-socle-bas"

// Options of a [Server]. Every field has a useful zero value.
type Options struct {
	Authority *pki.Authority  // nil makes a new one
	Clock     *emulator.Clock // nil runs with the system's time
	People    []Person        // nil is [People]
	// Interval is the time between polls that is asked for and enforced, in
	// whole seconds; 0 is 5 seconds, and a negative one asks and enforces none.
	Interval time.Duration
	// RequirePKCE refuses a code flow without a code challenge: the service was
	// not seen to.
	RequirePKCE bool
	// Backchannel posts the logout tokens; nil makes one that trusts Authority.
	Backchannel *http.Client
}

// Server is a running emulator. It is safe for concurrent use.
type Server struct {
	*emulator.Server
	interval time.Duration
	secret   []byte // signs refresh tokens

	mu       sync.Mutex
	people   map[string]Person
	scripts  map[string]Answer
	clients  map[string]*registration
	signers  []*jose.Signer // the first signs
	requests map[string]*request
	sessions map[string]*session
	revoked  map[string]bool // jti of access tokens
	refusals []Refusal
	visits   map[string]*visit  // login pages
	codes    map[string]*visit  // authorization codes
	signOns  map[string]*signOn // browsers, by their cookie

	requirePKCE bool
	backchannel *http.Client
	delivered   []Notice
}

// Refusal is one request that was refused, and why.
type Refusal struct {
	Operation string
	Rule      string
	Expected  string
	Got       string // never a token
}

// NewServer starts an emulator. Close must be called.
func NewServer(o Options) (*Server, error) {
	if o.People == nil {
		o.People = People()
	}
	switch {
	case o.Interval == 0:
		o.Interval = 5 * time.Second
	case o.Interval < 0:
		o.Interval = 0
	case o.Interval%time.Second != 0:
		return nil, errors.New("psctest: Options.Interval: whole seconds expected")
	}
	s := &Server{
		interval: o.Interval,
		secret:   make([]byte, 32),
		people:   map[string]Person{},
		scripts:  map[string]Answer{},
		clients:  map[string]*registration{},
		requests: map[string]*request{},
		sessions: map[string]*session{},
		revoked:  map[string]bool{},
		visits:   map[string]*visit{},
		codes:    map[string]*visit{},
		signOns:  map[string]*signOn{},

		requirePKCE: o.RequirePKCE,
		backchannel: o.Backchannel,
	}
	if _, err := rand.Read(s.secret); err != nil {
		return nil, fmt.Errorf("psctest: %w", err)
	}
	for _, p := range o.People {
		s.people[p.ID] = p
	}
	if err := s.RotateKey(); err != nil {
		return nil, err
	}
	var err error
	// The service asks for a certificate on the host that also serves browsers.
	s.Server, err = emulator.New(emulator.Options{
		Authority:  o.Authority,
		Clock:      o.Clock,
		ClientAuth: tls.VerifyClientCertIfGiven,
		Operation:  operationOf,
	}, s.routes())
	if err != nil {
		return nil, fmt.Errorf("psctest: %w", err)
	}
	return s, nil
}

// operationOf names the requests whose address tells; the token endpoint's
// names are found in the body.
func operationOf(r *http.Request) string {
	switch strings.TrimPrefix(r.URL.Path, oidc) {
	case wallet:
		return "authorize"
	case wallet + "/login":
		return "login"
	case realm + "/.well-known/wallet-openid-configuration":
		return "discovery"
	case "/certs":
		return "jwks"
	case "/ext/ciba/auth":
		return "ciba.start"
	case "/userinfo":
		return "userinfo"
	case "/token/introspect":
		return "introspect"
	case "/revoke":
		return "revoke"
	case "/logout":
		return "logout"
	}
	return ""
}

func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+realm+"/.well-known/wallet-openid-configuration", s.discovery)
	m.HandleFunc("GET "+realm+"/.well-known/openid-configuration", s.nativeDiscovery)
	m.HandleFunc("GET "+oidc+"/certs", s.certs)
	m.HandleFunc("GET "+wallet, s.authorize)
	m.HandleFunc("POST "+wallet+"/login", s.decide)
	m.HandleFunc("POST "+oidc+"/ext/ciba/auth", s.startCIBA)
	m.HandleFunc("POST "+oidc+"/token", s.token)
	m.HandleFunc("GET "+oidc+"/userinfo", s.userInfo)
	m.HandleFunc("POST "+oidc+"/userinfo", s.userInfo)
	m.HandleFunc("POST "+oidc+"/token/introspect", s.introspect)
	m.HandleFunc("POST "+oidc+"/revoke", s.revoke)
	m.HandleFunc("POST "+oidc+"/logout", s.logout)
	m.HandleFunc("GET "+oidc+"/logout", s.logout)
	return m
}

// Environment gives the addresses of the emulator.
func (s *Server) Environment() psc.Environment {
	at := s.URL + oidc
	return psc.Environment{
		Name:          "emulator",
		Issuer:        s.URL + realm,
		Authorization: s.walletURL(),
		Token:         at + "/token",
		UserInfo:      at + "/userinfo",
		Introspection: at + "/token/introspect",
		Revocation:    at + "/revoke",
		EndSession:    at + "/logout",
		JWKS:          at + "/certs",
		CIBA:          at + "/ext/ciba/auth",

		ResponseIssuer: true,
	}
}

// walletURL is the login page's address: the same port under another host name.
func (s *Server) walletURL() string {
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + wallet
}

// Wait is a psc.Config.Wait that waits for nothing: it advances the clock of
// the emulator, which the client must share.
func (s *Server) Wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.Clock().Advance(d)
	return nil
}

// RotateKey makes a new key to sign with; the one before stays published.
func (s *Server) RotateKey() error {
	k, err := jose.NewSigner("RS256")
	if err != nil {
		return fmt.Errorf("psctest: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signers = append([]*jose.Signer{k}, s.signers...)
	s.signers = s.signers[:min(2, len(s.signers))]
	return nil
}

// Refusals gives what was refused, oldest first.
func (s *Server) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Refusal(nil), s.refusals...)
}

// maxRefusals bounds what is kept of them.
const maxRefusals = 1000

// problem is an answer of the engine that refuses, and the rule behind it.
type problem struct {
	status     int
	code, text string
	rule       string
	expected   string
	got        string
}

func (p *problem) explain() string {
	return fmt.Sprintf("%s: expected %s, got %q", p.rule, p.expected, p.got)
}

func (s *Server) note(operation string, p *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(operation, p)
}

// keep is note for who holds s.mu.
func (s *Server) keep(operation string, p *problem) {
	if len(s.refusals) < maxRefusals {
		s.refusals = append(s.refusals, Refusal{Operation: operation, Rule: p.rule, Expected: p.expected, Got: p.got})
	}
}

func (s *Server) refuse(w http.ResponseWriter, operation string, p *problem) {
	s.note(operation, p)
	w.Header().Set("X-Emulator-Rule", p.explain())
	answer(w, p.status, map[string]any{"error": p.code, "error_description": p.text})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// form reads the parameters of a request, each given once.
func form(w http.ResponseWriter, r *http.Request) (map[string]string, *problem) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, &problem{400, "invalid_request", "unreadable form", "form", "a form of at most 64 KiB", "another body"}
	}
	f := map[string]string{}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, &problem{400, "invalid_request", "duplicated parameter", "form", "each parameter once", name}
		}
		f[name] = values[0]
	}
	return f, nil
}
