package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a throw-away test authority with the shape of the IGC-Santé: the
// roots and the two authorities below them that issue certificates to
// organisations and to cards. It is safe for concurrent use and keeps nothing of
// what it issues.
//
// Its own keys are ECDSA P-256, as are those of servers, so that making one
// takes a millisecond; organisations and cards get RSA-2048 keys, generated on
// demand, because the signatures of the services are RSA.
type Authority struct {
	clock         func() time.Time
	roots         []*issuer
	organisations *issuer
	persons       *issuer
	crl, ocsp     string // where the status of certificates is told, see WithStatus
}

type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Option changes how an [Authority] is made.
type Option func(*Authority)

// WithClock replaces time.Now: validities are counted from it.
func WithClock(now func() time.Time) Option { return func(a *Authority) { a.clock = now } }

// Policy OID seen on test certificates of the IGC-Santé (segur sheet §3.1).
var policy = asn1.ObjectIdentifier{1, 2, 250, 1, 213, 1, 7, 2, 1, 1, 1, 1}

const validity = 3 // years, of every certificate that the IGC-Santé issues

// NewAuthority makes an authority and its hierarchy.
func NewAuthority(opts ...Option) (*Authority, error) {
	a := &Authority{clock: time.Now}
	for _, o := range opts {
		o(a)
	}
	elementaire, err := a.authority(rootElementaire, nil)
	if err != nil {
		return nil, err
	}
	fort, err := a.authority(rootFort, nil)
	if err != nil {
		return nil, err
	}
	if a.organisations, err = a.authority(testPrefix+IssuerOrganisations, elementaire); err != nil {
		return nil, err
	}
	if a.persons, err = a.authority(testPrefix+IssuerPersons, fort); err != nil {
		return nil, err
	}
	a.roots = []*issuer{elementaire, fort}
	return a, nil
}

// Roots gives a new pool with the roots, for a Config's Roots.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, r := range a.roots {
		pool.AddCert(r.cert)
	}
	return pool
}

// Chain gives the certificates of all authorities, issuing ones first, roots last.
func (a *Authority) Chain() []*x509.Certificate {
	chain := []*x509.Certificate{a.organisations.cert, a.persons.cert}
	for _, r := range a.roots {
		chain = append(chain, r.cert)
	}
	return chain
}

// Verify reports, as an *[Error], why leaf is not a certificate of this
// authority that is valid at the time now.
func (a *Authority) Verify(leaf *x509.Certificate, now time.Time) error {
	const op = "verify"
	if err := present(op, leaf); err != nil {
		return err
	}
	between := x509.NewCertPool()
	between.AddCert(a.organisations.cert)
	between.AddCert(a.persons.cert)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: a.Roots(), Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if e := validAt(op, leaf, now); e != nil {
			return e
		}
	}
	return &Error{Op: op, Reason: ErrIssuer, Expected: "a certificate issued under this authority", Got: fmt.Sprintf("issuer CN %q", leaf.Issuer.CommonName),
		Fix: "use a certificate that this emulator's authority issued", Err: err}
}

// Server issues a P-256 server certificate for hosts: names or IP addresses.
// Its chain holds the issuing authority.
func (a *Authority) Server(hosts ...string) (tls.Certificate, error) {
	if len(hosts) == 0 {
		return tls.Certificate{}, errors.New("pki: server certificate: at least one host is needed")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: server certificate: %w", err)
	}
	t := &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return a.issue(t, name{{{oidCountry, "FR"}}, {{oidOrganization, "EMULATEUR"}}, {{oidCommonName, hosts[0]}}}, a.organisations, key)
}

// authority makes a root, or an authority below parent.
func (a *Authority) authority(commonName string, parent *issuer) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pki: authority: %w", err)
	}
	now := a.clock()
	t := &x509.Certificate{
		NotBefore: now.AddDate(-20, 0, 0), NotAfter: now.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	subject := name{{{oidCountry, "FR"}}, {{oidOrganization, "ASIP-SANTE"}}, {{oidUnit, "0002 187512751"}}, {{oidUnit, testUnit}}, {{oidCommonName, commonName}}}
	c, err := a.issue(t, subject, parent, key)
	if err != nil {
		return nil, err
	}
	return &issuer{c.Leaf, key}, nil
}

// issue completes t and signs it with the key of by, or with key itself when by is nil.
func (a *Authority) issue(t *x509.Certificate, subject name, by *issuer, key crypto.Signer) (tls.Certificate, error) {
	fail := func(err error) (tls.Certificate, error) { return tls.Certificate{}, fmt.Errorf("pki: issue: %w", err) }
	now := a.clock()
	if t.NotBefore.IsZero() {
		t.NotBefore = now.AddDate(0, 0, -1)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = t.NotBefore.AddDate(validity, 0, 0)
	}
	if !t.NotAfter.After(t.NotBefore) {
		return tls.Certificate{}, errors.New("pki: issue: NotAfter must be after NotBefore")
	}
	var err error
	if t.RawSubject, err = subject.marshal(); err != nil {
		return fail(err)
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return fail(err)
	}
	if !t.IsCA {
		t.PolicyIdentifiers = []asn1.ObjectIdentifier{policy}
	}
	parent, signer := t, key
	if by != nil {
		a.point(t, by)
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return fail(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fail(err)
	}
	c := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	if by != nil && !t.IsCA {
		c.Certificate = append(c.Certificate, by.cert.Raw)
	}
	return c, nil
}

func (a *Authority) issueRSA(t *x509.Certificate, subject name, by *issuer) (tls.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: issue: %w", err)
	}
	return a.issue(t, subject, by, key)
}

// Attribute types of the names that the IGC-Santé writes.
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidState        = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidTitle        = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

type attribute struct {
	id    asn1.ObjectIdentifier
	value string
}

// name is a distinguished name: RDNs in the order of the certificate.
type name [][]attribute

func (n name) marshal() ([]byte, error) {
	var seq pkix.RDNSequence
	for _, rdn := range n {
		var set pkix.RelativeDistinguishedNameSET
		for _, a := range rdn {
			if a.value != "" {
				set = append(set, pkix.AttributeTypeAndValue{Type: a.id, Value: a.value})
			}
		}
		if len(set) > 0 {
			seq = append(seq, set)
		}
	}
	return asn1.Marshal(seq)
}
