package psc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestUserInfoGenerations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who        string
		practices  int
		situations int
		mode       string
	}{
		"end of 2023":   {psctest.Titulaire, 1, 1, "CARD"},
		"2023":          {psctest.Adjoint, 1, 2, "CARD"},
		"2021":          {psctest.Doctor, 1, 2, ""},
		"two practices": {psctest.TwoPractices, 2, 2, "CARD"},
		"minimal":       {psctest.NoExercise, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u := w.login(t, c.who).UserInfo()
			require.Len(t, u.Reference.Practices, c.practices)
			require.Len(t, u.Situations(), c.situations)
			require.Equal(t, c.mode, u.AuthMode)
			require.Contains(t, []string{"M", "MME"}, u.Civility())
			lossless(t, u)
		})
	}
}

// lossless checks that every value of Raw with a member of its own is in u.
func lossless(t *testing.T, u psc.UserInfo) {
	t.Helper()
	var want, got map[string]any
	require.NoError(t, json.Unmarshal(u.Raw, &want))
	type plain psc.UserInfo // without the methods
	b, err := json.Marshal(plain(u))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &got))
	subset(t, "", want, got)
}

func subset(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		other, ok := got.(map[string]any)
		require.True(t, ok, path)
		for k, v := range want {
			subset(t, path+"/"+k, v, other[k])
		}
	case []any:
		if len(want) == 0 {
			return
		}
		other, ok := got.([]any)
		require.True(t, ok && len(other) == len(want), path)
		for i := range want {
			subset(t, fmt.Sprint(path, "/", i), want[i], other[i])
		}
	default:
		require.Equal(t, want, got, path)
	}
}

func TestUserInfoKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	raw := `{"sub":"f:1:899900001001","SubjectNameID":"899900001001","nouveau":{"a":[1,2]},"SubjectRefPro":{"codeCivilite":"M","exercices":[{"codeProfession":"21","activities":[{"nouveau":"x","numeroFinessetablissementJuridique":"990000010"}]}]}}`
	u, err := psc.ParseUserInfo([]byte(raw))
	require.NoError(t, err)
	require.Equal(t, raw, string(u.Raw))
	require.Equal(t, "990000010", u.Reference.Practices[0].Activities[0].LegalFINESS)
	require.Equal(t, "M", u.Civility())
}

func TestUserInfoSurvivesDrift(t *testing.T) {
	t.Parallel()
	u, err := psc.ParseUserInfo([]byte(`{"sub":"s","codeCivilite":7,"email_verified":"yes","SubjectRefPro":[],"SubjectNameID":"899900001001"}`))
	require.NoError(t, err)
	require.Empty(t, u.CivilityCode)
	require.Equal(t, "899900001001", u.SubjectNameID)
}

func TestUserInfoRefusals(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"empty": "", "null": "null", "list": "[]", "text": `"x"`, "broken off": `{"sub":"s"`, "no sub": `{"SubjectNameID":"899900001001"}`,
		"sub of another type": `{"sub":{}}`, "too large": `{"sub":"` + strings.Repeat("a", 1<<20) + `"}`,
		"deep": strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := psc.ParseUserInfo([]byte(raw))
			var e *psc.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "userinfo", e.Op)
			require.NotContains(t, err.Error(), "8999")
		})
	}
}

func TestPersonOfUserInfo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		u    psc.UserInfo
		want string
	}{
		"SubjectNameID":           {psc.UserInfo{SubjectNameID: "899900001001", PreferredUsername: "x"}, "899900001001"},
		"preferred_username":      {psc.UserInfo{PreferredUsername: "899900001001"}, "899900001001"},
		"RPPS without its prefix": {psc.UserInfo{SubjectNameID: "99900001001"}, "899900001001"},
		"SIRET and internal id":   {psc.UserInfo{SubjectNameID: psctest.Auxiliary}, psctest.Auxiliary},
		"test identity of EDIT":   {psc.UserInfo{SubjectNameID: "ANS20231122132732"}, "ANS20231122132732"},
		"nothing":                 {psc.UserInfo{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := c.u.Person()
			require.Equal(t, c.want, id.String())
			require.Equal(t, c.want == "", err != nil)
		})
	}
}

func TestSituationsAreChosenByAStableKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Adjoint)
	_, err := s.Professional("")
	require.ErrorIs(t, err, psc.ErrSituation)
	require.ErrorContains(t, err, "the person has 2")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = s.Professional("21C-000000000000")
	require.ErrorIs(t, err, psc.ErrSituation)

	all := s.UserInfo().Situations()
	require.NotEqual(t, all[0].Key, all[1].Key)
	p, err := s.Professional(all[1].Key)
	require.NoError(t, err)
	require.Equal(t, psctest.OtherPharmacy, p.Structure.ID.String())
	require.Equal(t, "DA", p.Speciality.Code)

	again := w.login(t, psctest.Adjoint).UserInfo().Situations()
	require.Empty(t, cmp.Diff(all, again))
	// A new phone number, another order and a new activity do not change a key.
	u := s.UserInfo()
	moved := all[1].Activity
	moved.Phone, moved.Street = "0100000000", "AILLEURS"
	u.Reference.Practices = []psc.Practice{{Profession: "21", Category: "C", Activities: []psc.Activity{{Sector: "SA33"}, moved, all[0].Activity}}}
	keys := map[string]bool{}
	for _, x := range u.Situations() {
		keys[x.Key] = true
	}
	require.Len(t, keys, 3)
	require.True(t, keys[all[0].Key] && keys[all[1].Key])
}

