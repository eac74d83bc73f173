package cda_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/cda"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	paris := cda.ParseTime("20240106113623+0100")
	for in, want := range map[string]struct{ utc, iso string }{
		"20240106113623+0100":     {"20240106103623", "2024-01-06"},
		"20240106113623+100":      {"20240106103623", "2024-01-06"},
		"20240106113623+01":       {"20240106103623", "2024-01-06"},
		"20240106113623.25-0230":  {"20240106140623", "2024-01-06"},
		"20240106113623Z":         {"20240106113623", "2024-01-06"},
		"20240106113623":          {"20240106103623", "2024-01-06"}, // in the zone of the document
		"202101040735+0100":       {"202101040635", "2021-01-04"},
		"20240106003000+0100":     {"20240105233000", "2024-01-06"},
		"2020123123-0100":         {"2021010100", "2020-12-31"},
		"20201231":                {"20201231", "2020-12-31"},
		"202012":                  {"202012", "2020-12"},
		"2020":                    {"2020", "2020"},
		" 2020 ":                  {"2020", "2020"},
		"":                        {},
		"20201":                   {},
		"20201331":                {},
		"20230229":                {},
		"2020-12-31":              {},
		"20240106113623+9900":     {},
		"20240106113623+0160":     {},
		"hier":                    {},
		"00010101":                {},
		"20240106113623+0100+01":  {},
		"202401061136231":         {},
		"20240106113623000000000": {},
	} {
		got := cda.ParseTime(in)
		require.Equal(t, want.utc, got.UTC(paris), in)
		require.Equal(t, want.iso, got.ISO(), in)
		require.Equal(t, want.utc == "", got.IsZero(), in)
	}
	at := cda.At(time.Date(2026, 3, 2, 9, 30, 0, 5, time.FixedZone("", 3600)))
	require.Equal(t, "20260302093000+0100", at.Value)
	require.True(t, at.Time.Equal(cda.ParseTime(at.Value).Time))
}
