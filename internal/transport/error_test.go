package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/transport"
)

func TestCheckStatus(t *testing.T) {
	t.Parallel()
	for status := 200; status < 300; status++ {
		require.NoError(t, transport.CheckStatus("x", &http.Response{StatusCode: status}))
	}
	for after, want := range map[string]time.Duration{"": 0, "3": 3 * time.Second, "-1": 0, "x": 0, "999999999999": 0} {
		err := transport.CheckStatus("x", &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {after}}})
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, e.RetryAfter, after)
		require.EqualError(t, err, "transport: x: the service answered 503 Service Unavailable")
	}
}
