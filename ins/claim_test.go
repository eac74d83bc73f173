package ins_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

func TestOddities(t *testing.T) {
	t.Parallel()
	c, err := patTrois(t, ins.OIDNIR).Claim()
	require.NoError(t, err)
	require.Empty(t, c.Oddities())
	for name, row := range map[string]struct {
		edit func(*ins.Claim)
		want int
	}{
		"another sex":       {func(c *ins.Claim) { c.Traits.Sex = ins.Male }, 1},
		"another century":   {func(c *ins.Claim) { c.Traits.BirthDate.Year = 1879 }, 0},
		"another year":      {func(c *ins.Claim) { c.Traits.BirthDate.Year = 1980 }, 1},
		"another month":     {func(c *ins.Claim) { c.Traits.BirthDate.Month = 4 }, 1},
		"month unknown":     {func(c *ins.Claim) { c.Traits.BirthDate.Month = 0 }, 0},
		"another place":     {func(c *ins.Claim) { c.Traits.BirthPlace = "99100" }, 1},
		"no place":          {func(c *ins.Claim) { c.Traits.BirthPlace = "" }, 0},
		"another person":    {func(c *ins.Claim) { c.Traits = answered }, 3},
		"nothing but a sex": {func(c *ins.Claim) { c.Traits = ins.Traits{Sex: ins.Female} }, 0},
		"no matricule":      {func(c *ins.Claim) { c.INS = ins.INS{} }, 0},
	} {
		got := c
		row.edit(&got)
		require.Len(t, got.Oddities(), row.want, name)
	}
	for _, p := range instest.Catalogue() {
		require.Empty(t, ins.Claim{INS: p.INS, Traits: p.Traits}.Oddities(), p.Traits.BirthName)
	}
}
