package proxy

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/psc"
)

// ClientConfig is what a [Client] needs.
type ClientConfig struct {
	// URL is the address of the proxy: https, or http on this machine. Mandatory.
	URL string
	// ClientID is the client id at Pro Santé Connect that the proxy speaks for. Mandatory.
	ClientID string
	// Roots are the authorities of the proxy's certificate. Mandatory with
	// https, unless HTTPClient is given.
	Roots *x509.CertPool
	// Certificate authenticates the workstation, if the proxy asks for it.
	Certificate tls.Certificate
	// HTTPClient is used as it is instead; its redirects are not followed.
	HTTPClient *http.Client

	socle.Watch
}

// Client is the workstation's side: it logs professionals in through a Proxy
// e-Santé and calls APIs with their sessions. It is safe for concurrent use.
type Client struct {
	cfg  ClientConfig
	base *url.URL
	http *transport.Client
	raw  http.RoundTripper
}

// NewClient checks cfg. The error joins everything that is wrong.
func NewClient(cfg ClientConfig) (*Client, error) {
	var problems []error
	c := &Client{cfg: cfg}
	var err error
	if c.base, err = url.Parse(cfg.URL); err != nil || c.base.Host == "" || c.base.User != nil || c.base.RawQuery != "" || c.base.Fragment != "" || c.base.RawPath != "" {
		problems = append(problems, errors.New("proxy: client: URL: an address without user, query or escapes expected"))
	} else if c.base.Scheme != "https" && !(c.base.Scheme == "http" && local(c.base.Hostname())) {
		problems = append(problems, errors.New("proxy: client: URL: https expected, or http on this machine"))
	}
	if cfg.ClientID == "" {
		problems = append(problems, errors.New("proxy: client: ClientID: missing"))
	}
	t := transport.Config{Service: socle.ServicePSC, HTTPClient: cfg.HTTPClient, Roots: cfg.Roots, Watch: cfg.Watch}
	if len(cfg.Certificate.Certificate) > 0 {
		t.Certificate = &cfg.Certificate
	}
	switch {
	case cfg.HTTPClient != nil:
		if c.raw = cfg.HTTPClient.Transport; c.raw == nil {
			c.raw = http.DefaultTransport
		}
	case c.base != nil && c.base.Scheme == "http":
		c.raw = &http.Transport{}
		t.HTTPClient = &http.Client{Transport: c.raw}
	default:
		if c.raw, err = transport.NewRoundTripper(t); err != nil {
			problems = append(problems, fmt.Errorf("proxy: client: %w", err))
		} else {
			t.HTTPClient = &http.Client{Transport: c.raw} // one set of connections
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if c.http, err = transport.New(t); err != nil {
		return nil, fmt.Errorf("proxy: client: %w", err)
	}
	return c, nil
}

func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Login says who connects.
type Login struct {
	Person  socle.PersonID // mandatory
	Channel psc.Channel    // psc.ChannelCard or psc.ChannelMobile, mandatory
	// Show is called before the request is sent, with the two digits that the
	// person finds again on their device. It must not block. Mandatory.
	Show func(binding string)
	// Session is one that the person may still have: it is given back if so.
	Session *Session
}

// Session is a session of a person at the proxy. It is safe for concurrent use.
type Session struct {
	client *Client
	held   *held
}

// held is what a session must not show: fmt shows the address of what is held
// by pointer.
type held struct{ id, state string }

const redactedSession = "proxy.Session(…)"

// String hides the session.
func (s *Session) String() string { return redactedSession }

// GoString hides the session.
func (s *Session) GoString() string { return redactedSession }

// LogValue hides the session.
func (s *Session) LogValue() slog.Value { return slog.StringValue(redactedSession) }

// MarshalJSON hides the session.
func (s *Session) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedSession + `"`), nil }

// ID gives proxy_session_id, which opens the session to who has it: it goes to
// the APIs that the contract says, and into no log.
func (s *Session) ID() string { return s.held.id }

// State gives session_state, the identifier of the session at Pro Santé Connect.
func (s *Session) State() string { return s.held.state }

// Connect logs a person in and returns when they have answered, two minutes
// later at most. Errors: [ErrUnknownClient], [ErrRefused], [ErrRequest], and
// that the proxy or what is behind it could not be reached.
func (c *Client) Connect(ctx context.Context, l Login) (*Session, error) {
	if l.Person.IsZero() || l.Show == nil || l.Channel == psc.ChannelAny {
		return nil, &Error{Op: opConnect, Err: errors.New("Login.Person, Channel and Show are mandatory"), outcome: socle.OutcomeNotSent}
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100))
	if err != nil {
		return nil, &Error{Op: opConnect, Err: err, outcome: socle.OutcomeNotSent}
	}
	binding := fmt.Sprintf("%02d", n)
	body, err := json.Marshal(connectRequest{NationalID: l.Person.String(), Binding: binding, ClientID: c.cfg.ClientID, Channel: string(l.Channel)})
	if err != nil {
		return nil, &Error{Op: opConnect, Err: err, outcome: socle.OutcomeNotSent}
	}
	req, err := c.request(ctx, http.MethodPost, "/connect", strings.NewReader(string(body)), l.Session)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	l.Show(binding)
	var answer connectAnswer
	again := false
	err = c.do(ctx, opConnect, req, func(resp *http.Response) error {
		if again = resp.StatusCode == http.StatusNotModified; again && l.Session != nil {
			return nil
		}
		if err := c.refusal(opConnect, resp); err != nil {
			return err
		}
		if err := decode(resp.Body, &answer); err != nil || answer.Session == "" || !cookieValue(answer.Session) {
			return &Error{Op: opConnect, Status: resp.StatusCode, Err: errors.New("answer without proxy_session_id")}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if again {
		return l.Session, nil
	}
	return &Session{client: c, held: &held{answer.Session, answer.SessionState}}, nil
}

// cookieValue tells whether s can stand in a cookie as it is (RFC 6265 §4.1.1).
func cookieValue(s string) bool {
	return len(s) <= 4096 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\",;\\", r) })
}

