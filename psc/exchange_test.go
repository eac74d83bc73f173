package psc_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// space is a world with an API of the trust space.
type space struct {
	*world
	api *psctest.API
	x   *psc.Exchanger
	cfg psc.ExchangerConfig
}

func declare(t *testing.T, api *psctest.API, cert tls.Certificate) {
	t.Helper()
	leaf, err := pki.Leaf(cert)
	require.NoError(t, err)
	api.Register(psctest.ClientID, pki.DN(leaf))
}

func newSpace(t *testing.T, o psctest.APIOptions, change ...func(*psc.ExchangerConfig)) *space {
	t.Helper()
	s := &space{world: newWorld(t)}
	o.PSC = s.Server
	var err error
	s.api, err = psctest.NewAPI(o)
	require.NoError(t, err)
	t.Cleanup(s.api.Close)
	declare(t, s.api, s.config.Certificate)
	s.cfg = psc.ExchangerConfig{
		Certificate: s.config.Certificate, Roots: s.Roots(), APIs: []psc.API{s.api.API()},
		Watch: socle.Watch{Clock: s.Clock().Now},
	}
	for _, f := range change {
		f(&s.cfg)
	}
	s.x, err = psc.NewExchanger(s.cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.x.Close(context.Background()) })
	return s
}

// sign calls the API of the conformity tests for the person of the session.
func (s *space) sign(t *testing.T, session *psc.Session) *http.Response {
	t.Helper()
	resp, err := s.call(t.Context(), session)
	require.NoError(t, err)
	resp.Body.Close()
	return resp
}

func (s *space) call(ctx context.Context, session *psc.Session) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{
		"nationalId": psctest.Titulaire, "clientID": psctest.ClientID, "proxy_session_id": "p", "session_state": session.SessionState(),
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api.API().BaseURL+"/signsessiondata", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	return s.x.Client(session, "signsessiondata").Do(req)
}

func (s *space) exchanges() int { return operations(s.api.Journal(), "exchange") }

func operations(j []emulator.Entry, name string) int {
	n := 0
	for _, e := range j {
		if e.Operation == name {
			n++
		}
	}
	return n
}

func TestExchangeAndCall(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]psctest.APIOptions{
		"as the ANS's servers":            {},
		"cnf of RFC 8705":                 {Cnf: psctest.CnfRFC8705, IssuedTokenType: true},
		"opaque tokens":                   {Opaque: true},
		"not bound":                       {Cnf: psctest.CnfNone},
		"scope mandatory, no refresh":     {NeedScope: true, RefreshLife: -1},
		"another scope, another audience": {Scopes: []string{"dmp", "ins"}, Audience: []string{"api-dmp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, o)
			session := s.login(t, psctest.Titulaire)
			require.NotEmpty(t, session.SessionState())
			resp, err := s.call(t.Context(), session)
			require.NoError(t, err)
			defer resp.Body.Close()
			var signed struct{ Signature string }
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&signed))
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.True(t, s.api.Signed(t.Context(), signed.Signature))
			require.Equal(t, 200, s.sign(t, session).StatusCode)
			require.Equal(t, 1, s.exchanges(), "the token is kept")
		})
	}
}

func TestExchangeSendsWhatTheAPIWants(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{Audience: []string{"a", "b"}}, func(c *psc.ExchangerConfig) {
		c.APIs[0].Audience = []string{"b"}
		c.APIs[0].SubjectTokenType = psc.TokenTypeJWT
		c.APIs[0].RequestedTokenType = psc.TokenTypeAccess
		c.APIs[0].ActorToken = func(_ context.Context, s *psc.Session) (string, error) { return "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", nil }
	})
	_, err := s.x.Token(t.Context(), s.login(t, psctest.Titulaire), "signsessiondata")
	require.NoError(t, err)
	form, err := url.ParseQuery(string(s.api.Journal()[0].Request))
	require.NoError(t, err)
	require.NotEmpty(t, form.Get("subject_token"))
	form.Del("subject_token")
	require.Equal(t, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {psctest.ClientID}, "scope": {"sign"}, "audience": {"b"},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}, "subject_issuer": {"psc"},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"actor_token":          {"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}, "actor_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}, form)
}

