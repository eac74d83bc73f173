package pki

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"strconv"
	"time"
)

// Card describes the holder of a CPx card.
type Card struct {
	PersonID   string // national id with its prefix, the CN: 8 + RPPS
	FamilyName string // empty for a card that names nobody (CPE)
	GivenName  string
	Title      string // profession in words, such as "Pharmacien"
	Profession string // TRE_G15 code, such as "21"; empty: no extension
	Type       CardType
	// Organization is the O of a card that names nobody.
	Organization string
	// NotBefore and NotAfter are the validity; zero: from yesterday, for 3 years.
	NotBefore, NotAfter time.Time
}

// Card issues the certificate of c for the usage u, CardAuth or CardSign, with
// an RSA-2048 key in memory where a real card keeps it inside. CN, GN and SN form
// one multi-valued RDN, as on a CPS3.
func (a *Authority) Card(c Card, u Usage) (tls.Certificate, error) {
	if c.PersonID == "" {
		return tls.Certificate{}, errors.New("pki: card certificate: PersonID is mandatory")
	}
	if c.Type == "" {
		c.Type = CPS
	}
	kind := slices.Index(cardTypes, c.Type)
	if kind < 0 {
		return tls.Certificate{}, errors.New("pki: card certificate: Type must be CPS, CPF, CDE-CPE or CPA")
	}
	t := &x509.Certificate{NotBefore: c.NotBefore, NotAfter: c.NotAfter}
	switch u {
	case CardAuth: // clientAuth is assumed
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case CardSign:
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageContentCommitment, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	default:
		return tls.Certificate{}, errors.New("pki: card certificate: usage must be CardAuth or CardSign, not " + u.String())
	}
	if err := addInteger(t, oidCardType, kind); err != nil {
		return tls.Certificate{}, err
	}
	if c.Profession != "" {
		n, err := strconv.Atoi(c.Profession)
		if err != nil {
			return tls.Certificate{}, errors.New("pki: card certificate: Profession must be a number of TRE_G15")
		}
		if err := addInteger(t, oidProfession, n); err != nil {
			return tls.Certificate{}, err
		}
	}
	subject := name{{{oidCountry, "FR"}}, {{oidOrganization, c.Organization}}, {{oidTitle, c.Title}},
		{{oidGivenName, c.GivenName}, {oidCommonName, c.PersonID}, {oidSurname, c.FamilyName}}}
	return a.issueRSA(t, subject, a.persons)
}

func addInteger(t *x509.Certificate, id asn1.ObjectIdentifier, n int) error {
	der, err := asn1.Marshal(n)
	if err != nil {
		return err
	}
	t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: id, Value: der})
	return nil
}