// Disconnect ends the session at the proxy, at Pro Santé Connect and at the
// APIs. Errors: [ErrNoSession].
func (s *Session) Disconnect(ctx context.Context) error {
	req, err := s.client.request(ctx, http.MethodDelete, "/disconnect", nil, s)
	if err != nil {
		return err
	}
	return s.client.do(ctx, opDisconnect, req, func(resp *http.Response) error { return s.client.refusal(opDisconnect, resp) })
}

// Request makes a request to an endpoint of an API, which is escaped and may
// have a query: "Patient/12?_summary=true".
func (s *Session) Request(ctx context.Context, method, api, endpoint string, body io.Reader) (*http.Request, error) {
	path := "/send/" + api
	if endpoint != "" {
		path += "/" + strings.TrimPrefix(endpoint, "/")
	}
	escaped, _, _ := strings.Cut(path, "?")
	if name, _, err := target(escaped); err != nil || name != api || strings.ContainsAny(path, "#") {
		return nil, &Error{Op: opSend, Err: errPath, outcome: socle.OutcomeNotSent}
	}
	return s.client.request(ctx, method, path, body, s)
}

// Do sends a request that [Session.Request] made and gives the answer of the
// API, whatever its status; the caller closes its body. Errors: [ErrNoSession],
// and that the proxy could not be reached.
func (s *Session) Do(req *http.Request) (*http.Response, error) {
	root := strings.TrimRight(s.client.base.Path, "/") + "/send/"
	if req.URL.Scheme != s.client.base.Scheme || req.URL.Host != s.client.base.Host || !strings.HasPrefix(req.URL.Path, root) {
		return nil, &Error{Op: opSend, Err: errors.New("a request of Session.Request expected: the session is not sent elsewhere"), outcome: socle.OutcomeNotSent}
	}
	resp, err := s.client.raw.RoundTrip(req)
	if err != nil {
		return nil, &Error{Op: opSend, Err: err}
	}
	if resp.StatusCode != http.StatusUnauthorized {
		return resp, nil
	}
	// The proxy's own refusal is short; that of an API is passed on.
	head, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	var said struct{ Code, Message string }
	if err == nil && json.Unmarshal(head, &said) == nil && said.Code == "401" && said.Message == textNoSession {
		resp.Body.Close()
		return nil, &Error{Op: opSend, Status: resp.StatusCode, Code: said.Code, Text: said.Message, kind: ErrNoSession, outcome: socle.OutcomeRefused}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(string(head)), resp.Body), resp.Body}
	return resp, nil
}

// Traces reads the traces of a period, from start on and before end (now if
// zero), of a proxy that gives them.
func (c *Client) Traces(ctx context.Context, start, end time.Time) ([]Trace, error) {
	query := url.Values{"start": {start.UTC().Format(time.RFC3339Nano)}}
	if !end.IsZero() {
		query.Set("end", end.UTC().Format(time.RFC3339Nano))
	}
	req, err := c.request(ctx, http.MethodGet, "/traces?"+query.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	var all []Trace
	err = c.do(ctx, opTraces, req, func(resp *http.Response) error {
		if err := c.refusal(opTraces, resp); err != nil {
			return err
		}
		if err := decode(resp.Body, &all); err != nil {
			return &Error{Op: opTraces, Status: resp.StatusCode, Err: errors.New("the answer is not a list of traces")}
		}
		return nil
	})
	return all, err
}

func decode(r io.Reader, into any) error {
	raw, err := io.ReadAll(r) // bounded by the transport
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// request makes one to the proxy, with the cookie of a session if there is one.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader, s *Session) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.base.String(), "/")+path, body)
	if err != nil {
		return nil, &Error{Op: opSend, Err: errPath, outcome: socle.OutcomeNotSent}
	}
	if s != nil {
		req.Header.Set("Cookie", cookieName+"="+s.held.id)
	}
	return req, nil
}

func (c *Client) do(ctx context.Context, op string, req *http.Request, read func(*http.Response) error) error {
	err := c.http.Do(ctx, transport.Operation{Name: "proxy." + op, MaxBytes: 64 << 20}, req, func(resp *http.Response) (string, error) {
		err := read(resp)
		var e *Error
		if errors.As(err, &e) {
			return e.Code, err
		}
		return "", err
	})
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return &Error{Op: op, Err: err}
	}
	return err
}
