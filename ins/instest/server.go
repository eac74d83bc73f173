// Package instest is an emulator of INSi, the téléservice of the Identité
// Nationale de Santé, on a loopback port: for the tests of a software, and to
// develop without certificate, contract or network.
//
// It is strict where the service is: it verifies the client's certificate and
// its common name, the CNDA's authorization number, the contexts, the
// addressing, the order and number of elements, and the syntax of traits. What
// the service would refuse with a public code is refused with that code; other
// refusals name the rule, what was expected and what came, in a detail of the
// emulator's own namespace.
//
// It knows the official fictitious people of the CNDA's tests ([Catalogue]) and
// whom [Server.AddPerson] adds. It can answer in every style that the service
// was seen to use, and fail on demand.
package instest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// IDAM is the authorization number that the emulator takes unless Options say
// otherwise.
const IDAM = "INSTEST00001"

// Entry points: the téléservice has one host for each way to authenticate.
const (
	path     = "/lps"
	cardPath = "/ps/lps"
	pscPath  = "/psc/lps"
)

// Options of a Server. The zero value is an emulator that answers as the
// service does in production.
type Options struct {
	// Authority issues the certificates; nil makes a new one.
	Authority *pki.Authority
	// Clock is the time of the emulator; nil is the system's.
	Clock *emulator.Clock
	// IDAMs are the authorization numbers taken; nil is only [IDAM].
	IDAMs []string
	// Style is how answers are written.
	Style Style
	// OID, when it is not zero, is the OID of every INS answered: OIDTest makes
	// identities that the emulators of the other services take for test ones. Zero
	// leaves the OIDs of the catalogue, which are production ones as those that
	// the qualification environment answers.
	OID ins.OID
	// NotFoundAsFault answers the fault insi_102 instead of CR 01, as the
	// qualification environment does.
	NotFoundAsFault bool
	// Assertions also serves those who have no software certificate: the
	// environment then has a CardURL and a PSCURL, and TLS asks for a certificate
	// without demanding one.
	Assertions bool
	// AssertionMaxAge and VitaleMaxAge are how old assertions may be; zero is one
	// hour and 20 minutes.
	AssertionMaxAge, VitaleMaxAge time.Duration
	// Introspect tells whose an access token of Pro Santé Connect is; nil takes any.
	Introspect Introspect
	// BatchDelay is how long a batch takes to be verified.
	BatchDelay time.Duration
	// Empty leaves the catalogue out.
	Empty bool
	// Addr is the address to listen on; "" is a free port of 127.0.0.1.
	Addr string
	// Logger receives what the server cannot answer.
	Logger *slog.Logger
}

// Server is a running emulator.
type Server struct {
	*emulator.Server
	opts Options

	mu      sync.Mutex
	people  []Person
	canned  []Canned
	seen    map[string]bool // message ids
	seenAge []string
	certs   map[string]tls.Certificate
	invents int

	cards    []Card
	batches  map[string]batch
	batchAge []string
}

// Qualification gives the options of an emulator with the quirks of the
// qualification environment as they were seen from 2023 to 2026: a fault for a
// person not found, the list of given names alone, production OIDs.
func Qualification() Options {
	return Options{NotFoundAsFault: true, Style: Style{GivenNames: ListOnly, Prefixes: DefaultNamespace}}
}

// SetNotFoundAsFault changes Options.NotFoundAsFault while the emulator runs.
func (s *Server) SetNotFoundAsFault(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.NotFoundAsFault = on
}

// SetStyle changes Options.Style while the emulator runs.
func (s *Server) SetStyle(style Style) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Style = style
}

