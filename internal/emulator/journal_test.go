package emulator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	var j journal
	for i := range maxEntries + 5 {
		j.add(Entry{Status: i})
	}
	require.Len(t, j.list(), maxEntries)
	require.Equal(t, 5, j.list()[0].Status)

	var c capture
	n, err := c.Write([]byte(strings.Repeat("x", maxBody+1)))
	require.NoError(t, err)
	require.Equal(t, maxBody+1, n)
	require.Equal(t, maxBody, c.Len())
	for range maxBodies/maxBody + 3 {
		j.add(Entry{Request: c.Bytes()})
	}
	require.Len(t, j.list(), maxBodies/maxBody)
	require.Equal(t, maxBodies, j.bodies)
}
