package mss_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
)

const titles = "Type de BAL|Adresse BAL|Nom d'exercice|Prénom d'exercice|Libellé savoir-faire|Raison Sociale structure BAL|Code postal structure BAL|Département structure BAL|L4NUMEROVOIE structure BAL|NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|L6LIGNEACHEMINEMENT structure BAL"

func collect(t testing.TB, seq func(func(mss.Extracted, error) bool)) (rows []mss.Extracted, errs []error) {
	t.Helper()
	for r, err := range seq {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rows = append(rows, r)
	}
	return rows, errs
}

func TestExtractionIsReadByTitles(t *testing.T) {
	t.Parallel()
	text := "\ufeff" + titles + "\r\n" +
		"PER|claire.officine@pharmacie.mssante.fr|OFFICINE|Claire|Pharmacie d'officine|PHARMACIE DU MARCHE|01000|Ain|12|RUE|DU MARCHE|01000 BOURG|\r\n" +
		"ORG|officine@hôpital.mssante.fr||||\"CH DE L'AIN\"\r\n" +
		"\r\n" +
		"ORG|pas une adresse|\r\n" +
		"ORG|a@b.fr|1|2|3|4|5|6|7|8|9|10|11|12|13\r\n" +
		"ORG|" + strings.Repeat("x", 70_000) + "\r\n" +
		"APP|derniere@pharmacie.mssante.fr"
	check := func(rows []mss.Extracted, errs []error) {
		require.Len(t, rows, 3)
		require.Equal(t, "claire.officine@pharmacie.mssante.fr", rows[0].Address().Wire())
		require.Equal(t, []string{"OFFICINE", "Claire", "Pharmacie d'officine", "PHARMACIE DU MARCHE", "01000", "Ain", "12 RUE DU MARCHE", "01000 BOURG"},
			[]string{rows[0].FamilyName, rows[0].GivenName, rows[0].Skill, rows[0].StructureName, rows[0].PostalCode, rows[0].Department, rows[0].Street, rows[0].City})
		kind, ok := rows[0].Column("TYPE DE BAL")
		require.True(t, ok)
		require.Equal(t, "PER", kind)
		_, ok = rows[0].Column("FINESS")
		require.False(t, ok)
		require.Equal(t, "officine@xn--hpital-ixa.mssante.fr", rows[1].Address().Wire())
		require.Equal(t, "CH DE L'AIN", rows[1].StructureName)
		require.Equal(t, "derniere@pharmacie.mssante.fr", rows[2].Address().Wire())
		require.Len(t, errs, 3)
		for i, line := range []int{5, 6, 7} {
			var e *mss.ExtractionError
			require.ErrorAs(t, errs[i], &e)
			require.Equal(t, line, e.Line)
		}
	}
	check(collect(t, mss.ReadExtraction(strings.NewReader(text))))
	check(collect(t, mss.OpenExtraction(strings.NewReader(text), int64(len(text)))))
	zipped := archive(t, map[string]string{"lisezmoi.txt": "x", "dossier/Extraction-correspondance-MSSante_2026.txt": text})
	check(collect(t, mss.OpenExtraction(bytes.NewReader(zipped), int64(len(zipped)))))
}

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(w, content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestExtractionsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	two := archive(t, map[string]string{"a.txt": titles, "b.txt": titles})
	for name, file := range map[string]string{
		"empty": "", "no titles": "<html>\nx\n", "endless title": strings.Repeat("a|", 100_000),
		"broken archive": "PK\x03\x04rien", "two texts": string(two), "half an archive": string(two[:len(two)/2]),
	} {
		rows, errs := collect(t, mss.OpenExtraction(strings.NewReader(file), int64(len(file))))
		require.Empty(t, rows, name)
		require.Len(t, errs, 1, name)
		var e *mss.ExtractionError
		require.ErrorAs(t, errs[0], &e, name)
	}
}

func FuzzExtraction(f *testing.F) {
	f.Add([]byte(titles + "\nPER|a@b.fr|X\n"))
	f.Add([]byte("adresse bal\n\"a@b.fr\"\n|\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for r, err := range mss.OpenExtraction(bytes.NewReader(b), int64(len(b))) {
			require.Equal(t, err != nil, r.Address().IsZero())
		}
	})
}

func extraction(rows int) []byte {
	var b bytes.Buffer
	b.WriteString(titles + "\n")
	for i := range rows {
		fmt.Fprintf(&b, "PER|claire.officine%d@pharmacie.mssante.fr|OFFICINE|Claire|Pharmacie d'officine|PHARMACIE DU MARCHE|01000|Ain|12|RUE|DU MARCHE|01000 BOURG\n", i)
	}
	return b.Bytes()
}

func BenchmarkExtraction(b *testing.B) {
	file := extraction(10_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range mss.ReadExtraction(bytes.NewReader(file)) {
			n++
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkExtractionFloor cuts the same rows into fields, and does no more.
func BenchmarkExtractionFloor(b *testing.B) {
	file := extraction(10_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for s := bufio.NewScanner(bytes.NewReader(file)); s.Scan(); {
			n += len(strings.Split(s.Text(), "|"))
		}
		if n != 12*10_001 {
			b.Fatal(n)
		}
	}
}
