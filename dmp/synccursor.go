package dmp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// CursorStore keeps the cursors of [Client.Sync]: small opaque values, that hold
// identifiers of documents and no trait nor matricule, nor what one could be
// found from. With Watch.AuditKey a cursor is known to be the patient's: keep
// that key elsewhere, and the same; without it only the store's key tells whose a
// cursor is. Its contract:
//
//   - Load gives what the last Save of that key that returned nil was given, and nil when
//     there is none. It may give what a Save that failed was given.
//   - When Save returns nil the cursor survives what the store promises to
//     survive: a crash of the program for a durable one.
//   - A cursor is replaced whole: Load never gives a part of one.
//   - Both may be called at the same time, for one key too: then the last Save wins.
//   - Neither keeps or changes the bytes that it is given.
//
// A cursor that is lost, or taken out to start again, makes the next Sync a
// first one: the caller is told again of what it has.
type CursorStore interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Save(ctx context.Context, key string, cursor []byte) error
}

// MemoryCursors is a [CursorStore] that lasts as long as the program. The zero
// value is ready.
type MemoryCursors struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// Load implements [CursorStore].
func (m *MemoryCursors) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.kept[key]), nil
}

// Save implements [CursorStore].
func (m *MemoryCursors) Save(_ context.Context, key string, cursor []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[key] = bytes.Clone(cursor)
	return nil
}

// cursor is how far a record is known.
type cursor struct {
	Format   int       `json:"format"`
	Salt     []byte    `json:"salt"`
	Patient  []byte    `json:"patient,omitempty"` // HMAC of the salt and of the INS, under Watch.AuditKey
	From     time.Time `json:"from"`              // start of the window
	At       time.Time `json:"at"`                // of the last call that was taken; zero before the first
	Compared time.Time `json:"compared"`
	Types    []string  `json:"types,omitempty"`
	Seen     []string  `json:"seen,omitempty"` // lots of the overlap
	// Known are the documents that the caller knows, by their logical ids.
	Known map[string]known `json:"known,omitempty"`
	// Unsure are those that the caller was told of since, without Taken: it may
	// have kept what it was told.
	Unsure map[string]known `json:"unsure,omitempty"`
}

// known is a document as the caller was told of it last.
type known struct {
	ID      string `json:"id"` // uniqueId
	UUID    string `json:"uuid"`
	Version string `json:"version,omitempty"`
	Status  string `json:"status"` // URN
}

const cursorFormat = 2 // 1 had a hash that a matricule could be found from

func newCursor(key []byte, patient ins.INS) *cursor {
	c := &cursor{Format: cursorFormat, Salt: make([]byte, 16), Known: map[string]known{}, Unsure: map[string]known{}}
	_, _ = rand.Read(c.Salt)
	c.Patient = c.mark(key, patient)
	return c
}

// mark tells whose the cursor is to who has the key; without a key it is nothing.
// A hash without key would tell everybody: there are few matricules.
func (c *cursor) mark(key []byte, patient ins.INS) []byte {
	if len(key) == 0 {
		return nil
	}
	h := hmac.New(sha256.New, key)
	h.Write(c.Salt)
	h.Write([]byte(patient.Matricule.Wire()))
	return h.Sum(nil)
}

// unsure gives the entryUUIDs of the documents that the caller may know.
func (c *cursor) unsure() []string {
	var all []string
	for _, k := range c.Unsure {
		all = append(all, k.UUID)
	}
	slices.Sort(all)
	return all
}

// readCursor reads what a store kept, nothing for a record that is not known.
// One of another patient is refused.
func readCursor(b, key []byte, patient ins.INS, past []ins.Past) (*cursor, error) {
	if len(b) == 0 {
		return newCursor(key, patient), nil
	}
	c := &cursor{}
	if err := json.Unmarshal(b, c); err != nil || c.Format != cursorFormat {
		return nil, refusal(opSearch, ErrQuery, "Synchronization.Cursors gave what is no cursor", "take it out of the store to start again")
	}
	if len(key) > 0 {
		all := []ins.INS{patient}
		for _, p := range past {
			all = append(all, p.INS)
		}
		if len(c.Patient) > 0 && !slices.ContainsFunc(all, func(i ins.INS) bool { return hmac.Equal(c.mark(key, i), c.Patient) }) {
			return nil, refusal(opSearch, ErrPatientMismatch, "the cursor of Synchronization.Key is that of another patient, or of another Watch.AuditKey",
				"give each patient a Key of their own; after a change of AuditKey take the cursors out of the store to start again")
		}
		c.Patient = c.mark(key, patient)
	}
	if c.Known == nil {
		c.Known = map[string]known{}
	}
	if c.Unsure == nil {
		c.Unsure = map[string]known{}
	}
	return c, nil
}

func (c *cursor) marshal() []byte {
	c.From, c.At, c.Compared = c.From.UTC(), c.At.UTC(), c.Compared.UTC()
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, times and numbers
	}
	return b
}

// typeCodes gives the codes of types, sorted.
func typeCodes(types []socle.Code) []string {
	var all []string
	for _, t := range types {
		all = append(all, strings.TrimSpace(t.Code))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