func TestExchangeRefusals(t *testing.T) {
	t.Parallel()
	other, err := authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "autre"}, pki.AuthClient)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		o      psctest.APIOptions
		change func(*psc.ExchangerConfig)
		deny   bool
		kind   error
		code   string
		text   string
	}{
		"certificate of another DN": {change: func(c *psc.ExchangerConfig) { c.Certificate = other }, kind: psc.ErrClientCertificate, code: "invalid_client", text: "API.ClientID"},
		"unknown client":            {change: func(c *psc.ExchangerConfig) { c.APIs[0].ClientID = "x" }, kind: psc.ErrClientCertificate, code: "invalid_client"},
		"unknown scope":             {change: func(c *psc.ExchangerConfig) { c.APIs[0].Scopes = []string{"x"} }, kind: psc.ErrExchange, code: "invalid_scope", text: "API.Scopes"},
		"no scope":                  {o: psctest.APIOptions{NeedScope: true}, change: func(c *psc.ExchangerConfig) { c.APIs[0].Scopes = nil }, kind: psc.ErrExchange, code: "invalid_scope"},
		"unknown audience": {o: psctest.APIOptions{Audience: []string{"a"}}, change: func(c *psc.ExchangerConfig) { c.APIs[0].Audience = []string{"b"} },
			kind: psc.ErrExchange, code: "invalid_target", text: "API.Audience"},
		"subject issuer":           {change: func(c *psc.ExchangerConfig) { c.APIs[0].SubjectIssuer = "other" }, kind: psc.ErrExchange, code: "invalid_request", text: "API.SubjectIssuer"},
		"subject type":             {change: func(c *psc.ExchangerConfig) { c.APIs[0].SubjectTokenType = "urn:x" }, kind: psc.ErrExchange, code: "invalid_request", text: "API.SubjectTokenType"},
		"person without the right": {deny: true, kind: psc.ErrExchange, code: "access_denied", text: "the person has no right"},
		"bound to another":         {o: psctest.APIOptions{Cnf: psctest.CnfForeign}, kind: psc.ErrExchange, text: "rule cnf"},
		"wrong address":            {change: func(c *psc.ExchangerConfig) { c.APIs[0].TokenURL += "x" }, kind: psc.ErrExchange, text: "API.TokenURL"},
		"actor token": {change: func(c *psc.ExchangerConfig) {
			c.APIs[0].ActorToken = func(context.Context, *psc.Session) (string, error) { return "x", nil }
		}, kind: psc.ErrExchange, code: "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var change []func(*psc.ExchangerConfig)
			if c.change != nil {
				change = append(change, c.change)
			}
			s := newSpace(t, c.o, change...)
			if c.deny {
				s.api.Deny(psctest.Titulaire)
			}
			_, err := s.x.Token(t.Context(), s.login(t, psctest.Titulaire), "signsessiondata")
			require.ErrorIs(t, err, c.kind)
			var e *psc.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "token.exchange", e.Op)
			require.Equal(t, c.code, e.Code)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			require.False(t, socle.Retryable(err))
		})
	}
}

func TestExchangeAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no token":        `{"token_type":"Bearer","expires_in":60}`,
		"not bearer":      `{"access_token":"a","token_type":"DPoP"}`,
		"an ID token":     `{"access_token":"a","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:id_token"}`,
		"header inside":   `{"access_token":"a\r\nX: y","token_type":"Bearer"}`,
		"not JSON":        `<html>`,
		"of another type": `{"access_token":1,"token_type":"Bearer"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := emulator.New(emulator.Options{Authority: authority(), Clock: emulator.NewClock(morning)}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body)
			}))
			require.NoError(t, err)
			defer srv.Close()
			s := newSpace(t, psctest.APIOptions{}, func(c *psc.ExchangerConfig) { c.APIs[0].TokenURL = srv.URL })
			_, err = s.x.Token(t.Context(), s.login(t, psctest.Titulaire), "signsessiondata")
			var e *psc.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
		})
	}
}

func TestExchangeOnceForAll(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	s.api.Fail(emulator.Fault{Operation: "exchange", Latency: 50 * time.Millisecond})
	var wg sync.WaitGroup
	var failures atomic.Int32
	for range 100 {
		wg.Go(func() {
			if _, err := s.x.Token(t.Context(), session, "signsessiondata"); err != nil {
				failures.Add(1)
			}
		})
	}
	wg.Wait()
	require.Zero(t, failures.Load())
	require.Equal(t, 1, s.exchanges())
}

func TestExchangeGoesOnForTheOthers(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	s.api.Fail(emulator.Fault{Operation: "exchange", Latency: 200 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.x.Token(ctx, session, "signsessiondata")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 120*time.Millisecond)
	_, err = s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.Equal(t, 1, s.exchanges())
}

func TestExchangeAnewAtItsEnd(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	first, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	s.Clock().Advance(25 * time.Minute)
	second, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, 1, s.count("token.refresh"), "25 minutes at work: the session is kept alive")
	s.Clock().Advance(5 * time.Minute) // the refresh token of the API is at its end
	third, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.NotEqual(t, first, third)
	require.Equal(t, 2, s.exchanges())
	require.Empty(t, s.api.Refusals())
	require.NoError(t, s.x.Forget(t.Context(), session))
	require.Equal(t, 4, operations(s.api.Journal(), "revoke"), "the first too: its server took it for four hours")
}

func TestExchangeTakesAYoungToken(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	s.Clock().Advance(101 * time.Second) // the token lives for 19 seconds more
	_, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.Equal(t, 1, s.count("token.refresh"))
	require.Empty(t, s.api.Refusals())
}

// The token can be found dead by the server of the API alone.
func TestExchangeOnceMoreForADeadToken(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	access, err := session.AccessToken(t.Context())
	require.NoError(t, err)
	revoke(t, s.world, access)
	_, err = s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.Equal(t, 2, s.exchanges())
	require.Len(t, s.api.Refusals(), 1)
}

func revoke(t *testing.T, w *world, token string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Roots(), Certificates: []tls.Certificate{w.config.Certificate}, Time: w.Clock().Now}}}
	defer c.CloseIdleConnections()
	resp, err := c.PostForm(w.Environment().Revocation, url.Values{"client_id": {psctest.ClientID}, "token": {token}})
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
}

func TestExchangeAnewForANewCertificate(t *testing.T) {
	t.Parallel()
	second, err := authority().Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "PHARMACIE DE TEST", CommonName: "lgo"}, pki.AuthClient)
	require.NoError(t, err)
	first, err := certificate()
	require.NoError(t, err)
	var present atomic.Pointer[tls.Certificate]
	present.Store(&first)
	s := newSpace(t, psctest.APIOptions{}, func(c *psc.ExchangerConfig) {
		c.Certificate = tls.Certificate{}
		c.GetCertificate = func() (*tls.Certificate, error) { return present.Load(), nil }
	})
	session := s.login(t, psctest.Titulaire)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.Equal(t, 1, s.exchanges())
	present.Store(&second)
	require.Equal(t, 200, s.sign(t, session).StatusCode, "a new token over new connections")
	require.Equal(t, 2, s.exchanges())
	require.NoError(t, s.x.Forget(t.Context(), session))
	require.Equal(t, 4, operations(s.api.Journal(), "revoke"), "both, with their refresh tokens")

	present.Store(&tls.Certificate{})
	_, err = s.x.Token(t.Context(), session, "signsessiondata")
	require.ErrorContains(t, err, "GetCertificate")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestExchangedTokensEndWithTheSession(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	client := s.x.Client(session, "signsessiondata")
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.NoError(t, session.Logout(t.Context()))
	require.Eventually(t, func() bool { return operations(s.api.Journal(), "revoke") == 2 }, 5*time.Second, 5*time.Millisecond)
	_, err := client.Get(s.api.API().BaseURL + "/signsessiondata")
	require.ErrorIs(t, err, psc.ErrLoggedOut)
	require.Equal(t, 1, s.exchanges())
	require.NoError(t, s.x.Forget(t.Context(), session), "already done")
}

func TestExchangedTokensEndAfterFourHours(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{RefreshLife: -1})
	session := s.login(t, psctest.Titulaire)
	for range 15 { // at work all the time
		require.Equal(t, 200, s.sign(t, session).StatusCode)
		s.Clock().Advance(15 * time.Minute)
	}
	require.Equal(t, 1, s.exchanges())
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	s.Clock().Advance(15 * time.Minute)
	_, err := s.call(t.Context(), session)
	require.ErrorIs(t, err, psc.ErrSessionExpired)
}

func TestCloseRevokes(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.NoError(t, s.x.Close(t.Context()))
	require.NoError(t, s.x.Close(t.Context()))
	require.Equal(t, 2, operations(s.api.Journal(), "revoke"))
	_, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.ErrorContains(t, err, "closed")
	require.NoError(t, session.Logout(t.Context()))
}

func TestRevocationThatFailsIsTold(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	s.api.Fail(emulator.Fault{Operation: "revoke", Status: 503, Times: 2})
	require.Error(t, s.x.Forget(t.Context(), session))
}

// The API kills a token before its time.
func TestCallAgainWithANewToken(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	session := s.login(t, psctest.Titulaire)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	s.api.Kill()
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.Equal(t, 2, s.exchanges())
	s.api.Kill()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.api.API().BaseURL+"/signsessiondata", io.MultiReader(strings.NewReader("{}")))
	require.NoError(t, err)
	resp, err := s.x.Client(session, "signsessiondata").Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 401, resp.StatusCode, "a body that is gone is not sent again")
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	require.Equal(t, 3, s.exchanges())
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { leaked.Add(1) }))
	defer thief.Close()
	s := newSpace(t, psctest.APIOptions{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})})
	session := s.login(t, psctest.Titulaire)
	c := s.x.Client(session, "signsessiondata")
	base := s.api.API().BaseURL
	resp, err := c.Get(base + "/anything")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusTemporaryRedirect, resp.StatusCode, "the redirect is the caller's to see")
	follows := *c
	follows.CheckRedirect = nil
	_, err = follows.Get(base + "/anything")
	require.ErrorContains(t, err, "outside of API.BaseURL")
	for _, address := range []string{
		thief.URL, strings.Replace(base, "https://", "http://", 1), strings.Replace(base, "https://", "https://user@", 1), strings.TrimSuffix(base, "apipsc"),
		base + "x/a", base + "/../../realms/signsessiondata", base + "/%2e%2e/x", base + "/a/..%2f..%2fx", base + "/..%5cx",
		strings.Replace(base, "127.0.0.1", "localhost", 1), strings.Replace(base, "127.0.0.1", "127.0.0.1.example.org", 1),
	} {
		_, err := c.Get(address)
		require.ErrorContains(t, err, "outside of API.BaseURL", address)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	require.Zero(t, leaked.Load())
}

// The name of another host in header Host does not go out either.
func TestTheHostIsThatOfTheAPI(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	s := newSpace(t, psctest.APIOptions{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Host })})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.api.API().BaseURL+"/x", nil)
	require.NoError(t, err)
	req.Host = "other.example.org"
	req.Header.Set("Authorization", "Bearer of another")
	resp, err := s.x.Client(s.login(t, psctest.Titulaire), "signsessiondata").Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, strings.TrimPrefix(s.api.URL, "https://"), <-seen)
	require.Equal(t, "Bearer of another", req.Header.Get("Authorization"), "the request is not changed")
}

func TestExchangerConfigTellsEverything(t *testing.T) {
	t.Parallel()
	_, err := psc.NewExchanger(psc.ExchangerConfig{MaxSubjectAge: time.Hour, APIs: []psc.API{
		{Name: "a/b", TokenURL: "http://x", BaseURL: "https://x/a?b", RevocationURL: "ftp://x"},
		{Name: "ok", ClientID: "c", TokenURL: "https://x", BaseURL: "https://x/../a"},
		{Name: "ok", ClientID: "c", TokenURL: "https://x", BaseURL: "https://x"},
	}})
	for _, field := range []string{"Certificate: ", "Roots: ", "MaxSubjectAge: ", "APIs[0].Name: ", "APIs[0].ClientID: ", "APIs[0].TokenURL: ", "APIs[0].BaseURL: ",
		"APIs[0].RevocationURL: ", "APIs[1].BaseURL: ", "APIs[2].Name: "} {
		require.ErrorContains(t, err, "psc: exchanger: "+field)
	}
	_, err = psc.NewExchanger(psc.ExchangerConfig{})
	require.ErrorContains(t, err, "APIs: missing")
	cert, err := authority().Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "X", CommonName: "x"}, pki.Sign)
	require.NoError(t, err)
	_, err = psc.NewExchanger(psc.ExchangerConfig{Certificate: cert})
	require.ErrorContains(t, err, "Certificate: ")
	s := newSpace(t, psctest.APIOptions{})
	_, err = s.x.Token(t.Context(), s.login(t, psctest.Titulaire), "other")
	require.ErrorContains(t, err, `"other"`)
	dn, err := s.x.Subject()
	require.NoError(t, err)
	require.Contains(t, dn, "CN=lgo,")
}

func TestExchangeFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   emulator.Fault
		outcome socle.Outcome
		good    bool
	}{
		"one 503":     {emulator.Fault{Status: 503}, socle.OutcomeDone, true},
		"always 502":  {emulator.Fault{Status: 502, Times: -1}, socle.OutcomeUnknown, false},
		"one reset":   {emulator.Fault{ResetBefore: true}, socle.OutcomeDone, true},
		"lost answer": {emulator.Fault{ResetAfter: true}, socle.OutcomeDone, true},
		"resets":      {emulator.Fault{ResetBefore: true, Times: -1}, socle.OutcomeUnknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, psctest.APIOptions{})
			session := s.login(t, psctest.Titulaire)
			c.fault.Operation = "exchange"
			s.api.Fail(c.fault)
			_, err := s.x.Token(t.Context(), session, "signsessiondata")
			require.Equal(t, c.good, err == nil, "%v", err)
			require.Equal(t, c.outcome, socle.OutcomeOf(err))
			if err != nil {
				require.True(t, socle.Retryable(err))
			}
		})
	}
}

func TestNoTokenOfAnAPIShows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var shown strings.Builder
	s := newSpace(t, psctest.APIOptions{}, func(c *psc.ExchangerConfig) {
		c.Observe = func(_ context.Context, x socle.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&shown, "%+v %s %s\n", x, x.Request, x.Response)
		}
	})
	session := s.login(t, psctest.Titulaire)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
	token, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	psctoken, err := session.AccessToken(t.Context())
	require.NoError(t, err)
	s.api.Fail(emulator.Fault{Operation: "api", ResetBefore: true, Times: -1})
	_, err = s.call(t.Context(), session)
	require.Error(t, err)
	var wrapped *url.Error
	require.True(t, errors.As(err, &wrapped))
	access, err2 := s.client.Introspect(t.Context(), psctoken)
	require.NoError(t, err2)
	b, err2 := json.Marshal(access)
	require.NoError(t, err2)
	mu.Lock()
	defer mu.Unlock()
	fmt.Fprintf(&shown, "%v %+v %#v %v %+v %#v %v %s", err, err, err, access, access, access, access.LogValue(), b)
	for _, secret := range []string{token, psctoken, strings.Split(token, ".")[1], strings.Split(psctoken, ".")[1], psctest.Titulaire} {
		absent(t, shown.String(), secret)
	}
	require.Contains(t, shown.String(), "token.exchange")
}

// A session that each request restores from a store exchanges once.
func TestExchangeForRestoredSessions(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	store := &psc.MemoryStore{Clock: s.Clock().Now}
	require.NoError(t, s.login(t, psctest.Titulaire).Keep(t.Context(), store, "k"))
	for range 3 {
		session, err := s.client.Restore(t.Context(), store, "k")
		require.NoError(t, err)
		require.Equal(t, 200, s.sign(t, session).StatusCode)
	}
	require.Equal(t, 1, s.exchanges())
	last, err := s.client.Restore(t.Context(), store, "k")
	require.NoError(t, err)
	require.NoError(t, s.x.Forget(t.Context(), last))
	require.Equal(t, 2, operations(s.api.Journal(), "revoke"))
	require.NoError(t, last.Logout(t.Context()))
	require.NoError(t, s.x.Forget(t.Context(), last), "known after its end too")
}

// Sessions that nobody ends do not stay for ever.
func TestAbandonedTokensAreForgotten(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]psctest.APIOptions{"tokens of 30 minutes": {}, "tokens of 5 hours": {AccessLife: 5 * time.Hour, RefreshLife: -1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, o)
			for range 3 {
				require.Equal(t, 200, s.sign(t, s.login(t, psctest.Titulaire)).StatusCode)
			}
			require.Equal(t, 3, s.x.Held())
			s.Clock().Advance(4 * time.Hour)
			require.Equal(t, 200, s.sign(t, s.login(t, psctest.Titulaire)).StatusCode)
			require.Eventually(t, func() bool { return s.x.Held() == 1 }, 10*time.Second, 5*time.Millisecond)
			if o.AccessLife != 0 { // not dead yet
				require.Eventually(t, func() bool { return operations(s.api.Journal(), "revoke") == 3 }, 10*time.Second, 5*time.Millisecond)
			}
		})
	}
}

// Who logs out and who forgets at once both see it done.
func TestForgetWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	for range 5 {
		session := s.login(t, psctest.Titulaire)
		require.Equal(t, 200, s.sign(t, session).StatusCode)
		before := operations(s.api.Journal(), "revoke")
		require.NoError(t, session.Logout(t.Context()))
		require.NoError(t, s.x.Forget(t.Context(), session))
		require.Equal(t, before+2, operations(s.api.Journal(), "revoke"))
	}
}

// The person logs in again in the middle of the work.
func TestExchangeAfterLoggingInAgain(t *testing.T) {
	t.Parallel()
	s := newSpace(t, psctest.APIOptions{})
	again := newWorldOf(t, s, func(c *psc.Config) {
		c.Reauthenticate = func(ctx context.Context, _ *psc.Session, _ error) (*psc.Session, error) {
			return s.client.Login(ctx, request(t, psctest.Titulaire))
		}
	})
	session, err := again.Login(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	first, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	s.Clock().Advance(4 * time.Hour)
	second, err := s.x.Token(t.Context(), session, "signsessiondata")
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Equal(t, 200, s.sign(t, session).StatusCode)
}

// newWorldOf makes another client of the same emulator.
func newWorldOf(t *testing.T, s *space, change func(*psc.Config)) *psc.Client {
	t.Helper()
	cfg := s.config
	change(&cfg)
	c, err := psc.New(cfg)
	require.NoError(t, err)
	return c
}
