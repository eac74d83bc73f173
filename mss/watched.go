package mss

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

// watched is the watch of one mailbox. Its goroutine alone uses what is not
// under the lock of the watcher.
type watched struct {
	watcher  *Watcher
	box      *Mailbox
	cursor   Cursor
	failures int
	crowded  int // looks left before a connection is asked for again
	vain     int // pushes in a row that brought nothing
	stop     chan struct{}
	once     sync.Once
	cancel   context.CancelFunc
	done     chan struct{}
	status   WatchStatus // under watcher.mu
}

func (t *watched) end() { t.once.Do(func() { close(t.stop) }) }

// errStopped says that the watch was ended by its owner.
var errStopped = errors.New("watch ended")

// handlerError is what Handle failed with. Whatever its cause, it tells nothing
// of the mailbox that is watched, nor of its session.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return "mss: watch: Handle: " + e.err.Error() }

func (e *handlerError) Unwrap() error { return e.err }

func (t *watched) run(ctx context.Context) {
	defer func() { _ = t.box.Close() }()
	for {
		err := t.session(ctx)
		var handling *handlerError
		switch {
		case errors.Is(err, errStopped), ctx.Err() != nil:
			return
		case !errors.As(err, &handling) && errors.Is(err, ErrSessionLost):
			t.become(WatchStatus{State: WatchEnded, Err: err})
			return
		}
		if t.pause(ctx, err) != nil {
			return
		}
	}
}

// session watches over a connection of its own if there is one to be had, or
// looks once over one that others wait for. It ends with an error.
func (t *watched) session(ctx context.Context) error {
	if t.crowded == 0 {
		select {
		case t.watcher.held <- struct{}{}:
			defer func() { <-t.watcher.held }()
			return t.hold(ctx)
		default:
		}
	}
	t.crowded = max(0, t.crowded-1)
	return t.look(ctx)
}

// hold watches over a connection until it breaks.
func (t *watched) hold(ctx context.Context) error {
	defer t.box.hangUp(ctx)
	opened := time.Now()
	for {
		if t.status.State != WatchPushed && t.status.State != WatchPolled {
			t.become(WatchStatus{State: WatchConnecting})
		}
		told, err := t.catchUp(ctx)
		if err != nil {
			return err
		}
		if told > 0 {
			t.vain = 0
		}
		r := t.box.reader
		if r == nil { // lost while the messages were read
			t.vain++
			if err := t.wait(ctx, t.rest()); err != nil {
				return err
			}
			continue
		}
		if r.client.Caps().Has(imap.CapIdle) {
			t.become(WatchStatus{State: WatchPushed})
			since := time.Now()
			if err = t.wait(ctx, t.rest()); err == nil {
				err = t.idle(ctx)
			}
			if t.vain++; time.Since(since) > min(quiet, t.watcher.cfg.Renew/2) {
				t.vain = 0
			}
		} else {
			t.become(WatchStatus{State: WatchPolled})
			err = t.wait(ctx, t.watcher.cfg.Poll)
		}
		if err == nil {
			if lost := t.box.stillOpen(ctx); lost != nil {
				return lost
			}
		}
		if err != nil {
			if time.Since(opened) > steady {
				t.failures = 0
			}
			return err
		}
		t.failures = 0
	}
}

// rest gives how long to leave an operator alone that pushes without anything
// having arrived: nothing after the first time, for that happens.
func (t *watched) rest() time.Duration {
	if t.vain < 2 {
		return 0
	}
	return min(firstRest<<min(t.vain-2, 10), maxRest)
}

