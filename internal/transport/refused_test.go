package transport_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// With TLS 1.3 the client may already be sending when its certificate is
// refused: whichever of the alert and the broken connection net/http sees first,
// the error must name the certificate. Bodies larger than what the sockets hold
// make the write fail.
func TestRefusedCertificateIsAlwaysNamed(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2=%v", http2), func(t *testing.T) { t.Parallel(); refused(t, http2) })
	}
}

func refused(t *testing.T, http2 bool) {
	s := serve(t, emulator.Options{HTTP2: http2, ClientAuth: tls.RequireAndVerifyClientCert}, echo)
	other, err := pki.NewAuthority()
	require.NoError(t, err)
	foreign := issue(t, other, pharmacy, pki.AuthClient)
	big := bytes.Repeat([]byte("x"), 8<<20)
	for _, body := range [][]byte{nil, []byte("hello"), big} {
		for range 10 {
			c := dial(t, s, func(c *transport.Config) { c.Certificate = foreign })
			err := c.Do(t.Context(), transport.Operation{Name: "op"}, request(t, "POST", s.URL, bytes.NewReader(body)),
				func(*http.Response) (string, error) { t.Error("there is an answer"); return "", nil })
			require.ErrorIs(t, err, transport.ErrClientCertificate, "%d bytes: %v", len(body), err)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			require.False(t, socle.Retryable(err))
			c.CloseIdleConnections()
		}
	}
}
