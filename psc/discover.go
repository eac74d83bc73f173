package psc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// discoveryPath is where Pro Santé Connect publishes its own document, beside
// the native one of the engine, whose authorization endpoint is not the one
// that professionals must be sent to.
const discoveryPath = "/.well-known/wallet-openid-configuration"

// Discover asks the service for its addresses. cfg.Environment.Issuer names
// it; of the rest only Certificate, Roots, HTTPClient and Watch are used. The
// document is read at wallet-openid-configuration only, and refused
// ([ErrEnvironment]) when it is of another issuer, lacks an address, or gives
// the engine's native login page as the authorization endpoint.
func Discover(ctx context.Context, cfg Config) (Environment, error) {
	issuer := cfg.Environment.Issuer
	if err := checkAddress(issuer); err != nil {
		return Environment{}, notSent(opDiscovery, fmt.Errorf("%s: %w", "Environment.Issuer", err))
	}
	if cfg.HTTPClient == nil && cfg.Roots == nil {
		return Environment{}, notSent(opDiscovery, errors.New("config: Roots is missing"))
	}
	t, err := newTransport(cfg)
	if err != nil {
		return Environment{}, notSent(opDiscovery, err)
	}
	var e Environment
	err = transport.Retry(ctx, 3, true, func(attempt int) error {
		return get(ctx, t, operation{opDiscovery, attempt}, issuer+discoveryPath, "", func(body []byte) error {
			var err error
			e, err = readDiscovery(body, issuer)
			return err
		})
	})
	if err != nil {
		return Environment{}, err
	}
	e.Name = cfg.Environment.Name
	return e, nil
}

func readDiscovery(body []byte, issuer string) (Environment, error) {
	var d struct {
		Issuer        string `json:"issuer"`
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		UserInfo      string `json:"userinfo_endpoint"`
		Introspection string `json:"introspection_endpoint"`
		Revocation    string `json:"revocation_endpoint"`
		EndSession    string `json:"end_session_endpoint"`
		JWKS          string `json:"jwks_uri"`
		CIBA          string `json:"backchannel_authentication_endpoint"`
		Iss           bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := decodeJSON(body, &d); err != nil {
		return Environment{}, err
	}
	bad := func(err error) (Environment, error) {
		return Environment{}, &Error{Op: opDiscovery, Err: err, kind: ErrEnvironment, outcome: socle.OutcomeRefused}
	}
	if d.Issuer != issuer {
		return bad(fmt.Errorf("issuer: expected %q, got %q", issuer, clean(d.Issuer, 200)))
	}
	if d.Authorization == "" || strings.HasPrefix(d.Authorization, issuer+"/") {
		return bad(errors.New("authorization_endpoint: expected the wallet's login page, got none or the engine's native one"))
	}
	e := Environment{
		Issuer:        d.Issuer,
		Authorization: d.Authorization,
		Token:         d.Token,
		UserInfo:      d.UserInfo,
		Introspection: d.Introspection,
		Revocation:    d.Revocation,
		EndSession:    d.EndSession,
		JWKS:          d.JWKS,
		CIBA:          d.CIBA,

		ResponseIssuer: d.Iss,
	}
	if err := e.check(); err != nil {
		return bad(err)
	}
	return e, nil
}
