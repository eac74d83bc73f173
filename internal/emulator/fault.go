package emulator

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is one way to fail. Its parts add up: an answer may be late, then reset.
type Fault struct {
	Operation string // the operation that fails; "" for the next one, whatever it is
	// Latency is waited before the work, or until the client gives up.
	Latency time.Duration
	// Status is answered instead of doing the work, as a gateway before the
	// service would: 503, 429 …
	Status int
	// ResetBefore cuts the connection instead of doing the work.
	ResetBefore bool
	// ResetAfter does the work, then cuts the connection instead of answering.
	ResetAfter bool
	// SlowBody is the time over which the body of the answer is spread.
	SlowBody time.Duration
	// Times is how many requests fail: 0 is once, -1 is always.
	Times int
}

// String says what the fault does, such as "latency 2s, reset after the work".
func (f Fault) String() string {
	var parts []string
	add := func(on bool, what string) {
		if on {
			parts = append(parts, what)
		}
	}
	add(f.Latency > 0, "latency "+f.Latency.String())
	add(f.ResetBefore, "reset before the work")
	add(f.Status != 0, fmt.Sprintf("status %d", f.Status))
	add(f.ResetAfter, "reset after the work")
	add(f.SlowBody > 0, "slow body "+f.SlowBody.String())
	return strings.Join(parts, ", ")
}

// plan holds the faults to come, in the order in which they were asked.
type plan struct {
	mu     sync.Mutex
	faults []Fault
}

func (p *plan) add(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
}

func (p *plan) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// take gives the first fault planned for operation and counts it. While the
// operation is not known yet (""), only faults for any operation are taken.
func (p *plan) take(operation string) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		switch {
		case f.Times == 1:
			p.faults = slices.Delete(p.faults, i, i+1)
		case f.Times > 1:
			p.faults[i].Times--
		}
		return f, true
	}
	return Fault{}, false
}
