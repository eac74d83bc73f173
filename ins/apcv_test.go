package ins_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

func app(t *testing.T) ins.ApCVContext {
	t.Helper()
	c := zoeClaim(t)
	c.Traits.BirthPlace = "63220"
	return ins.ApCVContext{ID: "6f1c5e0a", INS: c.INS, Traits: c.Traits, At: now}
}

var accepted = ins.Acceptance{At: now, By: "the pharmacist"}

func TestTheAppQualifiesWithoutACall(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	for name, id := range map[string]ins.Identity{"of nobody known": {}, "provisional": identity(t, zoe(t))} {
		q, err := id.AcceptApCV(app(t), accepted)
		require.NoError(t, err, name)
		require.Equal(t, ins.Qualifiee, q.Status())
		sent, err := q.Sendable()
		require.NoError(t, err)
		require.Equal(t, zoeClaim(t).INS, sent)
		require.Equal(t, ins.HealthApp, q.Evidence().Kind)
		require.Equal(t, now, q.ConfirmedAt())
		require.Len(t, q.Changes(), 1)

		_, err = c.Search(t.Context(), who, q)
		require.ErrorIs(t, err, ins.ErrBlocked)
		require.ErrorContains(t, err, "RNIV 2.0 §4.3.4")
		kept, err := ins.Restore(q.Record())
		require.NoError(t, err)
		require.ErrorIs(t, kept.CanQuery(), ins.ErrBlocked, "also after it was kept")
		edited, err := q.Edit(traits(t, "ADRUN", "ZOE", "F", "1975-12-30", ""), now, "PR")
		require.NoError(t, err)
		require.NoError(t, edited.CanQuery(), "the application does not vouch for other traits")
		_, err = edited.Sendable()
		require.ErrorIs(t, err, ins.ErrNotQualified)
	}
	require.Empty(t, srv.Journal())
}

func TestTheAppAfterINSi(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	s, err := c.Search(t.Context(), who, identity(t, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", "")))
	require.NoError(t, err)
	id, err := identity(t, s.Result.Traits).Accept(s.Result, accepted)
	require.NoError(t, err)
	context := ins.ApCVContext{ID: "1", INS: s.Result.Active, Traits: s.Result.Traits, At: now}
	q, err := id.AcceptApCV(context, accepted)
	require.NoError(t, err)
	require.Equal(t, ins.Qualifiee, q.Status())
	require.Len(t, q.History(), 2, "what INSi told of the same INS stays")
	context.INS = zoeClaim(t).INS
	q, err = id.AcceptApCV(context, accepted)
	require.NoError(t, err)
	require.Empty(t, q.History(), "but not of another's")
}

func TestWhatTheAppMayNotDo(t *testing.T) {
	t.Parallel()
	id := identity(t, zoe(t))
	for _, a := range []ins.Attribute{ins.Douteuse, ins.Fictive} {
		marked, err := id.Mark(a, now, "PR")
		require.NoError(t, err)
		_, err = marked.AcceptApCV(app(t), accepted)
		require.ErrorIs(t, err, ins.ErrTransition)
	}
	badKey, err := ins.ParseLenient("275126322074975", ins.OIDNIR.String())
	require.NoError(t, err)
	for name, edit := range map[string]func(*ins.ApCVContext){
		"no identifier": func(c *ins.ApCVContext) { c.ID = " " },
		"no time":       func(c *ins.ApCVContext) { c.At = time.Time{} },
		"no INS":        func(c *ins.ApCVContext) { c.INS = ins.INS{} },
		"wrong key":     func(c *ins.ApCVContext) { c.INS = badKey },
		"sex":           func(c *ins.ApCVContext) { c.Traits.Sex = ins.Indeterminate },
		"date":          func(c *ins.ApCVContext) { c.Traits.BirthDate.Day = 0 },
	} {
		context := app(t)
		edit(&context)
		same, err := id.AcceptApCV(context, accepted)
		require.ErrorIs(t, err, ins.ErrTransition, name)
		require.Equal(t, id, same)
	}
	_, err = id.AcceptApCV(app(t), ins.Acceptance{})
	require.ErrorIs(t, err, ins.ErrTransition)
	context := app(t)
	context.Traits.BirthName = "L0UIS"
	_, err = id.AcceptApCV(context, accepted)
	require.ErrorIs(t, err, ins.ErrInvalid)

	other := identity(t, traits(t, "AUTRE", "ZOE", "F", "1975-12-31", ""))
	_, err = other.AcceptApCV(app(t), accepted)
	require.ErrorIs(t, err, ins.ErrDiscordant)
	require.ErrorContains(t, err, "birth name")
	_, err = other.AcceptApCV(app(t), ins.Acceptance{At: now, Discordant: true})
	require.ErrorIs(t, err, ins.ErrTransition, "a reason is wanted")
	q, err := other.AcceptApCV(app(t), ins.Acceptance{At: now, Discordant: true, Reason: "married name was typed"})
	require.NoError(t, err)
	require.Equal(t, ins.Qualifiee, q.Status())
	require.Equal(t, "ADRUN", q.Traits().BirthName)
	changes := q.Changes()
	require.Equal(t, "married name was typed", changes[len(changes)-1].Justification)
}
