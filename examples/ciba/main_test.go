package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/psc/psctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args     []string
		status   int
		out, err string
	}{
		"two pharmacies":  {[]string{"-delai", "0s", "-qui", psctest.Adjoint, "-moyen", "MOBILE"}, 0, "PHARMACIE DU SECOND ESSAI (1990000028)", ""},
		"refuses":         {[]string{"-delai", "0s", "-decision", "refuse"}, 1, "Confirmez le nombre", "la personne a refusé"},
		"unknown person":  {[]string{"-qui", "899900001043"}, 1, "", "personne inconnue"},
		"bad identifier":  {[]string{"-qui", "x"}, 2, "", "identifiant"},
		"bad decision":    {[]string{"-decision", "x"}, 2, "", "décision"},
		"unknown channel": {[]string{"-moyen", "SMS"}, 1, "", "invalid channel"},
		"help":            {[]string{"-h"}, 0, "", "-moyen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			require.Equal(t, c.status, run(t.Context(), c.args, &out, &complaints), complaints.String())
			require.Contains(t, out.String(), c.out)
			require.Contains(t, complaints.String(), c.err)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var out, complaints bytes.Buffer
	require.Equal(t, 1, run(ctx, []string{"-decision", "ignore"}, &out, &complaints))
}
