package psc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// site is a vendor's web software and its browser.
type site struct {
	*world
	web   *psc.Web
	http  *http.Client
	url   string
	mux   *http.ServeMux
	store *psc.MemoryStore
	key   []byte
}

func newSite(t *testing.T, change ...func(*psc.WebConfig)) *site {
	t.Helper()
	x := &site{world: newWorld(t), key: newKey(t)}
	x.store = &psc.MemoryStore{Clock: x.Clock().Now}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { x.mux.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	x.url = srv.URL
	x.http = srv.Client()
	x.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	x.RegisterRedirect(psctest.ClientID, x.url+"/callback")
	x.RegisterGoodbye(psctest.ClientID, x.url+"/bye")
	x.mount(t, change...)
	x.newBrowser(t)
	return x
}

// mount starts the software, again if it ran.
func (x *site) mount(t *testing.T, change ...func(*psc.WebConfig)) {
	t.Helper()
	c, err := psc.New(x.config)
	require.NoError(t, err)
	cfg := psc.WebConfig{Client: c, RedirectURI: x.url + "/callback", Keys: [][]byte{x.key}, Store: x.store, Home: "/home", Goodbye: x.url + "/bye"}
	for _, f := range change {
		f(&cfg)
	}
	x.web, err = psc.NewWeb(cfg)
	require.NoError(t, err)
	x.mux = http.NewServeMux()
	x.mux.Handle("/login", x.web.Login())
	x.mux.Handle("/callback", x.web.Callback())
	x.mux.Handle("/logout", x.web.Logout())
	x.mux.Handle("/backchannel", x.web.Backchannel())
	x.mux.Handle("/", x.web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := psc.SessionOf(r.Context()).UserInfo().Person()
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		fmt.Fprint(w, p)
	})))
}

func (x *site) newBrowser(t *testing.T) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	x.http.Jar = jar
}

func (x *site) do(t *testing.T, method, path string, header ...string) (status int, location, body string, cookies []*http.Cookie) {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = x.url + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := x.http.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"), "%s %s", method, path)
	return resp.StatusCode, resp.Header.Get("Location"), string(raw), resp.Cookies()
}

// enter logs a person in, in the browser of the site, and gives the address of
// the callback and what came of it.
func (x *site) enter(t *testing.T, path, person string) (callback string, status int, location string) {
	t.Helper()
	status, location, _, _ = x.do(t, "GET", path)
	require.Equal(t, 303, status)
	callback, err := x.Browser().Login(t.Context(), location, person)
	require.NoError(t, err)
	status, location, _, _ = x.do(t, "GET", callback)
	return callback, status, location
}

