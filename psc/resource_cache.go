package psc

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	maxIntrospections = 10_000          // answers that are remembered, of each kind
	refusalTTL        = 5 * time.Second // for how long a dead token is known as such
)

// introspections remembers what the issuer said of tokens, by their hash. A
// token is asked about once for all who bring it at the same time.
type introspections struct {
	ask    func(context.Context, string) (Access, error)
	now    func() time.Time
	ttl    time.Duration
	flight singleflight.Group

	mu   sync.Mutex
	good map[[32]byte]answered
	bad  map[[32]byte]answered // apart: a flood of them must not push the good out
}

type answered struct {
	access Access
	err    error
	until  time.Time
}

func newIntrospections(cfg ResourceConfig) *introspections {
	return &introspections{ask: cfg.Introspect, now: cfg.Now, ttl: cfg.IntrospectionTTL, good: map[[32]byte]answered{}, bad: map[[32]byte]answered{}}
}

func (i *introspections) get(ctx context.Context, token string) (Access, error) {
	key := sha256.Sum256([]byte(token))
	if a, ok := i.find(key); ok {
		return a.access, a.err
	}
	flight := i.flight.DoChan(string(key[:]), func() (any, error) {
		if a, ok := i.find(key); ok { // another flight landed meanwhile
			return a.access, a.err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		asked := i.now()
		a, err := i.ask(ctx, token)
		i.keep(key, a, err, asked)
		return a, err
	})
	select {
	case r := <-flight:
		a, _ := r.Val.(Access)
		return a, r.Err
	case <-ctx.Done():
		return Access{}, &Error{Op: opIntrospect, Err: ctx.Err()}
	}
}

func (i *introspections) find(key [32]byte) (answered, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	for _, known := range []map[[32]byte]answered{i.good, i.bad} {
		if a, ok := known[key]; ok && now.Before(a.until) {
			return a, true
		}
	}
	return answered{}, false
}

func (i *introspections) keep(key [32]byte, a Access, err error, asked time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.good, key)
	switch {
	case errors.Is(err, ErrInactive):
		remember(i.bad, key, answered{err: err, until: asked.Add(refusalTTL)}, i.now())
	case err == nil:
		until := asked.Add(i.ttl)
		if !a.Expires.IsZero() && a.Expires.Before(until) {
			until = a.Expires
		}
		delete(i.bad, key)
		remember(i.good, key, answered{access: a, until: until}, i.now())
	}
}

// remember makes room first, an eighth at a time: of what is out of date, else
// of anything.
func remember(known map[[32]byte]answered, key [32]byte, a answered, now time.Time) {
	if len(known) >= maxIntrospections {
		for k, old := range known {
			if !now.Before(old.until) {
				delete(known, k)
			}
		}
		for k := range known {
			if len(known) <= maxIntrospections*7/8 {
				break
			}
			delete(known, k)
		}
	}
	known[key] = a
}
