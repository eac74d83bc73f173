package psctest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/jose"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
)

const (
	apiRealm = "/realms/signsessiondata"
	apiOIDC  = apiRealm + "/protocol/openid-connect"
	apiBase  = "/mockservice/apipsc"
)

// CnfForm is how an authorization server writes the thumbprint of a certificate.
type CnfForm int

// Forms.
const (
	CnfCISIS   CnfForm = iota // base64 of the hexadecimal digits: the ANS's own servers
	CnfRFC8705                // base64url of the bytes
	CnfNone                   // tokens that are not bound
	CnfForeign                // tokens that are bound to another certificate, as behind a gateway
)

// APIOptions are those of an [API]. Every field but PSC has a useful zero value.
type APIOptions struct {
	PSC       *Server         // introspects the tokens that are exchanged; mandatory
	Authority *pki.Authority  // that of PSC if nil
	Clock     *emulator.Clock // that of PSC if nil
	Name      string          // "signsessiondata" if empty; tells two APIs apart in the journal
	Scopes    []string        // those that can be asked for; "sign" if nil
	// NeedScope refuses an exchange without scope, as the CI-SIS has it.
	NeedScope bool
	// Audience is that of the tokens, "account" and the client if nil.
	Audience []string
	Cnf      CnfForm
	// IssuedTokenType adds the member that the ANS's own server leaves out.
	IssuedTokenType bool
	// Opaque makes tokens that only introspection reads.
	Opaque bool
	// AccessLife and RefreshLife are 4 hours and 30 minutes if zero; no refresh
	// token is given when RefreshLife is negative.
	AccessLife, RefreshLife time.Duration
	// Handler is the API behind its token check, below the base address; the
	// conformity-test API "signsessiondata" if nil.
	Handler http.Handler
}

// API is the emulator of an API Pro Santé Connectée: its authorization server,
// which exchanges tokens of Pro Santé Connect (RFC 8693), and the protected API.
type API struct {
	*emulator.Server
	o      APIOptions
	signer *jose.Signer

	mu       sync.Mutex
	clients  map[string][]string // client id → subject DNs
	denied   map[string]bool     // persons without a right to the API
	given    map[string]*grant   // by token and by refresh token
	refusals []Refusal
}

// grant is a token that was given.
type grant struct {
	claims map[string]any
	person string
	thumb  [32]byte
	bound  bool
	scope  []string
	until  time.Time
	dead   bool
}

// NewAPI starts an emulator. Close must be called.
func NewAPI(o APIOptions) (*API, error) {
	if o.PSC == nil {
		return nil, errors.New("psctest: APIOptions.PSC: missing")
	}
	if o.Authority == nil {
		o.Authority = o.PSC.Authority()
	}
	if o.Clock == nil {
		o.Clock = o.PSC.Clock()
	}
	if o.Name == "" {
		o.Name = "signsessiondata"
	}
	if o.Scopes == nil {
		o.Scopes = []string{"sign"}
	}
	if o.AccessLife == 0 {
		o.AccessLife = 4 * time.Hour
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = 30 * time.Minute
	}
	a := &API{o: o, clients: map[string][]string{}, denied: map[string]bool{}, given: map[string]*grant{}}
	if a.o.Handler == nil {
		a.o.Handler = http.HandlerFunc(a.signSessionData)
	}
	var err error
	if a.signer, err = jose.NewSigner("RS256"); err != nil {
		return nil, fmt.Errorf("psctest: %w", err)
	}
	m := http.NewServeMux()
	m.HandleFunc("GET "+apiOIDC+"/certs", a.certs)
	m.HandleFunc("POST "+apiOIDC+"/token", a.token)
	m.HandleFunc("POST "+apiOIDC+"/revoke", a.revoke)
	m.HandleFunc("POST "+apiOIDC+"/token/introspect", a.introspect)
	m.HandleFunc(apiBase+"/", a.serve)
	a.Server, err = emulator.New(emulator.Options{Authority: o.Authority, Clock: o.Clock, ClientAuth: tls.VerifyClientCertIfGiven, Operation: apiOperation}, m)
	if err != nil {
		return nil, fmt.Errorf("psctest: %w", err)
	}
	return a, nil
}

