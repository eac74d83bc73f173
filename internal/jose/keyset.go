package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/sync/singleflight"
)

const (
	// MinRefetch is the least time between two fetches of a key set that was
	// had once: a flood of tokens with unknown keys costs one fetch a minute.
	MinRefetch = time.Minute
	// MaxAge is how long a fetched key set is used before it is asked again.
	MaxAge = time.Hour
	// fetchLimit bounds a fetch that no caller waits for any more.
	fetchLimit = 30 * time.Second
	maxKeys    = 64
)

// KeySet is a cache of a published JWK set. It fetches on first use, when it
// is older than [MaxAge], and when a token names a key that it lacks, never
// twice at once and never more than once in [MinRefetch]. It is safe for
// concurrent use.
type KeySet struct {
	fetch func(context.Context) ([]byte, error)
	now   func() time.Time
	group singleflight.Group

	mu    sync.RWMutex
	keys  []publicKey
	had   time.Time // when keys were fetched
	tried time.Time // when the last fetch began
}

type publicKey struct {
	id, alg string
	key     crypto.PublicKey
}

// NewKeySet makes a cache over fetch, which gives the JSON of a JWK set.
func NewKeySet(fetch func(context.Context) ([]byte, error), now func() time.Time) *KeySet {
	return &KeySet{fetch: fetch, now: now}
}

// Key gives the key with that id for that algorithm. A token without a key id
// is served only by a set that has one key for the algorithm. The error is an
// *[Error] with rule "kid" when the set has no such key, else that of the fetch.
func (s *KeySet) Key(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	key, fresh := s.find(kid, alg)
	if key != nil && fresh {
		return key, nil
	}
	if err := s.refetch(ctx, kid, alg); err != nil {
		if key != nil { // an old key set is better than none
			return key, nil
		}
		return nil, err
	}
	if key, _ := s.find(kid, alg); key != nil {
		return key, nil
	}
	return nil, &Error{Rule: "kid", Expected: "a key of the published key set", Got: fmt.Sprintf("%.40q for %s", kid, alg)}
}

func (s *KeySet) find(kid, alg string) (key crypto.PublicKey, fresh bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fresh = s.now().Sub(s.had) < MaxAge
	n := 0
	for _, k := range s.keys {
		if (kid == "" || k.id == kid) && (k.alg == "" || k.alg == alg) && fits(alg, k.key) == nil {
			key, n = k.key, n+1
		}
	}
	if n > 1 {
		key = nil
	}
	return key, fresh
}

// refetch fetches the set once for all who wait; who gives up waiting does not
// stop it.
func (s *KeySet) refetch(ctx context.Context, kid, alg string) error {
	flight := s.group.DoChan("", func() (any, error) {
		// Another flight may have landed between the look-up and here.
		if key, fresh := s.find(kid, alg); key != nil && fresh {
			return nil, nil
		}
		now := s.now()
		s.mu.Lock()
		wait := !s.had.IsZero() && now.Sub(s.tried) < MinRefetch
		if !wait {
			s.tried = now
		}
		s.mu.Unlock()
		if wait {
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchLimit)
		defer cancel()
		raw, err := s.fetch(ctx)
		if err != nil {
			return nil, err
		}
		keys, err := parseKeys(raw)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.keys, s.had = keys, now
		s.mu.Unlock()
		return nil, nil
	})
	select {
	case r := <-flight:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parseKeys keeps the public signature keys of a JWK set and skips what it
// does not know: one new kind of key must not end all logins.
func parseKeys(raw []byte) ([]publicKey, error) {
	set, err := jwk.Parse(raw, jwk.WithStrictKeySetParsing(false), jwk.WithMaxKeys(maxKeys))
	if err != nil {
		return nil, &Error{Rule: "form", Expected: fmt.Sprintf("a JWK set of at most %d keys", maxKeys), Err: err}
	}
	var keys []publicKey
	for i := range set.Len() {
		k, ok := set.Key(i)
		if !ok {
			continue
		}
		if use, ok := k.KeyUsage(); ok && use != "sig" {
			continue
		}
		public, err := jwk.PublicRawKeyOf(k)
		if err != nil {
			continue
		}
		p := publicKey{key: public}
		p.id, _ = k.KeyID()
		if a, ok := k.Algorithm(); ok {
			p.alg = a.String()
		}
		switch public.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
			keys = append(keys, p)
		}
	}
	if len(keys) == 0 {
		return nil, &Error{Rule: "key", Expected: "a key set with a signature key"}
	}
	return keys, nil
}

// fits tells whether key can verify alg: type, curve, and RSA of 2048 bits or more.
func fits(alg string, key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if !strings.HasPrefix(alg, "RS") && !strings.HasPrefix(alg, "PS") {
			return errors.New("an RSA key")
		}
		if n := k.N.BitLen(); n < 2048 {
			return fmt.Errorf("an RSA key of %d bits", n)
		}
	case *ecdsa.PublicKey:
		curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
		if curves[alg] != k.Curve {
			return errors.New("an EC key of another curve")
		}
	case ed25519.PublicKey:
		if alg != "EdDSA" {
			return errors.New("an Ed25519 key")
		}
	default:
		return fmt.Errorf("a key of type %T", key)
	}
	return nil
}
