package psc

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
)

// Secret is a client secret. It shows itself nowhere.
type Secret string

const redactedSecret = "psc.Secret(…)"

// String hides the secret.
func (s Secret) String() string { return redactedSecret }

// GoString hides the secret.
func (s Secret) GoString() string { return redactedSecret }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redactedSecret) }

// MarshalText hides the secret: it is not stored this way.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redactedSecret), nil }

// authenticate adds to a request of the client what proves who it is, for the
// method of the configuration: tls_client_auth (RFC 8705 §2.1) needs only its
// name, as the certificate is the connection's; client_secret_basic and
// client_secret_post are those of RFC 6749 §2.3.1.
func (c *Client) authenticate(h http.Header, form url.Values) {
	form.Set("client_id", c.cfg.ClientID)
	switch {
	case c.cfg.Secret == "":
	case c.cfg.SecretInForm:
		form.Set("client_secret", string(c.cfg.Secret))
	default:
		r := http.Request{Header: h}
		r.SetBasicAuth(url.QueryEscape(c.cfg.ClientID), url.QueryEscape(string(c.cfg.Secret)))
	}
}

// warnOfSecret tells once that production is spoken to with a secret: the
// arrêté of 4 April 2022 (EXI PSC 24) asks for a client certificate on the
// connections between servers, and the espace de confiance takes nothing else.
func (c *Client) warnOfSecret() {
	if c.cfg.Secret != "" && c.cfg.Environment.production() {
		c.cfg.Log().WarnContext(context.Background(), "psc: a client secret is used in production: replace it by an IGC-Santé certificate (EXI PSC 24)")
	}
}
