package transport

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

var (
	notSent = &Error{Err: errors.New("connection refused")}
	unknown = &Error{Sent: true, Err: errors.New("reset")}
	refused = &Error{Status: http.StatusBadRequest, Sent: true, Err: errors.New("400")}
	busy    = &Error{Status: http.StatusTooManyRequests, Sent: true, RetryAfter: 3 * time.Second, Err: errors.New("429")}
	longer  = &Error{Status: http.StatusTooManyRequests, Sent: true, RetryAfter: time.Minute, Err: errors.New("429")}
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		idempotent bool
		errs       []error // of each attempt; nil after them
		attempts   int
		calls      int
		err        error
		pause      time.Duration // in all, when each draw is 1
	}{
		{name: "success", attempts: 3, calls: 1},
		{name: "read, unknown", idempotent: true, errs: []error{unknown, unknown}, attempts: 3, calls: 3, pause: 300 * time.Millisecond},
		{name: "write, unknown", errs: []error{unknown}, attempts: 3, calls: 1, err: unknown},
		{name: "write, not sent", errs: []error{notSent, notSent}, attempts: 3, calls: 3, pause: 300 * time.Millisecond},
		{name: "write, not sent then unknown", errs: []error{notSent, unknown}, attempts: 3, calls: 2, err: unknown, pause: 100 * time.Millisecond},
		{name: "read, refused", idempotent: true, errs: []error{refused}, attempts: 3, calls: 1, err: refused},
		{name: "exhausted", idempotent: true, errs: []error{unknown, unknown, notSent}, attempts: 3, calls: 3, err: notSent, pause: 300 * time.Millisecond},
		{name: "no attempts given", idempotent: true, errs: []error{unknown}, calls: 1, err: unknown},
		{name: "asked to wait", idempotent: true, errs: []error{busy}, attempts: 2, calls: 2, pause: 3100 * time.Millisecond},
		{name: "asked to wait too long", idempotent: true, errs: []error{longer}, attempts: 2, calls: 1, err: longer},
		{name: "bounded pauses", idempotent: true, errs: []error{unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown}, attempts: 9, calls: 9,
			pause: (100 + 200 + 400 + 800 + 1600 + 3200 + 5000 + 5000) * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, calls := time.Now(), 0
				err := retry(t.Context(), tc.attempts, tc.idempotent, func() float64 { return 1 }, func(attempt int) error {
					calls++
					require.Equal(t, calls, attempt)
					if attempt <= len(tc.errs) {
						return tc.errs[attempt-1]
					}
					return nil
				})
				require.Equal(t, tc.err, err)
				require.Equal(t, tc.calls, calls)
				require.Equal(t, tc.pause, time.Since(start))
			})
		})
	}
}

func TestRetryIsDrawnWithinItsBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 50 {
			start := time.Now()
			_ = Retry(t.Context(), 2, true, func(int) error { return unknown })
			d := time.Since(start)
			require.Less(t, d, 100*time.Millisecond)
			seen[d] = true
		}
		require.Greater(t, len(seen), 10, "pauses differ")
	})
}

func TestRetryStaysWithinTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		start, calls := time.Now(), 0
		err := retry(ctx, 9, true, func() float64 { return 1 }, func(int) error { calls++; return unknown })
		require.Equal(t, error(unknown), err)
		require.Equal(t, 2, calls) // a pause of 200 ms would outlast the 150 ms left
		require.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

func TestRetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		err := retry(ctx, 9, false, func() float64 { return 1 }, func(int) error { return notSent })
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, notSent)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		require.Equal(t, 50*time.Millisecond, time.Since(start))
	})
}
