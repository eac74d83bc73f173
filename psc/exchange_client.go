package psc

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Client gives what calls an API for the person of the session: an http.Client
// that puts the token on each request and presents the certificate that the
// token is bound to. It sends requests below API.BaseURL only and follows no
// redirect. When the API says that the token is worth nothing it exchanges anew,
// once, and sends again if the request's body can be had again (GetBody). The
// errors of [Exchanger.Token] come wrapped in *url.Error.
func (x *Exchanger) Client(s *Session, api string) *http.Client {
	return &http.Client{
		Transport:     &apiTransport{x: x, s: s, api: api},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type apiTransport struct {
	x   *Exchanger
	s   *Session
	api string
}

// RoundTrip implements http.RoundTripper.
func (t *apiTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if a := t.x.apis[t.api]; a != nil && !below(a.BaseURL, req.URL) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, notSent(opAPICall, errors.New("an address outside of API.BaseURL: the token is not sent there"))
	}
	body := req.Body
	for again := true; ; again = false {
		token, lane, err := t.x.token(req.Context(), t.s, t.api)
		if err != nil {
			if body != nil {
				body.Close()
			}
			return nil, err
		}
		out := req.Clone(req.Context())
		out.Body = body
		out.Host = "" // that of the address
		out.Header.Set("Authorization", "Bearer "+string(token.access))
		resp, err := lane.raw.RoundTrip(out)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || !tokenRefused(resp.Header) {
			return resp, err
		}
		if g, err := t.x.of(t.s); err == nil {
			g.drop(grantKey{t.api, ThumbprintOf(lane.leaf)}, token.access)
		}
		if !again || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		resp.Body.Close()
		if req.GetBody != nil {
			if body, err = req.GetBody(); err != nil {
				return nil, notSent(opAPICall, err)
			}
		}
	}
}

// tokenRefused reads the challenge of RFC 6750 §3.
func tokenRefused(h http.Header) bool {
	return slices.ContainsFunc(h.Values("WWW-Authenticate"), func(v string) bool {
		m := bearerError.FindStringSubmatch(v)
		return m != nil && m[1] == codeToken
	})
}

// below tells whether u is under the address base, as any server may read it.
func below(base string, u *url.URL) bool {
	b, err := url.Parse(base)
	if err != nil || u == nil || u.User != nil || u.Opaque != "" || !strings.EqualFold(u.Scheme, b.Scheme) || !strings.EqualFold(hostPort(u), hostPort(b)) {
		return false
	}
	if strings.ContainsAny(u.Path, "\\\x00") || slices.ContainsFunc(strings.Split(u.Path, "/"), dots) {
		return false
	}
	root := strings.TrimRight(b.Path, "/")
	return u.Path == root || strings.HasPrefix(u.Path, root+"/")
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return u.Hostname() + ":" + port
}
