package ordonnance_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ordonnance"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]ordonnance.Number{
		"01S2TBPZ2JCNZZYGHZ":          "01S2TBPZ2JCNZZYGHZ",
		" 01s2 tbpz 2jcn-zzyghz \r\n": "01S2TBPZ2JCNZZYGHZ",
		"12":                          "12",
	} {
		n, err := ordonnance.ParseNumber(in)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for _, in := range []string{"", "  ", "a/b", "01S2?x=1", "é"} {
		_, err := ordonnance.ParseNumber(in)
		require.ErrorIs(t, err, ordonnance.ErrMalformed, in)
	}
	require.True(t, ordonnance.Number("01S2TBPZ2JCNZZYGHZ").WellFormed())
	for _, n := range []ordonnance.Number{"01S2TBPZ2JCNZZYGH", "01I2TBPZ2JCNZZYGHZ", "01s2TBPZ2JCNZZYGHZ"} {
		require.False(t, n.WellFormed(), n)
	}
}

func TestParse2D(t *testing.T) {
	t.Parallel()
	const n = "01S2TBPZ2JCNZZYGHZ"
	for in, want := range map[string]ordonnance.Code2D{
		n:                                     {Number: n, Raw: n, Form: ordonnance.FormNumber},
		"]Q1" + n + "\r\n":                    {Number: n, Raw: n, Form: ordonnance.FormNumber},
		"01s2tbpz2jcnzzyghz":                  {Number: n, Raw: "01s2tbpz2jcnzzyghz", Form: ordonnance.FormNumber},
		"à&S2TBPZ2JCNZZYGHZ":                  {Number: n, Raw: "à&S2TBPZ2JCNZZYGHZ", Form: ordonnance.FormNumber},
		n + "|KEY/1":                          {Number: n, Key: "KEY/1", Raw: n + "|KEY/1", Form: ordonnance.FormDelimited},
		"https://example.test/p/" + n:         {Number: n, Raw: "https://example.test/p/" + n, Form: ordonnance.FormURL},
		"https://example.test/p?n=" + n + "&": {Number: n, Raw: "https://example.test/p?n=" + n + "&", Form: ordonnance.FormURL},
		"Hello :)":                            {Raw: "Hello :)", Form: ordonnance.FormRaw}, // the code of all published documents
		"":                                    {Form: ordonnance.FormRaw},
	} {
		got := ordonnance.Parse2D(in)
		require.Equal(t, want, got, in)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", got, got, got), n)
	}
}

func FuzzParse2D(f *testing.F) {
	for _, s := range []string{"]Q101S2TBPZ2JCNZZYGHZ", "https://a/01S2TBPZ2JCNZZYGHZ?x", "à&é", "01S2TBPZ2JCNZZYGHZ|x", "]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := ordonnance.Parse2D(s)
		if c.Number != "" && !c.Number.WellFormed() {
			t.Fatal("a number of unexpected form was recognised")
		}
	})
}
