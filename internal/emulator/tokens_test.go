package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	tokens := emulator.NewTokens(clock)
	who := socle.Professional{FamilyName: "ORTIE"}
	actor := tokens.Actor(who)
	first, err := actor.Tokens.AccessToken(t.Context())
	require.NoError(t, err)
	second, err := actor.Tokens.AccessToken(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first, second)

	holder, err := tokens.Holder(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, who, holder)
	_, err = tokens.Holder(t.Context(), first+"x")
	require.ErrorContains(t, err, "did not give")
	_, err = emulator.NewTokens(clock).Holder(t.Context(), first)
	require.Error(t, err, "a token is good where it was given")
	clock.Advance(emulator.TokenLife)
	_, err = tokens.Holder(t.Context(), first)
	require.ErrorContains(t, err, "expired")
}
