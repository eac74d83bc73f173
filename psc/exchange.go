package psc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

const (
	opExchange  = "token.exchange"
	opAPIRevoke = "token.exchange.revoke"
	opAPICall   = "api"

	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

	// exchangeAhead is how long before its end a token of an API is replaced.
	exchangeAhead = 30 * time.Second
	// keepAlive is the age of the tokens of Pro Santé Connect above which a call
	// to an API refreshes them, lest the session die idle of a person at work.
	keepAlive = 10 * time.Minute
)

// ErrExchange: the authorization server of the API gives no token for this
// person, software or scope.
var ErrExchange = errors.New("the API's authorization server gives no token")

// Exchanger gets the tokens of APIs for the sessions of people, by exchange of
// those of Pro Santé Connect (RFC 8693) over mutual TLS, and keeps them by
// session, API and certificate. It is safe for concurrent use and holds no
// goroutine. When a session ends its tokens are revoked; Close does it for all.
type Exchanger struct {
	cfg  ExchangerConfig
	apis map[string]*API

	mu       sync.Mutex
	lane     *lane
	sessions map[grantee]*grants
	leaving  map[grantee]*grants // being revoked
	swept    time.Time
	closed   bool
	watchers sync.WaitGroup
}

// lane is what goes over the connections of one certificate.
type lane struct {
	leaf *x509.Certificate
	auth *transport.Client // to authorization servers
	raw  *http.Transport   // to APIs
}

// NewExchanger checks cfg and makes an Exchanger. The error joins everything
// that is wrong. Nothing is sent.
func NewExchanger(cfg ExchangerConfig) (*Exchanger, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	x := &Exchanger{cfg: cfg, apis: map[string]*API{}, sessions: map[grantee]*grants{}, leaving: map[grantee]*grants{}}
	for i := range cfg.APIs {
		x.apis[cfg.APIs[i].Name] = &x.cfg.APIs[i]
	}
	if cfg.GetCertificate == nil {
		if _, err := x.connect(); err != nil {
			return nil, fmt.Errorf("psc: exchanger: %w", err)
		}
	}
	return x, nil
}

// APIs gives the APIs, in the order of the configuration.
func (x *Exchanger) APIs() []API { return append([]API(nil), x.cfg.APIs...) }

// Subject gives the DN (RFC 2253) of the certificate of the moment, as traces keep it.
func (x *Exchanger) Subject() (string, error) {
	l, err := x.connect()
	if err != nil {
		return "", notSent(opExchange, err)
	}
	return pki.DN(l.leaf), nil
}

