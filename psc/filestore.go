package psc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	fileSuffix = ".session"
	fileMagic  = "socle-psc-session-1\n"
	maxFile    = 4 << 20
)

// FileStore is a [SessionStore] in a directory, one file a session, each sealed
// by AES-256-GCM under the caller's key: what is read that was not written
// under it is refused. A file is replaced whole or not at all, and its name
// says nothing of the session. One program at a time uses a directory.
type FileStore struct {
	// Clock replaces time.Now; it is set before the first use.
	Clock func() time.Time

	dir  string
	seal *sealer
	mu   sync.Mutex
}

// OpenFileStore opens the store of a directory, which is made if there is none,
// for its owner only. key is 32 random bytes that the caller keeps elsewhere
// (the system's keyring, a vault); another key than the one of before refuses
// the sessions of before.
func OpenFileStore(dir string, key []byte) (*FileStore, error) {
	seal, err := newSealer(key)
	if err != nil {
		return nil, fmt.Errorf("psc: file store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("psc: file store: %w", err)
	}
	f := &FileStore{dir: dir, seal: seal}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("psc: file store: %w", err)
	}
	for _, e := range entries { // what a program that died left
		if strings.HasPrefix(e.Name(), ".tmp-") {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return f, nil
}

func (f *FileStore) now() time.Time {
	if f.Clock != nil {
		return f.Clock()
	}
	return time.Now()
}

// fileName gives the file of a session.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + fileSuffix
}

// Save implements SessionStore.
func (f *FileStore) Save(ctx context.Context, s StoredSession) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old, err := f.read(fileName(s.Key))
	if err != nil && !errors.Is(err, ErrNoSession) {
		return err
	}
	if err := succeeds(s, old, err == nil); err != nil {
		return err
	}
	plain, err := json.Marshal((*sealedSession)(&s))
	if err != nil {
		return fmt.Errorf("psc: file store: %w", err)
	}
	return f.write(fileName(s.Key), f.seal.seal(plain, fileMagic+fileName(s.Key)))
}

// sealedSession is a StoredSession whose JSON is itself.
type sealedSession StoredSession

// write replaces a file at once.
func (f *FileStore) write(name string, sealed []byte) (err error) {
	t, err := os.CreateTemp(f.dir, ".tmp-") // 0600
	if err != nil {
		return fmt.Errorf("psc: file store: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(t.Name())
			err = fmt.Errorf("psc: file store: %w", err)
		}
	}()
	_, err = t.WriteString(fileMagic)
	if err == nil {
		_, err = t.Write(sealed)
	}
	if err == nil {
		err = t.Sync()
	}
	if e := t.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(t.Name(), filepath.Join(f.dir, name))
	}
	if err != nil {
		return err
	}
	if d, e := os.Open(f.dir); e == nil { // so that the name lasts too, where the system can
		_ = d.Sync()
		d.Close()
	}
	return nil
}

// read opens a file, and removes it when its session is over. f.mu is held.
func (f *FileStore) read(name string) (StoredSession, error) {
	var s StoredSession
	path := filepath.Join(f.dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, ErrNoSession
	}
	if err == nil && info.Size() > maxFile {
		return s, fmt.Errorf("psc: file store: a file of more than %d bytes", maxFile)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return s, fmt.Errorf("psc: file store: %w", err)
	}
	sealed, ok := strings.CutPrefix(string(raw), fileMagic)
	var plain []byte
	if ok {
		plain, err = f.seal.open([]byte(sealed), fileMagic+name)
	}
	if !ok || err != nil || json.Unmarshal(plain, (*sealedSession)(&s)) != nil {
		return s, errors.New("psc: file store: a file was not sealed under this key: give the key of before, or empty the directory")
	}
	if !f.now().Before(s.Until) {
		_ = os.Remove(path)
		return StoredSession{}, ErrNoSession
	}
	return s, nil
}

// Load implements SessionStore.
func (f *FileStore) Load(ctx context.Context, key string) (StoredSession, error) {
	if err := ctx.Err(); err != nil {
		return StoredSession{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read(fileName(key))
}

// Delete implements SessionStore.
func (f *FileStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Remove(filepath.Join(f.dir, fileName(key))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("psc: file store: %w", err)
	}
	return nil
}

// Find implements SessionStore. It opens every file.
func (f *FileStore) Find(ctx context.Context, serviceID, subject string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("psc: file store: %w", err)
	}
	var keys []string
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(e.Name(), fileSuffix) {
			continue
		}
		s, err := f.read(e.Name())
		switch {
		case errors.Is(err, ErrNoSession):
		case err != nil:
			return nil, err
		case s.found(serviceID, subject):
			keys = append(keys, s.Key)
		}
	}
	return keys, nil
}

// sealer is AES-256-GCM with a random nonce before each text.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (*sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("a key of 32 random bytes expected, got %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead}, err
}

// seal hides plain and binds it to its place.
func (s *sealer) seal(plain []byte, place string) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, []byte(place))
}

func (s *sealer) open(sealed []byte, place string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("too short")
	}
	return s.aead.Open(nil, sealed[:n], sealed[n:], []byte(place))
}
