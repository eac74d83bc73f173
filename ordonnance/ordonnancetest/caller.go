package ordonnancetest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// caller is who calls, as the connection and the token prove it.
type caller struct {
	structure socle.StructureID // of the certificate
	person    socle.PersonID    // of the token
}

// caller checks the certificate, the token and the headers of the binding.
func (s *Server) caller(r *http.Request) (caller, *refusal) {
	leaf := r.TLS.PeerCertificates[0]
	class := pki.Classify(leaf)
	if class.Usage != pki.AuthClient {
		return caller{}, &refusal{status: http.StatusForbidden, code: "forbidden",
			text: fmt.Sprintf("client certificate: an organisation's AUTH_CLI expected, %v came", class.Usage)}
	}
	structure, err := socle.ParseStructureID(class.Structure)
	if err != nil {
		return caller{}, &refusal{status: http.StatusForbidden, code: "forbidden", text: "client certificate: a structure id expected in OU: " + err.Error()}
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || bearer == "" {
		return caller{}, &refusal{status: http.StatusUnauthorized, code: "token", text: "Authorization: a Bearer token expected, none came"}
	}
	holder, err := s.introspect(r.Context(), bearer)
	if err != nil {
		return caller{}, &refusal{status: http.StatusUnauthorized, code: "token", text: "token: " + err.Error()}
	}
	if p := holder.Profession.Code; p != "" && p != socle.ProfessionPharmacist && p != socle.ProfessionPreparer {
		return caller{}, &refusal{status: http.StatusForbidden, code: "forbidden", text: "profession: 21 or 39 expected, " + p + " came"}
	}
	for _, h := range []string{s.dialect.RequestIDHeader, s.dialect.SoftwareHeader} {
		if r.Header.Get(h) == "" {
			return caller{}, &refusal{status: http.StatusBadRequest, code: "validation", text: "header " + h + " expected, none came"}
		}
	}
	return caller{structure, holder.ID}, nil
}