// connect gives the lane of the certificate of the moment.
func (x *Exchanger) connect() (*lane, error) {
	pair := &x.cfg.Certificate
	if x.cfg.GetCertificate != nil {
		var err error
		if pair, err = x.cfg.GetCertificate(); err != nil {
			return nil, fmt.Errorf("GetCertificate: %w", err)
		}
		if pair == nil || len(pair.Certificate) == 0 {
			return nil, errors.New("GetCertificate: no certificate")
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lane != nil && string(x.lane.leaf.Raw) == string(pair.Certificate[0]) {
		return x.lane, nil
	}
	given := *pair
	l, err := x.newLane(&given)
	if err != nil {
		return nil, err
	}
	if x.lane != nil {
		x.lane.close()
	}
	x.lane = l
	return l, nil
}

func (x *Exchanger) newLane(pair *tls.Certificate) (*lane, error) {
	leaf, err := pki.Leaf(*pair)
	if err != nil {
		return nil, err
	}
	t := transport.Config{Service: socle.ServicePSC, Certificate: pair, Roots: x.cfg.Roots, Watch: x.cfg.Watch}
	auth, err := transport.New(t)
	if err != nil {
		return nil, err
	}
	raw, err := transport.NewRoundTripper(t)
	if err != nil {
		return nil, err
	}
	return &lane{leaf: leaf, auth: auth, raw: raw}, nil
}

func (l *lane) close() {
	l.auth.CloseIdleConnections()
	l.raw.CloseIdleConnections()
}

// Token gives a token of an API for the person of the session, exchanging when
// there is none, when it is at its end, and when the certificate changed. Errors:
// [ErrSessionExpired], [ErrLoggedOut], [ErrExchange], [ErrClientCertificate],
// or that a server could not be asked.
func (x *Exchanger) Token(ctx context.Context, s *Session, api string) (string, error) {
	t, _, err := x.token(ctx, s, api)
	if err != nil {
		return "", err
	}
	return string(t.access), nil
}

func (x *Exchanger) token(ctx context.Context, s *Session, api string) (*apiToken, *lane, error) {
	a := x.apis[api]
	if a == nil {
		return nil, nil, notSent(opExchange, fmt.Errorf("no API has the name %q in ExchangerConfig.APIs", clean(api, 64)))
	}
	if err := s.alive(); err != nil {
		if _, err := s.AccessToken(ctx); err != nil { // Config.Reauthenticate may go on with it
			return nil, nil, err
		}
	}
	l, err := x.connect()
	if err != nil {
		return nil, nil, notSent(opExchange, err)
	}
	g, err := x.of(s)
	if err != nil {
		return nil, nil, err
	}
	if s.older(keepAlive) {
		if _, err := s.AccessToken(ctx); err != nil && s.alive() != nil {
			return nil, nil, err
		}
	}
	key := grantKey{api, ThumbprintOf(l.leaf)}
	if t := g.find(key, x.cfg.Now()); t != nil {
		return t, l, nil
	}
	t, err := g.fetch(ctx, key, func(ctx context.Context) (*apiToken, error) {
		if t := g.find(key, x.cfg.Now()); t != nil { // another flight landed meanwhile
			return t, nil
		}
		t, err := x.exchange(ctx, s, a, l)
		if err != nil {
			return nil, err
		}
		if !g.keep(key, t, x.cfg.Now()) {
			_ = x.revoke(ctx, t)
			return nil, &Error{Op: opExchange, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent}
		}
		return t, nil
	})
	return t, l, err
}

// exchange asks for a token, once more when the server finds that of Pro Santé
// Connect too old: it can have died on the way.
func (x *Exchanger) exchange(ctx context.Context, s *Session, a *API, l *lane) (*apiToken, error) {
	age := x.cfg.MaxSubjectAge
	for again := true; ; again = false {
		subject, err := s.young(ctx, age)
		if err != nil {
			return nil, err
		}
		t, err := x.ask(ctx, s, a, l, subject)
		var e *Error
		if err == nil || !again || !errors.As(err, &e) || !staleSubject(e) {
			return t, err
		}
		s.Evict(subject)
	}
}

// staleSubject tells a refusal that a new token of Pro Santé Connect may cure.
func staleSubject(e *Error) bool {
	return (e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized) && (e.Code == "invalid_grant" || e.Code == codeToken || e.Code == codeRequest)
}

func (x *Exchanger) ask(ctx context.Context, s *Session, a *API, l *lane, subject string) (*apiToken, error) {
	form := url.Values{
		"grant_type": {grantExchange}, "client_id": {a.ClientID},
		"subject_token": {subject}, "subject_token_type": {a.SubjectTokenType},
	}
	set := func(name, value string) {
		if value != "" {
			form.Set(name, value)
		}
	}
	set("scope", strings.Join(a.Scopes, " "))
	set("subject_issuer", a.SubjectIssuer)
	set("requested_token_type", a.RequestedTokenType)
	form["audience"] = a.Audience
	if a.ActorToken != nil {
		actor, err := a.ActorToken(ctx, s)
		if err != nil {
			return nil, notSent(opExchange, fmt.Errorf("ActorToken: %w", err))
		}
		form.Set("actor_token", actor)
		form.Set("actor_token_type", TokenTypeJWT)
	}
	var t *apiToken
	// An exchange that was done twice leaves one token more, that ends by itself.
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		sent := x.cfg.Now()
		return formTo(ctx, l.auth, operation{opExchange, attempt}, a.TokenURL, form, func(body []byte) error {
			var err error
			t, err = readExchange(body, sent)
			return err
		})
	})
	if err != nil {
		return nil, explain(err)
	}
	t.api, t.lane = a, l
	if bound, known := boundTo(string(t.access)); known && !bound.Matches(l.leaf) {
		_ = x.revoke(ctx, t)
		return nil, &Error{Op: opExchange, kind: ErrExchange, outcome: socle.OutcomeRefused, Err: errors.New("rule cnf: expected a token bound to the certificate of the software, got one bound to another"),
			Fix: "nothing between this machine and API.TokenURL may end TLS with a certificate of its own"}
	}
	return t, nil
}

