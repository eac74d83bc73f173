package psc_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/jose"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// guarded is an API of a vendor behind a Resource, whose issuer is the
// authorization server of the emulator.
type guarded struct {
	*space
	leaf *x509.Certificate
	cfg  psc.ResourceConfig
}

func newGuarded(t *testing.T, o psctest.APIOptions) *guarded {
	t.Helper()
	g := &guarded{space: newSpace(t, o)}
	var err error
	g.leaf, err = pki.Leaf(g.config.Certificate)
	require.NoError(t, err)
	g.cfg = psc.ResourceConfig{Issuer: g.api.Issuer(), JWKS: g.api.JWKS(), Roots: g.Roots(), Watch: socle.Watch{Clock: g.Clock().Now}}
	return g
}

func (g *guarded) introspector(t *testing.T) *psc.Introspector {
	t.Helper()
	i, err := psc.NewIntrospector(psc.IntrospectorConfig{
		URL: g.api.Introspection(), ClientID: psctest.ClientID, Certificate: g.config.Certificate, Roots: g.Roots(), Watch: socle.Watch{Clock: g.Clock().Now},
	})
	require.NoError(t, err)
	return i
}

func (g *guarded) resource(t *testing.T, change ...func(*psc.ResourceConfig)) *psc.Resource {
	t.Helper()
	for _, f := range change {
		f(&g.cfg)
	}
	r, err := psc.NewResource(g.cfg)
	require.NoError(t, err)
	return r
}

func (g *guarded) token(t *testing.T) string {
	t.Helper()
	token, err := g.x.Token(t.Context(), g.login(t, psctest.Titulaire), "signsessiondata")
	require.NoError(t, err)
	return token
}

func TestResourceTakesGoodTokens(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]psctest.APIOptions{
		"base64 of hexadecimal": {Cnf: psctest.CnfCISIS},
		"base64url of RFC 8705": {Cnf: psctest.CnfRFC8705},
	} {
		for _, way := range []string{"verified", "introspected", "both", "opaque"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				o := o
				o.Opaque = way == "opaque"
				g := newGuarded(t, o)
				r := g.resource(t, func(c *psc.ResourceConfig) {
					c.Audiences, c.Clients, c.Scopes = []string{"other", "account"}, []string{psctest.ClientID}, []string{"sign"}
					if way != "verified" {
						c.Introspect = g.introspector(t).Introspect
					}
					if way == "introspected" || way == "opaque" {
						c.JWKS = ""
					}
				})
				a, err := r.Check(t.Context(), g.token(t), g.leaf, "openid")
				require.NoError(t, err)
				require.Equal(t, psctest.Titulaire, a.Person.String())
				require.Equal(t, psctest.ClientID, a.ClientID)
				require.Equal(t, []string{"openid", "sign"}, a.Scope)
				require.Equal(t, psc.ThumbprintOf(g.leaf), a.Certificate)
				require.Equal(t, morning.Add(4*time.Hour+5*time.Second), a.Expires.UTC())
				require.True(t, a.HasScope())
				require.Contains(t, string(a.Raw), "psc_session_state")
			})
		}
	}
}

