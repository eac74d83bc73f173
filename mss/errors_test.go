package mss_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// All that is wrong with a call is told at once, to its last word.
func TestAllProblemsAreToldToTheEnd(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	_, err := b.client.Open(context.Background(), mss.Access{})
	for _, problem := range []string{"Access.Address: the address of a professional mailbox is mandatory", "Access.Actor: who acts is mandatory, with their identifier (ECO.4.1.1)",
		"Access.Actor.Tokens: mandatory", "Access.Label: a given and a family name, or an entity, is mandatory in From (ECO.2.2.7); the Actor has none"} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), "…")
	require.NotContains(t, err.Error(), "\n")

	_, err = b.client.Watch(context.Background(), mss.WatchConfig{Poll: -1})
	require.ErrorContains(t, err, "WatchConfig.Handle: mandatory")
	require.ErrorContains(t, err, "Renew is 28 minutes at most")

	m := b.open(t)
	_, err = m.Search(context.Background(), mss.Query{Subject: "a\x00", Text: "b\x00", Headers: map[string]string{"a:" + matricule: ""}, Flags: []mss.Flag{"a b"}})
	for _, problem := range []string{"a text without control characters", "Query.Headers: the name of a header field expected", "Query.Text: a text without"} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), matricule)
}
