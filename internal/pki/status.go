package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// WithStatus writes into the certificates of an authority where their status
// is told: a [Status] must be served there. crl and ocsp are addresses without
// a slash at the end, such as http://127.0.0.1:4321; empty leaves one out.
func WithStatus(crl, ocsp string) Option {
	return func(a *Authority) { a.crl, a.ocsp = crl, ocsp }
}

func (a *Authority) point(t *x509.Certificate, by *issuer) {
	if a.crl != "" {
		t.CRLDistributionPoints = []string{a.crl + "/crl/" + name16(by.cert)}
	}
	if a.ocsp != "" {
		t.OCSPServer = []string{a.ocsp + "/ocsp"}
	}
}

func name16(c *x509.Certificate) string {
	sum := sha1.Sum(c.RawSubject)
	return hex.EncodeToString(sum[:8]) + ".crl"
}

// CRLLife is the time from a list of a [Status] to its next update.
const CRLLife = 24 * time.Hour

// Status tells the status of the certificates of an authority: an http.Handler
// of lists (CRL) at /crl/… and of OCSP at /ocsp.
type Status struct {
	authority *Authority

	mu      sync.Mutex
	revoked map[string]time.Time // by serial number
	number  int64
	asked   []string
}

// Status makes the handler of an authority's statuses.
func (a *Authority) Status() *Status {
	return &Status{authority: a, revoked: map[string]time.Time{}, number: 1}
}

// Revoke revokes a certificate, as of now.
func (s *Status) Revoke(c *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[c.SerialNumber.String()] = s.authority.clock()
	s.number++
}

// Asked gives what was asked: "crl" and "ocsp", in order.
func (s *Status) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// ServeHTTP answers.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	var err error
	if strings.HasPrefix(r.URL.Path, "/crl/") && r.Method == http.MethodGet {
		s.asked = append(s.asked, "crl")
		b, err = s.list(strings.TrimPrefix(r.URL.Path, "/crl/"))
	} else if r.URL.Path == "/ocsp" && r.Method == http.MethodPost {
		s.asked = append(s.asked, "ocsp")
		w.Header().Set("Content-Type", "application/ocsp-response")
		b, err = s.ocsp(r)
	} else {
		err = errors.New("GET /crl/… or POST /ocsp expected")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write(b)
}

func (s *Status) issuers() []*issuer {
	return append([]*issuer{s.authority.organisations, s.authority.persons}, s.authority.roots...)
}

// list makes the list of an issuer. It holds all that was revoked: the serial
// numbers of an authority do not repeat.
func (s *Status) list(name string) ([]byte, error) {
	for _, by := range s.issuers() {
		if name16(by.cert) != name {
			continue
		}
		now := s.authority.clock()
		t := &x509.RevocationList{Number: big.NewInt(s.number), ThisUpdate: now, NextUpdate: now.Add(CRLLife)}
		for serial, at := range s.revoked {
			n, _ := new(big.Int).SetString(serial, 10)
			t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: at})
		}
		return x509.CreateRevocationList(rand.Reader, t, by.cert, by.key)
	}
	return nil, fmt.Errorf("no issuer has the list %q", name)
}

func (s *Status) ocsp(r *http.Request) ([]byte, error) {
	if got := r.Header.Get("Content-Type"); got != "application/ocsp-request" {
		return nil, fmt.Errorf("application/ocsp-request expected, %q came", got)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	request, err := ocsp.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	for _, by := range s.issuers() {
		hash, err := keyHash(by.cert, request.HashAlgorithm)
		if err != nil || !bytes.Equal(hash, request.IssuerKeyHash) {
			continue
		}
		now := s.authority.clock()
		t := ocsp.Response{Status: ocsp.Good, SerialNumber: request.SerialNumber, ThisUpdate: now, NextUpdate: now.Add(time.Hour), IssuerHash: request.HashAlgorithm}
		if at, ok := s.revoked[request.SerialNumber.String()]; ok {
			t.Status, t.RevokedAt, t.RevocationReason = ocsp.Revoked, at, ocsp.KeyCompromise
		}
		return ocsp.CreateResponse(by.cert, by.cert, t, by.key)
	}
	return ocsp.UnauthorizedErrorResponse, nil
}

// keyHash hashes the public key of an issuer as OCSP wants (RFC 6960 section 4.1.1).
func keyHash(c *x509.Certificate, h crypto.Hash) ([]byte, error) {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil || !h.Available() {
		return nil, errors.New("no such key or hash")
	}
	sum := h.New()
	sum.Write(info.Key.RightAlign())
	return sum.Sum(nil), nil
}