// The tokens of Pro Santé Connect itself, as an API of shared context takes them.
func TestResourceTakesTokensOfTheServiceItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, err := w.login(t, psctest.Titulaire).AccessToken(t.Context())
	require.NoError(t, err)
	cfg := psc.ResourceConfig{
		Issuer: w.Environment().Issuer, Introspect: w.client.Introspect, Clients: []string{psctest.ClientID}, Binding: psc.BindingIfPresent,
		Scopes: []string{"scope_all"}, Watch: socle.Watch{Clock: w.Clock().Now},
	}
	r, err := psc.NewResource(cfg)
	require.NoError(t, err)
	a, err := r.Check(t.Context(), access, nil)
	require.NoError(t, err)
	require.Equal(t, "eidas3", a.ACR)
	require.Equal(t, "CARD", a.AuthMode)
	require.NotEmpty(t, a.SessionState)
	require.Equal(t, morning.Add(5*time.Second), a.AuthTime.UTC())
	cfg.Binding = psc.BindingRequired
	r, err = psc.NewResource(cfg)
	require.NoError(t, err)
	_, err = r.Check(t.Context(), access, nil)
	require.ErrorIs(t, err, psc.ErrBinding)
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Titulaire)
	access, err := s.AccessToken(t.Context())
	require.NoError(t, err)
	a, err := w.client.Introspect(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, psctest.Titulaire, a.Person.String())
	require.Equal(t, s.SessionState(), a.SessionState)
	w.Clock().Advance(2 * time.Minute)
	_, err = w.client.Introspect(t.Context(), access)
	require.ErrorIs(t, err, psc.ErrInactive)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	for _, bad := range []string{"", strings.Repeat("a", 65<<10)} {
		_, err = w.client.Introspect(t.Context(), bad)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}

	other, err := authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	stranger := newWorld(t, func(c *psc.Config) { c.Certificate = other })
	_, err = stranger.client.Introspect(t.Context(), access)
	require.ErrorIs(t, err, psc.ErrClientCertificate)

	w.Fail(emulator.Fault{Operation: "introspect", Status: 503, Times: 2})
	_, err = w.client.Introspect(t.Context(), access)
	require.ErrorIs(t, err, psc.ErrInactive, "asked again")
	none := newWorld(t, func(c *psc.Config) { c.Environment.Introspection = "" })
	_, err = none.client.Introspect(t.Context(), access)
	require.ErrorContains(t, err, "Environment.Introspection")
}

func TestIntrospectorConfigTellsEverything(t *testing.T) {
	t.Parallel()
	_, err := psc.NewIntrospector(psc.IntrospectorConfig{URL: "http://x"})
	for _, field := range []string{"URL: ", "ClientID: ", "Certificate: ", "Roots"} {
		require.ErrorContains(t, err, field)
	}
}

func TestIntrospectionAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `[]`, `{"active":"yes"}`, `x`, `{"active":true,"exp":"soon"}`, `{"active":true,"cnf":{"x5t#S256":"zz"}}`, `{"active":true,"cnf":{"jkt":"zz"}}`,
		`{"active":true,"client_id":"a","azp":"b"}`,
	} {
		srv, err := emulator.New(emulator.Options{Authority: authority(), Clock: emulator.NewClock(morning)}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}))
		require.NoError(t, err)
		defer srv.Close()
		cert, err := certificate()
		require.NoError(t, err)
		i, err := psc.NewIntrospector(psc.IntrospectorConfig{URL: srv.URL, ClientID: "a", Certificate: cert, Roots: srv.Roots(), Watch: socle.Watch{Clock: srv.Clock().Now}})
		require.NoError(t, err)
		_, err = i.Introspect(t.Context(), "token")
		require.Error(t, err, body)
		require.NotErrorIs(t, err, psc.ErrInactive)
	}
}

// minted is an issuer that signs whatever it is told, for claims that the
// emulator never makes.
type minted struct {
	signer *jose.Signer
	srv    *emulator.Server
	fetch  atomic.Int32
}

func newMinted(t *testing.T) *minted {
	t.Helper()
	m := &minted{}
	var err error
	m.signer, err = jose.NewSigner("RS256")
	require.NoError(t, err)
	m.srv, err = emulator.New(emulator.Options{Authority: authority(), Clock: emulator.NewClock(morning)}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.fetch.Add(1)
		set, _ := jose.Publish(m.signer)
		_, _ = w.Write(set)
	}))
	require.NoError(t, err)
	t.Cleanup(m.srv.Close)
	return m
}

