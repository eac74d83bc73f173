package transport

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
)

// rotating sends each request over a connection that was authenticated with
// the certificate of the moment: connections of the one before are not used
// again once a new one is given.
type rotating struct {
	get   func() (*tls.Certificate, error)
	check func(tls.Certificate) error
	make  func(*tls.Certificate) *http.Transport

	mu   sync.Mutex
	leaf []byte
	now  *http.Transport
}

func (r *rotating) RoundTrip(req *http.Request) (*http.Response, error) {
	t, err := r.transport()
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return t.RoundTrip(req)
}

func (r *rotating) transport() (*http.Transport, error) {
	pair, err := r.get()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCertificate, err)
	}
	if pair == nil || len(pair.Certificate) == 0 {
		return nil, fmt.Errorf("%w: no certificate", errCertificate)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil && bytes.Equal(r.leaf, pair.Certificate[0]) {
		return r.now, nil
	}
	if err := r.check(*pair); err != nil {
		return nil, fmt.Errorf("%w: %w", errCertificate, err)
	}
	if r.now != nil {
		r.now.CloseIdleConnections()
	}
	given := *pair
	r.leaf, r.now = bytes.Clone(pair.Certificate[0]), r.make(&given)
	return r.now, nil
}

func (r *rotating) CloseIdleConnections() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil {
		r.now.CloseIdleConnections()
	}
}
