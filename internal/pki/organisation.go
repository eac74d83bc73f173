package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// Organisation describes the holder of an ORG certificate.
type Organisation struct {
	Structure  string // prefixed structure id, the OU: 1 + FINESS, 3 + SIRET …
	Name       string // raison sociale, the O
	State      string // département, the ST, such as "Rhône (69)"
	CommonName string // service applicatif, free but for INSi: INSI-AUTO or INSI-MANU
	// NotBefore and NotAfter are the validity; zero: from yesterday, for 3 years.
	NotBefore, NotAfter time.Time
}

// Organisation issues the certificate of o for the usage u: AuthClient, Sign or
// Confidentiality, with an RSA-2048 key. Two certificates of one o have the same
// subject DN, as the DMP demands of the AUTH_CLI and SIGN pairs. It refuses an o
// without Structure or CommonName, and other usages.
func (a *Authority) Organisation(o Organisation, u Usage) (tls.Certificate, error) {
	if !structureForm(o.Structure) || o.CommonName == "" {
		return tls.Certificate{}, errors.New("pki: organisation certificate: Structure (prefixed id) and CommonName are mandatory")
	}
	t := &x509.Certificate{NotBefore: o.NotBefore, NotAfter: o.NotAfter}
	switch u {
	case AuthClient:
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case Sign:
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	case Confidentiality: // emailProtection is assumed
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageKeyEncipherment, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	default:
		return tls.Certificate{}, errors.New("pki: organisation certificate: usage must be AuthClient, Sign or Confidentiality, not " + u.String())
	}
	subject := name{{{oidCountry, "FR"}}, {{oidState, o.State}}, {{oidOrganization, o.Name}}, {{oidUnit, o.Structure}}, {{oidCommonName, o.CommonName}}}
	return a.issueRSA(t, subject, a.organisations)
}
