package psc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

const (
	sessionCookie = "psc-session"
	loginCookie   = "psc-login-" // and which login
	// maxLogins is how many logins one browser may have begun: more are of
	// somebody who plays, and their cookies would fill its requests.
	maxLogins = 8
	maxCookie = 4 << 10
)

// cookie makes one that scripts, other sites and other hosts do not have. A
// negative life deletes it.
func (w *Web) cookie(name, value string, life time.Duration) *http.Cookie {
	seconds := int(life / time.Second)
	if life < 0 {
		seconds = -1
	}
	return &http.Cookie{
		Name: w.prefix + name, Value: value, Path: "/", MaxAge: seconds,
		Secure: w.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// nameOfLogin is the cookie of the login with that state: several may be under
// way in several tabs.
func nameOfLogin(state string) string {
	sum := sha256.Sum256([]byte(state))
	return loginCookie + hex.EncodeToString(sum[:8])
}

// remember gives the browser what it brings back with the answer, sealed.
func (w *Web) remember(rw http.ResponseWriter, r *http.Request, a *Authorization) error {
	plain, err := a.MarshalBinary()
	if err != nil {
		return notSent(opAuthorize, err)
	}
	name := nameOfLogin(a.attempt.State)
	value := base64.RawURLEncoding.EncodeToString(w.seals[0].seal(plain, name))
	if len(value) > maxCookie-200 {
		return notSent(opAuthorize, errors.New("AuthRequest.Return is too long for a cookie"))
	}
	var begun []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, w.prefix+loginCookie) {
			begun = append(begun, strings.TrimPrefix(c.Name, w.prefix))
		}
	}
	if len(begun) >= maxLogins {
		for _, old := range begun {
			http.SetCookie(rw, w.cookie(old, "", -1))
		}
	}
	http.SetCookie(rw, w.cookie(name, value, attemptLife))
	return nil
}

// recall reads what the browser brings back, and takes it away.
func (w *Web) recall(rw http.ResponseWriter, r *http.Request) (*Authorization, error) {
	if len(r.URL.RawQuery) > 2*maxCallback {
		return nil, &Error{Op: opCallback, kind: ErrCallback, outcome: socle.OutcomeRefused, Err: errors.New("rule size: too many parameters")}
	}
	name := nameOfLogin(r.URL.Query().Get("state"))
	c, err := r.Cookie(w.prefix + name)
	if err != nil {
		return nil, stateless("this browser began no login with this answer: begin again, with cookies allowed")
	}
	http.SetCookie(rw, w.cookie(name, "", -1))
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(c.Value) > maxCookie {
		return nil, stateless("the cookie of the login was changed: begin again")
	}
	for _, s := range w.seals {
		if plain, err := s.open(sealed, name); err == nil {
			var a Authorization
			return &a, a.UnmarshalBinary(plain)
		}
	}
	return nil, stateless("the cookie of the login was not sealed by this server: begin again")
}
