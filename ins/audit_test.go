package ins_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

func TestEachChangeIsAudited(t *testing.T) {
	t.Parallel()
	var got []socle.AuditRecord
	a := ins.Auditor{
		Watch:     socle.Watch{Audit: func(_ context.Context, r socle.AuditRecord) { got = append(got, r) }, AuditKey: []byte("key")},
		Who:       who,
		Reference: "record 7",
	}
	id, r := ecetinsi(t)
	a.Tell(t.Context(), ins.Identity{}, id)
	qualified := must(t)(must(t)(id.Accept(r, accept)).Prove(card))
	a.Tell(t.Context(), id, qualified)
	other := r
	other.Traits.BirthName = "AUTRE"
	arbitrated := must(t)(qualified.Accept(other, ins.Acceptance{At: now, By: "PR", Discordant: true, Reason: "livret de famille vu"}))
	a.Tell(t.Context(), qualified, arbitrated)
	lost := must(t)(arbitrated.Downgrade(ins.VerificationFailed, ins.Provisoire, now, "PR"))
	a.Tell(t.Context(), arbitrated, lost)
	a.Tell(t.Context(), lost, must(t)(lost.Mark(ins.Homonyme, now, "PR")))
	a.Tell(t.Context(), lost, lost)

	var events []string
	pseudonym := a.Watch.Pseudonym(r.Active.Matricule.Wire())
	for i, x := range got {
		events = append(events, x.Operation+" "+x.Code)
		require.Equal(t, who.ID, x.Actor)
		require.Equal(t, "record 7", x.Reference)
		require.Equal(t, socle.OutcomeDone, x.Outcome)
		require.Equal(t, socle.ServiceINS, x.Service)
		require.False(t, x.At.IsZero())
		if i >= 1 && i <= 4 {
			require.Equal(t, pseudonym, x.Patient, x.Operation)
		} else {
			require.Empty(t, x.Patient, x.Operation)
		}
	}
	require.Equal(t, []string{"identity.created PROV>PROV", "identity.accepted PROV>RECUP", "identity.proved RECUP>QUAL",
		"identity.accepted QUAL>RECUP", "identity.downgraded RECUP>PROV", "identity.marked PROV>PROV"}, events)
	require.Equal(t, "the user preferred the traits of INSi: birth name (SC.INS/va1.52): livret de famille vu", got[3].Reason)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	for _, secret := range []string{r.Active.Matricule.Number(), "ECETINSI", "AUTRE", "PIERRE", "2009"} {
		require.NotContains(t, string(b), secret)
	}
	changes := lost.Changes()
	require.Equal(t, r.Active, changes[len(changes)-1].Withdrawn, "receivers must be told")
	require.Zero(t, changes[0].Withdrawn)
}
