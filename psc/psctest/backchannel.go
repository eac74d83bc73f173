package psctest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// notice is a logout token to be posted.
type notice struct{ to, token string }

// end ends sessions and gives the notices to be posted once s.mu, which is
// held, is not any more.
func (s *Server) end(all ...*session) []notice {
	var notices []notice
	for _, q := range all {
		delete(s.sessions, q.id)
		delete(s.signOns, q.sso)
		c := s.clients[q.client]
		if c == nil || c.backchannel == "" {
			continue
		}
		if token, err := s.signers[0].Sign(s.logoutClaims(q)); err == nil {
			notices = append(notices, notice{c.backchannel, token})
		}
	}
	return notices
}

// logoutClaims are those of a logout token (OpenID Connect Back-Channel Logout §2.4).
func (s *Server) logoutClaims(q *session) map[string]any {
	now := s.Clock().Now()
	c := map[string]any{
		"iss": s.URL + realm, "aud": q.client, "iat": now.Unix(), "jti": uuid(), "typ": "Logout",
		"sub": s.people[q.person].subject(), "sid": q.id, "events": map[string]any{logoutEvent: map[string]any{}},
	}
	if !assumedLogoutWithoutExpiry {
		c["exp"] = now.Add(2 * time.Minute).Unix()
	}
	return c
}

// LogoutToken makes a logout token for the last session of a person, of which
// change, if there is one, has the last word: tests see their software refuse it.
func (s *Server) LogoutToken(person string, change func(claims map[string]any)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *session
	for _, q := range s.sessions {
		if q.person == person && (last == nil || q.used.After(last.used)) {
			last = q
		}
	}
	if last == nil {
		return "", fmt.Errorf("psctest: the person has no session")
	}
	claims := s.logoutClaims(last)
	if change != nil {
		change(claims)
	}
	return s.signers[0].Sign(claims)
}

// post sends the notices. What a client answers is in Notices.
func (s *Server) post(notices []notice) {
	for _, n := range notices {
		status, err := s.deliver(n)
		s.mu.Lock()
		if len(s.delivered) < maxRefusals {
			s.delivered = append(s.delivered, Notice{To: n.to, Status: status, Err: err})
		}
		s.mu.Unlock()
	}
}

// Notice is one logout token that was posted to a client.
type Notice struct {
	To     string
	Status int // 0 without an answer
	Err    error
}

// Notices gives the logout tokens that were posted, oldest first.
func (s *Server) Notices() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notice(nil), s.delivered...)
}

func (s *Server) deliver(n notice) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.to, strings.NewReader(url.Values{"logout_token": {n.token}}.Encode()))
	if err != nil {
		return 0, fmt.Errorf("psctest: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := s.backchannel
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: s.Roots(), Time: s.Clock().Now, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true,
		}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("psctest: %w", err)
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}
