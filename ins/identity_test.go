package ins_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

var (
	card   = ins.Evidence{Kind: ins.IDCard, At: now, By: "PR"}
	accept = ins.Acceptance{At: now, By: "PR"}
)

func ecetinsi(t testing.TB) (ins.Identity, ins.Result) {
	t.Helper()
	id, err := ins.Parse("109076322083489", "1.2.250.1.213.1.4.10")
	require.NoError(t, err)
	old, err := ins.ParseLenient("209076322083439", "1.2.250.1.213.1.4.10")
	require.NoError(t, err)
	tr := traits(t, "ECETINSI", "PIERRE-ALAIN MURIEL", "M", "2009-07-14", "63220")
	tr.FirstGivenName = "PIERRE-ALAIN"
	r := ins.Result{Active: id, Traits: tr, History: []ins.Past{{INS: old}, {INS: old}}, At: now}
	return identity(t, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", "")), r
}

// must gives the identity of a transition that has to succeed.
func must(t testing.TB) func(ins.Identity, error) ins.Identity {
	return func(id ins.Identity, err error) ins.Identity {
		t.Helper()
		require.NoError(t, err)
		return id
	}
}

func TestTheTwoWaysToAQualifiedIdentity(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	require.Equal(t, ins.Provisoire, id.Status())

	recovered := must(t)(id.Accept(r, accept))
	require.Equal(t, ins.Recuperee, recovered.Status())
	_, err := recovered.Sendable()
	require.ErrorIs(t, err, ins.ErrNotQualified)
	require.ErrorContains(t, err, "récupérée")
	require.ErrorContains(t, err, "EXI ID 29")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))

	validated := must(t)(id.Prove(card))
	require.Equal(t, ins.Validee, validated.Status())
	_, err = validated.Sendable()
	require.ErrorIs(t, err, ins.ErrNotQualified)

	for _, q := range []ins.Identity{must(t)(recovered.Prove(card)), must(t)(validated.Accept(r, accept))} {
		require.Equal(t, ins.Qualifiee, q.Status())
		require.Equal(t, "QUAL", q.Status().Code())
		got, err := q.Sendable()
		require.NoError(t, err)
		require.Equal(t, r.Active, got)
		require.Equal(t, r.Traits, q.Traits(), "the traits of INSi replace those known here")
		require.Equal(t, r.History, q.History(), "as returned, duplicates included")
		require.Equal(t, card, q.Evidence())
		require.Equal(t, now, q.QueriedAt())
		require.Len(t, q.Changes(), 2)
	}
	require.Equal(t, ins.Provisoire, id.Status(), "an identity never changes")
	require.Empty(t, id.Changes())
	require.Equal(t, []ins.Change{
		{At: now, By: "PR", Event: "accepted", From: ins.Provisoire, To: ins.Recuperee, Reason: "INSi gave the identity and the user accepted it", Requirement: "SC.INS/va1.52", Previous: id.Traits()},
	}, recovered.Changes())
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	do := must(t)
	validated := do(id.Prove(card))
	recovered := do(id.Accept(r, accept))
	qualified := do(recovered.Prove(card))
	edited := r.Traits
	edited.BirthName = "AUTRE"
	other := r
	other.Traits.GivenNames, other.Traits.FirstGivenName = "GUNTHER", "GUNTHER"
	arbitrated := ins.Acceptance{At: now, Discordant: true, Reason: "livret de famille vu"}
	doubtful := do(id.Mark(ins.Douteuse, now, ""))

	for _, row := range []struct {
		name  string
		from  ins.Identity
		event func(ins.Identity) (ins.Identity, error)
		to    ins.Status
		err   error
		says  string
	}{
		{"a trait is edited: PROV", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Edit(edited, now, "") }, ins.Provisoire, nil, "SC.INS/va1.60"},
		{"a trait is edited: RECUP", recovered, func(i ins.Identity) (ins.Identity, error) { return i.Edit(edited, now, "") }, ins.Provisoire, nil, "SC.INS/va1.60"},
		{"a bad trait", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Edit(ins.Traits{}, now, "") }, ins.Qualifiee, ins.ErrInvalid, ""},
		{"verification KO: VALI", qualified, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Validee, now, "")
		}, ins.Validee, nil, "SC.INS/va1.08"},
		{"verification KO: PROV", qualified, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Provisoire, now, "")
		}, ins.Provisoire, nil, "SC.INS/va1.08"},
		{"verification KO of a RECUP cannot be VALI", recovered, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Validee, now, "")
		}, ins.Recuperee, ins.ErrTransition, "EXI ID 19"},
		{"wrong document: PROV", qualified, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.WrongDocument, ins.Provisoire, now, "")
		}, ins.Provisoire, nil, "EXI ID 19"},
		{"wrong document cannot be VALI", qualified, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.WrongDocument, ins.Validee, now, "")
		}, ins.Qualifiee, ins.ErrTransition, "no document stands"},
		{"a downgrade never raises", validated, func(i ins.Identity) (ins.Identity, error) {
			return i.Downgrade(ins.VerificationFailed, ins.Qualifiee, now, "")
		}, ins.Validee, ins.ErrTransition, ""},
		{"a downgrade has a cause", validated, func(i ins.Identity) (ins.Identity, error) { return i.Downgrade(0, ins.Provisoire, now, "") }, ins.Validee, ins.ErrTransition, "cause"},
		{"douteuse", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Douteuse, now, "") }, ins.Provisoire, nil, "SC.INS/va1.44"},
		{"douteuse and homonyme", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Douteuse|ins.Homonyme, now, "") }, ins.Provisoire, nil, ""},
		{"fictive", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Fictive, now, "") }, ins.Provisoire, nil, ""},
		{"homonyme keeps the status", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Homonyme, now, "") }, ins.Qualifiee, nil, ""},
		{"fictive and homonyme", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Fictive|ins.Homonyme, now, "") }, ins.Qualifiee, ins.ErrTransition, "EXI ID 24"},
		{"fictive after douteuse", doubtful, func(i ins.Identity) (ins.Identity, error) { return i.Mark(ins.Fictive, now, "") }, ins.Provisoire, ins.ErrTransition, ""},
		{"an unknown attribute", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Mark(64, now, "") }, ins.Qualifiee, ins.ErrTransition, ""},
		{"douteuse stays provisoire: document", doubtful, func(i ins.Identity) (ins.Identity, error) { return i.Prove(card) }, ins.Provisoire, ins.ErrTransition, "EXI SI 09"},
		{"douteuse stays provisoire: INSi", doubtful, func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, accept) }, ins.Provisoire, ins.ErrTransition, "EXI SI 09"},
		{"lifted, the status stays", doubtful, func(i ins.Identity) (ins.Identity, error) { return i.Unmark(ins.Douteuse, now, "") }, ins.Provisoire, nil, ""},
		{"discordant traits", validated, func(i ins.Identity) (ins.Identity, error) { return i.Accept(other, accept) }, ins.Validee, ins.ErrDiscordant, "another first given name, given names"},
		{"arbitrated without a reason", validated, func(i ins.Identity) (ins.Identity, error) {
			return i.Accept(other, ins.Acceptance{At: now, Discordant: true})
		}, ins.Validee, ins.ErrTransition, "reason"},
		{"arbitrated: the document must be checked again", validated, func(i ins.Identity) (ins.Identity, error) { return i.Accept(other, arbitrated) }, ins.Recuperee, nil, "preferred the traits of INSi"},
		{"arbitrated on a qualified one", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Accept(other, arbitrated) }, ins.Recuperee, nil, ""},
		{"refreshed", qualified, func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, accept) }, ins.Qualifiee, nil, ""},
		{"accepted without a date", id, func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, ins.Acceptance{}) }, ins.Provisoire, ins.ErrTransition, "date"},
		{"evidence without kind", recovered, func(i ins.Identity) (ins.Identity, error) { return i.Prove(ins.Evidence{At: now}) }, ins.Recuperee, ins.ErrTransition, "preselected"},
		{"evidence without date", recovered, func(i ins.Identity) (ins.Identity, error) { return i.Prove(ins.Evidence{Kind: ins.Passport}) }, ins.Recuperee, ins.ErrTransition, "date"},
		{"evidence of an unknown kind", recovered, func(i ins.Identity) (ins.Identity, error) { return i.Prove(ins.Evidence{Kind: "FACTURE", At: now}) }, ins.Recuperee, ins.ErrTransition, "Custom"},
		{"evidence of the structure's procedure", recovered, func(i ins.Identity) (ins.Identity, error) {
			return i.Prove(ins.Evidence{Kind: "TC", At: now, Custom: true})
		}, ins.Qualifiee, nil, "TC"},
		{"nothing known, document", ins.Identity{}, func(i ins.Identity) (ins.Identity, error) { return i.Prove(card) }, ins.Provisoire, ins.ErrTransition, "SC.INS/va1.21"},
		{"nothing known, INSi", ins.Identity{}, func(i ins.Identity) (ins.Identity, error) { return i.Accept(r, accept) }, ins.Provisoire, ins.ErrTransition, "SC.INS/va1.21"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			before := row.from.Status()
			got, err := row.event(row.from)
			require.Equal(t, before, row.from.Status(), "the former identity stays")
			require.Equal(t, row.to, got.Status())
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
				require.ErrorContains(t, err, row.says)
				require.Equal(t, row.from, got)
				return
			}
			require.NoError(t, err)
			last := got.Changes()[len(got.Changes())-1]
			require.Equal(t, before, last.From)
			require.Equal(t, row.to, last.To)
			require.Contains(t, last.Reason+" "+last.Requirement, row.says)
			if got.Status() != ins.Qualifiee {
				_, err := got.Sendable()
				require.ErrorIs(t, err, ins.ErrNotQualified)
			}
			if got.Status() == ins.Provisoire || got.Status() == ins.Validee {
				require.Empty(t, got.History())
				require.Zero(t, got.QueriedAt())
			}
		})
	}
}

