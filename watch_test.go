package socle_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

func TestWatchWithoutAnythingIsUsable(t *testing.T) {
	t.Parallel()
	var w socle.Watch
	w.Log().Info("discarded")
	w.Record(context.Background(), socle.AuditRecord{})
	require.Empty(t, w.Pseudonym("279035121518989"), "no pseudonym without a key: a bare hash of a matricule can be reversed")
	require.WithinDuration(t, time.Now(), w.Now(), time.Minute)
}

func TestPseudonymIsKeyed(t *testing.T) {
	t.Parallel()
	a, b := socle.Watch{AuditKey: []byte("a")}, socle.Watch{AuditKey: []byte("b")}
	require.Len(t, a.Pseudonym("279035121518989"), 32)
	require.Equal(t, a.Pseudonym("279035121518989"), a.Pseudonym("279035121518989"))
	require.NotEqual(t, a.Pseudonym("279035121518989"), b.Pseudonym("279035121518989"))
	require.NotEqual(t, a.Pseudonym("279035121518989"), a.Pseudonym("260019900000000"))
}

func TestRecordIsDatedByTheClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	var got socle.AuditRecord
	w := socle.Watch{Clock: func() time.Time { return at }, Audit: func(_ context.Context, r socle.AuditRecord) { got = r }}
	w.Record(context.Background(), socle.AuditRecord{Service: socle.ServiceDMP, Operation: "TD2.1"})
	require.Equal(t, at, got.At)
}

func TestProfessionalIsNotNamedInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("call", "actor", socle.Professional{
		ID: must(socle.ParsePersonID("899900063480")), FamilyName: "LIBRE", GivenName: "MAX",
		Profession: socle.Code{Code: socle.ProfessionPharmacist},
	})
	require.Contains(t, out.String(), "profession=21")
	require.NotContains(t, out.String(), "LIBRE")
	require.NotContains(t, out.String(), "99900063480")
}
