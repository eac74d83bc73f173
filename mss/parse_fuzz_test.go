package mss

import (
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
