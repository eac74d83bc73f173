package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/soclesante/socle/psc"
)

// sendKey is where the parts of a /send are in the context of its request.
type sendKey struct{}

type sending struct {
	session *session
	api     string
	to      *url.URL
}

// send calls an API for the session of the cookie: the request as it came, but
// for its address, the token, the cookie of the proxy, and what is between two
// hops only.
func (h *Handler) send(w http.ResponseWriter, r *http.Request) {
	s := h.live(r)
	if s == nil {
		h.refuse(w, http.StatusUnauthorized, textNoSession, nil)
		return
	}
	from := from(r, h.cfg.TrustedProxies)
	s.seen(from)
	api, endpoint, err := target(r.URL.EscapedPath())
	if err != nil {
		h.refuse(w, http.StatusBadRequest, "The path does not name an endpoint.", nil)
		return
	}
	base := h.bases[s.software][api]
	if base == nil {
		h.refuse(w, h.cfg.Statuses.UnknownAPI, "The API is unknown.", nil)
		return
	}
	to, err := join(base, endpoint, r.URL.RawQuery)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, "The path does not name an endpoint.", nil)
		return
	}
	if r.ContentLength > h.cfg.MaxBody {
		h.refuse(w, h.cfg.Statuses.TooLarge, "The body is too large.", nil)
		return
	}
	t := s.trace(Send)
	t.Request = &Request{API: api, Method: r.Method, Path: endpoint}
	if endpoint == "" {
		t.Request.Path = "/"
	}
	if h.trace(r.Context(), t, from) != nil { // what cannot be traced is not done
		h.refuse(w, http.StatusInternalServerError, "Internal error.", nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	h.forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sendKey{}, &sending{s, api, to})))
}

func sendingOf(r *http.Request) *sending { return r.Context().Value(sendKey{}).(*sending) }

func (h *Handler) newForward() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = sendingOf(p.In).to
			p.Out.Host = ""
			for _, name := range []string{"Authorization", "Connection", "Upgrade", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
				p.Out.Header.Del(name)
			}
			hideCookie(p.Out.Header)
		},
		Transport:      sender{},
		ModifyResponse: h.receive,
		ErrorHandler:   h.failed,
		ErrorLog:       slog.NewLogLogger(h.cfg.Log().Handler(), slog.LevelDebug),
	}
}

// sender calls with the token and the certificate of the session.
type sender struct{}

// RoundTrip implements http.RoundTripper.
func (sender) RoundTrip(r *http.Request) (*http.Response, error) {
	s := sendingOf(r)
	return s.session.software.Exchange.Client(s.session.psc, s.api).Transport.RoundTrip(r)
}

// hideCookie keeps the proxy's own cookie from the API, and passes the others.
func hideCookie(h http.Header) {
	var kept []string
	for _, line := range h.Values("Cookie") {
		for _, pair := range strings.Split(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && strings.TrimSpace(name) != cookieName {
				kept = append(kept, pair)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}

var errTooLarge = errors.New("answer too large")

// receive passes an answer on, bounded; 502, 503 and 504 without their body.
func (h *Handler) receive(resp *http.Response) error {
	own := resp.Header.Values("Set-Cookie")
	resp.Header.Del("Set-Cookie")
	for _, line := range own {
		if name, _, _ := strings.Cut(line, "="); strings.TrimSpace(name) != cookieName {
			resp.Header.Add("Set-Cookie", line)
		}
	}
	if gateway(resp.StatusCode) {
		resp.Body.Close()
		resp.Body, resp.ContentLength, resp.TransferEncoding, resp.Trailer = http.NoBody, 0, nil, nil
		for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Trailer"} {
			resp.Header.Del(name)
		}
		return nil
	}
	if resp.ContentLength > h.cfg.MaxAnswer {
		return errTooLarge // net/http closes the body
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: h.cfg.MaxAnswer}
	return nil
}

// bounded fails once more than left bytes came: the connection of the
// workstation is then cut, for half an answer must not look like one.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		return int(b.left), fmt.Errorf("proxy: %w", errTooLarge)
	}
	b.left -= int64(n)
	return n, err
}

// failed answers when the API did not.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	s := sendingOf(r).session
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		h.refuse(w, h.cfg.Statuses.TooLarge, "The body is too large.", nil)
		return
	case errors.Is(err, errTooLarge):
		h.cfg.Log().WarnContext(r.Context(), "proxy: answer of an API over Config.MaxAnswer")
		h.refuse(w, http.StatusBadGateway, "", nil)
		return
	case errors.Is(err, psc.ErrSessionExpired), errors.Is(err, psc.ErrLoggedOut):
		h.drop(r.Context(), s)
		h.refuse(w, http.StatusUnauthorized, textNoSession, nil)
		return
	case errors.Is(err, psc.ErrExchange), errors.Is(err, psc.ErrClientCertificate): // not what the workstation can cure
		h.cfg.Log().WarnContext(r.Context(), "proxy: no token for an API", "err", err)
		h.refuse(w, http.StatusInternalServerError, "The API gives no token.", nil)
		return
	}
	var ours *psc.Error
	status, message := h.statusOf(err)
	if !errors.As(err, &ours) && !gateway(status) { // the connection to the API
		status = http.StatusBadGateway
	}
	if r.Context().Err() == nil {
		h.cfg.Log().WarnContext(r.Context(), "proxy: an API could not be called", "status", status)
	}
	h.refuse(w, status, message, nil)
}
