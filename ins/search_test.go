package ins_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// The official fictitious identities, as the test book has them typed.
func TestEveryIdentityOfTheCatalogue(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	for _, row := range []struct {
		name, birthName, given string
		sex                    ins.Sex
		birth, place           string
		matricule              string // empty: nobody
		oid                    ins.OID
		list, where            string
		history                int
		err                    error
	}{
		{"2.03-1", "D'ARTAGNAN DE L'HERAULT", "PIERRE-ALAIN", "M", "2001-06-17", "63220", "101066322075460", ins.OIDNIR, "PIERRE-ALAIN GUNTHER", "63220", 0, nil},
		{"2.03-1 typed as people write", " d’Artagnan de l’Hérault ", "Pierre-Alain", "M", "2001-06-17", "63220", "101066322075460", ins.OIDNIR, "PIERRE-ALAIN GUNTHER", "63220", 0, nil},
		{"2.03-2", "ADRTROIS", "TOUSSAINT", "M", "1960-01-01", "2B020", "160012B02077713", ins.OIDNIR, "TOUSSAINT", "2B020", 0, nil},
		{"2.03-3", "D’ÆION", "CŒUR", "M", "1987-01-01", "2B020", "", 0, "", "", 0, ins.ErrNotFound},
		{"ADRTROIS F", "ADRTROIS", "DOMINIQUE", "F", "1997-02-26", "", "297022A02077878", ins.OIDNIR, "DOMINIQUE", "2A020", 0, nil},
		{"ADRDEUX", "ADRDEUX", "LAURENT", "M", "1981-01-01", "", "181016322075140", ins.OIDNIR, "LAURENT", "63220", 0, nil},
		{"ADRUN", "ADRUN", "ZOE", "F", "1975-12-31", "", "275126322074974", ins.OIDNIR, "ZOE", "63220", 0, nil},
		{"ADRUN with its diaeresis", "Adrun", "Zoë", "F", "1975-12-31", "", "275126322074974", ins.OIDNIR, "ZOE", "63220", 0, nil},
		{"2.04", "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", "", "109076322083489", ins.OIDNIR, "PIERRE-ALAIN MURIEL FLORIANT", "63220", 2, nil},
		{"2.05 NIA", "PROVISOIRE", "MATRICULE", "M", "2009-07-01", "", "109076322088835", ins.OIDNIA, "MATRICULE", "63220", 0, nil},
		{"2.06-1", "DE VINCI", "LEONARDO", "M", "2014-02-01", "", "", 0, "", "", 0, ins.ErrAmbiguous},
		{"2.06-2", "DE VINCI", "LEONARDO", "M", "2014-02-01", "63220", "114026322083356", ins.OIDNIR, "LEONARDO PIERO", "63220", 0, nil},
		{"2.07-1 first", "TCHITCHI", "OLA", "F", "1936-06-21", "", "", 0, "", "", 0, ins.ErrNotFound},
		{"2.07-1 second", "TCHITCHI", "CATARINA", "F", "1936-06-21", "", "236066322083656", ins.OIDNIR, "CATARINA BELLA", "63220", 0, nil},
		{"2.07-2", "HOUILLES", "PIERRE", "M", "1993-01-27", "", "", 0, "", "", 0, ins.ErrNotFound},
		{"2.08-1", "CORSE", "ANTHONY", "M", "1980-03-02", "", "180032B02040123", ins.OIDNIR, "ANTHONY", "2B020", 1, nil},
		{"2.08-2 SAPA", "HERMAN", "GATIEN", "M", "1981-03-24", "", "181036322045676", ins.OIDNIR, "GATIEN", "63220", 2, nil},
		{"2.08-2 PADOA", "HERMANN", "GATIEN", "M", "1981-03-24", "", "181036322045676", ins.OIDNIR, "GATIEN", "63220", 2, nil},
		{"3.05-3", "NESSI", "NATHALIE", "F", "1977-07-14", "", "277076322082910", ins.OIDNIR, "NATHALIE", "63220", 0, nil},
		{"NESSI M", "NESSI", "MICHELANGELO", "M", "2010-08-07", "", "110086322083060", ins.OIDNIR, "MICHELANGELO ANTHONY", "63220", 0, nil},
		{"WS_INS2 sample, born 1907", "PATB-QUATRE", "LAURENCE", "F", "1907-05-25", "", "207058575627097", ins.OIDNIR, "LAURENCE", "85756", 0, nil},
		{"CDA and DMP", "PAT-TROIS", "DOMINIQUE", "F", "1979-03-28", "51215", "279035121518989", ins.OIDTest, "DOMINIQUE MARIE-LOUISE", "51215", 0, nil},
		{"unknown place", "ADRUN", "ZOE", "F", "1975-12-31", "75056", "", 0, "", "", 0, ins.ErrNotFound},
		{"hyphen is a space", "ECETINSI", "PIERRE ALAIN", "M", "2009-07-14", "", "109076322083489", ins.OIDNIR, "PIERRE-ALAIN MURIEL FLORIANT", "63220", 2, nil},
		{"lunar date of nobody", "ADRUN", "ZOE", "F", "1975-20-00", "", "", 0, "", "", 0, ins.ErrNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			asked := traits(t, row.birthName, "", row.sex, row.birth, row.place)
			asked.FirstGivenName = row.given
			r, err := c.SearchByTraits(t.Context(), who, asked)
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
				require.Equal(t, ins.Result{}, r)
				require.Equal(t, socle.OutcomeDone, socle.OutcomeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.matricule, r.Active.Matricule.Wire())
			require.Equal(t, row.oid, r.Active.OID)
			require.True(t, r.Active.Matricule.KeyValid())
			require.Equal(t, row.list, r.Traits.GivenNames)
			require.Equal(t, row.where, string(r.Traits.BirthPlace))
			require.Equal(t, row.birth, r.Traits.BirthDate.Wire())
			require.Equal(t, row.sex, r.Traits.Sex)
			require.Len(t, r.History, row.history)
			require.WithinDuration(t, time.Now(), r.At, time.Minute)
			require.Regexp(t, `^uuid:[0-9a-f-]{36}$`, r.MessageID)
		})
	}
}

