package psc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

func TestRefusalsOfOtherServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op, code, text string
		status         int
		want           error
		outcome        socle.Outcome
		retry          bool
	}{
		"unknown user of CIBA Core":   {opStart, "unknown_user_id", "", 400, ErrUnknownUser, socle.OutcomeRefused, false},
		"unknown user of Keycloak":    {opStart, "invalid_request", "invalid user", 400, ErrUnknownUser, socle.OutcomeRefused, false},
		"another invalid request":     {opStart, "invalid_request", "missing parameter : scope", 400, nil, socle.OutcomeRefused, false},
		"client with another code":    {opRefresh, "unauthorized_client", "", 401, ErrClientCertificate, socle.OutcomeRefused, false},
		"client with status 400":      {opPoll, "invalid_client", "", 400, ErrClientCertificate, socle.OutcomeRefused, false},
		"access denied at the start":  {opStart, "access_denied", "", 403, nil, socle.OutcomeRefused, false},
		"service that says it failed": {opStart, "server_error", "", 503, nil, socle.OutcomeRefused, true},
		"gateway":                     {opPoll, "", "", 502, nil, socle.OutcomeUnknown, true},
		"too many requests":           {opPoll, "", "", 429, nil, socle.OutcomeRefused, true},
		"refresh token dead":          {opRefresh, "invalid_grant", "Token is not active", 400, ErrSessionExpired, socle.OutcomeRefused, false},
		"request used up":             {opPoll, "invalid_grant", "", 400, nil, socle.OutcomeRefused, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := refusal(c.op, c.status, c.code, c.text)
			for _, kind := range []error{ErrUnknownUser, ErrClientCertificate, ErrSessionExpired, ErrDenied, ErrExpired} {
				require.Equal(t, kind == c.want, err.Is(kind))
			}
			require.Equal(t, c.outcome, err.Outcome())
			require.Equal(t, c.retry, err.Retryable())
			require.True(t, strings.HasPrefix(err.Error(), "psc: "+c.op))
		})
	}
}

func TestWordsOfTheServiceAreCleaned(t *testing.T) {
	t.Parallel()
	sent := url.Values{"login_hint": {"500000001815646/CPAT00045"}, "refresh_token": {"short"}}
	body := `{"error":"invalid_request","error_description":"no 500000001815646/CPAT00045, no 99900001001,\n short, eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJmOjE6ODk5OTAwMDAxMDAxIn0"}`
	code, text := oauthError(http.Header{"Content-Type": {"application/json"}}, []byte(body))
	require.Equal(t, "invalid_request", code)
	require.Equal(t, "no …, no …,  …, …", scrub(text, sent))

	code, _ = oauthError(http.Header{"Www-Authenticate": {`Bearer realm="x", error="invalid_token"`}}, nil)
	require.Equal(t, "invalid_token", code)
	code, text = oauthError(http.Header{"Content-Type": {"text/html"}}, []byte(`{"error":"x"}`))
	require.Empty(t, code+text)
	_, text = oauthError(http.Header{"Content-Type": {"application/json"}}, []byte(`{"error_description":"`+strings.Repeat("a ", 500)+`"}`))
	require.Less(t, len(text), 210)
}
