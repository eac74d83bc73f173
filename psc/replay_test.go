package psc

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatServesOnceIsBounded(t *testing.T) {
	t.Parallel()
	var o once
	until := at.Add(time.Minute)
	for i := range maxSpent {
		require.True(t, o.first(strconv.Itoa(i), until, at))
	}
	require.False(t, o.first("0", until, at), "used")
	require.False(t, o.first("one more", until, at), "full: nothing is let through that could not be remembered")
	require.True(t, o.first("one more", until.Add(time.Minute), until), "what is too old anyway makes room")
	require.Len(t, o.used, 1)
	o.forget("one more")
	require.True(t, o.first("one more", until.Add(time.Minute), until))
}
