package ins_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/ins"
)

func TestVerificationComesDue(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	recovered := must(t)(id.Accept(r, accept))
	for _, row := range []struct {
		policy ins.Reverification
		after  func(time.Time) time.Time
		want   ins.Due
	}{
		{ins.Reverification{}, func(x time.Time) time.Time { return x }, ins.Confirmed},
		{ins.Reverification{}, func(x time.Time) time.Time { return x.AddDate(3, 0, 0).Add(-time.Second) }, ins.Confirmed},
		{ins.Reverification{}, func(x time.Time) time.Time { return x.AddDate(3, 0, 0) }, ins.DueNow},
		{ins.Reverification{}, func(x time.Time) time.Time { return x.AddDate(5, 0, 0).Add(-time.Second) }, ins.DueNow},
		{ins.Reverification{}, func(x time.Time) time.Time { return x.AddDate(5, 0, 0) }, ins.Overdue},
		{ins.Reverification{DueYears: 1}, func(x time.Time) time.Time { return x.AddDate(1, 0, 0) }, ins.DueNow},
		{ins.Reverification{DueYears: 6}, func(x time.Time) time.Time { return x.AddDate(5, 1, 0) }, ins.Confirmed},
		{ins.Reverification{DueYears: 6}, func(x time.Time) time.Time { return x.AddDate(6, 0, 0) }, ins.Overdue},
	} {
		d := row.policy.Of(recovered, row.after(now))
		require.Equal(t, row.want, d.State, "%+v", row.policy)
		require.Equal(t, now, d.Since)
	}
	for _, none := range []ins.Identity{{}, id, must(t)(id.Prove(card))} {
		require.Zero(t, ins.Reverification{}.Of(none, now))
	}
	rec := recovered.Record()
	rec.QueriedAt = time.Time{}
	unknown, err := ins.Restore(rec)
	require.NoError(t, err)
	require.Equal(t, ins.Overdue, ins.Reverification{}.Of(unknown, now).State, "nobody knows since when")
	require.Equal(t, "overdue", ins.Overdue.String())
}

func TestDueNeverGetsBetterWithTime(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	recovered := must(t)(id.Accept(r, accept))
	rapid.Check(t, func(t *rapid.T) {
		p := ins.Reverification{DueYears: rapid.IntRange(-1, 8).Draw(t, "due"), OverdueYears: rapid.IntRange(-1, 8).Draw(t, "overdue")}
		a := now.Add(time.Duration(rapid.IntRange(0, 10*365).Draw(t, "days")) * 24 * time.Hour)
		b := a.Add(time.Duration(rapid.IntRange(0, 3650).Draw(t, "more")) * 24 * time.Hour)
		x, y := p.Of(recovered, a), p.Of(recovered, b)
		require.LessOrEqual(t, x.State, y.State)
		require.False(t, x.Overdue.Before(x.Due))
	})
}