func TestAnswersThatMayNotBeImported(t *testing.T) {
	t.Parallel()
	id, good := ecetinsi(t)
	for name, row := range map[string]struct {
		edit func(*ins.Result)
		rule string
	}{
		"no INS":           {func(r *ins.Result) { r.Active = ins.INS{} }, "SC.INS/va1.52"},
		"matricule alone":  {func(r *ins.Result) { r.Active.OID = 0 }, "SC.INS/va1.52"},
		"no birth name":    {func(r *ins.Result) { r.Traits.BirthName = "" }, "SC.INS/va1.31"},
		"no given names":   {func(r *ins.Result) { r.Traits.GivenNames, r.Traits.FirstGivenName = "", "" }, "SC.INS/va1.31"},
		"no sex":           {func(r *ins.Result) { r.Traits.Sex = "" }, "SC.INS/va1.31"},
		"another sex code": {func(r *ins.Result) { r.Traits.Sex = "I" }, "SC.INS/va1.31"},
		"00 in the date":   {func(r *ins.Result) { r.Traits.BirthDate.Day = 0 }, "SC.INS/va1.28"},
		"no date":          {func(r *ins.Result) { r.Traits.BirthDate = ins.BirthDate{} }, "SC.INS/va1.28"},
	} {
		r := good
		row.edit(&r)
		_, err := id.Accept(r, ins.Acceptance{At: now, Discordant: true, Reason: "x"})
		require.ErrorIs(t, err, ins.ErrTransition, name)
		require.ErrorContains(t, err, row.rule, name)
	}
}

