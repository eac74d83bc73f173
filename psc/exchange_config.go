package psc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// API is one of the API Pro Santé Connectées and the authorization server that
// gives its tokens. None has public addresses: they come with its contract.
type API struct {
	// Name is how the program calls it, and its name in the proxy's paths:
	// letters, digits, "-", "_" and ".". Mandatory.
	Name string
	// TokenURL is the token endpoint of its authorization server. Mandatory.
	TokenURL string
	// RevocationURL is where its tokens are revoked (RFC 7009). Without one they
	// are only forgotten when a session ends.
	RevocationURL string
	// BaseURL is the address below which the API answers. Its tokens are sent
	// nowhere else. Mandatory.
	BaseURL string
	// ClientID is the software's name at the authorization server
	// (Client_ID_AS); ExchangerConfig.ClientID if empty.
	ClientID string
	// Scopes are the business scopes that are asked for. The CI-SIS makes them
	// mandatory; the ANS's own proxy sends none.
	Scopes []string
	// Audience, SubjectIssuer and RequestedTokenType are sent when they are set.
	// A server on Keycloak's older exchange wants subject_issuer "psc".
	Audience           []string
	SubjectIssuer      string
	RequestedTokenType string
	// SubjectTokenType is [TokenTypeAccess] if empty; some servers want [TokenTypeJWT].
	SubjectTokenType string
	// ActorToken makes the actor_token, a JWT that tells of the software and of
	// the exercise situation (CI-SIS, « données métiers »). Optional.
	ActorToken func(ctx context.Context, s *Session) (string, error)
}

// Types of token (RFC 8693 §3).
const (
	TokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeJWT    = "urn:ietf:params:oauth:token-type:jwt"
)

// ExchangerConfig is what an [Exchanger] needs.
type ExchangerConfig struct {
	// ClientID is sent to the authorization servers of the APIs that have none
	// of their own.
	ClientID string
	// Certificate authenticates the software to the authorization servers and to
	// the APIs: an IGC-Santé ORG AUTH_CLI certificate, with its chain. Tokens are
	// bound to it. Mandatory unless GetCertificate is given.
	Certificate tls.Certificate
	// GetCertificate gives the certificate of the moment instead. When it gives
	// a new one the next call exchanges anew, and connects anew.
	GetCertificate func() (*tls.Certificate, error)
	// Roots are the authorities of these servers. Mandatory.
	Roots *x509.CertPool
	// APIs are those to call. One at least.
	APIs []API
	// MaxSubjectAge is the age above which a token of Pro Santé Connect is
	// refreshed before it is exchanged, 100 seconds if zero: the servers take
	// none over 120.
	MaxSubjectAge time.Duration

	socle.Watch
}

func (cfg *ExchangerConfig) check() error {
	var problems []error
	add := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("psc: exchanger: %s: %w", field, err))
		}
	}
	switch {
	case cfg.GetCertificate != nil:
	case len(cfg.Certificate.Certificate) == 0:
		add("Certificate", errors.New("missing: an IGC-Santé organisation certificate for client authentication is needed"))
	default:
		leaf, err := pki.Leaf(cfg.Certificate)
		if err == nil {
			err = pki.CheckAuthentication(leaf, cfg.Now())
		}
		add("Certificate", err)
	}
	if cfg.Roots == nil {
		add("Roots", errors.New("missing: give the authorities of the servers' certificates, the system's are not used"))
	}
	switch {
	case cfg.MaxSubjectAge == 0:
		cfg.MaxSubjectAge = 100 * time.Second
	case cfg.MaxSubjectAge < time.Second || cfg.MaxSubjectAge > 120*time.Second:
		add("MaxSubjectAge", errors.New("between 1 and 120 seconds expected"))
	}
	if len(cfg.APIs) == 0 {
		add("APIs", errors.New("missing"))
	}
	cfg.APIs = slices.Clone(cfg.APIs)
	seen := map[string]bool{}
	for i := range cfg.APIs {
		a := &cfg.APIs[i]
		if a.ClientID == "" {
			a.ClientID = cfg.ClientID
		}
		if a.SubjectTokenType == "" {
			a.SubjectTokenType = TokenTypeAccess
		}
		at := fmt.Sprintf("APIs[%d].", i)
		if !apiName(a.Name) || seen[a.Name] {
			add(at+"Name", errors.New("a name of its own in letters, digits, \"-\", \"_\" and \".\" expected"))
		}
		seen[a.Name] = true
		if a.ClientID == "" {
			add(at+"ClientID", errors.New("missing, and ExchangerConfig.ClientID too"))
		}
		add(at+"TokenURL", checkAddress(a.TokenURL))
		add(at+"BaseURL", checkBase(a.BaseURL))
		if a.RevocationURL != "" {
			add(at+"RevocationURL", checkAddress(a.RevocationURL))
		}
	}
	return errors.Join(problems...)
}

func checkBase(s string) error {
	if err := checkAddress(s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.RawPath != "" || strings.Contains(u.Path, "//") || slices.ContainsFunc(strings.Split(u.Path, "/"), dots) {
		return errors.New("an address without query, escapes or dot segments expected")
	}
	return nil
}

func dots(segment string) bool { return segment == "." || segment == ".." }

func apiName(s string) bool {
	return s != "" && len(s) <= 64 && !dots(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}
