package loose_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/fhir/loose"
)

func TestReading(t *testing.T) {
	t.Parallel()
	n, raw, err := loose.Parse(strings.NewReader(` {"a":[{"k":"x","v":1.5},{"k":"y","v":true}],"s":"hello"} `))
	require.NoError(t, err)
	require.Contains(t, string(raw), "hello")
	require.Equal(t, "y", n.Get("a", 1, "k").Text())
	v, ok := n.Get("a").Where("k", "x").Get("v").Number()
	require.True(t, ok)
	require.InDelta(t, 1.5, v, 0)
	b, ok := n.Get("a", 1, "v").Bool()
	require.True(t, ok && b)
	require.Len(t, n.Get("a").Items(), 2)
	require.True(t, n.Mentions("ell"))
	require.False(t, n.Mentions("zzz"))
	for _, nothing := range []loose.Node{n.Get("a", 7), n.Get("a", -1), n.Get("s", "x"), n.Get("s", 0), n.Get("a").Where("k", "z")} {
		require.False(t, nothing.Exists())
		require.Empty(t, nothing.Text())
	}
	_, ok = n.Get("s").Number()
	require.False(t, ok)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "[]", "{", "{} {}", "null x"} {
		_, _, err := loose.Parse(strings.NewReader(s))
		require.Error(t, err, s)
	}
}
