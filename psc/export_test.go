package psc

import "context"

// LateRenewal is a caller that saw the present tokens and asks for their
// refresh later, when another may have done it.
func LateRenewal(s *Session) func(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.tokens
	return func(ctx context.Context) (string, error) { return s.renew(ctx, seen) }
}

// LoginCookie is the name of the cookie of a login.
func LoginCookie(state string) string { return nameOfLogin(state) }

// Local is the rule of addresses of this server.
func Local(path string) string { return local(path) }
