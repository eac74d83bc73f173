// Package transport sends the HTTP requests of all services: mutual TLS with
// the caller's certificate and roots, bounded answers, an outcome for every
// failure, and a report of each exchange to the caller's Watch.
//
// A client trusts the given roots only, speaks TLS 1.2 or later with AEAD suites,
// follows no redirect, keeps no cookie and uses no proxy: what a call does never
// depends on environment variables. Who needs a proxy gives an HTTPClient.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// Config of a [Client].
type Config struct {
	Service socle.Service // mandatory
	// Roots vouch for the service's certificate; mandatory without HTTPClient.
	Roots *x509.CertPool
	// Certificate authenticates the client; nil for one-way TLS.
	Certificate *tls.Certificate
	// GetCertificate gives the certificate of the moment, instead of
	// Certificate: it is asked before each request, on the goroutine of the
	// call, and a new one is used for all requests from then on.
	GetCertificate func() (*tls.Certificate, error)
	// HTTPClient is used instead of one made from Certificate and Roots. It is
	// copied; redirects stay refused.
	HTTPClient *http.Client
	// UserAgent names the vendor's software; "socle" by default.
	UserAgent string
	Watch     socle.Watch
}

// Client sends the requests of one service. It is immutable and safe for
// concurrent use.
type Client struct {
	service   socle.Service
	http      http.Client
	userAgent string
	watch     socle.Watch
}

// Warning before the end of a certificate.
const warnBefore = 60 * 24 * time.Hour

// New makes a client. It reports every problem of cfg at once, each with the
// name of its field: among them a Certificate that may not authenticate
// ([pki.CheckAuthentication]), and warns of one about to expire.
func New(cfg Config) (*Client, error) {
	c := &Client{service: cfg.Service, userAgent: cfg.UserAgent, watch: cfg.Watch}
	if c.userAgent == "" {
		c.userAgent = "socle"
	}
	var errs []error
	if cfg.Service == "" {
		errs = append(errs, errors.New("Config.Service: mandatory"))
	}
	if cfg.HTTPClient != nil {
		c.http = *cfg.HTTPClient
	} else {
		if cfg.Roots == nil {
			errs = append(errs, errors.New("Config.Roots: mandatory: the authorities that vouch for the service (the system's are not used)"))
		}
		if cfg.Certificate != nil {
			if err := c.check(*cfg.Certificate); err != nil {
				errs = append(errs, fmt.Errorf("Config.Certificate: %w", err))
			}
		}
		if cfg.GetCertificate != nil {
			c.http.Transport = &rotating{get: cfg.GetCertificate, check: c.check, make: func(pair *tls.Certificate) *http.Transport {
				cfg := cfg
				cfg.Certificate = pair
				return newTransport(cfg)
			}}
		} else {
			c.http.Transport = newTransport(cfg)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// CloseIdleConnections closes the connections that no call uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

func (c *Client) check(pair tls.Certificate) error {
	leaf, err := pki.Leaf(pair)
	if err != nil {
		return err
	}
	now := c.watch.Now()
	if err := pki.CheckAuthentication(leaf, now); err != nil {
		return err
	}
	if left := leaf.NotAfter.Sub(now); left < warnBefore {
		c.watch.Log().Warn("authentication certificate expires soon", "service", c.service, "end", leaf.NotAfter, "days", int(left.Hours()/24))
	}
	return nil
}

func newTransport(cfg Config) *http.Transport {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    cfg.Roots,
		Time:       cfg.Watch.Now,
		// For TLS 1.2, what the services list (DMP « Accès LPS », MSS/CONF.02)
		// that Go has: ECDHE and AEAD. TLS 1.3 has its own, all accepted.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
	if cfg.Certificate != nil {
		// Sent whatever authorities the server names, so that a wrong one is
		// refused by name and not left out in silence.
		cert := *cfg.Certificate
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 nil,
		DialContext:           dialUnproven(dialer),
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   8,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // what is kept as evidence is what came
	}
}
