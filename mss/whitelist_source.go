package mss

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// WhiteListConfig makes a WhiteListSource.
type WhiteListConfig struct {
	// Roots vouch for the server's certificate, mandatory without HTTPClient:
	// those of the IGC-Santé.
	Roots      *x509.CertPool
	HTTPClient *http.Client
	// Address is where the list is; empty means WhiteListAddress.
	Address string
	// Refresh is the age from which the list is asked for again. Zero means 24
	// hours: that the list is made once a day is assumed.
	Refresh time.Duration
	// Verify checks the bytes of the list before they are read: its signature,
	// for who knows it.
	Verify func(list []byte) error

	socle.Watch
}

// WhiteListSource gives the white list of the day. It is safe for concurrent use.
type WhiteListSource struct {
	cfg  WhiteListConfig
	http *transport.Client

	lock  chan struct{} // held by who fetches
	mu    sync.Mutex
	list  *WhiteList
	tried time.Time
	err   error
}

// NewWhiteListSource checks cfg and reports every problem of it at once.
func NewWhiteListSource(cfg WhiteListConfig) (*WhiteListSource, error) {
	if cfg.Address == "" {
		cfg.Address = WhiteListAddress
	}
	var errs []error
	if u, err := url.Parse(cfg.Address); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		errs = append(errs, errors.New("WhiteListConfig.Address: https address expected"))
	}
	if cfg.Refresh < 0 {
		errs = append(errs, errors.New("WhiteListConfig.Refresh: a negative duration"))
	}
	cfg.Refresh = or(cfg.Refresh, 24*time.Hour)
	c, err := transport.New(transport.Config{Service: socle.ServiceMSS, Roots: cfg.Roots, HTTPClient: cfg.HTTPClient, Watch: cfg.Watch})
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("mss: white list: %w", err)
	}
	return &WhiteListSource{cfg: cfg, http: c, lock: make(chan struct{}, 1)}, nil
}

// Close closes the connections that no call uses.
func (s *WhiteListSource) Close() { s.http.CloseIdleConnections() }

// List gives the list, asked for again once it is too old. When it cannot be
// had the last one serves, with a warning in the log; without one the error is
// an *Error, or a *WhiteListError for a list that cannot be read. A failure is
// kept for a minute.
func (s *WhiteListSource) List(ctx context.Context) (*WhiteList, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, lost(ctx, "white list", ctx.Err())
	}
	now := s.cfg.Now()
	s.mu.Lock()
	list, tried, last := s.list, s.tried, s.err
	s.mu.Unlock()
	if age := now.Sub(tried); !tried.IsZero() && (last == nil && age < s.cfg.Refresh || last != nil && age < time.Minute) {
		if list == nil {
			return nil, last
		}
		return list, nil
	}
	fresh, err := s.fetch(ctx)
	if ctx.Err() != nil && err != nil {
		return nil, lost(ctx, "white list", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.err = now, err
	if err == nil {
		s.list = fresh
	} else if s.list != nil {
		s.cfg.Log().WarnContext(ctx, "mss: white list not renewed, the last one serves", "error", err)
		err = nil
	}
	return s.list, err
}

func (s *WhiteListSource) fetch(ctx context.Context) (list *WhiteList, err error) {
	err = transport.Retry(ctx, 2, true, func(attempt int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Address, nil)
		if err != nil {
			return err
		}
		op := transport.Operation{Name: "whitelist", MaxBytes: maxWhiteList, Attempt: attempt}
		return s.http.Do(ctx, op, req, func(resp *http.Response) (string, error) {
			if err := transport.CheckStatus("whitelist", resp); err != nil {
				return "", err
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				return "", err
			}
			if s.cfg.Verify != nil {
				if err := s.cfg.Verify(b); err != nil {
					return "", &WhiteListError{"refused by WhiteListConfig.Verify", err}
				}
			}
			list, err = ReadWhiteList(bytes.NewReader(b))
			return "", err
		})
	})
	var own *WhiteListError
	if err != nil && !errors.As(err, &own) {
		err = &Error{Op: "white list", Err: err, outcome: socle.OutcomeOf(err), retryable: socle.Retryable(err)}
	}
	return list, err
}

// outside tells in the report which recipients are not in the white list. The
// message leaves all the same: operators refuse by themselves, and a list that
// is a day old lacks their new domains.
func (c *Client) outside(ctx context.Context, to []Address, r *SendReport) {
	if c.cfg.WhiteList == nil {
		return
	}
	list, err := c.cfg.WhiteList.List(ctx)
	if err != nil {
		r.degrade("liste blanche", "the white list cannot be had: recipients were not checked")
		return
	}
	for _, a := range to {
		if !list.Allows(a) {
			r.degrade("liste blanche", "the domain "+a.Domain()+" of a recipient is not in the white list")
		}
	}
}
