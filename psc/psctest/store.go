package psctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/soclesante/socle/psc"
)

// CheckSessionStore verifies a psc.SessionStore against its contract and gives
// everything that breaks it. open gives a new, empty store on the clock now; it
// is called several times.
func CheckSessionStore(ctx context.Context, open func(now func() time.Time) (psc.SessionStore, error)) error {
	var problems []error
	for _, rule := range []struct {
		name  string
		check func(context.Context, psc.SessionStore, *ticker) error
	}{
		{"what is saved is loaded whole", checkWhole},
		{"versions follow each other", checkVersions},
		{"a deleted session never comes back", checkDeleted},
		{"a session past its end is no session", checkUntil},
		{"sessions are found by sid and sub", checkFind},
		{"a store keeps copies", checkCopies},
		{"one of several saves of a version succeeds", checkConcurrent},
		{"a context that ended stops a method", checkContext},
		{"errors hold no secret", checkErrors},
	} {
		clock := &ticker{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		store, err := open(clock.now)
		if err == nil {
			err = rule.check(ctx, store, clock)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("psctest: session store: %s: %w", rule.name, err))
		}
	}
	return errors.Join(problems...)
}

type ticker struct {
	mu sync.Mutex
	at time.Time
}

func (t *ticker) now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at
}

func (t *ticker) advance(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = t.at.Add(d)
}

func (t *ticker) stored(key string) psc.StoredSession {
	return psc.StoredSession{
		Key: key, Version: 1, ServiceID: "sid-" + key, Subject: "f:1:" + key, Until: t.now().Add(4 * time.Hour), Data: []byte("secret of " + key),
	}
}

func expect(what string, want, got error) error {
	if want == nil && got == nil || want != nil && errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("%s: expected %v, got %v", what, want, got)
}

func checkWhole(ctx context.Context, s psc.SessionStore, c *ticker) error {
	keys := []string{"a", "../../etc/passwd", "é\x00\n", "A", string(bytes.Repeat([]byte("k"), 256))}
	for i, key := range keys {
		in := c.stored(key)
		in.Data = bytes.Repeat([]byte{0, 0xff, byte(i)}, 20_000)
		if err := s.Save(ctx, in); err != nil {
			return err
		}
		out, err := s.Load(ctx, key)
		if err != nil {
			return err
		}
		if out.Key != in.Key || out.Version != in.Version || out.ServiceID != in.ServiceID || out.Subject != in.Subject || !out.Until.Equal(in.Until) || !bytes.Equal(out.Data, in.Data) {
			return fmt.Errorf("key %d: another session came back", i)
		}
	}
	_, err := s.Load(ctx, "b")
	return expect("load of nothing", psc.ErrNoSession, err)
}

func checkVersions(ctx context.Context, s psc.SessionStore, c *ticker) error {
	r := c.stored("a")
	for _, step := range []struct {
		version int64
		want    error
	}{
		{2, psc.ErrNoSession}, {0, psc.ErrNoSession}, {1, nil}, {1, psc.ErrStaleSession}, {3, psc.ErrStaleSession}, {2, nil},
		{2, psc.ErrStaleSession}, {1, psc.ErrStaleSession}, {3, nil},
	} {
		r.Version = step.version
		r.Data = fmt.Appendf(nil, "version %d", step.version)
		if err := expect(fmt.Sprintf("save of version %d", step.version), step.want, s.Save(ctx, r)); err != nil {
			return err
		}
	}
	got, err := s.Load(ctx, "a")
	if err == nil && (got.Version != 3 || string(got.Data) != "version 3") {
		err = fmt.Errorf("expected version 3, got %d", got.Version)
	}
	return err
}

func checkDeleted(ctx context.Context, s psc.SessionStore, c *ticker) error {
	r := c.stored("a")
	if err := errors.Join(s.Save(ctx, r), s.Save(ctx, c.stored("b")), s.Delete(ctx, "a"), s.Delete(ctx, "a"), s.Delete(ctx, "never")); err != nil {
		return err
	}
	r.Version = 2
	if err := expect("late save", psc.ErrNoSession, s.Save(ctx, r)); err != nil {
		return err
	}
	_, err := s.Load(ctx, "a")
	if err := expect("load", psc.ErrNoSession, err); err != nil {
		return err
	}
	_, err = s.Load(ctx, "b")
	return expect("load of another", nil, err)
}

