package msstest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/pki"
)

// Mechanisms that a [Server] knows.
const (
	XOAUTH2     = "XOAUTH2"
	OAuthBearer = "OAUTHBEARER"
	External    = "EXTERNAL"
	Plain       = "PLAIN"
)

// ClientCertificate issues the certificate ORG AUTH_CLI of a structure (prefixed
// id, such as 10B0127189) under a common name, which is Mailbox.Certificate of
// the applicative mailbox that it opens.
func (s *Server) ClientCertificate(structure, commonName string) (tls.Certificate, error) {
	c, err := s.authority.Organisation(pki.Organisation{Structure: structure, Name: "EMULATEUR", CommonName: commonName}, pki.AuthClient)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msstest: %w", err)
	}
	return c, nil
}

// asksCertificates reports whether the TLS handshake asks for a certificate.
func (o Options) asksCertificates() bool {
	return o.PreAuth || slices.Contains(o.Mechanisms, External) || slices.Contains(o.Mechanisms, Plain)
}

// holder gives the applicative mailbox of the certificate shown in the TLS
// handshake: an ORG AUTH_CLI of the IGC-Santé, known by its common name.
func (s *Server) holder(conn net.Conn) (*box, error) {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%w: TLS expected first", errRefused)
	}
	if err := t.Handshake(); err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	shown := t.ConnectionState().PeerCertificates
	if len(shown) == 0 {
		return nil, fmt.Errorf("%w: a certificate ORG AUTH_CLI expected in the TLS handshake, none came", errRefused)
	}
	if err := s.authority.Verify(shown[0], s.clock.Now()); err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	class := pki.Classify(shown[0])
	if class.Usage != pki.AuthClient {
		return nil, fmt.Errorf("%w: a certificate ORG AUTH_CLI expected, %s came", errRefused, class.Usage)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		if b.Certificate != "" && b.Certificate == class.CommonName {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: no applicative mailbox is tied to a certificate of CN %q", errRefused, class.CommonName)
}

// authenticate says which mailbox the client's response opens. The refusal wraps
// errRefused; any other error is a validator that cannot answer.
func (x *saslServer) authenticate(response []byte) (address string, err error) {
	switch x.mechanism {
	case External:
		b, err := x.server.holder(x.conn())
		if err != nil {
			return "", err
		}
		if len(response) > 0 && fold(string(response)) != fold(b.Address) {
			return b.Address, fmt.Errorf("%w: the mailbox of the certificate expected as authorization identity, another came", errRefused)
		}
		return b.Address, nil
	case Plain:
		fields := strings.Split(string(response), "\x00")
		b, err := x.server.holder(x.conn())
		if err != nil {
			return "", err
		}
		if len(fields) != 3 || fields[0] != "" || fold(fields[1]) != fold(cmp.Or(b.User, b.Address)) || b.Password == "" || fields[2] != b.Password {
			return b.Address, fmt.Errorf("%w: the user and the password of the mailbox expected (MSS/CONF.12, RFC 4616)", errRefused)
		}
		return b.Address, nil
	}
	split, form := splitXOAUTH2, "user=…^Aauth=Bearer …^A^A"
	if x.mechanism == OAuthBearer {
		split, form = splitOAuthBearer, "n,a=…,^Aauth=Bearer …^A^A (RFC 7628)"
	}
	address, token, ok := split(string(response))
	if !ok {
		return address, fmt.Errorf("%w: %s expected", errRefused, form)
	}
	return address, x.server.authorize(address, token)
}

// offered checks the name of a mechanism.
func (s *Server) offered(mechanism string) error {
	if !slices.Contains(s.options.Mechanisms, mechanism) {
		return errors.New(strings.Join(s.options.Mechanisms, " or ") + " expected (ECO.1.2.1)")
	}
	return nil
}
