package psc

import (
	"errors"
	"fmt"
	"net/url"
)

// Environment holds the addresses of one Pro Santé Connect.
type Environment struct {
	Name          string // for logs: "production", "sandbox"
	Issuer        string // claim iss of its tokens
	Authorization string // login page of web software, on another host than the issuer
	Token         string
	UserInfo      string
	Introspection string
	Revocation    string
	EndSession    string
	JWKS          string
	CIBA          string // backchannel_authentication_endpoint
	// ResponseIssuer is whether the login page always says which service it is
	// (iss, RFC 9207): an answer without is refused then. One of another service
	// is always refused.
	ResponseIssuer bool
}

const (
	// ANS, keycloak-prosanteconnect, psc.properties (both environments).
	productionIssuer = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"
	sandboxIssuer    = "https://auth.bas.psc.esante.gouv.fr/auth/realms/esante-wallet"

	// ANS, psc-edc-proxy-esante, discovery document of the sandbox.
	pathToken         = "/protocol/openid-connect/token"
	pathUserInfo      = "/protocol/openid-connect/userinfo"
	pathIntrospection = "/protocol/openid-connect/token/introspect"
	pathRevocation    = "/protocol/openid-connect/revoke"
	pathEndSession    = "/protocol/openid-connect/logout"
	pathJWKS          = "/protocol/openid-connect/certs"
	pathCIBA          = "/protocol/openid-connect/ext/ciba/auth"
)

// Production gives the addresses of production. Those of CIBA and Revocation
// are *assumed*: see dialect.go.
func Production() Environment {
	e := realm("production", productionIssuer, "https://wallet.esw.esante.gouv.fr/auth")
	e.CIBA, e.Revocation = assumedProductionCIBA, assumedProductionRevocation
	return e
}

// Sandbox gives the addresses of the bac à sable (BAS).
func Sandbox() Environment {
	return realm("sandbox", sandboxIssuer, "https://wallet.bas.psc.esante.gouv.fr/auth")
}

func realm(name, issuer, authorization string) Environment {
	return Environment{
		Name:          name,
		Issuer:        issuer,
		Authorization: authorization,
		Token:         issuer + pathToken,
		UserInfo:      issuer + pathUserInfo,
		Introspection: issuer + pathIntrospection,
		Revocation:    issuer + pathRevocation,
		EndSession:    issuer + pathEndSession,
		JWKS:          issuer + pathJWKS,
		CIBA:          issuer + pathCIBA,
	}
}

// production tells the one service that knows real people.
func (e Environment) production() bool { return e.Issuer == productionIssuer }

// check tells every address that the operations of a Client lack or that is not https.
func (e Environment) check() error {
	var problems []error
	for _, a := range []struct {
		name, value string
		optional    bool
	}{
		{"Issuer", e.Issuer, false},
		{"Token", e.Token, false},
		{"UserInfo", e.UserInfo, false},
		{"JWKS", e.JWKS, false},
		{"CIBA", e.CIBA, false},
		{"EndSession", e.EndSession, false},
		{"Revocation", e.Revocation, false},
		{"Authorization", e.Authorization, true},
		{"Introspection", e.Introspection, true},
	} {
		if a.value == "" && a.optional {
			continue
		}
		if err := checkAddress(a.value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", "Environment."+a.name, err))
		}
	}
	return errors.Join(problems...)
}

func checkAddress(s string) error {
	if s == "" {
		return errors.New("missing")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("an https address without user or fragment expected")
	}
	return nil
}
