package ins_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

func TestCascade(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	for _, row := range []struct {
		name     string
		traits   ins.Traits
		attempts []string
		err      error
		found    string
	}{
		{"2.07-1: the second given name is found", traits(t, "TCHITCHI", "OLA CATARINA BELLA", "F", "1936-06-21", ""),
			[]string{"given name 1: 01", "given name 2: 00"}, nil, "236066322083656"},
		{"2.07-2: nobody, after every given name and all of them", traits(t, "HOUILLES", "PIERRE PAUL JACQUES", "M", "1993-01-27", ""),
			[]string{"given name 1: 01", "given name 2: 01", "given name 3: 01", "all given names: 01"}, ins.ErrNotFound, ""},
		{"2.06: several, told apart by the place", traits(t, "DE VINCI", "LEONARDO", "M", "2014-02-01", "63220"),
			[]string{"given name 1: 02", "given name 1 with birth place: 00"}, nil, "114026322083356"},
		{"2.06: several, told apart by a given name", traits(t, "DE VINCI", "LEONARDO PIERO", "M", "2014-02-01", ""),
			[]string{"given name 1: 02", "all given names: 00"}, nil, "114026322083356"},
		{"2.06: several remain", traits(t, "DE VINCI", "LEONARDO", "M", "2014-02-01", ""),
			[]string{"given name 1: 02"}, ins.ErrAmbiguous, ""},
		{"2.06: several remain, the wrong place finds nobody", traits(t, "DE VINCI", "LEONARDO MARIO", "M", "2014-02-01", "75056"),
			[]string{"given name 1: 02", "all given names: 01", "given name 1 with birth place: 01"}, ins.ErrAmbiguous, ""},
		{"a hyphenated given name is one", traits(t, "ECETINSI", "PIERRE-ALAIN MURIEL", "M", "2009-07-14", ""),
			[]string{"given name 1: 00"}, nil, "109076322083489"},
		{"found at once, a wrong place is not asked about", traits(t, "ADRUN", "ZOE", "F", "1975-12-31", "75056"),
			[]string{"given name 1: 00"}, nil, "275126322074974"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, err := c.Search(t.Context(), who, identity(t, row.traits))
			var got []string
			ids := map[string]bool{}
			for _, a := range s.Attempts {
				got = append(got, a.Asked+": "+a.Code)
				require.NotEmpty(t, a.MessageID)
				ids[a.MessageID] = true
			}
			require.Equal(t, row.attempts, got)
			require.Len(t, ids, len(got), "each attempt has its own message id")
			require.ErrorIs(t, err, row.err)
			if row.err == nil {
				require.NoError(t, err)
				require.Equal(t, row.found, s.Result.Active.Matricule.Wire())
			}
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", s, s, s), row.traits.BirthName)
		})
	}
}

func TestCascadeNarrowsByPlaceWhatAllGivenNamesLeave(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{Empty: true})
	for _, place := range []string{"63220", "63113"} {
		_, err := srv.AddPatient(traits(t, "DE VINCI", "LEONARDO PIERO", "M", "2014-02-01", place))
		require.NoError(t, err)
	}
	_, err := srv.AddPatient(traits(t, "DE VINCI", "LEONARDO MARIO", "M", "2014-02-01", "63220"))
	require.NoError(t, err)
	s, err := c.Search(t.Context(), who, identity(t, traits(t, "DE VINCI", "LEONARDO PIERO", "M", "2014-02-01", "63220")))
	require.NoError(t, err, "the first given name and the place alone fit two")
	var asked []string
	for _, a := range s.Attempts {
		asked = append(asked, a.Asked+": "+a.Code)
	}
	require.Equal(t, []string{"given name 1: 02", "all given names: 02", "all given names with birth place: 00"}, asked)
	require.Equal(t, "LEONARDO PIERO", s.Result.Traits.GivenNames)
}

func TestCascadeAsksForTheCompoundGivenNameFirst(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	_, err := srv.AddPatient(traits(t, "INVENTE", "JEAN CHRISTOPHE PIERRE", "M", "1970-05-05", "33063"))
	require.NoError(t, err)
	tr := traits(t, "INVENTE", "JEAN CHRISTOPHE PIERRE", "M", "1970-05-05", "")
	tr.FirstGivenName = "JEAN CHRISTOPHE"
	s, err := c.Search(t.Context(), who, identity(t, tr))
	require.NoError(t, err)
	require.Equal(t, "compound first given name", s.Attempts[0].Asked)
	require.Equal(t, ins.OIDTest, s.Result.Active.OID)
}

func TestCascadeStopsAtATechnicalFailure(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	f := instest.Unavailable()
	srv.Inject(instest.Canned{GivenNames: "PAUL", Fault: &f})
	s, err := c.Search(t.Context(), who, identity(t, traits(t, "HOUILLES", "PIERRE PAUL JACQUES", "M", "1993-01-27", "")))
	require.ErrorIs(t, err, ins.ErrUnavailable)
	require.Len(t, s.Attempts, 2)
	require.Equal(t, "01", s.Attempts[0].Code)
	require.Equal(t, "insi_102", s.Attempts[1].Code)
	require.ErrorIs(t, s.Attempts[1].Err, ins.ErrUnavailable)
}

func TestQualificationQuirkIsNeverConvertedSilently(t *testing.T) {
	t.Parallel()
	houilles := identity(t, traits(t, "HOUILLES", "PIERRE PAUL", "M", "1993-01-27", ""))
	_, c := setup(t, instest.Options{NotFoundAsFault: true}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	s, err := c.Search(t.Context(), who, houilles)
	require.ErrorIs(t, err, ins.ErrUnavailable)
	require.ErrorContains(t, err, "Dialect.NotFoundAsFault")
	require.Len(t, s.Attempts, 1)

	srv, c := setup(t, instest.Options{NotFoundAsFault: true}, func(cfg *ins.Config) { cfg.Dialect.NotFoundAsFault = true })
	s, err = c.Search(t.Context(), who, houilles)
	require.ErrorIs(t, err, ins.ErrNotFound)
	require.Len(t, s.Attempts, 3)
	require.Equal(t, "insi_102", s.Attempts[0].Code, "the service's own code is kept")
	require.Len(t, srv.Journal(), 3, "a person not found is not retried")
}

func TestSearchIsBlockedByRule(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	id := identity(t, traits(t, "ADRUN", "ZOE", "F", "1975-12-31", ""))
	for _, a := range []ins.Attribute{ins.Douteuse, ins.Douteuse | ins.Homonyme, ins.Fictive} {
		marked, err := id.Mark(a, now, "PR")
		require.NoError(t, err)
		_, err = c.Search(t.Context(), who, marked)
		require.ErrorIs(t, err, ins.ErrBlocked)
		require.ErrorContains(t, err, "SC.INS/va1.20")
	}
	_, err := c.Search(t.Context(), who, identity(t, traits(t, "ADRUN", "ZOE", "I", "1975-12-31", "")))
	require.ErrorIs(t, err, ins.ErrBlocked)
	_, err = c.Search(t.Context(), who, ins.Identity{})
	require.ErrorIs(t, err, ins.ErrBlocked)
	require.Empty(t, srv.Journal())
	marked, err := id.Mark(ins.Homonyme, now, "PR")
	require.NoError(t, err)
	_, err = c.Search(t.Context(), who, marked)
	require.NoError(t, err, "a homonyme may be searched")
}
