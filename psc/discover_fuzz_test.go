package psc

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDiscovery(f *testing.F) {
	f.Add([]byte(`{"issuer":"` + sandboxIssuer + `","authorization_endpoint":"https://wallet.example/auth","token_endpoint":"https://a/t","userinfo_endpoint":"https://a/u",` +
		`"jwks_uri":"https://a/k","end_session_endpoint":"https://a/e","revocation_endpoint":"https://a/r","backchannel_authentication_endpoint":"https://a/c"}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"issuer":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := readDiscovery(body, sandboxIssuer)
		if err != nil {
			require.Equal(t, Environment{}, e)
			var typed *Error
			if errors.As(err, &typed) {
				require.ErrorIs(t, err, ErrEnvironment)
			}
			require.Less(t, len(err.Error()), 4000)
			return
		}
		require.Equal(t, sandboxIssuer, e.Issuer)
		require.NotContains(t, e.Authorization, sandboxIssuer+"/")
		require.NoError(t, e.check())
	})
}
