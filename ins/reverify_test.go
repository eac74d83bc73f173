package ins_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

func TestAnINSIsVerifiedAgain(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	recovered := must(t)(id.Accept(r, accept))
	claim, err := recovered.Claim()
	require.NoError(t, err)
	require.Equal(t, ins.Claim{INS: r.Active, Traits: recovered.Traits()}, claim)

	later := now.AddDate(4, 0, 0)
	ok := ins.Verification{Claim: claim, Confirmed: true, At: later}
	require.Equal(t, ins.DueNow, ins.Reverification{}.Of(recovered, later).State)
	again := must(t)(recovered.Verified(ok, "PR"))
	require.Equal(t, ins.Recuperee, again.Status())
	require.Equal(t, later, again.ConfirmedAt())
	require.Equal(t, now, again.QueriedAt(), "the date d'interrogation stays")
	require.Equal(t, r.History, again.History())
	require.Equal(t, ins.Confirmed, ins.Reverification{}.Of(again, later).State)
	last := again.Changes()[1]
	require.Equal(t, "verified", last.Event)
	require.Zero(t, last.Withdrawn)
	restored, err := ins.Restore(again.Record())
	require.NoError(t, err)
	require.Equal(t, later, restored.ConfirmedAt())
	require.Equal(t, later, must(t)(again.Verified(ins.Verification{Claim: claim, Confirmed: true, At: now}, "")).ConfirmedAt(), "an older answer takes nothing away")

	other := ok
	other.Claim.Traits.BirthName = "AUTRE"
	stranger := ok
	stranger.Claim.INS = r.History[0].INS
	for name, row := range map[string]struct {
		from ins.Identity
		v    ins.Verification
		err  error
	}{
		"KO":             {recovered, ins.Verification{Claim: claim, At: later}, ins.ErrNotConfirmed},
		"without a date": {recovered, ins.Verification{Claim: claim, Confirmed: true}, ins.ErrTransition},
		"other traits":   {recovered, other, ins.ErrTransition},
		"another INS":    {recovered, stranger, ins.ErrTransition},
		"no INS":         {id, ok, ins.ErrTransition},
		"validée":        {must(t)(id.Prove(card)), ok, ins.ErrTransition},
		"nothing":        {ins.Identity{}, ok, ins.ErrTransition},
	} {
		got, err := row.from.Verified(row.v, "")
		require.ErrorIs(t, err, row.err, name)
		require.Equal(t, row.from, got, name)
	}
}

// A scan becomes an INS of the record only by way of INSi.
func TestAScanThatINSiConfirmedIsAccepted(t *testing.T) {
	t.Parallel()
	scan, err := ins.ParseDatamatrix(header + "S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979S751215")
	require.NoError(t, err)
	id := identity(t, scan.Traits)
	require.Equal(t, ins.Provisoire, id.Status())
	_, err = ins.Verification{Claim: scan.Claim, At: now}.Result()
	require.ErrorIs(t, err, ins.ErrNotConfirmed)
	r, err := ins.Verification{Claim: scan.Claim, Confirmed: true, At: now}.Result()
	require.NoError(t, err)
	id = must(t)(id.Accept(r, accept))
	require.Equal(t, ins.Recuperee, id.Status(), "a document is still to be checked")
	require.Equal(t, now, id.ConfirmedAt())
	require.Equal(t, now.AddDate(3, 0, 0), ins.Reverification{}.Of(id, now.Add(time.Hour)).Due)
}
