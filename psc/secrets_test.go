package psc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// TestNothingSecretShows goes through everything a client does, well and
// badly, and looks for every secret of the wire in all that it shows.
func TestNothingSecretShows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var shown bytes.Buffer
	show := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range v {
			fmt.Fprintf(&shown, "%v\n%+v\n%#v\n%s\n", x, x, x, x)
			if b, err := json.Marshal(x); err == nil {
				shown.Write(b)
			}
		}
	}
	w := newWorld(t, func(c *psc.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&locked{mu: &mu, b: &shown}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Observe = func(_ context.Context, x socle.Exchange) {
			show(x, string(x.Request), string(x.Response))
		}
	})
	log := w.config.Logger

	for _, a := range []psctest.Answer{{Decision: psctest.Deny}, {Decision: psctest.Ignore}, {Unreachable: true}, {ACR: "eidas0"}, {As: psctest.Adjoint}, {SlowDown: 1, ACR: "-"}} {
		w.Script(psctest.Titulaire, a)
		s, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
		show(s, err)
		log.Info("login", "session", s, "err", err)
	}
	_, err := w.client.Login(t.Context(), request(t, "899900001043"))
	show(err)
	w.Script(psctest.Titulaire, psctest.Answer{})
	p, err := w.client.StartCIBA(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	show(p, struct{ P *psc.Pending }{p})
	log.Info("pending", "p", p)
	fmt.Fprintf(&shown, "%+v", reflect.ValueOf(p).Elem()) // the fields, past the methods
	s, err := p.Wait(t.Context())
	require.NoError(t, err)
	show(s, struct{ S *psc.Session }{s}, []any{s, map[string]any{"s": s}})
	fmt.Fprintf(&shown, "%v %+v %#v %s", s.UserInfo(), s.UserInfo(), s.UserInfo(), s.UserInfo()) // its JSON is its content
	fmt.Fprintf(&shown, "%+v", reflect.ValueOf(s).Elem())
	log.Info("session", "s", s, "u", s.UserInfo())
	w.Clock().Advance(2 * time.Minute)
	w.Fail(emulator.Fault{Operation: "token.refresh", Status: 500, Times: 3})
	_, err = s.AccessToken(t.Context())
	show(err)
	_, err = s.AccessToken(t.Context())
	require.NoError(t, err)
	w.EndSessions(psctest.Titulaire)
	w.Clock().Advance(2 * time.Minute)
	_, err = s.AccessToken(t.Context())
	show(err, s.Logout(t.Context()), s)

	// The same in a browser, with a client secret.
	const secret = "a-secret-of-the-client-that-nobody-sees"
	cfg := w.config
	cfg.Secret, cfg.SecretInForm = secret, true
	show(cfg, cfg.Secret, struct{ C psc.Config }{cfg})
	log.Info("config", "secret", cfg.Secret)
	w.RegisterSecret(psctest.ClientID, secret)
	w.client, err = psc.New(cfg)
	require.NoError(t, err)
	more := []string{secret}
	for _, change := range []func(url.Values){
		func(url.Values) {}, func(q url.Values) { q.Set("iss", "https://evil.example") }, func(q url.Values) { q.Del("code") },
		func(q url.Values) { q.Set("code", "another-code-that-nobody-sees") }, func(q url.Values) { q.Set("state", q.Get("state")+"x") },
		func(q url.Values) {
			q.Set("error", "server_error")
			q.Set("error_description", q.Get("code")+" "+q.Get("state"))
		},
	} {
		a, q := w.begin(t, psc.AuthRequest{}, w.Browser(), psctest.Titulaire)
		u, err := url.Parse(a.URL())
		require.NoError(t, err)
		more = append(more, q.Get("code"), q.Get("state"), u.Query().Get("nonce"))
		change(q)
		s, err := w.client.Callback(t.Context(), a, q)
		show(a, s, err, struct{ A *psc.Authorization }{a})
		fmt.Fprintf(&shown, "%+v", reflect.ValueOf(a).Elem())
		log.Info("authorization", "a", a, "err", err)
		if err != nil {
			continue
		}
		store := &psc.MemoryStore{Clock: w.Clock().Now}
		require.NoError(t, s.Keep(t.Context(), store, "a-key-that-nobody-sees"))
		kept, err := store.Load(t.Context(), "a-key-that-nobody-sees")
		require.NoError(t, err)
		show(s)
		fmt.Fprintf(&shown, "%v %+v %#v", kept, kept, kept)
		log.Info("kept", "s", kept)
		token, err := w.LogoutToken(psctest.Titulaire, func(c map[string]any) { c["iss"] = "x" })
		require.NoError(t, err)
		more = append(more, token)
		got, err := w.client.VerifyLogoutToken(t.Context(), token, psc.LogoutOptions{})
		show(err)
		log.Info("notice", "t", got, "err", err)
		address, err := s.LogoutURL(t.Context(), "", "")
		require.NoError(t, err)
		require.NotEmpty(t, address)
	}
	more = append(more, "another-code-that-nobody-sees", "a-key-that-nobody-sees")

	mu.Lock()
	text := shown.String()
	mu.Unlock()
	secrets := append(wireSecrets(t, w), more...)
	require.Greater(t, len(secrets), 20)
	for _, secret := range secrets {
		absent(t, text, secret)
	}
	for _, identifying := range []string{psctest.Titulaire, psctest.Titulaire[1:], "899900001043", "TITULAIRE0000100", "CAMILLE"} {
		absent(t, text, identifying)
	}
	require.Contains(t, text, "exchange", "the log was on")
}

// The service's own words may repeat what was sent.
func TestIdentifiersInTheWordsOfTheServiceDoNotShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *psc.Config) { c.Scope = "openid " + psctest.Titulaire })
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.ErrorContains(t, err, `"Invalid scopes: openid …"`)
	absent(t, fmt.Sprintf("%+v %#v", err, err), psctest.Titulaire)
}

func absent(t *testing.T, text, secret string) {
	t.Helper()
	if i := strings.Index(text, secret); i >= 0 {
		t.Errorf("%.40q… is shown after %q", secret, text[max(0, i-200):i])
	}
}

// wireSecrets gives every token and request id that the emulator saw or gave,
// whole and in parts.
func wireSecrets(t *testing.T, w *world) []string {
	t.Helper()
	var all []string
	add := func(v string) {
		if v != "" {
			all = append(all, v)
			for _, part := range strings.Split(v, ".") {
				if len(part) > 60 {
					all = append(all, part)
				}
			}
		}
	}
	for _, e := range w.Journal() {
		form, err := url.ParseQuery(string(e.Request))
		require.NoError(t, err)
		for _, name := range []string{"auth_req_id", "refresh_token", "token", "id_token_hint", "code", "code_verifier", "client_secret"} {
			add(form.Get(name))
		}
		var answer map[string]any
		if json.Unmarshal(e.Response, &answer) == nil {
			for _, name := range []string{"auth_req_id", "access_token", "refresh_token", "id_token"} {
				v, _ := answer[name].(string)
				add(v)
			}
		}
	}
	return all
}

type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
