package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/soclesante/socle"
)

// Bounds of the pause between two attempts.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	maxAsked   = 30 * time.Second // longest Retry-After that is waited for
)

// Retry calls f, with the number of the attempt from 1, until it succeeds: once
// at least, at most attempts times. An error is tried again when it is socle.Retryable and,
// for what is not idempotent, when its outcome is also NotSent. Each call of f
// must make a new message, with a new id and a new signature time.
//
// The pause is drawn between 0 and a bound that doubles from 100 ms to 5 s (full
// jitter), after what the service asked; it is never begun when the service asked
// for more than 30 s or when it would outlast the deadline of ctx. The error is f's last, joined with the context's when the
// context ended a pause.
func Retry(ctx context.Context, attempts int, idempotent bool, f func(attempt int) error) error {
	return retry(ctx, attempts, idempotent, rand.Float64, f)
}

func retry(ctx context.Context, attempts int, idempotent bool, draw func() float64, f func(attempt int) error) error {
	bound := firstPause
	for attempt := 1; ; attempt++ {
		err := f(attempt)
		if err == nil || attempt >= attempts || !socle.Retryable(err) || (!idempotent && socle.OutcomeOf(err) != socle.OutcomeNotSent) {
			return err
		}
		pause := time.Duration(draw() * float64(bound))
		var e *Error
		if errors.As(err, &e) && e.RetryAfter > 0 {
			if e.RetryAfter > maxAsked {
				return err
			}
			pause += e.RetryAfter
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("%w; not tried again: %w", err, ctx.Err())
		}
		bound = min(2*bound, maxPause)
	}
}
