package psctest

import (
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/pki"
)

// ClientCertificate issues an organisation certificate for client
// authentication to a structure (prefixed identifier) and declares its subject
// DN for [ClientID]. Several structures may be declared, one after the other.
func (s *Server) ClientCertificate(structure string) (tls.Certificate, error) {
	cert, err := s.Authority().Organisation(pki.Organisation{
		Structure:  structure,
		Name:       "PHARMACIE DE TEST",
		State:      "Paris (75)",
		CommonName: "lgo." + structure,
	}, pki.AuthClient)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("psctest: %w", err)
	}
	leaf, err := pki.Leaf(cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("psctest: %w", err)
	}
	s.Register(ClientID, pki.DN(leaf))
	return cert, nil
}

// registration is what the ANS knows of a client id.
type registration struct {
	subjects    []string // DNs of its certificates, RFC 2253
	secret      string
	redirects   []string // redirect_uri
	goodbyes    []string // post_logout_redirect_uri
	backchannel string   // backchannel_logout_uri
}

// registered gives what is known of a client id, made on first use. s.mu is held.
func (s *Server) registered(clientID string) *registration {
	c := s.clients[clientID]
	if c == nil {
		c = &registration{}
		s.clients[clientID] = c
	}
	return c
}

// Register declares the subject DN (RFC 2253) of a certificate for a client id,
// besides those already declared for it.
func (s *Server) Register(clientID, dn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.registered(clientID)
	c.subjects = append(c.subjects, dn)
}

// RegisterSecret gives a client id a secret, accepted by client_secret_basic
// and client_secret_post besides the certificates declared for it.
func (s *Server) RegisterSecret(clientID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registered(clientID).secret = secret
}

// RegisterRedirect declares an address where the login page may send people
// back to. One that is http on 127.0.0.1 or [::1] without a port stands for
// every port (RFC 8252 §7.3).
func (s *Server) RegisterRedirect(clientID, uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.registered(clientID)
	c.redirects = append(c.redirects, uri)
}

// RegisterGoodbye declares an address where people may be sent to after they
// logged out.
func (s *Server) RegisterGoodbye(clientID, uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.registered(clientID)
	c.goodbyes = append(c.goodbyes, uri)
}

// RegisterBackchannel declares where logout tokens are posted to.
func (s *Server) RegisterBackchannel(clientID, uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registered(clientID).backchannel = uri
}

// redirectKnown tells whether uri is one of those declared.
func redirectKnown(declared []string, uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(declared, func(d string) bool {
		if d == uri {
			return true
		}
		if host := u.Hostname(); u.Scheme == "http" && (host == "127.0.0.1" || host == "::1") && u.Port() != "" {
			any := *u
			any.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
			return d == any.String()
		}
		return false
	})
}

// authenticate finds the client of a request: by its secret where it sends one
// (RFC 6749 §2.3.1), else by tls_client_auth (RFC 8705 §2.1), for which the
// subject DN of the certificate must be one declared for client_id.
func (s *Server) authenticate(r *http.Request, f map[string]string) (string, *problem) {
	id, secret := f["client_id"], f["client_secret"]
	refuse := func(rule, expected, got string) (string, *problem) {
		return "", &problem{401, "invalid_client", assumedBadClient, rule, expected, got}
	}
	if user, password, ok := r.BasicAuth(); ok {
		name, err := url.QueryUnescape(user)
		word, err2 := url.QueryUnescape(password)
		if err != nil || err2 != nil || id != "" && id != name || secret != "" {
			return refuse("client_secret_basic", "form-encoded credentials, of the client_id of the body, and no second method", "others")
		}
		id, secret = name, word
	}
	if id == "" {
		return "", &problem{401, "invalid_client", assumedMissingClient, "client_id", "a client id", "none"}
	}
	s.mu.Lock()
	known := s.clients[id]
	var declared []string
	var right string
	if known != nil {
		declared, right = known.subjects, known.secret
	}
	s.mu.Unlock()
	if known == nil {
		return refuse("client_id", "a declared client id", id)
	}
	if secret != "" {
		if right == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(right)) != 1 {
			return refuse("client_secret", "the secret of the client", "another")
		}
		return id, nil
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return refuse("tls_client_auth", "a client certificate", "none")
	}
	leaf := r.TLS.PeerCertificates[0]
	if err := pki.CheckAuthentication(leaf, s.Clock().Now()); err != nil {
		return refuse("tls_client_auth", "an AUTH_CLI certificate", err.Error())
	}
	dn := pki.DN(leaf)
	if !slices.ContainsFunc(declared, func(d string) bool { return pki.EqualDN(d, dn) }) {
		return refuse("tls_client_auth", fmt.Sprintf("one of the subjects %q", declared), dn)
	}
	return id, nil
}
