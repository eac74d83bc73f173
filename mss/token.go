package mss

import "context"

// TokenSource gives the access tokens of a Pro Santé Connect session; a
// *psc.Session is one. It is asked before each connection, and what it gives is
// never kept (ECO.1.2.5). An error that is [socle.Retryable] means "not now";
// any other means that the session is over.
//
// A source that keeps its tokens may have a method Evict(token string): it is
// told of each token that an operator refused, and must not give it again.
type TokenSource interface {
	AccessToken(ctx context.Context) (string, error)
}

// TokenFunc makes a TokenSource of a function.
type TokenFunc func(ctx context.Context) (string, error)

// AccessToken calls f.
func (f TokenFunc) AccessToken(ctx context.Context) (string, error) { return f(ctx) }

func evict(s TokenSource, token string) {
	if e, ok := s.(interface{ Evict(token string) }); ok {
		e.Evict(token)
	}
}
