package mss

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/pki"
)

// Auth says how the operator knows who opens a mailbox. The zero value gives
// the Pro Santé Connect token of Access.Actor, by XOAUTH2 (ECO.1.2.1) or, where
// the operator offers it and not XOAUTH2, by OAUTHBEARER.
//
// An applicative mailbox (BAL APP) is opened by a certificate of the IGC-Santé,
// ORG AUTH_CLI, shown in the TLS handshake, then by [Plain] (MSS/CONF.12). That
// other operators want [External] or [CertificateAlone] is assumed.
type Auth struct {
	mechanism   string // empty: XOAUTH2 or OAUTHBEARER
	certificate *tls.Certificate
	user        string
	password    *string // package fmt shows what a field holds, but not behind a pointer
}

const (
	mechanismXOAUTH2     = "XOAUTH2"
	mechanismOAuthBearer = "OAUTHBEARER"
	mechanismExternal    = "EXTERNAL"
	mechanismPlain       = "PLAIN"
	mechanismNone        = "none"
)

// OAuthBearer gives the Pro Santé Connect token by OAUTHBEARER (RFC 7628), even
// where XOAUTH2 is offered.
func OAuthBearer() Auth { return Auth{mechanism: mechanismOAuthBearer} }

// External opens an applicative mailbox by SASL EXTERNAL (RFC 4422 appendix A):
// the certificate says who it is, and authzid which mailbox is wanted. An empty
// authzid is the mailbox that the operator ties to the certificate.
func External(certificate tls.Certificate, authzid string) Auth {
	return Auth{mechanism: mechanismExternal, certificate: &certificate, user: authzid}
}

// Plain opens an applicative mailbox by its certificate, then SASL PLAIN (RFC
// 4616, MSS/CONF.12). An empty user is the address of the mailbox, as the
// requirement has it; the password is what the operator says: no public text
// tells what stands there. Nothing of it is said but over TLS.
func Plain(certificate tls.Certificate, user, password string) Auth {
	return Auth{mechanism: mechanismPlain, certificate: &certificate, user: user, password: &password}
}

// CertificateAlone opens an applicative mailbox by its certificate and says
// nothing more: the operator begins with PREAUTH, or needs no authentication.
func CertificateAlone(certificate tls.Certificate) Auth {
	return Auth{mechanism: mechanismNone, certificate: &certificate}
}

// String tells the mechanism alone.
func (a Auth) String() string {
	if a.mechanism == "" {
		return "token"
	}
	return a.mechanism
}

// GoString tells the mechanism alone.
func (a Auth) GoString() string { return "mss.Auth(" + a.String() + ")" }

// LogValue is String.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

// secret gives the password of Plain.
func (a Auth) secret() string {
	if a.password == nil {
		return ""
	}
	return *a.password
}

// applicative reports whether no person is behind.
func (a Auth) applicative() bool { return a.certificate != nil }

// check gives what is wrong with it at the time now.
func (a Auth) check(now time.Time) error {
	if !a.applicative() {
		return nil
	}
	var errs []error
	if strings.ContainsFunc(a.user+a.secret(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		errs = append(errs, errors.New("Access.Auth: control character in the user, the password or the authorization identity"))
	}
	if a.mechanism == mechanismPlain && a.secret() == "" {
		errs = append(errs, errors.New("Access.Auth: Plain wants a password (RFC 4616)"))
	}
	leaf, err := leafOf(a.certificate)
	if err == nil {
		err = pki.CheckAuthentication(leaf, now)
	}
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("Access.Auth: certificate: %w", err))
	case a.certificate.PrivateKey == nil:
		errs = append(errs, errors.New("Access.Auth: certificate without its private key"))
	case pki.Classify(leaf).Usage != pki.AuthClient:
		errs = append(errs, errors.New("Access.Auth: the certificate of an organisation is expected (ORG AUTH_CLI), a card's came"))
	}
	return errors.Join(errs...)
}

func leafOf(c *tls.Certificate) (*x509.Certificate, error) {
	if c.Leaf != nil {
		return c.Leaf, nil
	}
	if len(c.Certificate) == 0 {
		return nil, nil // which pki explains
	}
	return x509.ParseCertificate(c.Certificate[0])
}
