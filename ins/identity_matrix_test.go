package ins_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

// Every event on every state: the status that follows, or the requirement that
// forbids it ("=" when nothing changes and nothing is recorded).
func TestEveryTransition(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	do := must(t)
	states := map[string]ins.Identity{
		"unknown": {}, "PROV": id, "VALI": do(id.Prove(card)), "RECUP": do(id.Accept(r, accept)), "QUAL": do(do(id.Accept(r, accept)).Prove(card)),
		"doubtful": do(id.Mark(ins.Douteuse, now, "")), "fictitious": do(id.Mark(ins.Fictive, now, "")),
	}
	order := []string{"unknown", "PROV", "VALI", "RECUP", "QUAL", "doubtful", "fictitious"}
	discordant := r
	discordant.Traits.BirthName = "AUTRE"
	forbidden := r
	forbidden.Traits.BirthDate.Day = 0
	edited := r.Traits
	edited.BirthName = "EDITE"
	type event func(ins.Identity) (ins.Identity, error)
	for _, row := range []struct {
		name  string
		event event
		want  string // one for each state, in order
	}{
		{"Prove", func(i ins.Identity) (ins.Identity, error) { return i.Prove(card) }, "va1.21 VALI VALI QUAL QUAL va1.44 va1.44"},
		{"Prove without a date", func(i ins.Identity) (ins.Identity, error) { return i.Prove(ins.Evidence{Kind: ins.Passport}) }, "va1.21 ID19 ID19 ID19 ID19 va1.44 va1.44"},
		{"Accept", func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, accept) }, "va1.21 RECUP QUAL RECUP QUAL va1.44 va1.44"},
		{"Accept without a date", func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, ins.Acceptance{}) }, "va1.21 va1.38 va1.38 va1.38 va1.38 va1.44 va1.44"},
		{"Accept what may not be imported", func(i ins.Identity) (ins.Identity, error) { return i.Accept(forbidden, accept) }, "va1.21 va1.28 va1.28 va1.28 va1.28 va1.44 va1.44"},
		{"Accept discordant", func(i ins.Identity) (ins.Identity, error) { return i.Accept(discordant, accept) }, "va1.21 va1.51 va1.51 va1.51 va1.51 va1.44 va1.44"},
		{"Accept discordant, arbitrated", func(i ins.Identity) (ins.Identity, error) {
			return i.Accept(discordant, ins.Acceptance{At: now, Discordant: true, Reason: "x"})
		}, "va1.21 RECUP RECUP RECUP RECUP va1.44 va1.44"},
		{"appli carte Vitale", func(i ins.Identity) (ins.Identity, error) {
			return i.AcceptApCV(ins.ApCVContext{ID: "c", INS: r.Active, Traits: r.Traits, At: now}, accept)
		}, "QUAL QUAL QUAL QUAL QUAL va1.44 va1.44"},
		{"Edit", func(i ins.Identity) (ins.Identity, error) { return i.Edit(edited, now, "") }, "= PROV PROV PROV PROV PROV PROV"},
		{"Edit to the same", func(i ins.Identity) (ins.Identity, error) { return i.Edit(i.Traits(), now, "") }, "EF_INS10_01 = = = = = ="},
		{"Edit without a date", func(i ins.Identity) (ins.Identity, error) { return i.Edit(edited, time.Time{}, "") }, "= va1.38 va1.38 va1.38 va1.38 va1.38 va1.38"},
		{"verification KO to provisoire", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Provisoire, now, "")
		}, "va1.08 va1.08 va1.08 PROV PROV va1.08 va1.08"},
		{"verification KO to validée", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Validee, now, "")
		}, "va1.08 va1.08 va1.08 ID19 VALI va1.08 va1.08"},
		{"verification KO to qualifiée", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Qualifiee, now, "")
		}, "va1.08 va1.08 va1.08 va1.08 va1.08 va1.08 va1.08"},
		{"wrong document to provisoire", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.WrongDocument, ins.Provisoire, now, "")
		}, "ID19 ID19 PROV ID19 PROV ID19 ID19"},
		{"wrong document to validée", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.WrongDocument, ins.Validee, now, "")
		}, "ID19 ID19 ID19 ID19 ID19 ID19 ID19"},
		{"contradicted by INSi", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.Contradicted, ins.Provisoire, now, "")
		}, "va1.51 va1.51 PROV va1.51 va1.51 va1.51 va1.51"},
		{"downgrade without a date", func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Provisoire, time.Time{}, "")
		}, "va1.08 va1.08 va1.08 va1.38 va1.38 va1.08 va1.08"},
		{"douteuse", func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Douteuse, now, "") }, "va1.21 PROV PROV PROV PROV = ID24"},
		{"fictive", func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Fictive, now, "") }, "va1.21 PROV PROV PROV PROV ID24 ="},
		{"homonyme", func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Homonyme, now, "") }, "va1.21 PROV VALI RECUP QUAL PROV ID24"},
		{"homonyme without a date", func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Homonyme, time.Time{}, "") }, "va1.21 va1.38 va1.38 va1.38 va1.38 va1.38 ID24"},
		{"lift douteuse", func(i ins.Identity) (ins.Identity, error) { return i.Unmark(ins.Douteuse, now, "") }, "= = = = = PROV ="},
		{"lift all", func(i ins.Identity) (ins.Identity, error) { return i.Unmark(ins.Douteuse|ins.Fictive, now, "") }, "= = = = = PROV PROV"},
	} {
		for n, want := range strings.Fields(row.want) {
			from := states[order[n]]
			got, err := row.event(from)
			at := row.name + " on " + order[n]
			var own *ins.Error
			switch {
			case errors.As(err, &own):
				require.Contains(t, strings.ReplaceAll(own.Requirement, " ", ""), strings.ReplaceAll(want, " ", ""), at)
				require.Equal(t, from, got, at)
				require.True(t, errors.Is(err, ins.ErrTransition) || errors.Is(err, ins.ErrDiscordant) || errors.Is(err, ins.ErrInvalid), at)
			case want == "=":
				require.NoError(t, err, at)
				require.Equal(t, from.Status(), got.Status(), at)
				require.Len(t, got.Changes(), len(from.Changes()), at)
			default:
				require.NoError(t, err, at)
				require.Equal(t, want, got.Status().Code(), at)
				changes := got.Changes()
				require.Len(t, changes, len(from.Changes())+1, at)
				last := changes[len(changes)-1]
				require.NotEmpty(t, last.Reason, at)
				require.NotEmpty(t, last.Requirement, at)
				require.Equal(t, now, last.At, at)
				require.Equal(t, from.Status().KeepsINS() && !got.Status().KeepsINS(), !last.Withdrawn.IsZero(), at)
			}
		}
	}
}

func TestWhoHasWhat(t *testing.T) {
	t.Parallel()
	for s, want := range map[ins.Status][4]bool{ // §5.4: INSi asked, document checked, INS stored, INS sent
		ins.Provisoire: {}, ins.Validee: {false, true, false, false}, ins.Recuperee: {true, false, true, false}, ins.Qualifiee: {true, true, true, true},
	} {
		require.Equal(t, want, [4]bool{s.Confirmed(), s.Proved(), s.KeepsINS(), s.SendsINS()}, s)
	}
}
