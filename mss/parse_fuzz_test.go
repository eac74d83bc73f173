package mss

import (
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDirectoryAnswer(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Bundle","link":[{"relation":"next","url":"x"}],"entry":[{"resource":{"resourceType":"Organization","id":"1","name":"n","active":true,
		"identifier":[{"system":"https://finess.esante.gouv.fr","value":"010000024"}],"telecom":[{"system":"email","value":"a@b.mssante.fr","extension":[{"url":"x/as-ext-mailbox-mss-metadata","extension":[{"url":"type","valueCode":"ORG"}]}]}]}}]}`))
	f.Add([]byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","diagnostics":"HAPI-0302: x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = parseRefused(400, b).Error()
		p, err := parsePage(b)
		if err != nil {
			require.ErrorIs(t, err, ErrDirectoryAnswer)
			return
		}
		for _, resource := range []string{"Practitioner", "PractitionerRole", "Organization"} {
			for l, err := range p.listings(resource) {
				if err == nil {
					require.False(t, l.Address.IsZero())
				}
			}
		}
	})
}

func FuzzAutoconfig(f *testing.F) {
	f.Add([]byte(`<clientConfig><emailProvider><incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>143</port><socketType>STARTTLS</socketType></incomingServer>`+
		`<outgoingServer type="smtp"><hostname>smtp.x.fr</hostname><port>587</port><socketType>STARTTLS</socketType></outgoingServer></emailProvider></clientConfig>`), "x.mssante.fr")
	f.Fuzz(func(t *testing.T, b []byte, domain string) {
		r, err := parseAutoconfig(b, domain)
		if err != nil {
			var e *AutoconfigError
			require.ErrorAs(t, err, &e)
			return
		}
		for _, a := range append(r.IMAP, r.Submission...) {
			host, port, err := net.SplitHostPort(a)
			require.NoError(t, err)
			require.True(t, isDomain(host), host)
			require.NotEqual(t, "0", port)
		}
	})
}

// The order follows RFC 2782: priorities ascend, and in one priority hosts come
// first as often as their weight wants.
func TestRecordsAreDrawnByWeight(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	records := []*net.SRV{{Target: "a", Priority: 1, Weight: 75}, {Target: "b", Priority: 1, Weight: 25}, {Target: "c", Priority: 1}, {Target: "d", Priority: 0}, nil}
	first := map[string]int{}
	const times = 20_000
	for range times {
		got := ordered(records, r.IntN)
		require.Len(t, got, 4)
		require.Equal(t, "d", got[0].Target)
		first[got[1].Target]++
	}
	require.InDelta(t, 0.75, float64(first["a"])/times, 0.02)
	require.InDelta(t, 0.25, float64(first["b"])/times, 0.02)
	require.InDelta(t, 0.01, float64(first["c"])/times, 0.01, "weight 0 has a small chance")
	require.Positive(t, first["c"])
}
