package ins_test

import (
	"bytes"
	"testing"

	"github.com/soclesante/socle/ins"
)

var (
	typed = ins.Traits{BirthName: "d’Artagnan de l’Hérault", GivenNames: "Pierre-Alain Günther", Sex: ins.Male,
		BirthDate: ins.BirthDate{Year: 2001, Month: 6, Day: 17}, BirthPlace: "2a020"}
	answered = ins.Traits{BirthName: "D'ARTAGNAN DE L'HERAULT", GivenNames: "PIERRE-ALAIN GUNTHER CESAR", FirstGivenName: "PIERRE-ALAIN", Sex: ins.Male,
		BirthDate: ins.BirthDate{Year: 2001, Month: 6, Day: 17}, BirthPlace: "2A020"}
)

// BenchmarkCompareTraits normalises and validates what was typed, and compares
// it with what INSi gives.
func BenchmarkCompareTraits(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := typed.Normalize()
		if err == nil {
			err = t.CanQuery()
		}
		if err != nil {
			b.Fatal(err)
		}
		if ins.Compare(t, answered).Worst() != ins.Completed {
			b.Fatal("another grade")
		}
	}
}

// BenchmarkCompareTraitsFloor does the least that the same task needs: it
// copies the names as capitals and compares them byte by byte.
func BenchmarkCompareTraitsFloor(b *testing.B) {
	b.ReportAllocs()
	upper := func(s string) string {
		var buf [64]byte
		out := buf[:0]
		for i := range len(s) {
			c := s[i]
			if c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			out = append(out, c)
		}
		return string(out)
	}
	n := 0
	for b.Loop() {
		name, given := upper(typed.BirthName), upper(typed.GivenNames)
		for i := range min(len(name), len(answered.BirthName)) {
			if name[i] == answered.BirthName[i] {
				n++
			}
		}
		if bytes.HasPrefix([]byte(answered.GivenNames), []byte(given)) {
			n++
		}
	}
	_ = n
}
