package ins_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/ins"
)

func TestDifferencesForAScreen(t *testing.T) {
	t.Parallel()
	local := traits(t, "DUPRÉ", "JEAN-CHRISTOPHE", "M", "1980-01-01", "")
	insi := traits(t, "DUPRES", "JEAN CHRISTOPHE PIERRE", "M", "1980-01-11", "63220")
	rows := ins.Differences(local, insi)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%s: %s | %s | %s", r.Label, r.Grade, r.Local[r.LocalSpan.Start:r.LocalSpan.End], r.INSi[r.INSiSpan.Start:r.INSiSpan.End]))
	}
	require.Equal(t, []string{
		"nom de naissance: discordant | É | ES",
		"premier prénom de naissance: cosmetic | -CHRISTOPHE | ",
		"liste des prénoms de naissance: completed | -CHRISTOPHE |  CHRISTOPHE PIERRE",
		"sexe: identical |  | ",
		"date de naissance: discordant | 01 | 11",
		"lieu de naissance: completed |  | 63220",
	}, got)
	require.Equal(t, "11/01/1980", rows[4].INSi)

	b, err := json.Marshal(rows)
	require.NoError(t, err)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", rows, rows, rows), string(b)} {
		for _, secret := range []string{"DUPR", "CHRISTOPHE", "1980", "63220"} {
			require.NotContains(t, s, secret)
		}
	}
}

// What is highlighted is all that differs, and cuts no character.
func TestSpans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.SampledFrom([]rune("ABÉ’-")), 0, 6, -1)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		r := ins.Differences(ins.Traits{BirthName: a}, ins.Traits{BirthName: b})[0]
		x, y := r.LocalSpan, r.INSiSpan
		require.Equal(t, b, a[:x.Start]+b[y.Start:y.End]+a[x.End:])
		require.True(t, a == b || x.End > x.Start || y.End > y.Start)
		require.Equal(t, a, string([]rune(a[:x.Start]))+string([]rune(a[x.Start:x.End]))+string([]rune(a[x.End:])))
	})
}
