package pki

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// CheckAuthentication reports, as an *[Error], why c may not open a TLS
// connection at the time now: it is a signature certificate, a server's, an
// authority's, or out of its validity.
func CheckAuthentication(c *x509.Certificate, now time.Time) error {
	const op = "authenticate"
	if err := present(op, c); err != nil {
		return err
	}
	if u := usageOf(c); u != AuthClient && u != CardAuth {
		fix := "give the AUTH_CLI certificate of the organisation, or the authentication pair of the card"
		if u == Sign || u == CardSign {
			fix = "the authentication and signature pairs look swapped: " + fix
		}
		return &Error{Op: op, Reason: ErrWrongUsage, Expected: "digitalSignature with clientAuth", Got: describe(u, c), Fix: fix}
	}
	return validAt(op, c, now)
}

// CheckSignature reports, as an *[Error], why c may not sign an assertion or a
// document at the time now: it is an authentication certificate, its key is
// not an RSA key of at least 2048 bits (the signatures are rsa-sha256), or it is
// out of its validity. The DMP answers DMPInvalidCertificate to the first case.
func CheckSignature(c *x509.Certificate, now time.Time) error {
	const op = "sign"
	if err := present(op, c); err != nil {
		return err
	}
	if c.IsCA || !signs(c) {
		u := usageOf(c)
		fix := "give the SIGN (cachet) certificate of the organisation, or the signature pair of the card"
		if u == AuthClient || u == CardAuth {
			fix = "the authentication and signature pairs look swapped: " + fix
		}
		return &Error{Op: op, Reason: ErrWrongUsage, Expected: "nonRepudiation", Got: describe(u, c), Fix: fix}
	}
	if k, ok := c.PublicKey.(*rsa.PublicKey); !ok || k.N.BitLen() < 2048 {
		got := c.PublicKeyAlgorithm.String() + " key"
		if ok {
			got = fmt.Sprintf("RSA key of %d bits", k.N.BitLen())
		}
		return &Error{Op: op, Reason: ErrKey, Expected: "an RSA key of 2048 bits or more", Got: got, Fix: "order a SIGN certificate from the IGC-Santé"}
	}
	return validAt(op, c, now)
}

// CheckOrganisation reports, as an *[Error], why c is not a certificate that
// the IGC-Santé issued to an organisation: issuer CN "AC IGC-SANTE ELEMENTAIRE
// ORGANISATIONS", with "TEST " before it when test is true (ins sheet §3).
func CheckOrganisation(c *x509.Certificate, test bool) error {
	const op = "check issuer"
	if err := present(op, c); err != nil {
		return err
	}
	want, kind := IssuerOrganisations, "production"
	if test {
		want, kind = testPrefix+IssuerOrganisations, "test"
	}
	if c.Issuer.CommonName == want {
		return nil
	}
	fix := "order an ORG certificate (gamme élémentaire, domaine organisations) from the IGC-Santé"
	if strings.TrimPrefix(c.Issuer.CommonName, testPrefix) == IssuerOrganisations {
		fix = "this is a certificate of the other environment: use a " + kind + " certificate, or change the Environment"
	}
	return &Error{Op: op, Reason: ErrIssuer, Expected: fmt.Sprintf("issuer CN %q", want), Got: fmt.Sprintf("%q", c.Issuer.CommonName), Fix: fix}
}

func present(op string, c *x509.Certificate) error {
	if c == nil {
		return &Error{Op: op, Reason: ErrNoCertificate, Expected: "a certificate", Got: "none", Fix: "load the .p12 file with socle.LoadPKCS12"}
	}
	return nil
}

func validAt(op string, c *x509.Certificate, now time.Time) error {
	const day = "2006-01-02 15:04 MST"
	switch {
	case now.After(c.NotAfter):
		return &Error{Op: op, Reason: ErrExpired, Expected: "a certificate valid on " + now.UTC().Format(day),
			Got: "one that ended on " + c.NotAfter.UTC().Format(day), Fix: "renew it at the IGC-Santé (they last 3 years), or set the clock right"}
	case now.Before(c.NotBefore):
		return &Error{Op: op, Reason: ErrNotYetValid, Expected: "a certificate valid on " + now.UTC().Format(day),
			Got: "one that begins on " + c.NotBefore.UTC().Format(day), Fix: "wait for its first day, or set the clock right"}
	}
	return nil
}

func describe(u Usage, c *x509.Certificate) string {
	var parts []string
	for _, k := range []struct {
		bit  x509.KeyUsage
		name string
	}{
		{x509.KeyUsageDigitalSignature, "digitalSignature"},
		{x509.KeyUsageContentCommitment, "nonRepudiation"},
		{x509.KeyUsageKeyEncipherment, "keyEncipherment"},
		{x509.KeyUsageCertSign, "keyCertSign"},
	} {
		if c.KeyUsage&k.bit != 0 {
			parts = append(parts, k.name)
		}
	}
	for _, k := range c.ExtKeyUsage {
		switch k {
		case x509.ExtKeyUsageClientAuth:
			parts = append(parts, "clientAuth")
		case x509.ExtKeyUsageServerAuth:
			parts = append(parts, "serverAuth")
		case x509.ExtKeyUsageEmailProtection:
			parts = append(parts, "emailProtection")
		}
	}
	if len(parts) == 0 {
		parts = []string{"no key usage"}
	}
	return u.String() + " (" + strings.Join(parts, ", ") + ")"
}
