package ins_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/oracle"
)

// The patients of real example documents, compared with what a search in their
// text finds.
func TestRecordTargetsOfTheCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	element := regexp.MustCompile(`(?s)<recordTarget.*?</recordTarget>`)
	comment := regexp.MustCompile(`(?s)<!--.*?-->`)
	// first gives what the first of these expressions finds in s.
	first := func(s string, expressions ...string) string {
		for _, e := range expressions {
			if m := regexp.MustCompile(e).FindStringSubmatch(s); m != nil {
				return strings.TrimSpace(m[1])
			}
		}
		return ""
	}
	capitals := strings.NewReplacer("É", "E", "È", "E", "Ç", "C", "’", "'")
	for _, file := range files {
		name := filepath.Base(file)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		p, err := ins.ParseRecordTarget(b)
		require.NoError(t, err, name)
		text := comment.ReplaceAllString(element.FindString(string(b)), "")
		text = text[:strings.Index(text, "</name>")] + text[strings.LastIndex(text, "<administrativeGenderCode"):]
		require.Equal(t, first(text, `extension="(\d{6}[\dAB]\d{8})"`), p.INS.Matricule.Wire(), name)
		require.Equal(t, first(text, `root="(1\.2\.250\.1\.213\.1\.4\.(?:8|9|10|11))"`), p.INS.OID.String(), name)
		require.Equal(t, first(text, `administrativeGenderCode[^>]*\scode="(\w)"`), string(p.Traits.Sex), name)
		require.Equal(t, first(text, `birthTime value="(\d{8})`), p.Traits.BirthDate.Compact(), name)
		require.Equal(t, capitals.Replace(strings.ToUpper(first(text, `given qualifier="BR">([^<]*)<`, `<given>(\S*)`))), p.Traits.First(), name)
		require.Equal(t, capitals.Replace(strings.ToUpper(first(text, `family qualifier="BR">([^<]*)<`, `<family>([^<]*)<`))), p.Traits.BirthName, name)
	}
}
