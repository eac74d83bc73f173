package psctest

import (
	"net/http"

	"github.com/soclesante/socle/internal/jose"
)

// discovery serves the service's own document, with the wallet's login page.
func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.document(s.walletURL()))
}

// nativeDiscovery serves the engine's document, with the login page that
// professionals must not be sent to.
func (s *Server) nativeDiscovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.document(s.URL+oidc+"/auth"))
}

func (s *Server) document(authorization string) map[string]any {
	at := s.URL + oidc
	endpoints := map[string]any{
		"token_endpoint":                      at + "/token",
		"introspection_endpoint":              at + "/token/introspect",
		"revocation_endpoint":                 at + "/revoke",
		"userinfo_endpoint":                   at + "/userinfo",
		"backchannel_authentication_endpoint": at + "/ext/ciba/auth",
	}
	d := map[string]any{
		"issuer":                                         s.URL + realm,
		"authorization_endpoint":                         authorization,
		"end_session_endpoint":                           at + "/logout",
		"jwks_uri":                                       at + "/certs",
		"grant_types_supported":                          []string{"authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"},
		"acr_values_supported":                           []string{"0", "0"}, // as published: of no use
		"scopes_supported":                               scopes,
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post", "tls_client_auth"},
		"code_challenge_methods_supported":               []string{"S256"},
		"prompt_values_supported":                        []string{"none", "login"},
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"backchannel_token_delivery_modes_supported":     []string{"poll", "ping"},
		"tls_client_certificate_bound_access_tokens":     true,
		"authorization_response_iss_parameter_supported": true,
		"mtls_endpoint_aliases":                          endpoints,
	}
	for name, address := range endpoints {
		d[name] = address
	}
	return d
}

// certs serves the key set.
func (s *Server) certs(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	set, err := jose.Publish(s.signers...)
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(set)
}
