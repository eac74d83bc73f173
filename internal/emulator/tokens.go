package emulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/soclesante/socle"
)

// TokenLife is how long a token of [Tokens] lives, as those of Pro Santé Connect.
const TokenLife = 2 * time.Minute

// Tokens stands for Pro Santé Connect before an emulator of a service that
// takes its tokens: it gives them and says whose they are.
type Tokens struct {
	clock *Clock

	mu     sync.Mutex
	given  map[string]given
	serial int
}

type given struct {
	holder  socle.Professional
	expires time.Time
}

// NewTokens makes one that has given no token.
func NewTokens(clock *Clock) *Tokens { return &Tokens{clock: clock, given: make(map[string]given)} }

// Token gives a new token of p.
func (t *Tokens) Token(p socle.Professional) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	t.serial++
	token := fmt.Sprintf("emulated-token-%d-%d", t.serial, now.UnixNano())
	t.given[token] = given{p, now.Add(TokenLife)}
	return token
}

// Actor gives p with a session whose tokens are new at each call.
func (t *Tokens) Actor(p socle.Professional) socle.Actor {
	return socle.Actor{Professional: p, Tokens: socle.TokenFunc(func(context.Context) (string, error) { return t.Token(p), nil })}
}

// Holder gives whom a token was given to, or why it is refused.
func (t *Tokens) Holder(_ context.Context, token string) (socle.Professional, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.given[token]
	switch {
	case !ok:
		return socle.Professional{}, errors.New("this server did not give the token")
	case !t.clock.Now().Before(known.expires):
		return socle.Professional{}, errors.New("the token has expired")
	}
	return known.holder, nil
}
