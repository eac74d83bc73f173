package dmp_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

var regulation = dmp.Access{Mode: dmp.Regulation}

func TestFindPatientGivesCandidates(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air).With(regulation)
	birth := find(t, "DUCHAMPS").Traits.BirthDate
	for want, q := range map[string]dmp.PatientQuery{
		"DUCHAMPS 100": {FamilyName: "Duchamps", GivenName: "Patricia", Sex: ins.Female, BirthDate: birth, PostalCode: "69000", City: "Lyon"},
		"DUCHAMPS 80":  {FamilyName: "DUCH"},
		"":             {FamilyName: "DUCHAMPS", Sex: ins.Male},
		" ":            {FamilyName: "DUCHAMPS", BirthDate: ins.BirthDate{Year: 1905}},
		"DUCHAMPS":     {FamilyName: "duchamps", BirthDate: ins.BirthDate{Year: 1904, Month: 1}},
	} {
		got, err := c.FindPatient(t.Context(), pharmacist, q)
		require.NoError(t, err)
		if strings.TrimSpace(want) == "" {
			require.Empty(t, got.List)
			require.Zero(t, got.Total)
			continue
		}
		require.Len(t, got.List, 1)
		x := got.List[0]
		require.Contains(t, fmt.Sprint(x.Traits().BirthName, " ", x.Score), want)
		require.Equal(t, find(t, "DUCHAMPS").INS, x.INS())
		require.Equal(t, birth, x.Traits().BirthDate)
		require.Equal(t, "Mme", x.Title())
		require.Equal(t, "DUCHAMPS", x.UsedName())
		require.Equal(t, "LYON", x.Contact().Address.City)
		require.Equal(t, dmp.StateOpen, x.State)
		require.False(t, x.OpposesRegulation)
	}
	got, err := c.FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "PAT"})
	require.NoError(t, err)
	require.Greater(t, got.Total, 4)
	opposed := 0
	for _, x := range got.List {
		if x.OpposesRegulation {
			opposed++
		}
	}
	require.Equal(t, 2, opposed)
	closed, err := c.FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "FERMETURE"})
	require.NoError(t, err)
	require.Equal(t, dmp.StateClosed, closed.List[0].State)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", got, got, got), logged(slog.Any("candidate", got.List[0]))} {
		require.NotContains(t, s, find(t, "PAT-TROIS").INS.Matricule.Wire())
		require.NotContains(t, s, "PAT-TROIS")
	}
	require.Zero(t, dmp.Candidate{}.INS())
}

func TestFindPatientTellsWhatItDidNotGive(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	p := find(t, "ORTIE")
	for i := range 30 {
		number := fmt.Sprintf("28406920501%02d", i)
		n := 0
		for _, d := range number {
			n = (n*10 + int(d-'0')) % 97
		}
		var err error
		p.INS, err = ins.Parse(fmt.Sprintf("%s%02d", number, 97-n), "1.2.250.1.213.1.4.10")
		require.NoError(t, err)
		p.Traits.BirthName = "SAUGE"
		require.NoError(t, srv.AddPatient(p))
	}
	got, err := client(t, srv, air).With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "SAUGE"})
	require.NoError(t, err)
	require.Equal(t, []int{30, 20, 10}, []int{got.Total, len(got.List), got.Remaining})
}

func TestFindPatientRefuses(t *testing.T) {
	t.Parallel()
	srv, indirect := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	for want, q := range map[string]dmp.PatientQuery{
		"two letters": {FamilyName: "D'"}, "Sex": {FamilyName: "DU", Sex: ins.Indeterminate}, "BirthDate": {FamilyName: "DU", BirthDate: ins.BirthDate{Month: 3}},
	} {
		_, err := c.With(regulation).FindPatient(t.Context(), pharmacist, q)
		require.ErrorIs(t, err, dmp.ErrQuery)
		require.ErrorContains(t, err, want)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	require.Empty(t, srv.Journal())
	_, err := c.FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "DUCHAMPS"})
	require.ErrorIs(t, err, dmp.ErrAccessDenied, "not to a pharmacist, out of regulation")
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	_, err = indirect.FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "DUCHAMPS"})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = indirect.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "DUCHAMPS"})
	require.NoError(t, err, "in regulation an organisation may")
	srv.Refuse(dmptest.Failure{Operation: "TD0.5", Ack: &dmp.Detail{Code: "DMPNouveau", Text: "mots"}})
	_, err = c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "DUCHAMPS"})
	require.Equal(t, "DMPNouveau", err.(*dmp.Error).Code)
	doctor := pharmacist
	doctor.Profession, doctor.Speciality = socle.Code{Code: "10"}, socle.Code{Code: "SM26"}
	_, err = c.FindPatient(t.Context(), doctor, dmp.PatientQuery{FamilyName: "DUCHAMPS"})
	require.ErrorIs(t, err, dmp.ErrAccessDenied, "the AIR column knows no doctors")
}

func logged(a slog.Attr) string {
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", a)
	return b.String()
}
