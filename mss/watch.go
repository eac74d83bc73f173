package mss

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/soclesante/socle"
)

// WatchConfig makes a [Watcher].
type WatchConfig struct {
	// Handle is given each message that arrives in an inbox, mandatory: one
	// mailbox's one after the other, the oldest first, those of several mailboxes
	// at once. Store Arrival.Cursor when the message is handled, or give an error,
	// any: the message comes again later, and the watch goes on. Returning late
	// delays this mailbox alone.
	Handle func(ctx context.Context, a Arrival) error
	// Changed is told whenever the state of a mailbox changes, for a display. It
	// must not block.
	Changed func(WatchStatus)
	// Connections is how many are held open at most. Mailboxes beyond are looked
	// at now and then, over four more. Zero means 1000.
	Connections int
	// Poll is how often a mailbox is looked at when the operator cannot push
	// (IDLE), or takes no more connections. Zero means one minute.
	Poll time.Duration
	// Renew is how often a connection that waits for a push is tried, so that one
	// that is dead is noticed and none is closed for its silence. Zero means 10
	// minutes, 28 at most: operators may hang up after 29 (RFC 2177).
	Renew time.Duration
	// Retry is the pause after a first failure. It doubles up to five minutes,
	// give or take a quarter, so that mailboxes do not come back all at once. Zero
	// means one second.
	Retry time.Duration
}

const (
	pollers     = 4  // connections that look at mailboxes without a connection of their own
	openers     = 16 // connections being opened at once
	maxRenew    = 28 * time.Minute
	maxRetry    = 5 * time.Minute
	slowRetry   = 4                // failures that a refused token counts for
	manyRetries = 30               // failures after which there is no counting
	steady      = 30 * time.Second // of a connection that was good
	crowdedFor  = 10               // looks before a connection is asked for again
	goodbye     = 2 * time.Second
	quiet       = 5 * time.Second // a push after that is one like others
	firstRest   = 20 * time.Millisecond
	maxRest     = 2 * time.Second
)

// Arrival is a message that has arrived in a watched inbox.
type Arrival struct {
	Mailbox Address
	Summary Summary
	// Renumbered says that the operator has renumbered the inbox: UIDs known of
	// it before are worth nothing, and its messages come again, all of them. Each
	// of those says so, until the last of them is handled: the Cursor remembers it.
	Renumbered bool
	// Cursor is to be stored once the message is handled, and given to
	// [Watcher.Add] after a restart.
	Cursor Cursor

	box *Mailbox
}

// Read gets the message, over the connection of the watch. Only Handle may call
// it, before it returns.
func (a Arrival) Read(ctx context.Context) (*Message, error) { return a.box.Read(ctx, a.Summary.UID) }

// WatchState is what happens with a watched mailbox.
type WatchState string

// States of watched mailboxes.
const (
	WatchConnecting WatchState = "connecting" // or waiting for its turn to connect
	WatchPushed     WatchState = "pushed"     // connected, arrivals are pushed (IDLE)
	WatchPolled     WatchState = "polled"     // looked at every WatchConfig.Poll
	WatchPaused     WatchState = "paused"     // after a failure, until Retry; Err tells which
	// WatchEnded: the Pro Santé Connect session is over (ErrSessionLost) and the
	// mail session with it (ECO.1.2.6). Nothing is tried any more: after a new
	// login, Add the mailbox again.
	WatchEnded WatchState = "ended"
)

// WatchStatus is the state of a watched mailbox.
type WatchStatus struct {
	Mailbox Address
	State   WatchState
	At      time.Time // since when
	Err     error     // of WatchPaused and WatchEnded; it may wrap that of Handle
	Retry   time.Time // of WatchPaused
}

// LogValue shows the mailbox, the state and the error.
func (s WatchStatus) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mailbox", s.Mailbox.String()), slog.String("state", string(s.State)), slog.Any("error", s.Err))
}

