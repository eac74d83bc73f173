package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
)

// Software is one that connects through the proxy: a client id of Pro Santé
// Connect with what speaks for it.
type Software struct {
	ClientID string         // the clientId of /connect
	PSC      *psc.Client    // made for that client id
	Exchange *psc.Exchanger // the APIs that it calls; same certificate as PSC
}

// Config is what a [Handler] needs.
type Config struct {
	// Software are those that may connect. One at least.
	Software []Software
	// Traces keeps the traces. Mandatory.
	Traces Sink

	// ServeTraces says who may read GET /traces, which the contract has for
	// conformity tests only: it tells the identifiers of live sessions. Nobody if nil.
	ServeTraces func(*http.Request) bool
	// TrustedProxies are the gateways before the proxy whose X-Forwarded-For is
	// believed, by their addresses. Any other's is ignored.
	TrustedProxies []netip.Prefix
	// SessionLife is that of a session after /connect: 4 hours if zero, and at
	// most. It never outlives that of Pro Santé Connect.
	SessionLife time.Duration
	// Lazy exchanges tokens at the first call of an API, not at /connect for all.
	Lazy bool
	// MaxBody and MaxAnswer bound what goes through /send, 32 and 64 MiB if
	// zero. Nothing is held in memory.
	MaxBody, MaxAnswer int64
	// MaxSessions bounds the sessions that are open at once, 10,000 if zero.
	MaxSessions int
	// Statuses replace those that the contract leaves open.
	Statuses Statuses
	// Sweep is the time between two looks for sessions at their end, 30 seconds if zero.
	Sweep time.Duration

	socle.Watch
}

// Handler is the proxy. Close must be called.
type Handler struct {
	cfg     Config
	forward *httputil.ReverseProxy
	bases   map[*Software]map[string]*url.URL // of the APIs

	mu       sync.Mutex
	sessions map[string]*session
	opening  int // logins under way
	closed   bool

	stop  context.CancelFunc
	swept chan struct{}
}

// New checks cfg and makes a Handler. The error joins everything that is
// wrong, each problem with its field.
func New(cfg Config) (*Handler, error) {
	var problems []error
	add := func(field, problem string) {
		problems = append(problems, fmt.Errorf("proxy: config: %s: %s", field, problem))
	}
	if len(cfg.Software) == 0 {
		add("Software", "missing")
	}
	cfg.Software = slices.Clone(cfg.Software)
	h := &Handler{sessions: map[string]*session{}, bases: map[*Software]map[string]*url.URL{}, swept: make(chan struct{})}
	seen := map[string]bool{}
	for i := range cfg.Software {
		s := &cfg.Software[i]
		at := fmt.Sprintf("Software[%d].", i)
		if s.ClientID == "" || seen[s.ClientID] {
			add(at+"ClientID", "a client id of its own expected")
		}
		seen[s.ClientID] = true
		if s.PSC == nil {
			add(at+"PSC", "missing")
		}
		if s.Exchange == nil {
			add(at+"Exchange", "missing")
			continue
		}
		h.bases[s] = map[string]*url.URL{}
		for _, a := range s.Exchange.APIs() {
			base, err := url.Parse(a.BaseURL)
			if err != nil {
				add(at+"Exchange", "an API without address")
				continue
			}
			h.bases[s][a.Name] = base
		}
	}
	if cfg.Traces == nil {
		add("Traces", "missing: give OpenFileSink or a sink of your own")
	}
	switch {
	case cfg.SessionLife == 0:
		cfg.SessionLife = 4 * time.Hour
	case cfg.SessionLife < 0 || cfg.SessionLife > 4*time.Hour:
		add("SessionLife", "between 0 and 4 hours expected")
	}
	for _, b := range []struct {
		name  string
		value *int64
		zero  int64
	}{{"MaxBody", &cfg.MaxBody, 32 << 20}, {"MaxAnswer", &cfg.MaxAnswer, 64 << 20}} {
		if *b.value == 0 {
			*b.value = b.zero
		}
		if *b.value < 0 {
			add(b.name, "a size expected")
		}
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 10_000
	}
	if cfg.MaxSessions < 0 {
		add("MaxSessions", "a number expected")
	}
	if cfg.Sweep == 0 {
		cfg.Sweep = 30 * time.Second
	}
	if cfg.Sweep < 0 {
		add("Sweep", "a duration expected")
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	cfg.Statuses = cfg.Statuses.orDefault()
	h.cfg = cfg
	h.forward = h.newForward()
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go h.sweep(ctx)
	return h, nil
}

// ServeHTTP implements http.Handler. Below a prefix, use http.StripPrefix.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	w.Header().Set("Cache-Control", "no-store")
	only := func(f http.HandlerFunc, methods ...string) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			h.refuse(w, http.StatusMethodNotAllowed, "Method not allowed.", nil)
			return
		}
		f(w, r)
	}
	switch {
	case path == "/connect":
		only(h.connect, http.MethodPost)
	case path == "/disconnect":
		only(h.disconnect, http.MethodDelete)
	case path == "/traces":
		only(h.traces, http.MethodGet)
	case strings.HasPrefix(path, "/send/"):
		only(h.send, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
	default:
		h.refuse(w, http.StatusNotFound, "No such operation.", nil)
	}
}

