package socle

import "context"

// TokenSource gives the access tokens of a Pro Santé Connect session; a
// *psc.Session is one. It is asked before each call, and what it gives is never
// kept (ECO.1.2.5 of the MSSanté). An error that is [Retryable] means "not now";
// any other means that the session is over.
//
// A source that keeps its tokens may have a method Evict(token string): it is
// told of each token that a service refused, and must not give it again.
type TokenSource interface {
	AccessToken(ctx context.Context) (string, error)
}

// TokenFunc makes a TokenSource of a function.
type TokenFunc func(ctx context.Context) (string, error)

// AccessToken calls f.
func (f TokenFunc) AccessToken(ctx context.Context) (string, error) { return f(ctx) }

// Actor is who acts at a service that asks for the token of the person: a
// professional in one exercise situation, and the session that proves it. It
// shows itself in logs as its Professional does.
type Actor struct {
	Professional
	Tokens TokenSource
}
