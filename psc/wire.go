package psc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// Names of the operations, in errors and exchanges.
const (
	opDiscovery = "discovery"
	opKeys      = "jwks"
	opStart     = "ciba.start"
	opPoll      = "ciba.token"
	opAuthorize = "authorize"
	opCallback  = "callback"
	opCode      = "code.token"
	opRefresh   = "token.refresh"
	opStore     = "store"
	opNotice    = "backchannel.logout"
	opUserInfo  = "userinfo"
	opLogout    = "logout"
	opRevoke    = "revoke"
	opIDToken   = "id_token"
	opSession   = "session"
)

// operation is one attempt of an operation; attempts count from 1.
type operation struct {
	name    string
	attempt int
}

// maxAnswer bounds every answer of the service.
const maxAnswer = 1 << 20

// postForm posts form in the name of the client, with what authenticates it,
// and hands the body of a 2xx answer to decode, which may be nil.
func (c *Client) postForm(ctx context.Context, op operation, address string, form url.Values, decode func([]byte) error) error {
	form = maps.Clone(form)
	header := http.Header{}
	c.authenticate(header, form)
	return c.post(ctx, op, address, header, form, decode)
}

// post posts form without more.
func (c *Client) post(ctx context.Context, op operation, address string, header http.Header, form url.Values, decode func([]byte) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return notSent(op.name, err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return call(ctx, c.http, op, req, form, decode)
}

// get gets address, with bearer as its token unless it is empty.
func get(ctx context.Context, t *transport.Client, op operation, address, bearer string, decode func([]byte) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return notSent(op.name, err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return call(ctx, t, op, req, nil, decode)
}

func notSent(op string, err error) *Error {
	return &Error{Op: op, Err: err, outcome: socle.OutcomeNotSent}
}

// call sends req. Every error that it gives is an *Error.
func call(ctx context.Context, t *transport.Client, op operation, req *http.Request, sent url.Values, decode func([]byte) error) error {
	req.Header.Set("Accept", "application/json")
	err := t.Do(ctx, transport.Operation{Name: op.name, MaxBytes: maxAnswer, Attempt: op.attempt}, req, func(resp *http.Response) (string, error) {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", err
		}
		if resp.StatusCode/100 != 2 {
			code, text := oauthError(resp.Header, body)
			e := refusal(op.name, resp.StatusCode, code, scrub(text, sent))
			if code == "" {
				e.Err = transport.CheckStatus(op.name, resp)
			}
			return code, e
		}
		if decode == nil {
			return "", nil
		}
		if err := decode(body); err != nil {
			var e *Error
			if errors.As(err, &e) {
				return e.Code, e
			}
			return "", &Error{Op: op.name, Status: resp.StatusCode, Err: err, Fix: "the answer is not one of Pro Santé Connect: check Config.Environment"}
		}
		return "", nil
	})
	if err != nil {
		return failed(op.name, err)
	}
	return nil
}

// oauthError reads the error of an answer: the JSON of RFC 6749 §5.2, or the
// WWW-Authenticate of RFC 6750 §3.
func oauthError(h http.Header, body []byte) (code, text string) {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if media, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && media == "application/json" {
		_ = json.Unmarshal(body, &e) // a body of another form says nothing
	}
	if e.Error == "" {
		if m := bearerError.FindStringSubmatch(h.Get("WWW-Authenticate")); m != nil {
			e.Error = m[1]
		}
	}
	return clean(e.Error, 64), clean(e.Description, 200)
}

var bearerError = regexp.MustCompile(`(?i)^Bearer .*\berror="([a-z_]{1,64})"`)

// clean keeps what can be shown of a foreign text.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return s
}

var longRun = regexp.MustCompile(`[A-Za-z0-9_.\-/+=]{40,}|[0-9]{9,}`)

// scrub takes out of the service's words what we sent, and what looks like a
// token or an identifier: they go into errors and logs.
func scrub(text string, sent url.Values) string {
	for _, name := range []string{"login_hint", "auth_req_id", "refresh_token", "token", "id_token_hint", "subject_token", "actor_token"} {
		if v := sent.Get(name); v != "" {
			text = strings.ReplaceAll(text, v, "…")
		}
	}
	return longRun.ReplaceAllString(text, "…")
}

// decodeJSON reads one JSON object.
func decodeJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer of %d bytes is not the JSON expected", len(body)) // the cause may quote the bytes
	}
	return nil
}

// fetchKeys gets the key set of the service.
func (c *Client) fetchKeys(ctx context.Context) ([]byte, error) {
	var raw []byte
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		return get(ctx, c.http, operation{opKeys, attempt}, c.cfg.Environment.JWKS, "", func(body []byte) error {
			raw = body
			return nil
		})
	})
	return raw, err
}
