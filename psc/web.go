package psc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
)

// WebConfig is what a Web needs.
type WebConfig struct {
	// Client is mandatory.
	Client *Client
	// RedirectURI is the address of Callback, as declared to the ANS. Mandatory.
	// Cookies are __Host- ones if it is https; http is for the loopback only.
	RedirectURI string
	// Keys seal the cookie of a login under way: 32 random bytes each. The first
	// seals, the others open what was sealed before a rotation. Mandatory.
	Keys [][]byte
	// Store keeps the sessions; in memory if nil.
	Store SessionStore
	// Home is the local address for those who were going nowhere, "/" if empty.
	Home string
	// Goodbye is where people come back to after a logout, as declared to the
	// ANS; the service shows its own page if it is empty.
	Goodbye string
	// LoginPath is where Login is mounted, for Require; "/login" if empty.
	LoginPath string
	// Request may change what is asked for one login (Prompt, MaxAge, IdPHint).
	Request func(*http.Request, *AuthRequest)
	// Opened may refuse a person who just logged in: the place to match them
	// with an account of the software (PSC.02). The session is logged out then.
	Opened func(context.Context, *Session) error
	// Failed answers a login that failed; a short text if nil. What err says can
	// be logged and holds nothing secret.
	Failed func(w http.ResponseWriter, r *http.Request, err error)
	// Logout says how strict the reception of logout tokens is.
	Logout LogoutOptions
}

// Web logs people in by the code flow, for a web server (PSC.01, in the
// browser). Its handlers are mounted by the caller, where they like:
//
//	mux.Handle("GET /login", web.Login())
//	mux.Handle("GET /callback", web.Callback())
//	mux.Handle("POST /logout", web.Logout())
//	mux.Handle("POST /backchannel", web.Backchannel())
//	mux.Handle("/", web.Require(pages))
//
// The browser holds a random name of its session and nothing else: no token
// ever leaves the server. Machines that share Keys and Store share the logins.
type Web struct {
	cfg    WebConfig
	seals  []*sealer
	secure bool
	prefix string // of the names of cookies

	mu   sync.Mutex
	live map[string]*Session
	due  time.Time // when sessions that are over are dropped next
}

// NewWeb checks cfg. The error joins everything that is wrong.
func NewWeb(cfg WebConfig) (*Web, error) {
	var problems []error
	add := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("psc: web: %s: %w", field, err))
		}
	}
	w := &Web{live: map[string]*Session{}}
	if cfg.Client == nil {
		add("Client", errors.New("missing"))
	}
	add("RedirectURI", checkRedirect(cfg.RedirectURI))
	if len(cfg.Keys) == 0 {
		add("Keys", errors.New("missing: 32 random bytes that all machines share"))
	}
	for i, key := range cfg.Keys {
		s, err := newSealer(key)
		add(fmt.Sprintf("Keys[%d]", i), err)
		w.seals = append(w.seals, s)
	}
	cfg.Home, cfg.LoginPath = first(cfg.Home, "/"), first(cfg.LoginPath, "/login")
	for field, path := range map[string]string{"Home": cfg.Home, "LoginPath": cfg.LoginPath} {
		if local(path) == "" {
			add(field, errors.New("a path of this server expected"))
		}
	}
	if cfg.Goodbye != "" {
		add("Goodbye", checkRedirect(cfg.Goodbye))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if cfg.Store == nil {
		cfg.Store = &MemoryStore{Clock: cfg.Client.cfg.Now}
	}
	w.cfg = cfg
	if w.secure = strings.HasPrefix(cfg.RedirectURI, "https:"); w.secure {
		w.prefix = "__Host-"
	}
	return w, nil
}

// maxReturn bounds the address that a person was going to.
const maxReturn = 1 << 10

// local gives an address of this server, and nothing for one of another: the
// answer to a login sends nobody elsewhere.
func local(path string) string {
	if len(path) > maxReturn || !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return ""
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(path, "//") {
		return ""
	}
	return path
}

// Login sends the browser to the login page. Its parameter "return", a path of
// this server, is where the person goes after.
func (w *Web) Login() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ask := AuthRequest{RedirectURI: w.cfg.RedirectURI}
		if w.cfg.Request != nil {
			w.cfg.Request(r, &ask)
		}
		if ask.Return == "" {
			ask.Return = r.URL.Query().Get("return")
		}
		ask.Return = first(local(ask.Return), w.cfg.Home)
		a, err := w.cfg.Client.Authorize(ask)
		if err == nil {
			err = w.remember(rw, r, a)
		}
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		private(rw)
		http.Redirect(rw, r, a.URL(), http.StatusSeeOther)
	})
}

// Callback opens the session of a person who comes back, under a new name each
// time, and sends them where they were going.
func (w *Web) Callback() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		a, err := w.recall(rw, r)
		if err == nil {
			err = w.open(rw, r, a)
		}
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		private(rw)
		http.Redirect(rw, r, first(local(a.Return()), w.cfg.Home), http.StatusSeeOther)
	})
}

