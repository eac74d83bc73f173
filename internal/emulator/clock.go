package emulator

import (
	"sync"
	"time"
)

// Clock is the time of an emulator. It is safe for concurrent use; nil is the
// system's time.
type Clock struct {
	mu     sync.Mutex
	frozen time.Time // zero: the system's time runs
	offset time.Duration
}

// NewClock makes a clock that stands still at t until it is told to move, or,
// when t is zero, one that runs with the system's time and can still be advanced.
func NewClock(t time.Time) *Clock { return &Clock{frozen: t} }

// Now gives the time.
func (c *Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen.IsZero() {
		return time.Now().Add(c.offset)
	}
	return c.frozen.Add(c.offset)
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// Set stops the clock at t, or lets it run with the system's time when t is zero.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.offset = t, 0
}
