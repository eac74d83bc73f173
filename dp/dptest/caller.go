package dptest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/internal/pki"
)

// caller is who calls, as the connection and the token prove it.
type caller struct {
	structure socle.StructureID // of the certificate
	person    socle.PersonID    // of the token
}

// caller checks the certificate, the token, the right and the headers of the
// binding, and that no patient shows in the address.
func (s *Server) caller(r *http.Request, right dp.Right) (caller, *refusal) {
	class := pki.Classify(r.TLS.PeerCertificates[0])
	if class.Usage != pki.AuthClient {
		return caller{}, &refusal{status: http.StatusForbidden, code: "dp-role",
			text: fmt.Sprintf("client certificate: an organisation's AUTH_CLI expected, %v came", class.Usage)}
	}
	structure, err := socle.ParseStructureID(class.Structure)
	if err != nil {
		return caller{}, &refusal{status: http.StatusForbidden, code: "dp-role", text: "client certificate: a structure id expected in OU: " + err.Error()}
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || bearer == "" {
		return caller{}, &refusal{status: http.StatusUnauthorized, code: "dp-token", text: "Authorization: a Bearer token expected, none came"}
	}
	holder, err := s.introspect(r.Context(), bearer)
	if err != nil {
		return caller{}, &refusal{status: http.StatusUnauthorized, code: "dp-token", text: "token: " + err.Error()}
	}
	if !holder.Profession.IsZero() && s.o.Access.Of(holder)&right == 0 {
		return caller{}, &refusal{status: http.StatusForbidden, code: "dp-role",
			text: "profession " + holder.Profession.Code + " in sector " + holder.Structure.Sector.Code + " has not this right"}
	}
	for _, h := range []string{s.dialect.RequestIDHeader, s.dialect.SoftwareHeader, s.dialect.PurposeHeader} {
		if r.Header.Get(h) == "" {
			return caller{}, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "header " + h + " expected, none came"}
		}
	}
	if r.URL.RawQuery != "" {
		return caller{}, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "address: no query expected: patients are never named in an address"}
	}
	return caller{structure, holder.ID}, nil
}
