package transport

import "net/http"

// NewRoundTripper gives the bare connections of a client made from cfg, for
// requests and answers that are a caller's own: nothing is bounded, reported or
// logged. It has what [New] has of TLS: the certificate, the roots, no proxy.
func NewRoundTripper(cfg Config) (*http.Transport, error) {
	cfg.HTTPClient = nil
	if _, err := New(cfg); err != nil {
		return nil, err
	}
	return newTransport(cfg), nil
}
