package revocation

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"
)

// list is a revocation list whose signature was verified.
type list struct {
	issuer          []byte // RawSubject, with the key that signed
	key             []byte
	number          *big.Int
	this, next, got time.Time
	serials         map[string]struct{}
	users, cas      bool // of certificates of these only
}

func (l *list) covers(c *x509.Certificate) bool { return !(l.users && c.IsCA) && !(l.cas && !c.IsCA) }

func (l *list) revokes(c *x509.Certificate) bool {
	_, ok := l.serials[string(c.SerialNumber.Bytes())]
	return ok
}

// held gives the list of an address, of the memory or of the store.
func (c *Checker) held(address string, issuer *x509.Certificate) *list {
	c.mu.Lock()
	l, known := c.lists[address]
	c.mu.Unlock()
	if !known {
		l = c.stored(address, issuer)
		c.mu.Lock()
		if have, ok := c.lists[address]; ok {
			l = have
		} else if len(c.lists) < maxKept {
			c.lists[address] = l // nil: the store has none
		}
		c.mu.Unlock()
	}
	if l == nil || !bytes.Equal(l.issuer, issuer.RawSubject) || !bytes.Equal(l.key, issuer.RawSubjectPublicKeyInfo) {
		return nil
	}
	return l
}

func (c *Checker) stored(address string, issuer *x509.Certificate) *list {
	if c.cfg.Store == nil {
		return nil
	}
	b, err := c.cfg.Store.Load(address)
	if err != nil || len(b) == 0 {
		return nil
	}
	l, err := parseList(b, issuer, c.cfg.Clock())
	if err != nil {
		return nil
	}
	l.got = time.Time{} // serves until a newer one is had
	return l
}

// fetch gets the list of an address. A list older than the one held is refused.
func (c *Checker) fetch(ctx context.Context, address string, issuer *x509.Certificate) (*list, error) {
	var l *list
	done, err := c.once(ctx, address, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return errors.New("no address")
		}
		b, err := c.do(req, maxList)
		if err != nil {
			return err
		}
		now := c.cfg.Clock()
		if l, err = parseList(b, issuer, now); err != nil {
			return err
		}
		if !now.Before(l.next) {
			return fmt.Errorf("the list has expired on %s", l.next.Format(time.RFC3339))
		}
		if old := c.held(address, issuer); old != nil && (l.this.Before(old.this) || l.number != nil && old.number != nil && l.number.Cmp(old.number) < 0) {
			return errors.New("the list is older than the one held")
		}
		l.got = now
		c.mu.Lock()
		if _, ok := c.lists[address]; ok || len(c.lists) < maxKept {
			c.lists[address] = l
		}
		c.mu.Unlock()
		if c.cfg.Store != nil {
			if err := c.cfg.Store.Save(address, b); err != nil {
				c.cfg.Warn(ctx, fmt.Errorf("revocation: the list cannot be stored: %w", err))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if done {
		if l = c.held(address, issuer); l == nil || !c.cfg.Clock().Before(l.next) {
			return nil, errors.New("another request for it failed")
		}
	}
	return l, nil
}

func (c *Checker) do(req *http.Request, limit int64) ([]byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

var oidIssuingPoint = asn1.ObjectIdentifier{2, 5, 29, 28}

// parseList reads a complete list in DER or PEM, signed by the issuer.
func parseList(b []byte, issuer *x509.Certificate, now time.Time) (*list, error) {
	if p, _ := pem.Decode(b); p != nil {
		b = p.Bytes
	}
	crl, err := x509.ParseRevocationList(b)
	if err != nil {
		return nil, errors.New("no revocation list")
	}
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) {
		return nil, errors.New("the list is of another issuer")
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("signature of the list: %w", err)
	}
	switch {
	case crl.NextUpdate.IsZero():
		return nil, errors.New("the list does not say until when it serves")
	case crl.ThisUpdate.After(now.Add(skew)):
		return nil, errors.New("the list is of the future: check the clock")
	}
	l := &list{issuer: issuer.RawSubject, key: issuer.RawSubjectPublicKeyInfo, number: crl.Number, this: crl.ThisUpdate, next: crl.NextUpdate,
		serials: make(map[string]struct{}, len(crl.RevokedCertificateEntries))}
	for _, x := range crl.Extensions {
		if !x.Critical {
			continue
		}
		if !x.Id.Equal(oidIssuingPoint) {
			return nil, fmt.Errorf("the list has a critical extension %v that is not understood: it may be incomplete", x.Id)
		}
		var point struct {
			Point        asn1.RawValue  `asn1:"optional,tag:0"`
			OnlyUsers    bool           `asn1:"optional,tag:1"`
			OnlyCAs      bool           `asn1:"optional,tag:2"`
			OnlyReasons  asn1.BitString `asn1:"optional,tag:3"`
			Indirect     bool           `asn1:"optional,tag:4"`
			OnlyAttrCert bool           `asn1:"optional,tag:5"`
		}
		if _, err := asn1.Unmarshal(x.Value, &point); err != nil || point.Indirect || point.OnlyAttrCert || point.OnlyReasons.BitLength > 0 {
			return nil, errors.New("the list is of some certificates only, or of other issuers")
		}
		l.users, l.cas = point.OnlyUsers, point.OnlyCAs
	}
	for _, e := range crl.RevokedCertificateEntries {
		if e.ReasonCode != 8 { // removeFromCRL
			l.serials[string(e.SerialNumber.Bytes())] = struct{}{}
		}
	}
	return l, nil
}
