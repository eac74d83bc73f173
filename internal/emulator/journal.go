package emulator

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Bounds of a journal: what is older than the last entries, or over the total
// of their bodies, is forgotten; a body is cut.
const (
	maxEntries = 1000
	maxBodies  = 64 << 20
	maxBody    = 1 << 20
)

// Entry is one exchange as the emulator saw it.
type Entry struct {
	At        time.Time // by the emulator's clock
	Operation string
	Method    string
	Path      string // without the query
	Status    int    // 0 when the connection was cut before an answer
	Duration  time.Duration
	ClientDN  string // subject of the client's certificate, RFC 2253; empty without one
	// Request and Response are the bodies, whole, cut at 1 MiB.
	Request, Response []byte
	Fault             string // the fault that struck, as Fault.String; empty for none
}

type journal struct {
	mu      sync.Mutex
	entries []Entry
	bodies  int
}

func (j *journal) add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, e)
	j.bodies += len(e.Request) + len(e.Response)
	drop := 0
	for len(j.entries)-drop > maxEntries || j.bodies > maxBodies {
		j.bodies -= len(j.entries[drop].Request) + len(j.entries[drop].Response)
		drop++
	}
	j.entries = slices.Delete(j.entries, 0, drop)
}

func (j *journal) list() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

// capture keeps the first maxBody bytes written to it.
type capture struct{ bytes.Buffer }

func (c *capture) Write(b []byte) (int, error) {
	if room := maxBody - c.Len(); room > 0 {
		c.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