// Watcher watches the inboxes of many mailboxes and hands over what arrives, each
// message at least once, whatever happens to the connections: they are opened
// again by themselves as long as the sessions of Pro Santé Connect live
// (ECO.1.2.7), one mailbox disturbing no other (ECO.1.2.3). Its methods are safe
// for concurrent use.
type Watcher struct {
	client  *Client
	cfg     WatchConfig
	ctx     context.Context
	cancel  context.CancelFunc
	held    chan struct{} // connections of their own
	polling chan struct{}
	opening chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	all    map[Address]*watched
}

// Watch makes a Watcher of no mailbox: Add them, then Close it. The end of ctx
// ends it too, without goodbyes.
func (c *Client) Watch(ctx context.Context, cfg WatchConfig) (*Watcher, error) {
	var errs []error
	if cfg.Handle == nil {
		errs = append(errs, errors.New("WatchConfig.Handle: mandatory"))
	}
	if cfg.Connections < 0 || cfg.Poll < 0 || cfg.Retry < 0 || cfg.Renew < 0 || cfg.Renew > maxRenew {
		errs = append(errs, errors.New("WatchConfig: Connections, Poll, Retry and Renew are not negative, and Renew is 28 minutes at most"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &Error{Op: "watch", Err: problems{err}, outcome: socle.OutcomeNotSent}
	}
	cfg.Connections = cmp.Or(cfg.Connections, 1000)
	cfg.Poll = cmp.Or(cfg.Poll, time.Minute)
	cfg.Renew = cmp.Or(cfg.Renew, 10*time.Minute)
	cfg.Retry = cmp.Or(cfg.Retry, time.Second)
	w := &Watcher{client: c, cfg: cfg, held: make(chan struct{}, cfg.Connections), polling: make(chan struct{}, pollers),
		opening: make(chan struct{}, openers), all: map[Address]*watched{}}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w, nil
}

// Add begins to watch a mailbox, from a cursor of its inbox: the one stored last,
// or that of [Mailbox.Now]. The zero Cursor hands over every message that is
// there. A mailbox that is watched already is refused, unless its state is
// WatchEnded: it is then watched again, with the new Actor.
func (w *Watcher) Add(a Access, since Cursor) error {
	a, err := w.client.complete("watch", a)
	if err != nil {
		return err
	}
	if err := (&followed{owner: ownerOf(a.Address, inbox)}).check(since); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.ctx.Err() != nil {
		return &Error{Op: "watch", kind: ErrClosed, outcome: socle.OutcomeNotSent}
	}
	if old := w.all[a.Address]; old != nil && old.status.State != WatchEnded {
		return &Error{Op: "watch", Err: errors.New("the mailbox is watched already: Remove it first"), outcome: socle.OutcomeNotSent}
	}
	t := &watched{watcher: w, box: newMailbox(w.client, a), cursor: since, stop: make(chan struct{}), done: make(chan struct{}),
		status: WatchStatus{Mailbox: a.Address, State: WatchConnecting, At: w.client.cfg.Now()}}
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(w.ctx)
	w.all[a.Address] = t
	w.running.Go(func() {
		defer close(t.done)
		defer t.cancel()
		t.run(ctx)
	})
	return nil
}

// Remove ends the watch of a mailbox. It waits for Handle to return, which
// therefore must not call it.
func (w *Watcher) Remove(mailbox Address) {
	w.mu.Lock()
	t := w.all[mailbox]
	delete(w.all, mailbox)
	w.mu.Unlock()
	if t != nil {
		t.end()
		timer := time.AfterFunc(goodbye, t.cancel)
		<-t.done
		timer.Stop()
	}
}

// Status gives the state of each mailbox, by address.
func (w *Watcher) Status() []WatchStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]WatchStatus, 0, len(w.all))
	for _, t := range w.all {
		out = append(out, t.status)
	}
	slices.SortFunc(out, func(a, b WatchStatus) int { return cmp.Compare(a.Mailbox.Wire(), b.Mailbox.Wire()) })
	return out
}

// Close ends all watches and waits for them. Connections are ended properly,
// those that do not answer within two seconds are cut.
func (w *Watcher) Close() error {
	w.mu.Lock()
	w.closed = true
	for _, t := range w.all {
		t.end()
	}
	w.mu.Unlock()
	timer := time.AfterFunc(goodbye, w.cancel)
	w.running.Wait()
	timer.Stop()
	w.cancel()
	return nil
}