func TestWebLogin(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	status, location, _, _ := x.do(t, "GET", "/caisse?x=1")
	require.Equal(t, 303, status)
	require.Equal(t, "/login?return=%2Fcaisse%3Fx%3D1", location)
	status, _, _, _ = x.do(t, "GET", "/home")
	require.Equal(t, 303, status)

	status, location, _, cookies := x.do(t, "GET", location)
	require.Equal(t, 303, status)
	require.True(t, strings.HasPrefix(location, x.Environment().Authorization+"?"))
	require.Len(t, cookies, 1)
	for _, c := range cookies {
		require.True(t, strings.HasPrefix(c.Name, "__Host-psc-login-"))
		require.True(t, c.HttpOnly && c.Secure && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "")
		require.Equal(t, 600, c.MaxAge)
		u, err := url.Parse(location)
		require.NoError(t, err)
		require.NotContains(t, c.Value, u.Query().Get("state"))
	}
	callback, err := x.Browser().Login(t.Context(), location, psctest.Titulaire)
	require.NoError(t, err)
	status, location, _, cookies = x.do(t, "GET", callback)
	require.Equal(t, 303, status)
	require.Equal(t, "/caisse?x=1", location)
	require.Len(t, cookies, 2)
	require.Equal(t, -1, cookies[0].MaxAge, "the cookie of the login is gone")
	c := cookies[1]
	require.Equal(t, "__Host-psc-session", c.Name)
	require.True(t, c.HttpOnly && c.Secure && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "")
	require.Equal(t, 4*3600, c.MaxAge)

	_, _, body, _ := x.do(t, "GET", location)
	require.Equal(t, psctest.Titulaire, body)
	x.Clock().Advance(25 * time.Minute)
	_, _, body, _ = x.do(t, "GET", "/")
	require.Equal(t, psctest.Titulaire, body)
	x.Clock().Advance(25 * time.Minute)
	_, _, body, _ = x.do(t, "GET", "/")
	require.Equal(t, psctest.Titulaire, body, "pages keep the session alive")

	x.mount(t) // a restart, or another machine
	_, _, body, _ = x.do(t, "GET", "/")
	require.Equal(t, psctest.Titulaire, body)

	status, location, _, cookies = x.do(t, "POST", "/logout", "Origin", x.url)
	require.Equal(t, 303, status)
	require.True(t, strings.HasPrefix(location, x.Environment().EndSession+"?"))
	require.Equal(t, -1, cookies[0].MaxAge)
	back, err := x.Browser().Visit(t.Context(), location)
	require.NoError(t, err)
	require.Equal(t, x.url+"/bye", back)
	status, _, _, _ = x.do(t, "GET", "/", "Cookie", "__Host-psc-session="+c.Value)
	require.Equal(t, 303, status, "the cookie of before opens nothing")
	status, _, _, _ = x.do(t, "POST", "/logout", "Origin", x.url)
	require.Equal(t, 303, status, "nobody is logged in")
}

func TestWebSessionEnds(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	enter := func() {
		_, status, _ := x.enter(t, "/login", psctest.Titulaire)
		require.Equal(t, 303, status)
		status, _, _, _ = x.do(t, "GET", "/")
		require.Equal(t, 200, status)
	}
	enter()
	u, err := url.Parse(x.url)
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range x.http.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	_, err = x.web.Session(r)
	require.NoError(t, err)
	x.Clock().Advance(31 * time.Minute)
	_, err = x.web.Session(r)
	require.ErrorIs(t, err, psc.ErrSessionExpired)
	status, _, _, _ := x.do(t, "GET", "/")
	require.Equal(t, 303, status, "idle")
	enter()
	x.EndSessions(psctest.Titulaire)
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 200, status, "the access token is still good")
	x.Clock().Advance(2 * time.Minute)
	status, _, _, _ = x.do(t, "POST", "/")
	require.Equal(t, 401, status, "ended elsewhere")
}

func TestWebBackchannel(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, status, _ := x.enter(t, "/login", psctest.Titulaire)
	require.Equal(t, 303, status)
	one := x.http.Jar
	x.newBrowser(t)
	_, status, _ = x.enter(t, "/login", psctest.Adjoint)
	require.Equal(t, 303, status)
	other := x.http.Jar
	token, err := x.LogoutToken(psctest.Titulaire, nil)
	require.NoError(t, err)
	post := func() int {
		resp, err := x.http.PostForm(x.url+"/backchannel", url.Values{"logout_token": {token}})
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, 200, post())
	require.Equal(t, 400, post())
	x.http.Jar = one
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 303, status, "at once")
	x.http.Jar = other
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 200, status)

	// Also one that this program does not hold: the store does.
	x.mount(t)
	token, err = x.LogoutToken(psctest.Adjoint, func(c map[string]any) { delete(c, "sub") })
	require.NoError(t, err)
	require.Equal(t, 200, post())
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 303, status)
}

