package instest

import (
	"net/http"

	"github.com/soclesante/socle/internal/pki"
)

// checkCertificate applies the rule of the software certificates: AUTH_CLI,
// common name INSI-AUTO or INSI-MANU to the letter. It gives the structure in
// its OU. TLS has verified the chain already.
func (s *Server) checkCertificate(r *http.Request) (structure string, refused *Fault) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		f := notEntitled()
		return "", &f
	}
	leaf := r.TLS.PeerCertificates[0]
	class := pki.Classify(leaf)
	if pki.CheckAuthentication(leaf, s.Clock().Now()) != nil || (class.CommonName != "INSI-AUTO" && class.CommonName != "INSI-MANU") {
		f := notEntitled()
		return "", &f
	}
	return class.Structure, nil
}
