package psc

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxSpent bounds what is remembered of what serves once.
const maxSpent = 100_000

// once remembers what was used until it would be refused for its age anyway.
type once struct {
	mu   sync.Mutex
	used map[[sha256.Size]byte]time.Time // until when
}

// first reports whether id was not used before; from then on it is. When too
// many are remembered nothing is the first any more.
func (o *once) first(id string, until, now time.Time) bool {
	key := sha256.Sum256([]byte(id))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.used == nil {
		o.used = map[[sha256.Size]byte]time.Time{}
	}
	if end, ok := o.used[key]; ok && now.Before(end) {
		return false
	}
	if len(o.used) >= maxSpent {
		for k, end := range o.used {
			if !now.Before(end) {
				delete(o.used, k)
			}
		}
		if len(o.used) >= maxSpent {
			return false
		}
	}
	o.used[key] = until
	return true
}

// forget takes back a use.
func (o *once) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.used, sha256.Sum256([]byte(id)))
}