func TestResourceRefusesBadClaims(t *testing.T) {
	t.Parallel()
	m := newMinted(t)
	cert, err := certificate()
	require.NoError(t, err)
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	other, err := authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	otherLeaf, err := pki.Leaf(other)
	require.NoError(t, err)
	r, err := psc.NewResource(psc.ResourceConfig{
		Issuer: "https://as.example", JWKS: m.srv.URL, Roots: m.srv.Roots(), Audiences: []string{"api"}, Clients: []string{"lgo"}, Scopes: []string{"read"},
		Watch: socle.Watch{Clock: m.srv.Clock().Now},
	})
	require.NoError(t, err)
	good := func() map[string]any {
		return map[string]any{
			"iss": "https://as.example", "aud": "api", "azp": "lgo", "typ": "Bearer", "scope": "read write", "iat": morning.Unix(), "exp": morning.Add(time.Minute).Unix(),
			"cnf": map[string]any{"x5t#S256": psc.ThumbprintOf(leaf).CISIS()},
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		peer   *x509.Certificate
		kind   error
		rule   string
	}{
		"good":                 {func(map[string]any) {}, leaf, nil, ""},
		"good, list of scopes": {func(c map[string]any) { c["scope"] = []string{"read"} }, leaf, nil, ""},
		"good, client_id":      {func(c map[string]any) { delete(c, "azp"); c["client_id"] = "lgo" }, leaf, nil, ""},
		"good, within skew":    {func(c map[string]any) { c["exp"] = morning.Add(-29 * time.Second).Unix() }, leaf, nil, ""},
		"issuer":               {func(c map[string]any) { c["iss"] = "https://other" }, leaf, psc.ErrToken, "iss"},
		"no issuer":            {func(c map[string]any) { delete(c, "iss") }, leaf, psc.ErrToken, "iss"},
		"audience":             {func(c map[string]any) { c["aud"] = []string{"x"} }, leaf, psc.ErrToken, "aud"},
		"no audience":          {func(c map[string]any) { delete(c, "aud") }, leaf, psc.ErrToken, "aud"},
		"another client":       {func(c map[string]any) { c["azp"] = "x" }, leaf, psc.ErrToken, "azp"},
		"two clients":          {func(c map[string]any) { c["client_id"] = "x" }, leaf, psc.ErrToken, "claims"},
		"ID token":             {func(c map[string]any) { c["typ"] = "ID" }, leaf, psc.ErrToken, "typ"},
		"refresh token":        {func(c map[string]any) { c["typ"] = "Refresh" }, leaf, psc.ErrToken, "typ"},
		"logout token":         {func(c map[string]any) { c["typ"] = "Logout" }, leaf, psc.ErrToken, "typ"},
		"expired":              {func(c map[string]any) { c["exp"] = morning.Add(-30 * time.Second).Unix() }, leaf, psc.ErrToken, "exp"},
		"no end":               {func(c map[string]any) { delete(c, "exp") }, leaf, psc.ErrToken, "exp"},
		"of the future":        {func(c map[string]any) { c["iat"] = morning.Add(time.Minute).Unix() }, leaf, psc.ErrToken, "iat"},
		"not yet":              {func(c map[string]any) { c["nbf"] = morning.Add(time.Minute).Unix() }, leaf, psc.ErrToken, "nbf"},
		"claims of other type": {func(c map[string]any) { c["exp"] = "tomorrow" }, leaf, psc.ErrToken, "claims"},
		"a flood of scopes":    {func(c map[string]any) { c["scope"] = strings.Repeat("x ", 500) }, leaf, psc.ErrToken, "claims"},
		"no scope":             {func(c map[string]any) { delete(c, "scope") }, leaf, psc.ErrScope, "scope"},
		"scope of like name":   {func(c map[string]any) { c["scope"] = "reader" }, leaf, psc.ErrScope, "scope"},
		"not bound":            {func(c map[string]any) { delete(c, "cnf") }, leaf, psc.ErrBinding, "cnf"},
		"bound to a key":       {func(c map[string]any) { c["cnf"] = map[string]any{"jkt": "x"} }, leaf, psc.ErrToken, "cnf"},
		"binding unreadable":   {func(c map[string]any) { c["cnf"] = map[string]any{"x5t#S256": "x"} }, leaf, psc.ErrToken, "cnf"},
		"binding of no type":   {func(c map[string]any) { c["cnf"] = "x" }, leaf, psc.ErrToken, "cnf"},
		"no certificate":       {func(map[string]any) {}, nil, psc.ErrBinding, "cnf"},
		"another certificate":  {func(map[string]any) {}, otherLeaf, psc.ErrBinding, "cnf"},
		"other, RFC 8705":      {func(c map[string]any) { c["cnf"] = map[string]any{"x5t#S256": psc.ThumbprintOf(leaf).RFC8705()} }, otherLeaf, psc.ErrBinding, "cnf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := good()
			c.change(claims)
			token, err := m.signer.Sign(claims)
			require.NoError(t, err)
			_, err = r.Check(t.Context(), token, c.peer)
			if c.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.rule)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		})
	}
}