func TestHistoryIsKeptAsReturned(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	r, err := c.SearchByTraits(t.Context(), who, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", ""))
	require.NoError(t, err)
	require.Equal(t, "209076322083439", r.History[0].INS.Matricule.Wire())
	require.Equal(t, "2019-03-01", r.History[0].From, "the interval ends before it begins, and is kept")
	require.Equal(t, "2019-02-28", r.History[0].To)
	require.Equal(t, "209066322012355", r.History[1].INS.Matricule.Wire())

	r, err = c.SearchByTraits(t.Context(), who, traits(t, "HERMAN", "GATIEN", "M", "1981-03-24", ""))
	require.NoError(t, err)
	require.Equal(t, r.Active, r.History[0].INS, "the active INS may be repeated")
	require.Equal(t, "281036322045610", r.History[1].INS.Matricule.Wire(), "a wrong key is kept")
	require.False(t, r.History[1].INS.Matricule.KeyValid())
	require.Contains(t, r.Warnings, "INSHISTO 2: the key does not follow from the number")
}

func TestEveryStyleOfAnswerGivesTheSameResult(t *testing.T) {
	t.Parallel()
	for _, prefixes := range []instest.Prefixes{instest.DefaultNamespace, instest.Prefixed} {
		for _, names := range []instest.GivenNames{instest.ListOnly, instest.PrenomOnly, instest.Both} {
			for _, quirk := range []bool{false, true} {
				_, c := setup(t, instest.Options{Style: instest.Style{Prefixes: prefixes, GivenNames: names, DatesFirst: quirk, NoKeys: quirk}})
				r, err := c.SearchByTraits(t.Context(), who, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", ""))
				require.NoError(t, err)
				require.Equal(t, "109076322083489", r.Active.Matricule.Wire(), "also when the key is computed")
				require.Len(t, r.History, 2)
				require.Equal(t, "2019-03-01", r.History[0].From)
				require.Equal(t, "PIERRE-ALAIN", r.Traits.First())
				if names == instest.PrenomOnly {
					require.Equal(t, "PIERRE-ALAIN", r.Traits.GivenNames)
				} else {
					require.Equal(t, "PIERRE-ALAIN MURIEL FLORIANT", r.Traits.GivenNames)
				}
				require.Equal(t, quirk, len(r.Warnings) > 1, "computed keys are told")
			}
		}
	}
}

func TestTraitsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	ok := traits(t, "ADRUN", "ZOE", "F", "1975-12-31", "")
	for name, edit := range map[string]func(*ins.Traits){
		"digit in the name": func(x *ins.Traits) { x.BirthName = "ADRUN2" },
		"cyrillic":          func(x *ins.Traits) { x.BirthName = "АDRUN" },
		"no given name":     func(x *ins.Traits) { x.GivenNames = "" },
		"indeterminate sex": func(x *ins.Traits) { x.Sex = ins.Indeterminate },
		"no sex":            func(x *ins.Traits) { x.Sex = "" },
		"no date":           func(x *ins.Traits) { x.BirthDate = ins.BirthDate{} },
		"30th of February":  func(x *ins.Traits) { x.BirthDate = ins.BirthDate{Year: 1975, Month: 2, Day: 30} },
		"born tomorrow and more": func(x *ins.Traits) {
			d := time.Now().AddDate(0, 0, 3)
			x.BirthDate = ins.BirthDate{Year: d.Year(), Month: int(d.Month()), Day: d.Day()}
		},
		"place": func(x *ins.Traits) { x.BirthPlace = "PARIS" },
		"name of 81": func(x *ins.Traits) {
			x.BirthName = "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJA"
		},
	} {
		bad := ok
		edit(&bad)
		_, err := c.SearchByTraits(t.Context(), who, bad)
		require.Error(t, err, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
	}
	require.Empty(t, srv.Journal())
}

func TestTestOIDMapsWhatQualificationAnswers(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.TestOID = ins.OIDTest })
	r, err := c.SearchByTraits(t.Context(), who, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", ""))
	require.NoError(t, err)
	require.Equal(t, ins.OIDTest, r.Active.OID)
	require.Equal(t, ins.OIDTest, r.History[0].INS.OID)
	require.Empty(t, r.Warnings)

	_, c = setup(t, instest.Options{OID: ins.OIDDemo})
	r, err = c.SearchByTraits(t.Context(), who, traits(t, "ADRUN", "ZOE", "F", "1975-12-31", ""))
	require.NoError(t, err)
	require.Equal(t, ins.OIDDemo, r.Active.OID)

	_, c = setup(t, instest.Options{})
	r, err = c.SearchByTraits(t.Context(), who, traits(t, "ADRUN", "ZOE", "F", "1975-12-31", ""))
	require.NoError(t, err)
	require.Len(t, r.Warnings, 1, "a production OID for a fictitious person is told")
}

func TestGivenNamesModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []ins.GivenNamesMode{ins.GivenNamesJoined, ins.GivenNamesRepeated} {
		srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Dialect.GivenNames = mode })
		asked := traits(t, "NESSI", "MICHELANGELO ANTHONY", "M", "2010-08-07", "")
		asked.FirstGivenName = "MICHELANGELO ANTHONY"
		_, err := c.SearchByTraits(t.Context(), who, asked)
		require.NoError(t, err)
		want := ">MICHELANGELO ANTHONY</"
		if mode == ins.GivenNamesRepeated {
			want = ">ANTHONY</"
		}
		require.Contains(t, string(srv.Journal()[0].Request), want)
	}
}
