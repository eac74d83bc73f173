package psc

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Errors of a [SessionStore].
var (
	// ErrNoSession: there is no session of that key.
	ErrNoSession = errors.New("no such session")
	// ErrStaleSession: the session was saved by another since it was loaded.
	ErrStaleSession = errors.New("the stored session is newer")
)

// StoredSession is a session at rest.
type StoredSession struct {
	// Key names the session for its owner. It is at most 256 bytes of any kind.
	Key string
	// Version counts the saves, from 1.
	Version int64
	// ServiceID and Subject are sid and sub at Pro Santé Connect: a logout
	// token names a session by them.
	ServiceID, Subject string
	// Until is when the session is over whatever is done.
	Until time.Time
	// Data holds the tokens and the identity. It is secret.
	Data []byte
}

// String hides the session.
func (StoredSession) String() string { return redactedSession }

// GoString hides the session.
func (StoredSession) GoString() string { return redactedSession }

// LogValue hides the session.
func (StoredSession) LogValue() slog.Value { return slog.StringValue(redactedSession) }

// SessionStore keeps sessions over restarts, or between machines. Its methods
// are called by many goroutines at once and must agree with this contract,
// which psctest.CheckSessionStore verifies:
//
//   - Save with Version 1 creates the session and gives [ErrStaleSession] if the
//     key is taken; with Version n it replaces version n-1, gives
//     [ErrStaleSession] if another version is stored, and [ErrNoSession] if none
//     is: a session that was deleted never comes back by a late Save. Of several
//     Saves of one version exactly one succeeds.
//   - Load gives the last session saved, whole, or [ErrNoSession].
//   - Delete forgets the session; that there is none is no error.
//   - Find gives the keys of the sessions with that sid and that sub, an empty
//     one of which stands for any; both empty finds none.
//   - A session past its Until is as one that was deleted.
//   - What is given and taken is the caller's to change: a store keeps copies.
//   - Data is secret: a store that writes it where others read seals it, as
//     [FileStore] does. No error holds Data or Key.
//   - A method ends soon after its context does.
//
// The sentinels are found by errors.Is.
type SessionStore interface {
	Save(ctx context.Context, s StoredSession) error
	Load(ctx context.Context, key string) (StoredSession, error)
	Delete(ctx context.Context, key string) error
	Find(ctx context.Context, serviceID, subject string) (keys []string, err error)
}