func TestResourceRefusesForgedTokens(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	r := g.resource(t)
	good := g.token(t)
	_, err := r.Check(t.Context(), good, g.leaf)
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	access, err := g.login(t, psctest.Adjoint).AccessToken(t.Context())
	require.NoError(t, err)
	for name, token := range map[string]string{
		"alg none":             "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"another payload":      parts[0] + ".e30." + parts[2],
		"another issuer's":     access,
		"opaque":               "abc",
		"header injection":     "a\r\nb",
		"space":                good + " x",
		"empty":                "",
		"oversize":             strings.Repeat("a", 65<<10),
		"signature left out":   parts[0] + "." + parts[1] + ".",
		"another kind by head": "eyJhbGciOiJSUzI1NiIsInR5cCI6ImxvZ291dCtqd3QifQ." + parts[1] + "." + parts[2],
	} {
		_, err := r.Check(t.Context(), token, g.leaf)
		require.ErrorIs(t, err, psc.ErrToken, name)
		require.NotContains(t, err.Error(), parts[1], name)
	}
}

func TestIntrospectionIsRemembered(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{AccessLife: 20 * time.Minute})
	r := g.resource(t, func(c *psc.ResourceConfig) {
		c.JWKS, c.Introspect, c.IntrospectionTTL = "", g.introspector(t).Introspect, 15*time.Minute
	})
	token := g.token(t)
	check := func() error {
		_, err := r.Check(t.Context(), token, g.leaf)
		return err
	}
	asked := func() int { return operations(g.api.Journal(), "introspect") }
	for range 10 {
		require.NoError(t, check())
	}
	require.Equal(t, 1, asked())
	g.Clock().Advance(15*time.Minute - time.Second)
	require.NoError(t, check())
	require.Equal(t, 1, asked())
	g.Clock().Advance(time.Second)
	require.NoError(t, check())
	require.Equal(t, 2, asked(), "after its time it is asked again")
	g.Clock().Advance(5 * time.Minute)
	require.ErrorIs(t, check(), psc.ErrToken, "the answer does not outlive the token")
	require.Equal(t, 3, asked())
	require.ErrorIs(t, check(), psc.ErrToken)
	require.Equal(t, 3, asked(), "a dead token is remembered too")
	g.Clock().Advance(5 * time.Second)
	require.ErrorIs(t, check(), psc.ErrToken)
	require.Equal(t, 4, asked(), "but not for long")
}