func TestThePremierPrenomStaysWhileItAgrees(t *testing.T) {
	t.Parallel()
	_, r := ecetinsi(t)
	r.Traits.GivenNames, r.Traits.FirstGivenName = "JEAN CHRISTOPHE PIERRE", "JEAN"
	tr := r.Traits
	tr.GivenNames, tr.FirstGivenName = "JEAN-CHRISTOPHE", "JEAN-CHRISTOPHE"
	id := must(t)(identity(t, tr).Accept(r, accept))
	require.Equal(t, "JEAN-CHRISTOPHE", id.Traits().First())
	require.Equal(t, "JEAN CHRISTOPHE PIERRE", id.Traits().GivenNames)

	q := must(t)(id.Prove(card))
	next := q.Traits()
	next.FirstGivenName = "JEAN"
	q = must(t)(q.Edit(next, now, "PR"))
	require.Equal(t, ins.Qualifiee, q.Status(), "EXI ID 10: it stays editable")
	next.FirstGivenName = "PIERRE"
	_, err := q.Edit(next, now, "PR")
	require.ErrorIs(t, err, ins.ErrInvalid)
	same := must(t)(q.Edit(q.Traits(), now, "PR"))
	require.Equal(t, ins.Qualifiee, same.Status())
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	require.Equal(t, "homonyme, douteuse", (ins.Homonyme | ins.Douteuse).String())
	require.Empty(t, ins.Attribute(0).String())
	require.Equal(t, "unknown status", ins.Status(9).String())
	require.Empty(t, ins.Status(9).Code())
	_, err := ins.NewIdentity(ins.Traits{})
	require.ErrorIs(t, err, ins.ErrInvalid)
}