// NewServer starts an emulator. Close must be called.
func NewServer(o Options) (*Server, error) {
	if o.IDAMs == nil {
		o.IDAMs = []string{IDAM}
	}
	s := &Server{opts: o, seen: map[string]bool{}, certs: map[string]tls.Certificate{}, batches: map[string]batch{}}
	if !o.Empty {
		s.people, s.cards = Catalogue(), Cards()
	}
	mux := http.NewServeMux()
	mux.HandleFunc(path, s.serve)
	auth := tls.RequireAndVerifyClientCert
	if o.Assertions {
		auth = tls.VerifyClientCertIfGiven
		mux.HandleFunc(cardPath, s.serve)
		mux.HandleFunc(pscPath, s.serve)
	}
	var err error
	s.Server, err = emulator.New(emulator.Options{
		Authority: o.Authority, Clock: o.Clock, ClientAuth: auth, Addr: o.Addr, Logger: o.Logger,
	}, mux)
	if err != nil {
		return nil, fmt.Errorf("instest: %w", err)
	}
	return s, nil
}

// Environment gives the environment of a client of this emulator.
func (s *Server) Environment() ins.Environment {
	e := ins.Environment{Name: "emulator", URL: s.URL + path}
	if s.opts.Assertions {
		e.CardURL, e.PSCURL = s.URL+cardPath, s.URL+pscPath
	}
	return e
}

// Roots gives the authorities that a client of this emulator trusts.
func (s *Server) Roots() *x509.CertPool { return s.Server.Roots() }

// ClientCertificate gives a software certificate that INSi takes (INSI-MANU),
// for a structure in its prefixed form, such as 1 and a FINESS number. The same
// structure gets the same certificate again.
func (s *Server) ClientCertificate(structure string) (tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.certs[structure]; ok {
		return c, nil
	}
	c, err := s.Authority().Organisation(pki.Organisation{Structure: structure, Name: "PHARMACIE DE L'EMULATEUR", CommonName: ins.Manu}, pki.AuthClient)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("instest: %w", err)
	}
	s.certs[structure] = c
	return c, nil
}

// Software gives a software that the emulator knows.
func Software() socle.Software {
	return socle.Software{
		Name: "socle", Version: "1.0", Install: "6f1c5e0a-0a0b-4c0d-8e0f-102132435465",
		Homologation: map[socle.Service]string{socle.ServiceINS: IDAM},
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	reply := replier{w: w, style: s.opts.Style}
	s.mu.Unlock()
	structure := ""
	if r.URL.Path == path {
		var refused *Fault
		if structure, refused = s.checkCertificate(r); refused != nil {
			reply.fault(*refused, "")
			return
		}
	}
	e, bad := soap.ReadRequest(r, xmltree.Limits{Bytes: 1 << 20})
	if bad != nil {
		f := refuse("SOAP 1.2", "a well-formed envelope", bad.Reason)
		f.Status = bad.Status
		reply.fault(f, "")
		return
	}
	emulator.Annotate(r, operations[e.Action])
	who, refused := s.checkHeaders(r, e, structure)
	if refused != nil {
		reply.fault(*refused, e.MessageID)
		return
	}
	switch operations[e.Action] {
	case "WS_INS1":
		s.searchByVitale(reply, e, who.vitale)
	case "WS_INS2":
		s.searchByTraits(reply, e)
	case "WS_INS3":
		s.verify(reply, e)
	case "WS_INS4":
		s.submitBatch(reply, e, who.emitter)
	case "WS_INS5":
		s.fetchBatch(reply, e, who.emitter)
	}
}

// operations are the actions that the emulator serves.
var operations = map[string]string{
	"urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecCarteVitale":    "WS_INS1",
	"urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecTraitsIdentite": "WS_INS2",
	"urn:ServiceIdentiteCertifiee:1.0.0:verifierInsAvecTraitsIdentite":   "WS_INS3",
	actionSubmit: "WS_INS4",
	actionFetch:  "WS_INS5",
}

// fresh reports whether a message id was never seen, and remembers the last ten thousand.
func (s *Server) fresh(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[id] {
		return false
	}
	s.seen[id] = true
	if s.seenAge = append(s.seenAge, id); len(s.seenAge) > 10_000 {
		delete(s.seen, s.seenAge[0])
		s.seenAge = slices.Delete(s.seenAge, 0, 1)
	}
	return true
}
