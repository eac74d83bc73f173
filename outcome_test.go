package socle_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

type declared struct {
	outcome socle.Outcome
	retry   bool
}

func (d declared) Error() string          { return "declared" }
func (d declared) Outcome() socle.Outcome { return d.outcome }
func (d declared) Retryable() bool        { return d.retry }

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, socle.OutcomeDone, socle.OutcomeOf(nil))
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(errors.New("plain")), "an error that says nothing may hide work done")
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(fmt.Errorf("wrapped: %w", declared{outcome: socle.OutcomeRefused})))
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	require.False(t, socle.Retryable(nil))
	require.False(t, socle.Retryable(errors.New("plain")))
	require.False(t, socle.Retryable(declared{}))
	require.True(t, socle.Retryable(fmt.Errorf("wrapped: %w", declared{retry: true})))
}

func TestOutcomeText(t *testing.T) {
	t.Parallel()
	for o, want := range map[socle.Outcome]string{
		socle.OutcomeUnknown: "unknown", socle.OutcomeNotSent: "not sent", socle.OutcomeRefused: "refused", socle.OutcomeDone: "done", 9: "outcome(9)",
	} {
		b, err := o.MarshalText()
		require.NoError(t, err)
		require.Equal(t, want, string(b))
	}
}
