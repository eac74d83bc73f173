package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
)

// maxConnect bounds the body of /connect.
const maxConnect = 4 << 10

// connectRequest is the body of /connect.
type connectRequest struct {
	NationalID string `json:"nationalId"`
	Binding    string `json:"bindingMessage"`
	ClientID   string `json:"clientId"`
	Channel    string `json:"channel"`
}

// connectAnswer is the answer of /connect.
type connectAnswer struct {
	Session      string `json:"proxy_session_id"`
	SessionState string `json:"session_state"`
}

// connect logs a professional in by CIBA and answers when they did.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) {
	from := from(r, h.cfg.TrustedProxies)
	in, person, problem := readConnect(w, r)
	about := &metadata{NationalID: shorten(in.NationalID), ClientID: shorten(in.ClientID)}
	fail := func(status int, message string) {
		if in.NationalID != "" { // a trace is of someone
			_ = h.trace(r.Context(), Trace{Type: ConnectFailure, ClientID: about.ClientID, NationalID: about.NationalID, DN: h.subject(in.ClientID)}, from)
		}
		h.refuse(w, status, message, about)
	}
	if problem != "" {
		fail(http.StatusBadRequest, problem)
		return
	}
	software := h.software(in.ClientID)
	if software == nil {
		fail(http.StatusNotFound, "clientId is unknown.")
		return
	}
	if s := h.live(r); s != nil && s.person == in.NationalID && s.software == software {
		s.seen(from)
		if h.trace(r.Context(), s.trace(ConnectReplay), from) != nil {
			h.refuse(w, http.StatusInternalServerError, "Internal error.", about)
			return
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if !h.enter() {
		fail(h.cfg.Statuses.Full, "Too many sessions.")
		return
	}
	defer h.leave()
	s, err := h.open(r.Context(), in, person, software, from)
	if err != nil {
		h.cfg.Log().InfoContext(r.Context(), "proxy: no session", "err", err)
		fail(h.statusOf(err))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s.id, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(connectAnswer{Session: s.id, SessionState: s.state})
}

// open logs in, exchanges, traces and keeps the session; when one of these
// fails, or the workstation went away, nothing is left of it.
func (h *Handler) open(ctx context.Context, in connectRequest, person socle.PersonID, software *Software, from source) (*session, error) {
	login, err := software.PSC.Login(ctx, psc.LoginRequest{
		Person: person, Channel: psc.Channel(in.Channel), Binding: in.Binding, Show: func(string) {}, // the workstation shows it
	})
	if err != nil {
		return nil, err
	}
	s := &session{id: newID(), person: in.NationalID, state: login.SessionState(), software: software, psc: login, last: from, ends: h.cfg.Now().Add(h.cfg.SessionLife)}
	if s.dn, err = software.Exchange.Subject(); err == nil && !h.cfg.Lazy {
		err = exchangeAll(ctx, software, login)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = h.trace(ctx, s.trace(ConnectSuccess), from)
	}
	if err == nil && !h.keep(s) {
		err = errors.New("proxy: closed")
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		_ = h.forget(ctx, software, login)
		return nil, err
	}
	return s, nil
}

// exchangeAll gets the tokens of every API.
func exchangeAll(ctx context.Context, software *Software, login *psc.Session) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, a := range software.Exchange.APIs() {
		all.Go(func() error {
			_, err := software.Exchange.Token(ctx, login, a.Name)
			return err
		})
	}
	return all.Wait()
}

// readConnect reads the body of /connect, and says what is wrong with it.
func readConnect(w http.ResponseWriter, r *http.Request) (in connectRequest, person socle.PersonID, problem string) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return in, person, "Content-Type: application/json expected."
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxConnect))
	if err != nil {
		return in, person, "A body of at most 4 KiB expected."
	}
	if json.Unmarshal(raw, &in) != nil {
		return in, person, "A JSON object with nationalId, bindingMessage, clientId and channel expected."
	}
	person, err = socle.ParsePersonID(in.NationalID)
	b := in.Binding
	switch {
	case in.NationalID == "":
		return in, person, "nationalId is missing."
	case err != nil || len(in.NationalID) > maxShown:
		return in, person, "nationalId is not a national identifier."
	case len(b) != 2 || b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9':
		return in, person, "bindingMessage: two digits expected."
	case in.ClientID == "":
		return in, person, "clientId is missing."
	case in.Channel != string(psc.ChannelCard) && in.Channel != string(psc.ChannelMobile):
		return in, person, "channel: CARD or MOBILE expected."
	}
	return in, person, ""
}

// maxShown bounds what is repeated of a request.
const maxShown = 128

func shorten(s string) string { return s[:min(len(s), maxShown)] }

func (h *Handler) software(clientID string) *Software {
	for i := range h.cfg.Software {
		if h.cfg.Software[i].ClientID == clientID {
			return &h.cfg.Software[i]
		}
	}
	return nil
}

// subject gives the DN of the certificate of a software, empty for one that is unknown.
func (h *Handler) subject(clientID string) string {
	s := h.software(clientID)
	if s == nil {
		return ""
	}
	dn, _ := s.Exchange.Subject()
	return dn
}

// enter counts a login under way as a session.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.sessions)+h.opening >= h.cfg.MaxSessions {
		return false
	}
	h.opening++
	return true
}

func (h *Handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opening--
}

func (h *Handler) keep(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.sessions[s.id] = s
	return true
}