func TestIntrospectionOnceForAll(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	r := g.resource(t, func(c *psc.ResourceConfig) { c.JWKS, c.Introspect = "", g.introspector(t).Introspect })
	token := g.token(t)
	g.api.Fail(emulator.Fault{Operation: "introspect", Latency: 50 * time.Millisecond})
	var wg sync.WaitGroup
	var failed atomic.Int32
	for range 100 {
		wg.Go(func() {
			if _, err := r.Check(t.Context(), token, g.leaf); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	require.Zero(t, failed.Load())
	require.Equal(t, 1, operations(g.api.Journal(), "introspect"))
}

func TestIntrospectionThatFailsIsNotRemembered(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	r := g.resource(t, func(c *psc.ResourceConfig) { c.JWKS, c.Introspect = "", g.introspector(t).Introspect })
	token := g.token(t)
	g.api.Fail(emulator.Fault{Operation: "introspect", Status: 503, Times: 3})
	_, err := r.Check(t.Context(), token, g.leaf)
	require.True(t, socle.Retryable(err))
	for _, kind := range []error{psc.ErrToken, psc.ErrScope, psc.ErrBinding} {
		require.NotErrorIs(t, err, kind)
	}
	_, err = r.Check(t.Context(), token, g.leaf)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Check(ctx, "another", g.leaf)
	require.ErrorIs(t, err, context.Canceled)
}

// With both, a token that was revoked is seen although its signature is good.
func TestBothVerifiedAndIntrospected(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	r := g.resource(t, func(c *psc.ResourceConfig) { c.Introspect = g.introspector(t).Introspect })
	token := g.token(t)
	_, err := r.Check(t.Context(), token, g.leaf)
	require.NoError(t, err)
	g.api.Kill()
	g.Clock().Advance(5 * time.Minute)
	_, err = r.Check(t.Context(), token, g.leaf)
	require.ErrorIs(t, err, psc.ErrToken)
	require.ErrorContains(t, err, "dead")

	told := psc.Access{Certificate: psc.Thumbprint(sha256.Sum256([]byte("x")))}
	r = g.resource(t, func(c *psc.ResourceConfig) {
		c.Introspect = func(context.Context, string) (psc.Access, error) { return told, nil }
	})
	_, err = r.Check(t.Context(), token, g.leaf)
	require.ErrorIs(t, err, psc.ErrBinding)
}

func TestAFloodOfTokensIsBounded(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	now := emulator.NewClock(morning)
	r, err := psc.NewResource(psc.ResourceConfig{
		Issuer: "i", Binding: psc.BindingIfPresent, Watch: socle.Watch{Clock: now.Now},
		Introspect: func(_ context.Context, token string) (psc.Access, error) {
			asked.Add(1)
			if strings.HasPrefix(token, "bad") {
				return psc.Access{}, psc.ErrInactive
			}
			return psc.Access{Issuer: "i"}, nil
		},
	})
	require.NoError(t, err)
	_, err = r.Check(t.Context(), "good", nil)
	require.NoError(t, err)
	for i := range 20_001 {
		_, err := r.Check(t.Context(), fmt.Sprint("bad", i), nil)
		require.ErrorIs(t, err, psc.ErrToken)
	}
	n := asked.Load()
	_, err = r.Check(t.Context(), "good", nil)
	require.NoError(t, err)
	require.Equal(t, n, asked.Load(), "the good one is still known")
}

func TestResourceConfigTellsEverything(t *testing.T) {
	t.Parallel()
	_, err := psc.NewResource(psc.ResourceConfig{Algorithms: []string{"HS256"}, IntrospectionTTL: time.Hour, Skew: time.Hour, Realm: `a"b`, Scopes: []string{"a b"}})
	for _, field := range []string{"Issuer: ", "JWKS: ", "Algorithms: ", "IntrospectionTTL: ", "Skew: ", "Realm: ", "Scopes: "} {
		require.ErrorContains(t, err, "psc: resource: "+field)
	}
	_, err = psc.NewResource(psc.ResourceConfig{Issuer: "i", JWKS: "http://x"})
	require.ErrorContains(t, err, "JWKS: ")
	require.ErrorContains(t, err, "Roots")
}

// The middleware, over real TLS.
func TestProtect(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	r := g.resource(t, func(c *psc.ResourceConfig) { c.Realm, c.Scopes = "stock", []string{"sign"} })
	var reached atomic.Int32
	api := func(w http.ResponseWriter, req *http.Request) {
		reached.Add(1)
		a, ok := psc.AccessOf(req.Context())
		if !ok {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write([]byte(a.Person.String()))
	}
	m := http.NewServeMux()
	m.Handle("/open", r.Protect(http.HandlerFunc(api)))
	m.Handle("/more", r.Protect(http.HandlerFunc(api), "admin"))
	srv, err := emulator.New(emulator.Options{Authority: authority(), Clock: g.Clock(), ClientAuth: tls.VerifyClientCertIfGiven}, m)
	require.NoError(t, err)
	defer srv.Close()
	client := func(certs ...tls.Certificate) *http.Client {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: certs, Time: g.Clock().Now}}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	other, err := authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	token := g.token(t)
	mine, naked, others := client(g.config.Certificate), client(), client(other)
	const invalid = `Bearer realm="stock", error="invalid_token", error_description="`
	for name, c := range map[string]struct {
		client    *http.Client
		path      string
		auth      []string
		status    int
		challenge string
	}{
		"good":                 {mine, "/open", []string{"Bearer " + token}, 200, ""},
		"scheme in small":      {mine, "/open", []string{"bearer " + token}, 200, ""},
		"no token":             {mine, "/open", nil, 401, `Bearer realm="stock"`},
		"another scheme":       {mine, "/open", []string{"Basic abc"}, 401, `Bearer realm="stock"`},
		"two tokens":           {mine, "/open", []string{"Bearer " + token, "Bearer " + token}, 400, `Bearer realm="stock", error="invalid_request", error_description="the access token is refused"`},
		"token in the address": {mine, "/open?access_token=" + token, nil, 400, `Bearer realm="stock", error="invalid_request", error_description="the access token is refused"`},
		"malformed":            {mine, "/open", []string{"Bearer a b"}, 400, `Bearer realm="stock", error="invalid_request", error_description="the access token is refused"`},
		"forged":               {mine, "/open", []string{"Bearer a.b.c"}, 401, invalid + `the access token is refused"`},
		"no certificate":       {naked, "/open", []string{"Bearer " + token}, 401, invalid + `the access token is not that of the caller's certificate"`},
		"another certificate":  {others, "/open", []string{"Bearer " + token}, 401, invalid + `the access token is not that of the caller's certificate"`},
		"scope": {mine, "/more", []string{"Bearer " + token}, 403,
			`Bearer realm="stock", error="insufficient_scope", error_description="the access token lacks a scope", scope="sign admin"`},
	} {
		before := reached.Load()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+c.path, nil)
		require.NoError(t, err)
		req.Header["Authorization"] = c.auth
		resp, err := c.client.Do(req)
		require.NoError(t, err, name)
		resp.Body.Close()
		require.Equal(t, c.status, resp.StatusCode, name)
		require.Equal(t, c.challenge, resp.Header.Get("WWW-Authenticate"), name)
		require.Equal(t, c.status == 200, reached.Load() == before+1, name)
	}
}

func TestProtectWhenTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	g.api.Fail(emulator.Fault{Operation: "jwks", Status: 502, Times: -1})
	r := g.resource(t)
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Authorization", "Bearer "+g.token(t))
	r.Protect(http.NotFoundHandler()).ServeHTTP(rec, req)
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.Equal(t, "5", rec.Header().Get("Retry-After"))
	require.Empty(t, rec.Header().Get("WWW-Authenticate"))
}

// Behind a gateway that ends TLS, the vendor says where the certificate is.
func TestProtectBehindAGateway(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, psctest.APIOptions{})
	failing := errors.New("the gateway said nothing")
	r := g.resource(t, func(c *psc.ResourceConfig) {
		c.ClientCertificate = func(req *http.Request) (*x509.Certificate, error) {
			if req.Header.Get("X-Gateway") == "" {
				return nil, failing
			}
			return g.leaf, nil
		}
	})
	token := g.token(t)
	for header, want := range map[string]int{"yes": http.StatusNoContent, "": http.StatusUnauthorized} {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Gateway", header)
		r.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(rec, req)
		require.Equal(t, want, rec.Code)
	}
}

func FuzzResource(f *testing.F) {
	f.Add([]byte(`{"active":true,"cnf":{"x5t#S256":"x"},"scope":"a b","exp":1.5e9,"aud":["a"]}`), "Bearer a.b.c")
	f.Add([]byte(`{"active":true,"scope":["a"],"exp":1500000000}`), "bearer  abc")
	f.Add([]byte(`{"active":false}`), "Basic x")
	f.Fuzz(func(t *testing.T, answer []byte, authorization string) {
		access, active, err := psc.ParseAccess(answer)
		if err != nil || !active {
			return
		}
		r, err := psc.NewResource(psc.ResourceConfig{Issuer: "i", Introspect: func(context.Context, string) (psc.Access, error) { return access, nil }})
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set("Authorization", authorization)
		rec := httptest.NewRecorder()
		r.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Fatal("let through without a certificate") })).ServeHTTP(rec, req)
		if c := rec.Header().Get("WWW-Authenticate"); rec.Code != 503 && !strings.HasPrefix(c, `Bearer realm="api"`) {
			t.Fatalf("%d %q", rec.Code, c)
		}
	})
}
