package mss_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// A source that the network fails, or its own patience, has no token for now: the
// session of Pro Santé Connect is not over for that.
func TestSourceWithoutANetworkEndsNoSession(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	for _, c := range []struct {
		err  error
		over bool
	}{
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, false},
		{fmt.Errorf("token: %w", context.DeadlineExceeded), false},
		{errors.New("refresh token refused"), true},
	} {
		b.tokens.fail(c.err)
		_, err := m.Send(context.Background(), draft(t))
		require.Error(t, err)
		require.Equal(t, c.over, errors.Is(err, mss.ErrSessionLost), "%v", c.err)
		require.Equal(t, !c.over, socle.Retryable(err), "%v", c.err)
	}
}
