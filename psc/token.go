package psc

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
)

// tokens is one answer of the token endpoint. It is only ever held by
// pointer, behind types that redact themselves: fmt shows an address.
type tokens struct {
	access, refresh, id []byte
	accessUntil         time.Time // end of life of the access token
	refreshAt           time.Time // when to ask for the next one
	idleUntil           time.Time // end of life of the refresh token
	issued              time.Time // when they were asked for
	state               string    // session_state of the service
}

const (
	// sessionLimit is the life of a session after the person authenticated,
	// and idleLimit that of a session nobody uses (CI-SIS, "web_erreurs").
	sessionLimit = 4 * time.Hour
	idleLimit    = 30 * time.Minute
	// refreshAhead is how long before its end an access token is replaced.
	refreshAhead = 15 * time.Second
)

// redeem posts form to the token endpoint and checks what comes back. When it
// gives tokens and an error, the tokens were given by the service but must not
// be used.
func (c *Client) redeem(ctx context.Context, op operation, form url.Values, want expectation) (*tokens, idToken, error) {
	var answer struct {
		AccessToken    string `json:"access_token"`
		TokenType      string `json:"token_type"`
		ExpiresIn      int64  `json:"expires_in"`
		RefreshToken   string `json:"refresh_token"`
		RefreshExpires int64  `json:"refresh_expires_in"`
		IDToken        string `json:"id_token"`
		SessionState   string `json:"session_state"`
	}
	sent := c.cfg.Now() // lives are counted from before the answer: never too long
	err := c.postForm(ctx, op, c.cfg.Environment.Token, form, func(body []byte) error {
		if err := decodeJSON(body, &answer); err != nil {
			return err
		}
		if answer.AccessToken == "" || !strings.EqualFold(answer.TokenType, "Bearer") {
			return errors.New("answer without a bearer access token")
		}
		return nil
	})
	if err != nil {
		return nil, idToken{}, err
	}
	want.accessToken = answer.AccessToken
	t := &tokens{
		accessUntil: sent.Add(life(answer.ExpiresIn, assumedTokenLife)),
		idleUntil:   sent.Add(life(answer.RefreshExpires, idleLimit)),
		issued:      sent,
		state:       answer.SessionState,
	}
	t.hold(answer.AccessToken, answer.RefreshToken, answer.IDToken)
	ahead := min(refreshAhead, t.accessUntil.Sub(sent)/2)
	t.refreshAt = t.accessUntil.Add(-ahead)
	if op.name == opRefresh && answer.IDToken == "" { // a refresh need not give one
		return t, idToken{}, nil
	}
	claims, err := c.verifyIDToken(ctx, answer.IDToken, want)
	t.state = first(t.state, claims.SessionState)
	return t, claims, err
}

func life(seconds int64, absent time.Duration) time.Duration {
	if seconds <= 0 {
		return absent
	}
	return time.Duration(min(seconds, 86400)) * time.Second
}

// hold keeps the three in one piece of memory.
func (t *tokens) hold(access, refresh, id string) {
	all := []byte(access + refresh + id)
	a, r := len(access), len(access)+len(refresh)
	t.access, t.refresh, t.id = all[:a:a], all[a:r:r], all[r:]
}

func (t *tokens) wipe() {
	clear(t.access)
	clear(t.refresh)
	clear(t.id)
}