func (w *Web) open(rw http.ResponseWriter, r *http.Request, a *Authorization) error {
	s, err := w.cfg.Client.Callback(r.Context(), a, r.URL.Query())
	if err != nil {
		return err
	}
	if w.cfg.Opened != nil {
		if err := w.cfg.Opened(r.Context(), s); err != nil {
			s.discard(r.Context())
			return err
		}
	}
	before, _ := w.Session(r)
	value := random()
	key := keyOf(value)
	if err := s.Keep(r.Context(), w.cfg.Store, key); err != nil {
		s.discard(r.Context())
		return err
	}
	w.mu.Lock()
	w.live[key] = s
	w.mu.Unlock()
	if before != nil {
		// The session of the service may be the same one under both: only one
		// of another is ended there.
		if before.ServiceID() == s.ServiceID() {
			before.Forget(r.Context())
		} else {
			before.discard(r.Context())
		}
	}
	http.SetCookie(rw, w.cookie(sessionCookie, value, s.ReauthAt().Sub(w.cfg.Client.cfg.Now())))
	return nil
}

// Logout ends the session of the browser (SSI/IE.38), here and, by sending the
// browser there, at the service. It takes a POST from a page of this server.
func (w *Web) Logout() http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			rw.Header().Set("Allow", http.MethodPost)
			http.Error(rw, "a POST is expected", http.StatusMethodNotAllowed)
			return
		}
		if err := cross.Check(r); err != nil {
			http.Error(rw, "a page of this site is expected", http.StatusForbidden)
			return
		}
		to := w.cfg.Home
		if s, err := w.Session(r); err == nil {
			address, err := s.LogoutURL(r.Context(), w.cfg.Goodbye, "")
			if err != nil {
				w.cfg.Client.cfg.Log().WarnContext(r.Context(), "psc: a session was not wholly ended at the service", "err", err)
			}
			to = first(address, to)
		}
		http.SetCookie(rw, w.cookie(sessionCookie, "", -1))
		private(rw)
		http.Redirect(rw, r, to, http.StatusSeeOther)
	})
}

// Backchannel ends the sessions that a logout token names, in the store and in
// this program; another program that shares the store finds out at its next
// refresh, within two minutes.
func (w *Web) Backchannel() http.Handler {
	return w.cfg.Client.BackchannelLogout(w.cfg.Logout, func(ctx context.Context, t LogoutToken) error {
		keys, err := w.cfg.Store.Find(ctx, t.SessionID, t.Subject)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := w.cfg.Store.Delete(ctx, key); err != nil {
				return err
			}
		}
		w.mu.Lock()
		var named []*Session
		for key, s := range w.live {
			if t.Names(s) {
				named = append(named, s)
				delete(w.live, key)
			}
		}
		w.mu.Unlock()
		for _, s := range named {
			s.Forget(ctx)
		}
		return nil
	})
}

// Session gives the session of the browser, or [ErrNoSession], or why it is over.
func (w *Web) Session(r *http.Request) (*Session, error) {
	c, err := r.Cookie(w.prefix + sessionCookie)
	if err != nil || len(c.Value) != randomSize {
		return nil, &Error{Op: opSession, kind: ErrNoSession, outcome: socle.OutcomeNotSent, Fix: "the person logs in"}
	}
	key := keyOf(c.Value)
	now := w.cfg.Client.cfg.Now()
	w.mu.Lock()
	if !now.Before(w.due) {
		for key, s := range w.live {
			if idle := s.IdleAt(); !now.Before(idle) || !now.Before(s.ReauthAt()) { // also one that is over
				delete(w.live, key)
			}
		}
		w.due = now.Add(time.Minute)
	}
	s := w.live[key]
	w.mu.Unlock()
	if s == nil {
		if s, err = w.cfg.Client.Restore(r.Context(), w.cfg.Store, key); err != nil {
			return nil, err
		}
		w.mu.Lock()
		if other := w.live[key]; other != nil {
			s = other
		} else {
			w.live[key] = s
		}
		w.mu.Unlock()
	}
	if err := s.alive(); err != nil {
		w.mu.Lock()
		delete(w.live, key)
		w.mu.Unlock()
		return nil, err
	}
	return s, nil
}

// keyOf names a session in the store: who reads the store cannot make a cookie.
func keyOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

type sessionKey struct{}

// SessionOf gives the session that Require found.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}

// Require lets only those through who are logged in, with their session in the
// context ([SessionOf]): others who read a page are sent to Login, and other
// requests get status 401. It keeps the session alive at the service.
func (w *Web) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.Session(r)
		if err == nil {
			_, err = s.AccessToken(r.Context())
			if err != nil && !errors.Is(err, ErrSessionExpired) && !errors.Is(err, ErrLoggedOut) && !errors.Is(err, ErrIDToken) && r.Context().Err() == nil {
				w.cfg.Client.cfg.Log().WarnContext(r.Context(), "psc: a session could not be refreshed", "err", err)
				err = nil // the service is away, the session is not over
			}
		}
		private(rw)
		switch {
		case err == nil:
			next.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)))
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(rw, r, w.cfg.LoginPath+"?"+url.Values{"return": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			http.Error(rw, "log in", http.StatusUnauthorized)
		}
	})
}

func private(rw http.ResponseWriter) {
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Referrer-Policy", "no-referrer")
}

func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	w.cfg.Client.cfg.Log().InfoContext(r.Context(), "psc: a login failed", "err", err)
	private(rw)
	if w.cfg.Failed != nil {
		w.cfg.Failed(rw, r, err)
		return
	}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, ErrDenied):
		status = http.StatusForbidden
	case socle.Retryable(err):
		status = http.StatusServiceUnavailable
	}
	http.Error(rw, "La connexion par Pro Santé Connect a échoué. Recommencez.", status)
}