// readExchange reads the answer of RFC 8693 §2.2.1; issued_token_type, which the
// ANS's own server leaves out, may be absent.
func readExchange(body []byte, sent time.Time) (*apiToken, error) {
	var answer struct {
		AccessToken    string `json:"access_token"`
		IssuedType     string `json:"issued_token_type"`
		TokenType      string `json:"token_type"`
		ExpiresIn      int64  `json:"expires_in"`
		RefreshToken   string `json:"refresh_token"`
		RefreshExpires int64  `json:"refresh_expires_in"`
	}
	if err := decodeJSON(body, &answer); err != nil {
		return nil, err
	}
	switch {
	case answer.AccessToken == "" || len(answer.AccessToken) > maxToken || strings.ContainsFunc(answer.AccessToken, notToken68) || !strings.EqualFold(answer.TokenType, "Bearer"):
		return nil, errors.New("answer without a bearer access token")
	case answer.IssuedType != "" && answer.IssuedType != TokenTypeAccess && answer.IssuedType != TokenTypeJWT:
		return nil, errors.New("answer with a token of another type than an access token or a JWT")
	}
	// The token dies with its refresh token, as the ANS's own proxy has it.
	lives := life(answer.ExpiresIn, assumedExchangedLife)
	ends := sent.Add(lives)
	if answer.RefreshToken != "" && answer.RefreshExpires > 0 {
		lives = min(lives, life(answer.RefreshExpires, lives))
	}
	t := &apiToken{access: []byte(answer.AccessToken), refresh: []byte(answer.RefreshToken), ends: ends}
	t.until = sent.Add(lives - min(exchangeAhead, lives/2))
	return t, nil
}

// boundTo reads the binding of a token that is a JWT. It is not verified, the
// API does that: this finds what could only be refused.
func boundTo(token string) (Thumbprint, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Thumbprint{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Thumbprint{}, false
	}
	var c struct {
		Confirmation confirmation `json:"cnf"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return Thumbprint{}, false
	}
	return c.Confirmation.thumbprint, c.Confirmation.present
}

// explain says of a refusal what it means here: the server is not Pro Santé Connect.
func explain(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Status == 0 || e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status/100 == 2 {
		return err
	}
	switch e.Code {
	case "invalid_client", "unauthorized_client":
		e.kind = ErrClientCertificate
		e.Fix = "the subject DN of the certificate must be the one that the API's server maps to API.ClientID, and the exchange enabled for it"
		return e
	}
	e.kind = ErrExchange
	switch e.Code {
	case "invalid_scope":
		e.Fix = "check API.Scopes against the contract of the API"
	case "invalid_target":
		e.Fix = "check API.Audience against the contract of the API"
	case "access_denied":
		e.Fix = "the person has no right to this API"
	case "unsupported_grant_type":
		e.Fix = "API.TokenURL is not a server that exchanges tokens"
	case "invalid_grant", codeToken, codeRequest:
		e.Fix = "the server refuses the token of Pro Santé Connect or a parameter: check API.SubjectTokenType and API.SubjectIssuer, and the clocks"
	default:
		if e.Status == http.StatusNotFound {
			e.Fix = "check API.TokenURL"
		}
	}
	return e
}
