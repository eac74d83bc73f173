package mss

import "github.com/soclesante/socle"

func evict(s socle.TokenSource, token string) {
	if e, ok := s.(interface{ Evict(token string) }); ok {
		e.Evict(token)
	}
}