func TestWebTwoTabs(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, first, _, _ := x.do(t, "GET", "/login?return=/a")
	_, second, _, _ := x.do(t, "GET", "/login?return=/b")
	for _, c := range [][2]string{{second, "/b"}, {first, "/a"}} {
		callback, err := x.Browser().Login(t.Context(), c[0], psctest.Titulaire)
		require.NoError(t, err)
		_, location, _, _ := x.do(t, "GET", callback)
		require.Equal(t, c[1], location)
	}
	var cookies []*http.Cookie
	for range 20 {
		_, _, _, cookies = x.do(t, "GET", "/login")
	}
	u, err := url.Parse(x.url)
	require.NoError(t, err)
	require.LessOrEqual(t, len(x.http.Jar.Cookies(u)), 9, "logins that were left do not pile up")
	require.NotEmpty(t, cookies)
}

func TestWebKeysRotate(t *testing.T) {
	t.Parallel()
	x := newSite(t)
	_, location, _, _ := x.do(t, "GET", "/login")
	old := x.key
	x.key = newKey(t)
	x.mount(t, func(c *psc.WebConfig) { c.Keys = append(c.Keys, old) })
	callback, err := x.Browser().Login(t.Context(), location, psctest.Titulaire)
	require.NoError(t, err)
	status, _, _, _ := x.do(t, "GET", callback)
	require.Equal(t, 303, status)
	_, location, _, _ = x.do(t, "GET", "/login")
	x.key = newKey(t)
	x.mount(t)
	callback, err = x.Browser().Login(t.Context(), location, psctest.Titulaire)
	require.NoError(t, err)
	status, _, _, _ = x.do(t, "GET", callback)
	require.Equal(t, 400, status)
}

func TestWebMayRefuseAPerson(t *testing.T) {
	t.Parallel()
	stranger := errors.New("no account of this person")
	var told error
	x := newSite(t, func(c *psc.WebConfig) {
		c.Opened = func(_ context.Context, s *psc.Session) error { return stranger }
		c.Failed = func(w http.ResponseWriter, _ *http.Request, err error) { told = err; w.WriteHeader(418) }
		c.Request = func(_ *http.Request, a *psc.AuthRequest) { a.Prompt = psc.PromptLogin }
	})
	_, status, _ := x.enter(t, "/login", psctest.Titulaire)
	require.Equal(t, 418, status)
	require.ErrorIs(t, told, stranger)
	require.Equal(t, 1, x.count("logout"))
	status, _, _, _ = x.do(t, "GET", "/")
	require.Equal(t, 303, status)
}

func TestNewWebTellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := psc.NewWeb(psc.WebConfig{Home: "https://x.example", Goodbye: "x", LoginPath: "//x"})
	for _, field := range []string{"Client", "RedirectURI", "Keys", "Home", "Goodbye", "LoginPath"} {
		require.ErrorContains(t, err, "web: "+field)
	}
	_, err = psc.NewWeb(psc.WebConfig{Keys: [][]byte{{1}}})
	require.ErrorContains(t, err, "Keys[0]")
}

func FuzzWebCookies(f *testing.F) {
	srv, err := psctest.NewServer(psctest.Options{Authority: authority()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	c, err := psc.New(psc.Config{Environment: srv.Environment(), ClientID: "x", Secret: "y", Roots: srv.Roots()})
	if err != nil {
		f.Fatal(err)
	}
	web, err := psc.NewWeb(psc.WebConfig{Client: c, RedirectURI: callbackURI, Keys: [][]byte{make([]byte, 32)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("x", "AAAA", "code=1&state=x")
	f.Add("state", strings.Repeat("A", 43), "state=state&error=access_denied")
	f.Fuzz(func(t *testing.T, state, value, query string) {
		r := httptest.NewRequest("GET", "/callback", nil)
		r.URL.RawQuery = query
		r.Header.Set("Cookie", "__Host-psc-session="+value+"; __Host-"+psc.LoginCookie(state)+"="+value)
		w := httptest.NewRecorder()
		web.Callback().ServeHTTP(w, r)
		require.Equal(t, 400, w.Code)
		w = httptest.NewRecorder()
		r.URL.RawQuery = "return=" + query
		web.Login().ServeHTTP(w, r)
		require.Equal(t, 303, w.Code)
		_, err := web.Session(r)
		require.ErrorIs(t, err, psc.ErrNoSession)
	})
}
