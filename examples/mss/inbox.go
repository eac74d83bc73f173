package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/soclesante/socle/mss"
)

// inbox shows what arrives. It is all that a vendor writes, with watch.
type inbox struct {
	out   io.Writer
	store func(mss.Cursor) error // keeps how far it was read

	mu    sync.Mutex
	shown int
	ended chan error // the end of the Pro Santé Connect session
	next  chan int   // how many were shown
}

func newInbox(out io.Writer, store func(mss.Cursor) error) *inbox {
	return &inbox{out: out, store: store, ended: make(chan error, 1), next: make(chan int, 100)}
}

// watch shows what arrives in a mailbox after a cursor, until ctx ends.
func (i *inbox) watch(ctx context.Context, client *mss.Client, access mss.Access, since mss.Cursor) (*mss.Watcher, error) {
	w, err := client.Watch(ctx, mss.WatchConfig{Handle: i.show, Changed: i.changed})
	if err != nil {
		return nil, err
	}
	if err := w.Add(access, since); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}

// show is given each message once, and again if it fails.
func (i *inbox) show(ctx context.Context, a mss.Arrival) error {
	m, err := a.Read(ctx)
	switch {
	case errors.Is(err, mss.ErrNoMessage): // removed meanwhile
		return i.store(a.Cursor)
	case errors.Is(err, mss.ErrTooLarge): // its summary is all that is shown
		m = &mss.Message{Summary: a.Summary}
	case err != nil:
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	fmt.Fprintf(i.out, "\n%s  %s  %s\n", m.Received.Format("15:04"), kind(m), who(m))
	line := func(format string, args ...any) { fmt.Fprintf(i.out, "       "+format+"\n", args...) }
	line("%s", printable(m.Subject))
	if m.Text != "" {
		line("« %s »", printable(first(m.Text, 200)))
	}
	for _, d := range m.Documents {
		if d.Err != nil {
			line("un document illisible : %v", d.Err)
			continue
		}
		line("document : %s (%s)", printable(d.Title), d.Code.Code)
	}
	for _, f := range m.Files() {
		line("pièce jointe : %s, %d ko", printable(f.Name), (f.Size+999)/1000)
	}
	for _, p := range m.Prescriptions() {
		line("→ %s à regarder : ordonnance %s", p.Kind, map[mss.Likelihood]string{mss.Possible: "possible", mss.Likely: "probable"}[p.Likelihood])
	}
	if len(m.Faults) > 0 {
		line("à vérifier : %d anomalies", len(m.Faults))
	}
	if err := i.store(a.Cursor); err != nil {
		return err
	}
	i.shown++
	i.next <- i.shown
	return nil
}

// changed tells what the person at the counter must know.
func (i *inbox) changed(s mss.WatchStatus) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch s.State {
	case mss.WatchPushed:
		fmt.Fprintln(i.out, "— à l'écoute")
	case mss.WatchPolled:
		fmt.Fprintln(i.out, "— relevé à intervalles")
	case mss.WatchPaused:
		fmt.Fprintln(i.out, "— connexion interrompue, elle reprend d'elle-même")
	case mss.WatchEnded:
		i.ended <- s.Err
	}
}

func kind(m *mss.Message) string {
	switch m.Sender.Kind {
	case mss.SenderPatient:
		return "PATIENT      "
	case mss.SenderProfessional:
		return "PROFESSIONNEL"
	}
	return "INCONNU      "
}

func who(m *mss.Message) string {
	if m.Sender.Kind == mss.SenderProfessional && m.Sender.Label != (mss.Label{}) {
		return printable(m.Sender.Label.String())
	}
	return printable(m.Sender.Name)
}

// printable keeps a message from writing elsewhere on the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func first(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
