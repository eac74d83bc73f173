package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"time"
)

// CardType is the kind of a CPx card, as NameID@NameQualifier of the
// assertions of the Assurance maladie wants it.
type CardType string

// Card types, by the value of extension 1.2.250.1.71.1.2.2: 0 to 3. CPX stands
// for any other value.
const (
	CPS CardType = "CPS"     // 0, carte de professionnel de santé
	CPF CardType = "CPF"     // 1, carte de professionnel en formation
	CPE CardType = "CDE-CPE" // 2, carte de directeur or de personnel d'établissement
	CPA CardType = "CPA"     // 3, carte de personnel autorisé
	CPX CardType = "CPX"
)

var cardTypes = []CardType{CPS, CPF, CPE, CPA}

// Extensions of CPx certificates, arc 1.2.250.1.71.1.2 of GIP-CPS. Both hold a
// DER INTEGER; for the profession this is assumed.
var (
	oidCardType   = asn1.ObjectIdentifier{1, 2, 250, 1, 71, 1, 2, 2}
	oidProfession = asn1.ObjectIdentifier{1, 2, 250, 1, 71, 1, 2, 7}
)

// Common names of the authorities of the IGC-Santé that issue the certificates
// used here; the test ones begin with "TEST ". That of persons is in dialect.go.
const (
	IssuerOrganisations = "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"
	testPrefix          = "TEST "
	testUnit            = "IGC-SANTE TEST"
)

// Class is what a certificate says of its holder and of its usage.
type Class struct {
	Usage Usage
	Test  bool // issued by a test authority of the IGC-Santé
	// Issuer is the common name of the issuing authority.
	Issuer     string
	CommonName string
	// Structure is the OU that holds a prefixed structure id, such as
	// 10B0127189 (1 + FINESS); empty when there is none.
	Structure    string
	Organization string
	CardType     CardType // empty for a certificate that is not a card's
	Profession   string   // TRE_G15 code of a card's holder, such as "21"
	NotBefore    time.Time
	NotAfter     time.Time
}

// Classify reads what c is for from its key usages, its extensions and its
// issuer (segur sheet §3.1). It trusts nothing: verifying the chain is another
// matter.
func Classify(c *x509.Certificate) Class {
	if c == nil {
		return Class{}
	}
	k := Class{
		Usage:      usageOf(c),
		Test:       strings.HasPrefix(c.Issuer.CommonName, testPrefix) || slices.Contains(c.Issuer.OrganizationalUnit, testUnit),
		Issuer:     c.Issuer.CommonName,
		CommonName: c.Subject.CommonName,
		NotBefore:  c.NotBefore,
		NotAfter:   c.NotAfter,
	}
	if len(c.Subject.Organization) > 0 {
		k.Organization = c.Subject.Organization[0]
	}
	for _, ou := range c.Subject.OrganizationalUnit {
		if structureForm(ou) {
			k.Structure = ou
			break
		}
	}
	if isCard(c) && k.Usage != CA {
		k.CardType = CPX
		if n, ok := integerExtension(c, oidCardType); ok && n >= 0 && n < int64(len(cardTypes)) {
			k.CardType = cardTypes[n]
		}
		if n, ok := integerExtension(c, oidProfession); ok {
			k.Profession = big.NewInt(n).String()
		}
	}
	return k
}

func usageOf(c *x509.Certificate) Usage {
	card := isCard(c)
	switch {
	case c.IsCA:
		return CA
	case authenticates(c) && card:
		return CardAuth
	case authenticates(c):
		return AuthClient
	case slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return ServerAuth
	case signs(c) && card:
		return CardSign
	case signs(c):
		return Sign
	case c.KeyUsage&x509.KeyUsageKeyEncipherment != 0:
		return Confidentiality
	}
	return UsageUnknown
}

// authenticates: digitalSignature and clientAuth; a certificate without any
// extended usage (old cards) authenticates if it was not made for signatures.
func authenticates(c *x509.Certificate) bool {
	if c.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return false
	}
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		return !signs(c)
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// signs: nonRepudiation, that only signature certificates have.
func signs(c *x509.Certificate) bool { return c.KeyUsage&x509.KeyUsageContentCommitment != 0 }

func isCard(c *x509.Certificate) bool {
	return strings.TrimPrefix(c.Issuer.CommonName, testPrefix) == IssuerPersons ||
		extension(c, oidCardType) != nil || extension(c, oidProfession) != nil
}

// structureForm tells a prefixed structure id from the other OUs, such as
// "0002 187512751": a known prefix, then 9 to 14 digits or capital letters.
func structureForm(ou string) bool {
	if len(ou) < 10 || len(ou) > 15 || ou[0] < '0' || ou[0] > '4' {
		return false
	}
	return !strings.ContainsFunc(ou, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
}

func extension(c *x509.Certificate, id asn1.ObjectIdentifier) []byte {
	for _, e := range c.Extensions {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	return nil
}

// integerExtension reads a DER INTEGER. Nothing may follow it.
func integerExtension(c *x509.Certificate, id asn1.ObjectIdentifier) (int64, bool) {
	var n int64
	rest, err := asn1.Unmarshal(bytes.Clone(extension(c, id)), &n)
	return n, err == nil && len(rest) == 0
}
