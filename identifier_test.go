package socle_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
)

func TestParseIdentifiers(t *testing.T) {
	t.Parallel()
	parsers := map[string]func(string) (string, error){
		"RPPS":   func(s string) (string, error) { v, err := socle.ParseRPPS(s); return v.String(), err },
		"ADELI":  func(s string) (string, error) { v, err := socle.ParseADELI(s); return v.String(), err },
		"FINESS": func(s string) (string, error) { v, err := socle.ParseFINESS(s); return v.String(), err },
		"SIREN":  func(s string) (string, error) { v, err := socle.ParseSIREN(s); return v.String(), err },
		"SIRET":  func(s string) (string, error) { v, err := socle.ParseSIRET(s); return v.String(), err },
	}
	for _, c := range []struct{ kind, in, reason string }{
		{"RPPS", "99900063480", ""},
		{"RPPS", "99700735741", ""},
		{"RPPS", "99900063481", "wrong key"},
		{"RPPS", "9990006348", "11 digits expected"},
		{"RPPS", "9990006348A", "11 digits expected"},
		{"ADELI", "0B6087510", ""},
		{"ADELI", "0b6087510", "9 digits or capital letters expected"},
		{"FINESS", "060016219", ""},
		{"FINESS", "580008803", ""},
		{"FINESS", "0B0127189", ""}, // test number: no key rule
		{"FINESS", "060016218", "wrong key"},
		{"FINESS", "06001621", "9 digits or capital letters expected"},
		{"SIREN", "784359549", ""},
		{"SIREN", "784359548", "wrong key"},
		{"SIRET", "78435954900010", ""},
		{"SIRET", "78435954900011", "wrong key"},
		{"SIRET", "35600000000048", ""}, // La Poste: Luhn
		{"SIRET", "35600000049837", ""}, // La Poste: digits add up to a multiple of five
		{"SIRET", "", "14 digits expected"},
	} {
		t.Run(c.kind+" "+c.in, func(t *testing.T) {
			t.Parallel()
			got, err := parsers[c.kind](c.in)
			if c.reason == "" {
				require.NoError(t, err)
				require.Equal(t, c.in, got)
				return
			}
			require.EqualError(t, err, c.kind+": "+c.reason)
			require.Empty(t, got)
		})
	}
}

func TestParseStructureID(t *testing.T) {
	t.Parallel()
	for in, kind := range map[string]socle.StructureKind{
		"10B0127189":      socle.StructureFINESS,
		"2784359549":      socle.StructureSIREN,
		"378435954900010": socle.StructureSIRET,
		"499900063480001": socle.StructureRPPSRang,
	} {
		id, err := socle.ParseStructureID(in)
		require.NoError(t, err, in)
		require.Equal(t, kind, id.Kind())
		require.Equal(t, in[1:], id.Value())
		require.Equal(t, in, id.String())
	}
	for _, in := range []string{"", "5", "9060016219", "1060016218", "49990006348000", "499900063481001"} {
		id, err := socle.ParseStructureID(in)
		require.Error(t, err, in)
		require.True(t, id.IsZero(), "a refused identifier must not be built")
	}
}

func TestParsePersonID(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"899900063480", "00B6087510", "5784359549" + "00010/CPAT00045", "3060016219/12", "499900063480001/x"[0:1] + "784359549/12"} {
		id, err := socle.ParsePersonID(in)
		require.NoError(t, err, in)
		require.Equal(t, in, id.String())
	}
	rpps, ok := must(socle.ParsePersonID("899900063480")).RPPS()
	require.True(t, ok)
	require.Equal(t, "99900063480", rpps.String())
	_, ok = must(socle.ParsePersonID("3060016219/12")).RPPS()
	require.False(t, ok)
	require.False(t, must(socle.ParsePersonID("3060016219/12")).Test())
	edit := must(socle.ParsePersonID("ANS20210107161422"))
	require.Equal(t, socle.PersonTest, edit.Kind())
	require.True(t, edit.Test())
	require.Equal(t, "ANS20210107161422", edit.String())
	_, ok = edit.RPPS()
	require.False(t, ok)
	for _, in := range []string{"A", "ANS", "ANS2021010716142", "ANS202101071614220", "ANS2021010716142x", "ans20210107161422", "AMS20210107161422",
		"", "8", "899900063481", "7x", "3060016219", "3060016219/", "306001621/12", "3060016219/a b"} {
		_, err := socle.ParsePersonID(in)
		require.Error(t, err, in)
	}
}

func TestAnyChangedDigitOfAnRPPSIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		good := "99900063480"
		i := rapid.IntRange(0, 10).Draw(t, "position")
		d := byte(rapid.IntRange('0', '9').Draw(t, "digit"))
		bad := good[:i] + string(d) + good[i+1:]
		_, err := socle.ParseRPPS(bad)
		if (err == nil) != (bad == good) {
			t.Fatalf("%s: %v", bad, err)
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"899900063480", "10B0127189", "378435954900010", "5784359549/", "ANS20210107161422", "\x00", "é", strings.Repeat("1", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := socle.ParseStructureID(s); err == nil {
			require.Equal(t, s, id.String())
		} else {
			require.True(t, id.IsZero())
		}
		if id, err := socle.ParsePersonID(s); err == nil {
			require.Equal(t, s, id.String())
		} else {
			require.True(t, id.IsZero())
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
