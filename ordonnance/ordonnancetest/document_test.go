package ordonnancetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func patient(t testing.TB) ordonnance.Patient {
	t.Helper()
	id, err := ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	require.NoError(t, err)
	return ordonnance.Patient{INS: id, Traits: ins.Traits{BirthName: "D'ESSAI & FILS", GivenNames: "ANNE MARIE", FirstGivenName: "ANNE",
		Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}, BirthPlace: "51215"}}
}

func TestDocumentIsReadBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.FixedZone("", 3600))
	p, err := ordonnance.ParseCDA(ordonnancetest.Document(patient(t), "01S2TBPZ2JCNZZYGHZ", at))
	require.NoError(t, err)
	require.Empty(t, p.Findings)
	require.Equal(t, patient(t), p.Patient)
	require.Equal(t, ordonnance.Number("01S2TBPZ2JCNZZYGHZ"), p.Number)
	require.True(t, at.Equal(p.WrittenAt))
	require.True(t, at.AddDate(0, 3, 0).Equal(p.Validity.End))
	require.Len(t, p.Lines, 2)
	require.Equal(t, "3400933516390", p.Lines[0].Drug.Product.CIP13())
	require.Equal(t, "1 à 2 gélules matin et soir pendant 6 jours", p.Lines[1].Drug.Dosing.Text)
	require.Equal(t, "2026-03-07", p.Lines[1].Period.End.Format(time.DateOnly))

	p, err = ordonnance.ParseCDA(ordonnancetest.Document(patient(t), "", at))
	require.NoError(t, err)
	require.Empty(t, p.Number)
	require.Len(t, p.Findings, 1)
	require.Equal(t, ordonnance.RuleNumber, p.Findings[0].Rule)
}
