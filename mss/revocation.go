package mss

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/revocation"
)

var (
	// ErrRevoked: the authority has revoked the operator's certificate. The
	// error is ErrUntrusted too.
	ErrRevoked = errors.New("operator's certificate revoked")
	// ErrStatusUnknown: nobody could tell whether the operator's certificate was
	// revoked: neither OCSP, nor a list, nor a list held that has not expired.
	ErrStatusUnknown = errors.New("status of the operator's certificate unknown")
)

// RevocationMode says what becomes of a connection when the status of the
// operator's certificate cannot be told.
type RevocationMode int

// Modes.
const (
	RevocationHard RevocationMode = iota // it is refused, with ErrStatusUnknown
	RevocationSoft                       // it is made, with a warning in the log
	RevocationOff                        // nothing is asked: not conform (ECO.1.1.6)
)

// Revocation says how certificates are checked for revocation: by OCSP, else by
// the list of their authority (CRL), at the addresses that they name. The last
// list that has not expired is held, asked for even while OCSP answers, and serves
// when nothing newer can be had (ECO.1.1.7). A certificate that names no address
// is accepted with a warning.
type Revocation struct {
	Mode RevocationMode
	// Store keeps the lists from one run to the next. Nil keeps them in memory.
	Store CRLStore
	// HTTPClient asks; nil uses one without proxy.
	HTTPClient *http.Client
	// Refresh is the age from which a newer list is asked for; zero means one hour.
	Refresh time.Duration
}

// CRLStore keeps lists by their address: a directory of files, for one. The
// lists are public; their signature is verified each time. Load gives nothing
// for a list that it does not have.
type CRLStore interface {
	Load(address string) ([]byte, error)
	Save(address string, list []byte) error
}

func (r Revocation) checker(w socle.Watch) *revocation.Checker {
	if r.Mode == RevocationOff {
		return nil
	}
	cfg := revocation.Config{Client: r.HTTPClient, Clock: w.Now, Refresh: r.Refresh, Warn: func(ctx context.Context, err error) {
		w.Log().WarnContext(ctx, "mss: operator's certificate accepted", "error", err)
	}}
	if r.Store != nil {
		cfg.Store = r.Store
	}
	if r.Mode == RevocationSoft {
		cfg.Policy = revocation.SoftFail
	}
	return revocation.New(cfg)
}

// notRevoked gives the check of a connection whose chain was verified.
func (c *Client) notRevoked(ctx context.Context) func(tls.ConnectionState) error {
	if c.revocation == nil {
		return nil
	}
	return func(s tls.ConnectionState) error {
		if len(s.VerifiedChains) == 0 {
			return errors.New("mss: no verified chain")
		}
		return c.revocation.Check(ctx, s.VerifiedChains[0])
	}
}

// statusUnknown gives the situation, the cause and whether to try later.
func statusUnknown(e *revocation.Error) (kind, cause error, retryable bool) {
	if errors.Is(e, revocation.ErrRevoked) {
		return ErrUntrusted, revoked{e}, false
	}
	return ErrStatusUnknown, e, true
}

// revoked makes an error ErrRevoked besides what it is.
type revoked struct{ error }

func (r revoked) Is(target error) bool { return target == ErrRevoked }
func (r revoked) Unwrap() error        { return r.error }
