package revocation

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/pki"
)

func FuzzParse(f *testing.F) {
	a, err := pki.NewAuthority(pki.WithStatus("http://127.0.0.1", ""))
	require.NoError(f, err)
	pair, err := a.Server("localhost")
	require.NoError(f, err)
	issuer := a.Chain()[0]
	rec := httptest.NewRecorder()
	a.Status().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, pair.Leaf.CRLDistributionPoints[0], nil))
	f.Add(rec.Body.Bytes())
	f.Add([]byte("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := parseList(b, issuer, time.Now()); err == nil {
			require.False(t, l.next.IsZero())
		}
		_, _ = parseStatus(b, pair.Leaf, issuer, time.Now())
	})
}
