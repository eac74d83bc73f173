package transport_test

import (
	"crypto/tls"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

func TestANewCertificateIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, emulator.Options{ClientAuth: tls.RequireAndVerifyClientCert, HTTP2: true}, echo)
	second := pharmacy
	second.CommonName = "LGO2"
	one, two := issue(t, s.Authority(), pharmacy, pki.AuthClient), issue(t, s.Authority(), second, pki.AuthClient)
	present, failing := one, errors.New("the file cannot be read")
	var err error
	c := dial(t, s, func(cfg *transport.Config) {
		cfg.GetCertificate = func() (*tls.Certificate, error) { return present, err }
	})
	call := func() error {
		var got []byte
		return c.Do(t.Context(), op, request(t, "POST", s.URL, nil), into(&got))
	}
	require.NoError(t, call())
	require.NoError(t, call())
	present = two
	require.NoError(t, call())
	j := s.Journal()
	require.Contains(t, j[1].ClientDN, "CN=LGO,")
	require.Contains(t, j[2].ClientDN, "CN=LGO2,")

	for _, bad := range []*tls.Certificate{nil, {}, issue(t, s.Authority(), pharmacy, pki.Sign)} {
		present = bad
		got := call()
		require.ErrorContains(t, got, "GetCertificate: ")
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(got))
	}
	present, err = one, failing
	require.ErrorIs(t, call(), failing)
	require.Len(t, s.Journal(), 3)
}