func TestSituationKeysAreUnique(t *testing.T) {
	t.Parallel()
	twice := psc.Practice{Profession: "21", Category: "C", Activities: []psc.Activity{{Sector: "SA33"}, {Sector: "SA33"}}}
	u := psc.UserInfo{Reference: psc.Reference{Practices: []psc.Practice{twice}}}
	all := u.Situations()
	require.Equal(t, all[0].Key+"-2", all[1].Key)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s                      psc.Situation
		profession, speciality socle.Code
	}{
		"pharmacist: the section, not the savoir-faire": {
			psc.Situation{Practice: psc.Practice{Profession: "21", Speciality: "SM26"}, Activity: psc.Activity{PharmacistSection: "A"}},
			socle.Code{Code: "21", System: socle.OIDProfession, Display: "Pharmacien"},
			socle.Code{Code: "A", System: socle.OIDPharmacistSection, Display: "Pharmacien titulaire d'officine"},
		},
		"doctor: the savoir-faire": {
			psc.Situation{Practice: psc.Practice{Profession: "10", SpecialityKind: "S", Speciality: "SM26"}},
			socle.Code{Code: "10", System: socle.OIDProfession, Display: "Médecin"},
			socle.Code{Code: "SM26", System: socle.OIDSpeciality, Display: "Qualifié en Médecine générale (SM)"},
		},
		"préparateur: none": {
			psc.Situation{Practice: psc.Practice{Profession: "39"}},
			socle.Code{Code: "39", System: socle.OIDProfession, Display: "Préparateur en pharmacie (officine)"}, socle.Code{},
		},
		"a code that the tables lack is kept": {
			psc.Situation{Practice: psc.Practice{Profession: "99", Speciality: "ZZ"}},
			socle.Code{Code: "99", System: socle.OIDProfession}, socle.Code{Code: "ZZ", System: socle.OIDSpeciality},
		},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profession, speciality := c.s.Role()
			require.Equal(t, c.profession, profession)
			require.Equal(t, c.speciality, speciality)
		})
	}
}

func TestStructureOfASituation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a    psc.Activity
		want string
	}{
		"FINESS of the site first": {psc.Activity{FINESS: "990000010", SIRET: "00000001815646", LegalFINESS: "990000028"}, "1990000010"},
		"SIRET":                    {psc.Activity{SIRET: "00000001815646"}, "300000001815646"},
		"a wrong FINESS is passed": {psc.Activity{FINESS: "990000011", SIRET: "00000001815646"}, "300000001815646"},
		"former id":                {psc.Activity{StructureFormerID: "499700218896001"}, "499700218896001"},
		"legal FINESS":             {psc.Activity{LegalFINESS: "990000028"}, "1990000028"},
		"technical id alone":       {psc.Activity{StructureTechnicalID: "R10100000001"}, ""},
		"nothing":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, psc.Situation{Activity: c.a}.Structure().ID.String())
		})
	}
}

func TestUserInfoOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Script(psctest.Titulaire, psctest.Answer{IDToken: func(c map[string]any) { c["sub"] = "f:1:899900001019" }})
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.ErrorIs(t, err, psc.ErrIDToken)
	require.ErrorContains(t, err, "rule sub")
	require.Equal(t, 1, w.count("revoke"), "what was opened is closed")
}

func TestPersonWhoWasNotAskedForIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The service confuses two people: the login of one gives the other.
	w.Script(psctest.Titulaire, psctest.Answer{As: psctest.Adjoint})
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.ErrorIs(t, err, psc.ErrIDToken)
	require.ErrorContains(t, err, "rule SubjectNameID")
}

// Every member that the emulator sends has a field, and the sheet's 30 members
// of an activity are all there.
func TestActivityHasThirtyMembers(t *testing.T) {
	t.Parallel()
	require.Equal(t, 30, reflect.TypeFor[psc.Activity]().NumField())
}

func FuzzUserInfo(f *testing.F) {
	seeds, err := filepath.Glob("testdata/userinfo/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"sub":"s","SubjectRefPro":{"exercices":[{"activities":[null,{}]},null]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := psc.ParseUserInfo(raw)
		if err != nil {
			var e *psc.Error
			if !errors.As(err, &e) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, s := range u.Situations() {
			if seen[s.Key] {
				t.Fatal("two situations with one key")
			}
			seen[s.Key] = true
			s.Role()
			s.Structure()
		}
		if string(u.Raw) != string(raw) {
			t.Fatal("Raw is not what came")
		}
		if strings.Contains(fmt.Sprintf("%v%+v%#v%s", u, u, u, u), u.Subject) && len(u.Subject) > 20 {
			t.Fatal("a person shows")
		}
	})
}
