package psc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Codes of RFC 6750 §3.1.
const (
	codeRequest = "invalid_request"
	codeToken   = "invalid_token"
	codeScope   = "insufficient_scope"
)

type accessKey struct{}

// AccessOf gives what [Resource.Protect] learnt of the caller of a request,
// from its context.
func AccessOf(ctx context.Context) (Access, bool) {
	a, ok := ctx.Value(accessKey{}).(Access)
	return a, ok
}

// Protect lets through to next only the requests whose access token, in header
// Authorization and nowhere else, is good and has ResourceConfig.Scopes and
// scopes; next finds it with [AccessOf]. Others are answered as RFC 6750 §3
// says: 401 without an error code for no token, 400 invalid_request, 401
// invalid_token (also for another client certificate, RFC 8705 §3), 403
// insufficient_scope; and 503 when the issuer could not be asked.
func (r *Resource) Protect(next http.Handler, scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		a, err := r.admit(req, scopes)
		if err != nil {
			r.refuse(w, req, err, scopes)
			return
		}
		next.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), accessKey{}, a)))
	})
}

func (r *Resource) admit(req *http.Request, scopes []string) (Access, error) {
	token, err := bearer(req)
	if err != nil {
		return Access{}, err
	}
	peer, err := r.cfg.ClientCertificate(req)
	if err != nil {
		return Access{}, &Error{Op: opResource, Status: http.StatusUnauthorized, Code: codeToken, kind: ErrBinding, Err: errors.New("the client certificate cannot be known")}
	}
	return r.Check(req.Context(), token, peer, scopes...)
}

// bearer reads the token of a request (RFC 6750 §2.1).
func bearer(req *http.Request) (string, error) {
	malformed := func(expected, got string) (string, error) {
		e := denied(ErrToken, "Authorization", expected, got)
		e.Status, e.Code = http.StatusBadRequest, codeRequest
		return "", e
	}
	values := req.Header.Values("Authorization")
	switch {
	case len(values) > 1:
		return malformed("one header", "several")
	case req.URL.Query().Has("access_token"):
		return malformed("the token in header Authorization", "one in the address")
	case len(values) == 0:
		e := denied(ErrToken, "Authorization", "a bearer token", "none")
		e.Code = ""
		return "", e
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		e := denied(ErrToken, "Authorization", "scheme Bearer", "another")
		e.Code = ""
		return "", e
	}
	token = strings.TrimLeft(token, " ")
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, notToken68) {
		return malformed("Bearer and a token", "something else")
	}
	return token, nil
}

// notToken68 tells what is not in a token of RFC 6750 §2.1.
func notToken68(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("-._~+/=", c):
		return false
	}
	return true
}

func (r *Resource) refuse(w http.ResponseWriter, req *http.Request, err error, scopes []string) {
	var e *Error
	refused := errors.As(err, &e) && (errors.Is(err, ErrToken) || errors.Is(err, ErrScope) || errors.Is(err, ErrBinding))
	w.Header().Set("Cache-Control", "no-store")
	if !refused {
		r.cfg.Log().WarnContext(req.Context(), "psc: resource: the issuer could not be asked about a token", "err", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	r.cfg.Log().InfoContext(req.Context(), "psc: resource: refused", "status", e.Status, "code", e.Code, "err", err)
	challenge := `Bearer realm="` + r.cfg.Realm + `"`
	body := map[string]string{}
	if e.Code != "" {
		text := e.kind.Error()
		challenge += `, error="` + e.Code + `", error_description="` + text + `"`
		body["error"], body["error_description"] = e.Code, text
	}
	if e.Code == codeScope {
		challenge += `, scope="` + strings.Join(append(append([]string(nil), r.cfg.Scopes...), quotables(scopes)...), " ") + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(body)
}

// quotable tells whether s can stand between quotes in a challenge.
func quotable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}

func quotables(all []string) []string {
	var good []string
	for _, s := range all {
		if quotable(s) {
			good = append(good, s)
		}
	}
	return good
}
