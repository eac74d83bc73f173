package proxy

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

// MemorySink keeps the last traces in memory: for tests, since nothing survives
// the end of the program.
type MemorySink struct {
	mu     sync.Mutex
	limit  int
	traces []Trace
}

// NewMemorySink makes a sink of the last limit traces, 10,000 if zero.
func NewMemorySink(limit int) *MemorySink {
	if limit <= 0 {
		limit = 10_000
	}
	return &MemorySink{limit: limit}
}

// Put implements [Sink].
func (m *MemorySink) Put(_ context.Context, t Trace) error {
	if err := t.Check(); err != nil {
		return err
	}
	t.Ports = slices.Clone(t.Ports)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.traces) >= 2*m.limit { // moved once in a while, not each time
		m.traces = slices.Clone(m.traces[len(m.traces)-m.limit+1:])
	}
	m.traces = append(m.traces, t)
	return nil
}

// Between implements [Sink].
func (m *MemorySink) Between(ctx context.Context, start, end time.Time) iter.Seq2[Trace, error] {
	m.mu.Lock()
	all := m.traces[max(0, len(m.traces)-m.limit):]
	m.mu.Unlock()
	return func(yield func(Trace, error) bool) {
		for _, t := range all { // only ever appended to
			if err := ctx.Err(); err != nil {
				yield(Trace{}, err)
				return
			}
			if t.within(start, end) && !yield(t, nil) {
				return
			}
		}
	}
}

func (t Trace) within(start, end time.Time) bool { return !t.At.Before(start) && t.At.Before(end) }
