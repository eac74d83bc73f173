package psctest

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"

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

// Register declares the subject DN (RFC 2253) of a certificate for a client id,
// besides those already declared for it.
func (s *Server) Register(clientID, dn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[clientID] = append(s.clients[clientID], dn)
}

// authenticate finds the client of a request by tls_client_auth (RFC 8705
// §2.1): the subject DN of the certificate must be one declared for client_id.
func (s *Server) authenticate(r *http.Request, f map[string]string) (string, *problem) {
	id := f["client_id"]
	refuse := func(rule, expected, got string) (string, *problem) {
		return "", &problem{401, "invalid_client", assumedBadClient, rule, expected, got}
	}
	if id == "" {
		return "", &problem{401, "invalid_client", assumedMissingClient, "client_id", "a client id", "none"}
	}
	s.mu.Lock()
	declared, known := s.clients[id]
	s.mu.Unlock()
	if !known {
		return refuse("client_id", "a declared client id", id)
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