func apiOperation(r *http.Request) string {
	switch strings.TrimPrefix(r.URL.Path, apiOIDC) {
	case "/certs":
		return "jwks"
	case "/token":
		return "exchange"
	case "/revoke":
		return "revoke"
	case "/token/introspect":
		return "introspect"
	}
	return "api"
}

// API gives the configuration of the emulator for a psc.Exchanger.
func (a *API) API() psc.API {
	return psc.API{
		Name: a.o.Name, ClientID: ClientID, Scopes: a.o.Scopes, SubjectIssuer: "psc",
		TokenURL: a.URL + apiOIDC + "/token", RevocationURL: a.URL + apiOIDC + "/revoke", BaseURL: a.URL + apiBase,
	}
}

// Issuer is the claim iss of its tokens, JWKS and Introspection the addresses
// that tell which are good.
func (a *API) Issuer() string { return a.URL + apiRealm }

// JWKS gives the address of the keys.
func (a *API) JWKS() string { return a.URL + apiOIDC + "/certs" }

// Introspection gives the address of the introspection endpoint.
func (a *API) Introspection() string { return a.URL + apiOIDC + "/token/introspect" }

// Register declares the subject DN (RFC 2253) of a certificate for a client id
// (Client_ID_AS), besides those already declared for it.
func (a *API) Register(clientID, dn string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients[clientID] = append(a.clients[clientID], dn)
}

// Declare declares the subject of a certificate for [ClientID].
func (a *API) Declare(cert tls.Certificate) error {
	leaf, err := pki.Leaf(cert)
	if err != nil {
		return fmt.Errorf("psctest: %w", err)
	}
	a.Register(ClientID, pki.DN(leaf))
	return nil
}

// Deny takes the right to the API from a person.
func (a *API) Deny(person string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied[person] = true
}

// Kill makes every token that was given worthless, as its revocation elsewhere does.
func (a *API) Kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.given {
		g.dead = true
	}
}

// Refusals gives what was refused, oldest first.
func (a *API) Refusals() []Refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Refusal(nil), a.refusals...)
}

func (a *API) refuse(w http.ResponseWriter, operation string, p *problem) {
	a.mu.Lock()
	if len(a.refusals) < maxRefusals {
		a.refusals = append(a.refusals, Refusal{Operation: operation, Rule: p.rule, Expected: p.expected, Got: p.got})
	}
	a.mu.Unlock()
	w.Header().Set("X-Emulator-Rule", fmt.Sprintf("%s: expected %s, got %q", p.rule, p.expected, p.got))
	answer(w, p.status, map[string]any{"error": p.code, "error_description": p.text})
}

// authenticate maps the subject DN of the certificate to the client (CI-SIS).
func (a *API) authenticate(r *http.Request, f map[string]string) (string, *x509.Certificate, *problem) {
	refuse := func(rule, expected, got string) (string, *x509.Certificate, *problem) {
		return "", nil, &problem{401, "invalid_client", assumedBadClient, rule, expected, got}
	}
	a.mu.Lock()
	declared, known := a.clients[f["client_id"]]
	a.mu.Unlock()
	if !known {
		return refuse("client_id", "a declared client id", f["client_id"])
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return refuse("tls_client_auth", "a client certificate", "none")
	}
	leaf := r.TLS.PeerCertificates[0]
	if err := pki.CheckAuthentication(leaf, a.Clock().Now()); err != nil {
		return refuse("tls_client_auth", "an AUTH_CLI certificate", err.Error())
	}
	dn := pki.DN(leaf)
	if !slices.ContainsFunc(declared, func(d string) bool { return pki.EqualDN(d, dn) }) {
		return refuse("tls_client_auth", fmt.Sprintf("one of the subjects %q", declared), dn)
	}
	return f["client_id"], leaf, nil
}

func (a *API) certs(w http.ResponseWriter, _ *http.Request) {
	set, err := jose.Publish(a.signer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(set)
}

// cnf writes the binding of a token in the form of the options.
func (a *API) cnf(thumb [32]byte) map[string]any {
	switch a.o.Cnf {
	case CnfRFC8705:
		return map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumb[:])}
	case CnfNone:
		return nil
	case CnfForeign:
		thumb = sha256.Sum256(thumb[:])
	}
	return map[string]any{"x5t#S256": base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(thumb[:])))}
}
