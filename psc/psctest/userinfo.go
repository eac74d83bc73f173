package psctest

import (
	"net/http"
	"strings"
)

// userInfo tells who holds an access token.
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	refuse := func(got string) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="esante-wallet", error="invalid_token", error_description="`+assumedTokenRefused+`"`)
		s.refuse(w, "userinfo", &problem{401, "invalid_token", assumedTokenRefused, "access token", "a live one", got})
	}
	if !ok {
		refuse("none")
		return
	}
	s.mu.Lock()
	now := s.Clock().Now()
	c, _, ok := s.read(r, token)
	q := s.sessions[c.Session]
	var person Person
	if q != nil {
		person = s.people[q.person]
	}
	live := ok && c.Type == "Bearer" && now.Unix() < c.Expiry && !s.revoked[c.ID] && q != nil && q.alive(now)
	s.mu.Unlock()
	switch {
	case !ok:
		refuse("one of another issuer")
	case !live:
		refuse("one that is expired, revoked or of a session that is over")
	default:
		mode := q.answer.Mode
		if mode == "" {
			mode = "CARD"
		}
		answer(w, http.StatusOK, person.userInfo(mode))
	}
}
