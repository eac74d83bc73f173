package revocation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// status is an answer of OCSP whose signature was verified.
type status struct {
	revoked bool
	until   time.Time
}

// shortLived is how long an answer that does not say serves.
const shortLived = 5 * time.Minute

// ask asks a responder for the status of a certificate, unless an answer is held.
func (c *Checker) ask(ctx context.Context, responder string, cert, issuer *x509.Certificate) (revoked bool, err error) {
	sum := sha256.Sum256(cert.Raw)
	key := responder + " " + string(sum[:])
	if s, ok := c.answered(key); ok {
		return s.revoked, nil
	}
	done, err := c.once(ctx, key, func() error {
		request, err := ocsp.CreateRequest(cert, issuer, nil)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, responder, bytes.NewReader(request))
		if err != nil {
			return errors.New("no address")
		}
		req.Header.Set("Content-Type", "application/ocsp-request")
		req.Header.Set("Accept", "application/ocsp-response")
		b, err := c.do(req, maxAnswer)
		if err != nil {
			return err
		}
		s, err := parseStatus(b, cert, issuer, c.cfg.Clock())
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.statuses) >= maxKept {
			clear(c.statuses)
		}
		c.statuses[key] = s
		return nil
	})
	if err != nil {
		return false, err
	}
	s, ok := c.answered(key)
	if !ok {
		return false, fmt.Errorf("another request for it failed (%t)", done)
	}
	return s.revoked, nil
}

func (c *Checker) answered(key string) (status, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.statuses[key]
	return s, ok && (s.revoked || c.cfg.Clock().Before(s.until))
}

// parseStatus reads an answer, signed by the issuer or by whom the issuer gave
// a certificate to do so (RFC 6960 section 4.2.2.2).
func parseStatus(b []byte, cert, issuer *x509.Certificate, now time.Time) (status, error) {
	r, err := ocsp.ParseResponseForCert(b, cert, issuer)
	if err != nil {
		return status{}, err
	}
	if by := r.Certificate; by != nil && !bytes.Equal(by.Raw, issuer.Raw) {
		if !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(by.NotBefore) || now.After(by.NotAfter) {
			return status{}, errors.New("the certificate of the responder may not sign answers")
		}
	}
	s := status{revoked: r.Status == ocsp.Revoked, until: r.NextUpdate}
	if s.until.IsZero() {
		s.until = r.ThisUpdate.Add(shortLived + skew)
	}
	switch {
	case r.ThisUpdate.After(now.Add(skew)):
		return status{}, errors.New("the answer is of the future: check the clock")
	case !now.Before(s.until):
		return status{}, errors.New("the answer is out of date")
	case r.Status != ocsp.Good && r.Status != ocsp.Revoked:
		return status{}, errors.New("the responder does not know the certificate")
	}
	return s, nil
}
