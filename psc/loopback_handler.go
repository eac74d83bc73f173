package psc

import (
	"context"
	"io"
	"log"
	"net/http"
	"sync"
)

var discardLog = log.New(io.Discard, "", 0)

const loopbackPage = `<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Pro Santé Connect</title></head>` +
	`<body><p>Vous pouvez fermer cet onglet et revenir à votre logiciel.</p></body></html>`

// loopback waits for the browser to come back.
type loopback struct {
	client *Client
	login  *Authorization
	host   string
	path   string
	page   string
	ctx    context.Context // of the login

	mu      sync.Mutex
	taken   bool
	done    chan struct{}
	session *Session
	err     error
}

func newLoopback(c *Client, a *Authorization, host string, r LoopbackRequest) *loopback {
	return &loopback{client: c, login: a, host: host, path: r.Path, page: first(r.Page, loopbackPage), done: make(chan struct{})}
}

// take gives the login to its caller alone.
func (l *loopback) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken {
		return false
	}
	l.taken = true
	return true
}

func (l *loopback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	private(w)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Host != l.host: // a page of another site that renamed the loopback address
		http.Error(w, "unknown host", http.StatusForbidden)
		return
	case r.Method != http.MethodGet || r.URL.Path != l.path:
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	if len(q["state"]) != 1 || !l.login.Is(q["state"][0]) || !l.take() {
		http.Error(w, "this answers no login that is under way", http.StatusBadRequest)
		return
	}
	defer close(l.done)
	l.session, l.err = l.client.Callback(l.ctx, l.login, q)
	w.Header().Set("Connection", "close")
	if l.err != nil {
		http.Error(w, "La connexion par Pro Santé Connect a échoué. Revenez à votre logiciel.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, l.page)
}
