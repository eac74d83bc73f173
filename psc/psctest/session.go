package psctest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/jose"
)

// Lives of what the service gives.
const (
	accessLife   = 120 * time.Second
	refreshLife  = 1800 * time.Second
	sessionLimit = 4 * time.Hour
	idleLimit    = 30 * time.Minute
)

// session is an SSO session of a person.
type session struct {
	id, client, person, scope string
	nonce, sso                string // of the code flow only
	answer                    Answer
	began, used               time.Time
}

func (q *session) alive(now time.Time) bool {
	return now.Before(q.began.Add(sessionLimit)) && now.Before(q.used.Add(idleLimit))
}

// EndSessions ends every session of a person, as a logout elsewhere does.
// The clients that declared an address for it are posted a logout token first.
func (s *Server) EndSessions(person string) {
	s.mu.Lock()
	var all []*session
	for _, q := range s.sessions {
		if q.person == person {
			all = append(all, q)
		}
	}
	notices := s.end(all...)
	s.mu.Unlock()
	s.post(notices)
}

// open begins a session and answers with its first tokens. s.mu is held.
func (s *Server) open(w http.ResponseWriter, r *request, now time.Time) *problem {
	for id, q := range s.sessions {
		if !q.alive(now) {
			delete(s.sessions, id)
		}
	}
	q := &session{id: uuid(), client: r.client, person: r.person, scope: r.scope, answer: r.answer, began: now}
	s.sessions[q.id] = q
	return s.give(w, q, now)
}

// give answers with the tokens of a session. s.mu is held.
func (s *Server) give(w http.ResponseWriter, q *session, now time.Time) *problem {
	q.used = now
	left := q.began.Add(sessionLimit).Sub(now) // no token outlives the session
	access, refresh := min(accessLife, left), min(refreshLife, left)
	person := s.people[q.person]
	mode, acr := q.answer.Mode, q.answer.ACR
	if mode == "" {
		mode = "CARD"
	}
	if acr == "" {
		acr = "eidas3"
	}
	common := func(typ string, life time.Duration) map[string]any {
		c := map[string]any{
			"iat": now.Unix(), "exp": now.Add(life).Unix(), "jti": uuid(), "iss": s.URL + realm, "sub": person.subject(),
			"typ": typ, "azp": q.client, "session_state": q.id, "sid": q.id,
		}
		if typ != "Refresh" {
			c["auth_time"], c["acr"], c["preferred_username"] = q.began.Unix(), acr, q.person
			if acr == "-" {
				delete(c, "acr")
			}
		}
		return c
	}
	a := common("Bearer", access)
	a["nonce"], a["scope"], a["authMode"], a["otherIds"] = "", q.scope, mode, person.otherIDs()
	signed, err := s.signers[0].Sign(a)
	if err != nil {
		return broken(err)
	}
	id := common("ID", access)
	id["aud"], id["at_hash"] = q.client, jose.HalfHash("RS256", signed)
	id["given_name"], id["family_name"], id["SubjectNameID"] = person.GivenName, person.FamilyName, q.person
	if q.nonce != "" {
		id["nonce"] = q.nonce
	}
	if q.answer.IDToken != nil {
		q.answer.IDToken(id)
	}
	signedID, err := s.signers[0].Sign(id)
	if err != nil {
		return broken(err)
	}
	re := common("Refresh", refresh)
	re["aud"], re["scope"] = s.URL+realm, q.scope
	answer(w, http.StatusOK, map[string]any{
		"access_token": signed, "expires_in": int(access / time.Second), "token_type": "Bearer", "id_token": signedID,
		"refresh_token": s.seal(re), "refresh_expires_in": int(refresh / time.Second),
		"not-before-policy": 0, "session_state": q.id, "scope": q.scope,
	})
	return nil
}

func broken(err error) *problem {
	return &problem{500, "server_error", "the emulator failed", "emulator", "no failure", err.Error()}
}

// seal makes a refresh token, that only the service reads: a JWT under HS256.
func (s *Server) seal(claims map[string]any) string {
	payload, _ := json.Marshal(claims) // of our own making
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return head + "." + s.mac(head)
}

func (s *Server) mac(head string) string {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte(head))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// claims are those of any token of the emulator.
type claims struct {
	ID       string `json:"jti"`
	Type     string `json:"typ"`
	Client   string `json:"azp"`
	Session  string `json:"sid"`
	Subject  string `json:"sub"`
	Expiry   int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
}

// read checks the signature of a token of the emulator, whatever its age, and
// gives its claims and their JSON. s.mu is held.
func (s *Server) read(r *http.Request, token string) (claims, []byte, bool) {
	var payload []byte
	head, err := jose.Peek(token)
	switch {
	case err != nil:
		return claims{}, nil, false
	case head.Algorithm == "HS256":
		i := strings.LastIndexByte(token, '.')
		if !hmac.Equal([]byte(s.mac(token[:i])), []byte(token[i+1:])) {
			return claims{}, nil, false
		}
		_, body, _ := strings.Cut(token[:i], ".")
		payload, err = base64.RawURLEncoding.DecodeString(body)
	default:
		payload, err = jose.Verify(r.Context(), token, []string{"RS256"}, keys(s.signers))
	}
	var c claims
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}, nil, false
	}
	return c, payload, true
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
