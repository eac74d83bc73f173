package psctest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Introspection is what the service says of a token.
type Introspection struct {
	Active    bool
	Person    string // SubjectNameID: the national identifier; of an access token only
	ClientID  string
	Scope     string
	ACR       string
	SessionID string
	Expiry    time.Time
}

// Introspect tells what an access or refresh token is worth now, as the
// introspection endpoint would: other emulators validate tokens by it.
func (s *Server) Introspect(ctx context.Context, token string) (Introspection, error) {
	if err := ctx.Err(); err != nil {
		return Introspection{}, err
	}
	r := (&http.Request{}).WithContext(ctx)
	m := s.look(r, token)
	if active, _ := m["active"].(bool); !active {
		return Introspection{}, nil
	}
	text := func(name string) string { v, _ := m[name].(string); return v }
	exp, _ := m["exp"].(float64)
	return Introspection{
		Active: true, Person: text("SubjectNameID"), ClientID: text("client_id"), Scope: text("scope"),
		ACR: text("acr"), SessionID: text("sid"), Expiry: time.Unix(int64(exp), 0),
	}, nil
}

// introspect is the endpoint (RFC 7662): for declared clients only.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	f, p := form(w, r)
	if p == nil {
		if _, p = s.authenticate(r, f); p != nil {
			p.code, p.text = "invalid_request", assumedNotAuthorized
		}
	}
	if p == nil && f["token"] == "" {
		p = &problem{400, "invalid_request", "Token not provided.", "token", "one", "none"}
	}
	if p != nil {
		s.refuse(w, "introspect", p)
		return
	}
	answer(w, http.StatusOK, s.look(r, f["token"]))
}

// look gives the body of an introspection.
func (s *Server) look(r *http.Request, token string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	dead := map[string]any{"active": false}
	now := s.Clock().Now()
	c, payload, ok := s.read(r, token)
	if !ok || c.Type == "ID" || now.Unix() >= c.Expiry || s.revoked[c.ID] {
		return dead
	}
	q := s.sessions[c.Session]
	if q == nil || !q.alive(now) {
		return dead
	}
	var m map[string]any
	if json.Unmarshal(payload, &m) != nil {
		return dead
	}
	m["active"], m["client_id"], m["username"] = true, q.client, q.person
	if c.Type == "Bearer" {
		m["SubjectNameID"], m["email_verified"] = q.person, false
	}
	return m
}
