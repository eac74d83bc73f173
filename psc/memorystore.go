package psc

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// MemoryStore is a [SessionStore] that lasts as long as the program. Its zero
// value is ready.
type MemoryStore struct {
	// Clock replaces time.Now; it is set before the first use.
	Clock func() time.Time

	mu  sync.Mutex
	all map[string]StoredSession
	due time.Time // when what is over is dropped next
}

func (m *MemoryStore) now() time.Time {
	if m.Clock != nil {
		return m.Clock()
	}
	return time.Now()
}

// Save implements SessionStore.
func (m *MemoryStore) Save(ctx context.Context, s StoredSession) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !now.Before(m.due) {
		for key, old := range m.all {
			if !now.Before(old.Until) {
				delete(m.all, key)
			}
		}
		m.due = now.Add(time.Minute)
	}
	old, ok := m.all[s.Key]
	if err := succeeds(s, old, ok && now.Before(old.Until)); err != nil {
		return err
	}
	if m.all == nil {
		m.all = map[string]StoredSession{}
	}
	s.Data = bytes.Clone(s.Data)
	m.all[s.Key] = s
	return nil
}

// succeeds is the rule of versions.
func succeeds(s, old StoredSession, stored bool) error {
	switch {
	case !stored && s.Version != 1:
		return ErrNoSession
	case stored && s.Version != old.Version+1:
		return ErrStaleSession
	}
	return nil
}

// Load implements SessionStore.
func (m *MemoryStore) Load(ctx context.Context, key string) (StoredSession, error) {
	if err := ctx.Err(); err != nil {
		return StoredSession{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.all[key]
	if !ok || !m.now().Before(s.Until) {
		return StoredSession{}, ErrNoSession
	}
	s.Data = bytes.Clone(s.Data)
	return s, nil
}

// Delete implements SessionStore.
func (m *MemoryStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.all[key].Data)
	delete(m.all, key)
	return nil
}

// Find implements SessionStore.
func (m *MemoryStore) Find(ctx context.Context, serviceID, subject string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key, s := range m.all {
		if s.found(serviceID, subject) && m.now().Before(s.Until) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (s StoredSession) found(serviceID, subject string) bool {
	return (serviceID != "" || subject != "") && (serviceID == "" || s.ServiceID == serviceID) && (subject == "" || s.Subject == subject)
}