// metadata repeats the request in a refusal.
type metadata struct {
	NationalID string `json:"nationalId"`
	ClientID   string `json:"clientId"`
}

// refuse answers in the form of the contract; 502, 503 and 504 have no body.
func (h *Handler) refuse(w http.ResponseWriter, status int, message string, about *metadata) {
	if gateway(status) {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Code     string    `json:"code"`
		Message  string    `json:"message"`
		Metadata *metadata `json:"metadata,omitempty"`
	}{fmt.Sprint(status), message, about})
}

func gateway(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// statusOf gives the answer to a failure of Pro Santé Connect or of an
// authorization server, and words of ours: theirs may repeat what they were sent.
func (h *Handler) statusOf(err error) (int, string) {
	for _, c := range []struct {
		kind   error
		status int
	}{
		{psc.ErrLoginPending, h.cfg.Statuses.Pending},
		{psc.ErrUnknownUser, h.cfg.Statuses.Unknown},
		{psc.ErrDenied, h.cfg.Statuses.Refused},
		{psc.ErrExpired, h.cfg.Statuses.Refused},
		{psc.ErrIDToken, h.cfg.Statuses.Refused},
		{psc.ErrSessionExpired, http.StatusUnauthorized},
		{psc.ErrLoggedOut, http.StatusUnauthorized},
		{psc.ErrClientCertificate, http.StatusUnauthorized},
		{psc.ErrExchange, http.StatusUnauthorized},
	} {
		if errors.Is(err, c.kind) {
			return c.status, sentence(c.kind)
		}
	}
	var e *psc.Error
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &e) && gateway(e.Status):
		return e.Status, ""
	case errors.As(err, &e) && e.Status == http.StatusTooManyRequests:
		return http.StatusServiceUnavailable, ""
	case errors.As(err, &e) && e.Status == http.StatusBadRequest:
		return http.StatusBadRequest, "Pro Santé Connect refuses the request."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout, ""
	case errors.As(err, &e) && e.Status == 0 && socle.OutcomeOf(err) != socle.OutcomeNotSent, socle.Retryable(err) && (e == nil || e.Status == 0):
		return http.StatusBadGateway, ""
	}
	return http.StatusInternalServerError, "Internal error."
}

func sentence(err error) string {
	s := []rune(err.Error())
	return string(unicode.ToUpper(s[0])) + string(s[1:]) + "."
}

// trace keeps one, with what is common to all.
func (h *Handler) trace(ctx context.Context, t Trace, from source) error {
	t.Address, t.Ports, t.At = from.address, from.ports, h.cfg.Now().UTC()
	if err := h.cfg.Traces.Put(context.WithoutCancel(ctx), t); err != nil {
		h.cfg.Log().ErrorContext(ctx, "proxy: a trace could not be kept", "type", string(t.Type), "err", err)
		return err
	}
	return nil
}

// Close ends every session as /disconnect does, within ctx, and refuses new ones.
// Stop the server first.
func (h *Handler) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var all []*session
	for id, s := range h.sessions {
		all = append(all, s)
		delete(h.sessions, id)
	}
	h.mu.Unlock()
	h.stop()
	<-h.swept
	problems := make([]error, len(all))
	var ends errgroup.Group
	ends.SetLimit(maxEndings)
	for i, s := range all {
		ends.Go(func() error {
			problems[i] = h.end(ctx, s, s.lastSource())
			return nil
		})
	}
	_ = ends.Wait()
	return errors.Join(problems...)
}