// look connects, hands over what has arrived, and leaves.
func (t *watched) look(ctx context.Context) error {
	select {
	case t.watcher.polling <- struct{}{}:
	case <-t.stop:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := t.catchUp(ctx)
	t.box.hangUp(ctx)
	<-t.watcher.polling
	if err != nil {
		return err
	}
	t.failures = 0
	t.become(WatchStatus{State: WatchPolled})
	// Not all at the same moment.
	if err := t.wait(ctx, jitter(t.watcher.cfg.Poll)); err != nil {
		return err
	}
	return errAgain
}

// errAgain says that nothing went wrong.
var errAgain = errors.New("again")

// catchUp hands over what arrived since the cursor, and tells how many Handle
// took.
func (t *watched) catchUp(ctx context.Context) (told int, err error) {
	s, err := t.find(ctx)
	if err != nil {
		return 0, err
	}
	if s.renumbered || t.cursor.IsZero() {
		t.cursor = s.now
	}
	t.cursor.next = s.start
	if s.renumbered {
		t.cursor.again = s.end()
	}
	t.box.pages(ctx, messages{folder: inbox, validity: s.validity, numbers: s.arrived}, func(sum Summary, e error) bool {
		if err = e; err != nil {
			return false
		}
		next := t.cursor.after(sum.UID.Number)
		select {
		case <-t.stop:
			err = errStopped
			return false
		default:
		}
		e = t.watcher.cfg.Handle(ctx, Arrival{Mailbox: t.box.access.Address, Summary: sum, Renumbered: t.cursor.again != 0, Cursor: next, box: t.box})
		if e != nil {
			err = &handlerError{e}
			return false
		}
		// It goes forward: what failed before is no reason to wait any more.
		t.cursor, t.failures = next, 0
		told++
		return true
	})
	if err == nil && len(s.arrived) > 0 {
		// The last ones may be gone since, or all of them.
		next := t.cursor.after(s.arrived[len(s.arrived)-1])
		if told == 0 {
			next.again = t.cursor.again
		}
		t.cursor = next
	}
	return told, err
}

// find looks for what arrived since the cursor, connecting if need be.
func (t *watched) find(ctx context.Context) (*followed, error) {
	s := &followed{owner: ownerOf(t.box.access.Address, inbox), folder: inbox}
	start, opened := t.box.client.cfg.Now(), false
	if t.box.reader == nil {
		select {
		case t.watcher.opening <- struct{}{}:
			defer func() { <-t.watcher.opening }()
		case <-t.stop:
			return nil, errStopped
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	err := t.box.run(ctx, "watch", true, func(r *reader) error {
		if r.folder != inbox || t.cursor.IsZero() || r.validity != t.cursor.validity {
			opened = true
			if err := r.begin(s, t.cursor); err != nil {
				return err
			}
			if r.next != 0 && r.next <= s.start {
				return nil
			}
		} else {
			*s = followed{owner: s.owner, folder: s.folder, start: t.cursor.next, validity: r.validity}
		}
		var err error
		s.arrived, err = r.after(s.start - 1)
		return err
	})
	if opened || err != nil {
		t.box.tell(ctx, exchange{operation: "imap.watch", start: start, err: err})
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// idle waits for a push, for the time to renew, or for the end of the session.
func (t *watched) idle(ctx context.Context) error {
	renew := jitter(t.watcher.cfg.Renew)
	source := t.box.session()
	done := over(source)
	if left := lapse(source).Sub(t.box.client.cfg.Now()); left > 0 {
		renew = min(renew, left)
	}
	err := t.box.run(ctx, "watch", false, func(r *reader) error {
		if r.folder != inbox {
			return nil // a new connection: what came meanwhile first
		}
		return r.idle(ctx, t.stop, done, renew)
	})
	select {
	case <-t.stop:
		return errStopped
	default:
	}
	if err != nil {
		return err
	}
	return nil
}

// wait sleeps.
func (t *watched) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.stop:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause waits after a failure, the longer the more there were.
func (t *watched) pause(ctx context.Context, err error) error {
	var ours *Error
	var handling *handlerError
	switch {
	case errors.Is(err, errAgain):
		return nil
	case errors.As(err, &handling): // its cause is of something else
	case errors.As(err, &ours) && t.box.client.cfg.Dialect.tooMany(ours):
		t.crowded = crowdedFor
	case errors.Is(err, ErrTokenRefused):
		t.failures = max(t.failures, slowRetry)
	case errors.Is(err, ErrUntrusted), errors.Is(err, ErrInsecure), errors.Is(err, ErrAuthRefused):
		t.failures = manyRetries // it takes somebody to mend it
	}
	d := backoff(t.watcher.cfg.Retry, t.failures)
	t.failures = min(t.failures+1, manyRetries)
	t.become(WatchStatus{State: WatchPaused, Err: err, Retry: t.box.client.cfg.Now().Add(d)})
	return t.wait(ctx, d)
}

// backoff gives the pause after some failures in a row.
func backoff(first time.Duration, failures int) time.Duration {
	d := first
	for range failures {
		if d *= 2; d >= maxRetry {
			d = maxRetry
			break
		}
	}
	return jitter(d)
}

// jitter gives d, give or take a quarter.
func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1)
}

func (t *watched) become(s WatchStatus) {
	w := t.watcher
	s.Mailbox, s.At = t.box.access.Address, t.box.client.cfg.Now()
	w.mu.Lock()
	same := t.status.State == s.State && t.status.Err == s.Err
	if same {
		s.At = t.status.At
	}
	t.status = s
	w.mu.Unlock()
	if same {
		return
	}
	if s.Err != nil {
		t.box.client.cfg.Log().Warn("mss: watch", "status", s)
	}
	if w.cfg.Changed != nil {
		w.cfg.Changed(s)
	}
}

// idle waits in IDLE (RFC 2177) until something has arrived, until stop or done,
// or for a time; the connection then proves to be alive.
func (r *reader) idle(ctx context.Context, stop, done <-chan struct{}, renew time.Duration) error {
	select {
	case <-r.news: // while the last command ran
		return nil
	default:
	}
	cmd, err := r.client.Idle()
	if err != nil {
		return err
	}
	r.conn.expect(0)
	timer := time.NewTimer(renew)
	defer timer.Stop()
	select {
	case <-r.news:
	case <-timer.C:
	case <-stop:
	case <-done:
	case <-ctx.Done():
	case <-r.client.Closed():
	}
	r.conn.expect(min(r.patience, 30*time.Second))
	if err := cmd.Close(); err != nil {
		return err
	}
	return cmd.Wait()
}
