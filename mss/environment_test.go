package mss_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func TestTestIdentitiesStayOutOfProduction(t *testing.T) {
	t.Parallel()
	require.True(t, mss.MailizFormation().Test)
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) { c.Environment.Test = false })
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	for _, d := range []mss.Draft{
		{Patients: []ins.Identity{qualified(t, true)}, Text: "Bonjour"},
		{To: []mss.Address{address(t, office)}, Text: "Bonjour", Documents: []mss.Outgoing{{CDA: small("1")}}},
	} {
		_, err = m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrEnvironment)
		require.ErrorContains(t, err, "INS-NIR-TEST")
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	require.Len(t, b.server.Journal(), 2, "nothing but opening went to the operator")
}
