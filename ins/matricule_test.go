package ins_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/ins"
)

func TestMatriculesOfTheCatalogueAreValid(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"101066322075460", "160012B02077713", "297022A02077878", "181016322075140", "275126322074974", "109076322083489",
		"209076322083439", "209066322012355", "109076322088835", "114026322083356", "236066322083656", "180032B02040123",
		"181036322045676", "281036322045626", "277076322082910", "110086322083060", "207058575627097", "279035121518989",
		"188102B17295165",
	} {
		m, err := ins.ParseMatricule(s)
		require.NoError(t, err, s)
		require.True(t, m.KeyValid())
		require.Equal(t, s, m.Wire())
		require.Equal(t, s, m.Number()+m.Key())
		again, err := ins.ParseMatriculeLenient(" " + strings.ToLower(s[:3]) + " " + s[3:7] + "\u00a0" + strings.ToLower(s[7:]))
		require.NoError(t, err)
		require.Equal(t, m, again)
		require.True(t, m == again)
	}
}

func TestMatriculeRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value, says string
		lenient           bool // accepted leniently
	}{
		{"empty", "", "15 characters", false},
		{"without key", "1810363220456", "15 characters", false},
		{"wrong key (PADOA)", "181036322045660", "wrong key", true},
		{"wrong key of the history", "281036322045610", "wrong key", true},
		{"ANS example", "222127505611201", "wrong key", true},
		{"counting up", "123456789012345", "month", true},
		{"lower case Corsica", "180032b02040123", "digits", true},
		{"letter elsewhere", "18003220A040123", "digits", false},
		{"letter after another digit", "180031B02040123", "digits", false},
		{"month 00", "180006322075140", "month", true},
		{"month 14", "180146322075140", "month", true},
		{"month 43", "180436322075140", "month", true},
		{"first digit 5", "501066322075460", "first digit", true},
		{"spaces", "1 80 03 2B 020 401 23", "15 characters", true},
		{"arabic digits", "١٠١٠٦٦٣", "15 characters", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := ins.ParseMatricule(c.value)
			require.ErrorIs(t, err, ins.ErrInvalid)
			require.ErrorContains(t, err, c.says)
			require.True(t, m.IsZero())
			if len(c.value) > 6 {
				require.NotContains(t, err.Error(), c.value)
			}
			_, err = ins.ParseMatriculeLenient(c.value)
			require.Equal(t, c.lenient, err == nil, "lenient")
		})
	}
}

func TestMatriculeShowsItselfNowhere(t *testing.T) {
	t.Parallel()
	id, err := ins.Parse("180032B02040123", "1.2.250.1.213.1.4.8")
	require.NoError(t, err)
	type record struct {
		Public ins.INS
		hidden ins.INS
		number ins.Matricule
	}
	r := record{id, id, id.Matricule}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "ins", id, "m", id.Matricule, "r", r)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "ins", id, "m", id.Matricule, "r", r)
	j, err := json.Marshal(r)
	require.NoError(t, err)
	b.Write(j)
	fmt.Fprintf(&b, "%v %+v %#v", r, r, r)
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x", &r, id, id, id, id.Matricule, id.Matricule)
	require.NotContains(t, b.String(), "80032B")
	require.NotContains(t, b.String(), "020401")
	require.NotContains(t, b.String(), fmt.Sprintf("%x", "020401"))
}

func TestKeyCatchesEveryWrongDigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[1-478][0-9]{2}(0[1-9]|1[0-3]|[2-3][0-9]|5[0-9])([013-9][0-9]{4}|2[AB][0-9]{3})[0-9]{3}`).Draw(t, "number")
		var whole string
		for k := 1; k <= 97; k++ {
			c := fmt.Sprintf("%s%02d", s, k)
			if _, err := ins.ParseMatricule(c); err == nil {
				if whole != "" {
					t.Fatal("two keys accepted")
				}
				whole = c
			}
		}
		if whole == "" {
			t.Fatal("no key accepted")
		}
		i := rapid.IntRange(7, 12).Draw(t, "position")
		wrong := []byte(whole)
		wrong[i] = '0' + (wrong[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "shift")))%10
		if _, err := ins.ParseMatricule(string(wrong)); err == nil {
			t.Fatal("a wrong digit passed")
		}
	})
}

func FuzzParseMatricule(f *testing.F) {
	for _, s := range []string{"180032B02040123", "297022a020778 78", "", "123456789012345", "1 81 01 63 220 751 40", "ÅÅÅÅÅÅÅ\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		strict, err := ins.ParseMatricule(s)
		lenient, lerr := ins.ParseMatriculeLenient(s)
		if err == nil && (strict.Wire() != s || !strict.KeyValid() || lerr != nil || lenient != strict) {
			t.Fatal("strict and lenient disagree")
		}
		if lerr == nil && len(lenient.Wire()) != 15 {
			t.Fatal("length")
		}
	})
}
