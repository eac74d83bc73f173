package psctest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/jose"
)

const grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

// subjectLife is the age above which a token of Pro Santé Connect is not exchanged.
const subjectLife = 120 * time.Second

// token exchanges a token of Pro Santé Connect (RFC 8693 §2).
func (a *API) token(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p == nil {
		var client string
		var leaf *x509.Certificate
		if client, leaf, p = a.authenticate(r, f); p == nil {
			p = a.exchange(w, r, client, leaf, f)
		}
	}
	if p != nil {
		a.refuse(w, "exchange", p)
	}
}

func (a *API) exchange(w http.ResponseWriter, r *http.Request, client string, leaf *x509.Certificate, f map[string]string) *problem {
	refuse := func(code, text, rule, expected, got string) *problem {
		return &problem{400, code, text, rule, expected, got}
	}
	if f["grant_type"] != grantExchange {
		return refuse("unsupported_grant_type", "Unsupported grant_type", "grant_type", grantExchange, f["grant_type"])
	}
	subject := f["subject_token"]
	if subject == "" {
		return refuse("invalid_request", "subject_token is missing", "subject_token", "an access token of Pro Santé Connect", "none")
	}
	if t := f["subject_token_type"]; t != "urn:ietf:params:oauth:token-type:access_token" && t != "urn:ietf:params:oauth:token-type:jwt" {
		return refuse("invalid_request", "invalid subject_token_type", "subject_token_type", "access_token or jwt", t)
	}
	if i := f["subject_issuer"]; i != "" && i != "psc" {
		return refuse("invalid_request", "invalid subject_issuer", "subject_issuer", "psc", i)
	}
	var scope []string
	if asked, given := f["scope"]; given {
		scope = strings.Fields(asked)
	}
	if len(scope) == 0 && a.o.NeedScope {
		return refuse("invalid_scope", "scope is missing", "scope", "one of "+strings.Join(a.o.Scopes, " "), "none")
	}
	if slices.ContainsFunc(scope, func(s string) bool { return !slices.Contains(a.o.Scopes, s) }) {
		return refuse("invalid_scope", "Invalid scopes: "+f["scope"], "scope", "some of "+strings.Join(a.o.Scopes, " "), f["scope"])
	}
	if aud := f["audience"]; aud != "" && len(a.o.Audience) > 0 && !slices.Contains(a.o.Audience, aud) {
		return refuse("invalid_target", "unknown audience", "audience", strings.Join(a.o.Audience, " or "), aud)
	}
	if p := actor(f); p != nil {
		return p
	}
	told, err := a.o.PSC.Introspect(r.Context(), subject)
	switch {
	case err != nil:
		return &problem{503, "temporarily_unavailable", "Pro Santé Connect cannot be asked", "introspection", "an answer", "none"}
	case !told.Active || told.Person == "":
		return refuse("invalid_token", "invalid token", "subject_token", "a live access token of Pro Santé Connect", "another")
	case a.Clock().Now().Sub(issuedAt(subject)) > subjectLife:
		return refuse("invalid_token", "token too old", "subject_token", "one of at most "+subjectLife.String(), "an older one")
	}
	a.mu.Lock()
	banned := a.denied[told.Person]
	a.mu.Unlock()
	if banned {
		return &problem{403, "access_denied", "Client not allowed to exchange", "person", "one with a right to the API", "another"}
	}
	return a.give(w, client, told, scope, leaf)
}

// actor checks the form of actor_token: a JWT that says which software acts.
func actor(f map[string]string) *problem {
	token, given := f["actor_token"]
	refuse := func(expected, got string) *problem {
		return &problem{400, "invalid_request", "invalid actor_token", "actor_token", expected, got}
	}
	if !given {
		if f["actor_token_type"] != "" {
			return refuse("a token with its type", "a type alone")
		}
		return nil
	}
	if f["actor_token_type"] != "urn:ietf:params:oauth:token-type:jwt" {
		return refuse("actor_token_type jwt", f["actor_token_type"])
	}
	if _, err := jose.Peek(token); err != nil {
		return refuse("a JWT", "something else")
	}
	return nil
}

// issuedAt reads a token that introspection said is good.
func issuedAt(token string) time.Time {
	var c struct {
		IssuedAt int64 `json:"iat"`
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if payload, err := rawURL(parts[1]); err == nil {
			_ = json.Unmarshal(payload, &c)
		}
	}
	return time.Unix(c.IssuedAt, 0)
}

// give answers with a token of the API.
func (a *API) give(w http.ResponseWriter, client string, told Introspection, scope []string, leaf *x509.Certificate) *problem {
	now := a.Clock().Now()
	aud := a.o.Audience
	if len(aud) == 0 {
		aud = []string{"account", client}
	}
	session := uuid()
	g := &grant{person: told.Person, scope: scope, until: now.Add(a.o.AccessLife), thumb: sha256.Sum256(leaf.Raw), bound: a.o.Cnf != CnfNone}
	g.claims = map[string]any{
		"iss": a.Issuer(), "aud": aud, "azp": client, "typ": "Bearer", "acr": "1", "jti": uuid(), "iat": now.Unix(), "exp": g.until.Unix(),
		"sub": uuid(), "scope": strings.Join(append([]string{"openid"}, scope...), " "), "session_state": session, "sid": session,
		"SubjectNameID": told.Person, "preferred_username": told.Person, "psc_session_state": told.SessionID,
	}
	if cnf := a.cnf(g.thumb); cnf != nil {
		g.claims["cnf"] = cnf
	}
	if a.o.Cnf == CnfForeign {
		g.thumb = sha256.Sum256(g.thumb[:])
	}
	token := opaque()
	if !a.o.Opaque {
		var err error
		if token, err = a.signer.Sign(g.claims); err != nil {
			return broken(err)
		}
	}
	body := map[string]any{
		"access_token": token, "expires_in": int(a.o.AccessLife / time.Second), "token_type": "Bearer", "not-before-policy": 0,
		"session_state": session, "scope": g.claims["scope"],
	}
	a.mu.Lock()
	a.given[token] = g
	if a.o.RefreshLife > 0 {
		refresh := opaque()
		a.given[refresh] = &grant{claims: map[string]any{"typ": "Refresh", "azp": client}, person: told.Person, until: now.Add(a.o.RefreshLife)}
		body["refresh_token"], body["refresh_expires_in"] = refresh, int(a.o.RefreshLife/time.Second)
	}
	a.mu.Unlock()
	if a.o.IssuedTokenType {
		body["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
	}
	answer(w, http.StatusOK, body)
	return nil
}

// revoke ends a token (RFC 7009).
func (a *API) revoke(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	var client string
	if p == nil {
		client, _, p = a.authenticate(r, f)
	}
	if p == nil && f["token"] == "" {
		p = &problem{400, "invalid_request", "Token not provided", "token", "one", "none"}
	}
	if p == nil {
		a.mu.Lock()
		if g := a.given[f["token"]]; g != nil && g.claims["azp"] == client {
			g.dead = true
		}
		a.mu.Unlock()
		w.WriteHeader(http.StatusOK)
		return
	}
	a.refuse(w, "revoke", p)
}

// introspect tells what a token is worth (RFC 7662), to declared clients.
func (a *API) introspect(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p == nil {
		_, _, p = a.authenticate(r, f)
	}
	if p != nil {
		a.refuse(w, "introspect", p)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.given[f["token"]]
	if g == nil || g.dead || !a.Clock().Now().Before(g.until) {
		answer(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	m := map[string]any{"active": true}
	for name, v := range g.claims {
		m[name] = v
	}
	answer(w, http.StatusOK, m)
}
