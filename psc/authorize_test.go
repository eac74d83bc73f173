package psc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

const callbackURI = "https://lgo.example/callback"

// begin sends a browser to the login page and gives what it brings back.
func (w *world) begin(t *testing.T, r psc.AuthRequest, b *psctest.Browser, person string) (*psc.Authorization, url.Values) {
	t.Helper()
	w.RegisterRedirect(psctest.ClientID, callbackURI)
	r.RedirectURI = callbackURI
	a, err := w.client.Authorize(r)
	require.NoError(t, err)
	back, err := b.Login(t.Context(), a.URL(), person)
	require.NoError(t, err)
	u, err := url.Parse(back)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(back, callbackURI+"?"), back)
	return a, u.Query()
}

func (w *world) loginByCode(t *testing.T, person string) *psc.Session {
	t.Helper()
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), person)
	s, err := w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	return s
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	var records []socle.AuditRecord
	w := newWorld(t, func(c *psc.Config) {
		c.Audit = func(_ context.Context, r socle.AuditRecord) { records = append(records, r) }
	})
	b := w.Browser()
	b.Mode = "MOBILE"
	a, q := w.begin(t, psc.AuthRequest{Return: "/caisse", IdPHint: "OKTA_hopital", MaxAge: time.Hour}, b, psctest.Titulaire)

	sent, err := url.Parse(a.URL())
	require.NoError(t, err)
	p := sent.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": psctest.ClientID, "redirect_uri": callbackURI, "scope": "openid scope_all", "acr_values": "eidas1",
		"code_challenge_method": "S256", "kc_idp_hint": "OKTA_hopital", "max_age": "3600", "prompt": "",
	} {
		require.Equal(t, want, p.Get(name), name)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		require.Len(t, p.Get(name), 43, name)
	}
	require.Equal(t, w.Environment().Issuer, q.Get("iss"))
	require.Equal(t, "/caisse", a.Return())

	s, err := w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	who, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, psctest.Titulaire, who.ID.String())
	require.Equal(t, socle.MeansMobile, who.Authn.Means)
	require.Equal(t, "eidas3", s.ACR())
	require.Equal(t, q.Get("session_state"), s.ServiceID())
	require.Len(t, records, 1)
	require.Equal(t, psctest.Titulaire, records[0].Actor.String())

	w.Clock().Advance(3 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Logout(t.Context()))
	_, err = s.AccessToken(t.Context())
	require.ErrorIs(t, err, psc.ErrLoggedOut)
}

func TestEveryLoginHasItsOwnSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for range 20 {
		a, err := w.client.Authorize(psc.AuthRequest{RedirectURI: callbackURI})
		require.NoError(t, err)
		u, err := url.Parse(a.URL())
		require.NoError(t, err)
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			require.False(t, seen[u.Query().Get(name)])
			seen[u.Query().Get(name)] = true
		}
	}
}

func TestAuthorizeRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, r := range map[string]psc.AuthRequest{
		"no address":          {},
		"http":                {RedirectURI: "http://lgo.example/callback"},
		"relative":            {RedirectURI: "/callback"},
		"user":                {RedirectURI: "https://u@lgo.example/"},
		"fragment":            {RedirectURI: "https://lgo.example/#x"},
		"loopback lookalike":  {RedirectURI: "http://127.0.0.1.example/callback"},
		"other scheme":        {RedirectURI: "javascript://127.0.0.1/x"},
		"unknown prompt":      {RedirectURI: callbackURI, Prompt: "consent"},
		"negative age":        {RedirectURI: callbackURI, MaxAge: -1},
		"unparseable address": {RedirectURI: "https://[::1"},
	} {
		_, err := w.client.Authorize(r)
		require.Error(t, err, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.ErrorContains(t, err, "psc: authorize: AuthRequest.", name)
	}
	e := w.config
	e.Environment.Authorization = ""
	c, err := psc.New(e)
	require.NoError(t, err)
	_, err = c.Authorize(psc.AuthRequest{RedirectURI: callbackURI})
	require.ErrorContains(t, err, "Environment.Authorization")
}

func TestErrorsOfTheLoginPageAreTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for code, c := range map[string]struct {
		is    error
		retry bool
	}{
		"access_denied":           {is: psc.ErrDenied},
		"login_required":          {is: psc.ErrInteraction},
		"interaction_required":    {is: psc.ErrInteraction},
		"consent_required":        {is: psc.ErrInteraction},
		"temporarily_unavailable": {retry: true},
		"server_error":            {retry: true},
		"invalid_scope":           {},
		"something_new":           {},
	} {
		a, err := w.client.Authorize(psc.AuthRequest{RedirectURI: callbackURI})
		require.NoError(t, err)
		u, err := url.Parse(a.URL())
		require.NoError(t, err)
		_, err = w.client.Callback(t.Context(), a, url.Values{
			"error": {code}, "error_description": {"why " + u.Query().Get("state")}, "state": {u.Query().Get("state")}, "iss": {w.Environment().Issuer},
		})
		var e *psc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, code, e.Code)
		require.ErrorContains(t, err, code)
		if c.is != nil {
			require.ErrorIs(t, err, c.is)
		}
		require.Equal(t, c.retry, socle.Retryable(err), code)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		require.NotContains(t, err.Error(), u.Query().Get("state"))
	}

	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), "")
	_, err := w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrDenied)

	b := w.Browser()
	a, q = w.begin(t, psc.AuthRequest{Prompt: psc.PromptNone}, b, psctest.Titulaire)
	_, err = w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrInteraction)
	require.ErrorContains(t, err, "PromptNone")

	a, q = w.begin(t, psc.AuthRequest{}, b, psctest.Titulaire)
	_, err = w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	a, q = w.begin(t, psc.AuthRequest{Prompt: psc.PromptNone}, b, "")
	_, err = w.client.Callback(t.Context(), a, q)
	require.NoError(t, err, "the browser is logged in")
}

func TestAgeOfTheAuthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.Browser()
	a, q := w.begin(t, psc.AuthRequest{}, b, psctest.Titulaire)
	first, err := w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	w.Clock().Advance(20 * time.Minute)

	a, q = w.begin(t, psc.AuthRequest{}, b, "") // the browser is still logged in
	again, err := w.client.Callback(t.Context(), a, q)
	require.NoError(t, err)
	require.True(t, again.AuthenticatedAt().Equal(first.AuthenticatedAt()))

	for name, r := range map[string]psc.AuthRequest{"max_age": {MaxAge: 10 * time.Minute}, "prompt": {Prompt: psc.PromptLogin}} {
		a, q = w.begin(t, r, b, psctest.Titulaire)
		s, err := w.client.Callback(t.Context(), a, q)
		require.NoError(t, err, name)
		require.True(t, s.AuthenticatedAt().Equal(w.Clock().Now()), name)
		w.Clock().Advance(20 * time.Minute)
	}

	// A service that does not do what it is asked is not believed.
	for name, claims := range map[string]func(map[string]any){
		"old":  func(c map[string]any) { c["auth_time"] = morning.Add(-time.Hour).Unix() },
		"none": func(c map[string]any) { delete(c, "auth_time") },
	} {
		w.Script(psctest.Doctor, psctest.Answer{IDToken: claims})
		for _, r := range []psc.AuthRequest{{MaxAge: 10 * time.Minute}, {Prompt: psc.PromptLogin}} {
			a, q = w.begin(t, r, w.Browser(), psctest.Doctor)
			_, err = w.client.Callback(t.Context(), a, q)
			require.ErrorIs(t, err, psc.ErrIDToken, name)
			require.ErrorContains(t, err, "auth_time")
		}
	}
}

func TestOnlyThePersonAskedForComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{Person: person(t, psctest.Titulaire)}, w.Browser(), psctest.Adjoint)
	_, err := w.client.Callback(t.Context(), a, q)
	require.ErrorIs(t, err, psc.ErrIDToken)
	require.ErrorContains(t, err, "SubjectNameID")
	require.Equal(t, 1, w.count("logout"), "the session that nobody holds is ended at the service")
}

func TestAnAuthorizationIsKeptAsBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{Return: "/x"}, w.Browser(), psctest.Titulaire)
	b, err := a.MarshalBinary()
	require.NoError(t, err)
	var kept psc.Authorization
	require.NoError(t, kept.UnmarshalBinary(b))
	require.Equal(t, "/x", kept.Return())
	require.True(t, kept.Is(q.Get("state")))
	require.False(t, kept.Is(""))
	_, err = w.client.Callback(t.Context(), &kept, q)
	require.NoError(t, err)
	for _, bad := range []string{"", "{}", "null", "[]", `{"State":"x"}`} {
		require.ErrorIs(t, kept.UnmarshalBinary([]byte(bad)), psc.ErrState)
	}
	_, err = w.client.Callback(t.Context(), nil, q)
	require.ErrorIs(t, err, psc.ErrState)
}

// A client with a secret presents it, and no certificate.
func TestClientSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr:t/é %+"
	for _, inForm := range []bool{false, true} {
		w := newWorld(t, func(c *psc.Config) {
			c.Certificate, c.Secret, c.SecretInForm = tls.Certificate{}, secret, inForm
		})
		w.RegisterSecret(psctest.ClientID, secret)
		s := w.login(t, psctest.Titulaire)
		w.Clock().Advance(3 * time.Minute)
		_, err := s.AccessToken(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Logout(t.Context()))
		s = w.loginByCode(t, psctest.Titulaire)
		require.NoError(t, s.Logout(t.Context()))
		for _, e := range w.Journal() {
			require.Empty(t, e.ClientDN)
			if e.Operation == "ciba.start" {
				f, err := url.ParseQuery(string(e.Request))
				require.NoError(t, err)
				require.Equal(t, inForm, f.Get("client_secret") == secret)
			}
		}
		w.RegisterSecret(psctest.ClientID, "another")
		_, err = w.client.Login(t.Context(), request(t, psctest.Titulaire))
		require.ErrorIs(t, err, psc.ErrClientCertificate)
		require.NotContains(t, fmt.Sprintf("%+v %#v", err, w.config), secret)
	}
}

func TestASecretInProductionIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e      psc.Environment
		secret psc.Secret
		warned bool
	}{{psc.Production(), "not-to-be-seen", true}, {psc.Sandbox(), "not-to-be-seen", false}, {psc.Production(), "", false}} {
		var out bytes.Buffer
		_, err := psc.New(psc.Config{Environment: c.e, ClientID: "x", Secret: c.secret, HTTPClient: &http.Client{},
			Watch: socle.Watch{Logger: slog.New(slog.NewTextHandler(&out, nil))}})
		require.NoError(t, err)
		require.Equal(t, c.warned, strings.Contains(out.String(), "secret is used in production"), out.String())
		require.NotContains(t, out.String(), "not-to-be-seen")
	}
}

func TestCertificateIsReplacedWithoutARestart(t *testing.T) {
	t.Parallel()
	one, err := certificate()
	require.NoError(t, err)
	two, err := authority().Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "PHARMACIE DE TEST", CommonName: "lgo-2"}, pki.AuthClient)
	require.NoError(t, err)
	present := one
	w := newWorld(t, func(c *psc.Config) {
		c.Certificate, c.GetCertificate = tls.Certificate{}, func() (*tls.Certificate, error) { return &present, nil }
	})
	leaf, err := pki.Leaf(two)
	require.NoError(t, err)
	w.Register(psctest.ClientID, pki.DN(leaf))
	s := w.login(t, psctest.Titulaire)
	present = two
	w.Clock().Advance(3 * time.Minute)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
	j := w.Journal()
	require.Contains(t, j[0].ClientDN, "CN=lgo,")
	require.Contains(t, j[len(j)-1].ClientDN, "CN=lgo-2,")

	_, err = psc.New(psc.Config{Environment: psc.Sandbox(), ClientID: "x", Certificate: one, GetCertificate: func() (*tls.Certificate, error) { return &one, nil }, SecretInForm: true})
	require.ErrorContains(t, err, "GetCertificate")
	require.ErrorContains(t, err, "SecretInForm")
}

func TestIdentitiesOfEDITAreForTests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.OfEdit)
	who, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, socle.PersonTest, who.ID.Kind())
	require.Equal(t, "EDIT", s.UserInfo().OtherIDs[0].Origin)

	c, err := psc.New(psc.Config{Environment: psc.Production(), ClientID: "x", HTTPClient: &http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("a request was sent")
			return nil, context.Canceled
		})}})
	require.NoError(t, err)
	_, err = c.Login(t.Context(), request(t, psctest.OfEdit))
	require.ErrorIs(t, err, psc.ErrTestIdentity)
	_, err = c.Authorize(psc.AuthRequest{RedirectURI: callbackURI, Person: person(t, psctest.OfEdit)})
	require.ErrorIs(t, err, psc.ErrTestIdentity)
}

// A code is asked for again only when it was not sent: a second use of it would
// end the session.
func TestACodeIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
	w.Fail(emulator.Fault{Operation: "code.token", ResetAfter: true})
	_, err := w.client.Callback(t.Context(), a, q)
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Equal(t, 1, w.count("code.token"))
}

func FuzzCallback(f *testing.F) {
	srv, err := psctest.NewServer(psctest.Options{Authority: authority(), Clock: emulator.NewClock(morning)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	c, err := psc.New(psc.Config{Environment: srv.Environment(), ClientID: "x", Watch: socle.Watch{Clock: srv.Clock().Now}, HTTPClient: &http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded })}})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"code=x", "code=x&code=y", "error=access_denied", "iss=https://evil.example", "code=%00&iss=", "error=%ff&error_description=" + strings.Repeat("a", 300)} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, query string, right bool) {
		q, _ := url.ParseQuery(query)
		a, err := c.Authorize(psc.AuthRequest{RedirectURI: callbackURI})
		require.NoError(t, err)
		u, err := url.Parse(a.URL())
		require.NoError(t, err)
		if right {
			q.Set("state", u.Query().Get("state"))
		}
		s, err := c.Callback(t.Context(), a, q)
		require.Nil(t, s)
		var e *psc.Error
		require.ErrorAs(t, err, &e)
		require.NotContains(t, err.Error(), u.Query().Get("state"))
		require.Less(t, len(err.Error()), 1000)
	})
}