// No sequence of events yields an INS that may be sent without an answer of
// INSi accepted and a document checked, both since the last event that voids them.
func TestNoSequenceOfEventsLeaksAnINS(t *testing.T) {
	t.Parallel()
	start, good := ecetinsi(t)
	discordant := good
	discordant.Traits.BirthName = "AUTRE"
	edited := good.Traits
	edited.BirthPlace = "75056"
	rapid.Check(t, func(rt *rapid.T) {
		id := start
		var accepted, proved, blocked bool // what the model knows
		for range rapid.IntRange(1, 30).Draw(rt, "events") {
			next, err := id, error(nil)
			event := rapid.SampledFrom([]string{"accept", "accept discordant", "arbitrate", "prove", "edit", "edit back", "KO", "KO validée", "wrong document", "contradicted", "store", "verified", "app",
				"douteuse", "homonyme", "fictive", "lift"}).Draw(rt, "event")
			switch event {
			case "accept":
				if next, err = id.Accept(good, accept); err == nil {
					accepted = true
				}
			case "accept discordant":
				if next, err = id.Accept(discordant, accept); err == nil {
					accepted = true // only an identity that was arbitrated before agrees
				}
			case "arbitrate":
				differs := ins.Compare(id.Traits(), discordant.Traits).Worst() == ins.Discordant
				if next, err = id.Accept(discordant, ins.Acceptance{At: now, Discordant: true, Reason: "x"}); err == nil {
					accepted = true
					if differs {
						proved = false
					}
				}
			case "prove":
				if next, err = id.Prove(card); err == nil {
					proved = true
				}
			case "edit", "edit back":
				to := edited
				if event == "edit back" {
					to = start.Traits()
				}
				same := id.Traits() == to
				if next, err = id.Edit(to, now, ""); err == nil && !same {
					accepted, proved = false, false
				}
			case "KO":
				if next, err = id.Downgrade(ins.VerificationFailed, ins.Provisoire, now, ""); err == nil {
					accepted, proved = false, false
				}
			case "KO validée":
				if next, err = id.Downgrade(ins.VerificationFailed, ins.Validee, now, ""); err == nil {
					accepted = false
				}
			case "wrong document":
				if next, err = id.Downgrade(ins.WrongDocument, ins.Provisoire, now, ""); err == nil {
					accepted, proved = false, false
				}
			case "contradicted":
				if next, err = id.Downgrade(ins.Contradicted, ins.Provisoire, now, ""); err == nil {
					accepted, proved = false, false
				}
			case "verified": // of whatever INS and traits, and whatever INSi said
				v := ins.Verification{Claim: ins.Claim{INS: good.Active, Traits: id.Traits()}, At: now, Confirmed: rapid.Bool().Draw(rt, "confirmed")}
				next, err = id.Verified(v, "")
			case "app": // the appli carte Vitale gives and proves at once
				c := ins.ApCVContext{ID: "c", INS: good.Active, Traits: good.Traits, At: now}
				if next, err = id.AcceptApCV(c, ins.Acceptance{At: now, Discordant: true, Reason: "x"}); err == nil {
					accepted, proved = true, true
				}
			case "store": // into the base and back, which forgets the changes
				if id, err = ins.Restore(id.Record()); err != nil {
					rt.Fatalf("a record that cannot be restored: %v", err)
				}
				next = id
			case "douteuse", "fictive":
				a := map[string]ins.Attribute{"douteuse": ins.Douteuse, "fictive": ins.Fictive}[event]
				if next, err = id.Mark(a, now, ""); err == nil {
					accepted, proved, blocked = false, false, true
				}
			case "homonyme":
				next, err = id.Mark(ins.Homonyme, now, "")
			case "lift":
				if next, err = id.Unmark(ins.Douteuse|ins.Fictive|ins.Homonyme, now, ""); err == nil {
					blocked = false
				}
			}
			if err != nil && (next.Status() != id.Status() || len(next.Changes()) != len(id.Changes())) {
				rt.Fatal("a refused event changed the identity")
			}
			id = next
			want := ins.Provisoire
			switch {
			case accepted && proved:
				want = ins.Qualifiee
			case accepted:
				want = ins.Recuperee
			case proved:
				want = ins.Validee
			}
			if id.Status() != want {
				rt.Fatalf("after %s: %s, want %s", event, id.Status(), want)
			}
			got, err := id.Sendable()
			if (err == nil) != (accepted && proved && !blocked) {
				rt.Fatalf("after %s: sendable with accepted=%t proved=%t blocked=%t", event, accepted, proved, blocked)
			}
			if err != nil && (!errors.Is(err, ins.ErrNotQualified) || !got.IsZero()) {
				rt.Fatal("an INS with an error")
			}
			if blocked && id.CanQuery() == nil {
				rt.Fatal("INSi may be asked about a doubtful identity")
			}
			if !accepted && (len(id.History()) > 0 || !id.ConfirmedAt().IsZero() || id.Record().Matricule != "") {
				rt.Fatal("something of an INS is left")
			}
			text, err := id.Datamatrix()
			if sends := accepted && proved && !blocked; sends != (err == nil) || sends != (text != "") {
				rt.Fatal("a datamatrix of an identity that is not qualified, or none of one that is")
			}
		}
	})
}