func checkUntil(ctx context.Context, s psc.SessionStore, c *ticker) error {
	r := c.stored("a")
	r.Until = c.now().Add(time.Hour)
	if err := s.Save(ctx, r); err != nil {
		return err
	}
	c.advance(time.Hour - time.Second)
	if _, err := s.Load(ctx, "a"); err != nil {
		return err
	}
	c.advance(time.Second)
	_, err := s.Load(ctx, "a")
	if err := expect("load", psc.ErrNoSession, err); err != nil {
		return err
	}
	keys, err := s.Find(ctx, r.ServiceID, "")
	if err != nil || len(keys) != 0 {
		return fmt.Errorf("found %d keys, error %v", len(keys), err)
	}
	r.Version = 2
	if err := expect("save", psc.ErrNoSession, s.Save(ctx, r)); err != nil {
		return err
	}
	r.Version, r.Until = 1, c.now().Add(time.Hour)
	return s.Save(ctx, r)
}

func checkFind(ctx context.Context, s psc.SessionStore, c *ticker) error {
	a, b, other := c.stored("a"), c.stored("b"), c.stored("c")
	a.Subject, b.Subject = "f:1:x", "f:1:x"
	if err := errors.Join(s.Save(ctx, a), s.Save(ctx, b), s.Save(ctx, other)); err != nil {
		return err
	}
	for _, q := range []struct {
		sid, sub string
		want     []string
	}{
		{"sid-a", "", []string{"a"}}, {"sid-a", "f:1:x", []string{"a"}}, {"sid-a", "f:1:c", nil}, {"", "f:1:x", []string{"a", "b"}}, {"", "", nil}, {"sid", "", nil},
	} {
		keys, err := s.Find(ctx, q.sid, q.sub)
		if err != nil {
			return err
		}
		slices.Sort(keys)
		if !slices.Equal(keys, q.want) {
			return fmt.Errorf("sid %q, sub %q: expected %q, got %q", q.sid, q.sub, q.want, keys)
		}
	}
	return nil
}

func checkCopies(ctx context.Context, s psc.SessionStore, c *ticker) error {
	r := c.stored("a")
	if err := s.Save(ctx, r); err != nil {
		return err
	}
	clear(r.Data)
	for range 2 {
		got, err := s.Load(ctx, "a")
		if err != nil {
			return err
		}
		if string(got.Data) != "secret of a" {
			return errors.New("a change from outside is in the store")
		}
		clear(got.Data)
	}
	return nil
}

func checkConcurrent(ctx context.Context, s psc.SessionStore, c *ticker) error {
	for version := range int64(5) {
		var won atomic.Int64
		var wg sync.WaitGroup
		errs := make(chan error, 16)
		for range 16 {
			wg.Go(func() {
				r := c.stored("a")
				r.Version = version + 1
				switch err := s.Save(ctx, r); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, psc.ErrStaleSession):
					errs <- err
				}
			})
		}
		wg.Wait()
		if len(errs) > 0 {
			return <-errs
		}
		if won.Load() != 1 {
			return fmt.Errorf("version %d was saved %d times", version+1, won.Load())
		}
	}
	return nil
}

func checkContext(ctx context.Context, s psc.SessionStore, c *ticker) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, load := s.Load(over, "a")
	_, find := s.Find(over, "sid-a", "")
	for what, err := range map[string]error{"save": s.Save(over, c.stored("a")), "load": load, "delete": s.Delete(over, "a")} {
		if err := expect(what, context.Canceled, err); err != nil {
			return err
		}
	}
	if find != nil && !errors.Is(find, context.Canceled) {
		return expect("find", context.Canceled, find)
	}
	return nil
}

func checkErrors(ctx context.Context, s psc.SessionStore, c *ticker) error {
	r := c.stored("a-long-and-secret-key")
	r.Version = 7
	saved := s.Save(ctx, r)
	_, loaded := s.Load(ctx, r.Key)
	for _, err := range []error{saved, loaded} {
		if err == nil {
			return errors.New("no error")
		}
		if text := err.Error(); bytes.Contains([]byte(text), r.Data) || bytes.Contains([]byte(text), []byte(r.Key)) {
			return errors.New("an error shows what it must not")
		}
	}
	return nil
}
