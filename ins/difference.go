package ins

import (
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Difference is one trait of a comparison, as a screen shows it: the value
// known here beside the value of INSi, how they relate, and where they part.
type Difference struct {
	Trait string // birth name, first given name, given names, sex, birth date or birth place
	Label string // the French words of the référentiel for it
	// Local and INSi are the values, dates as DD/MM/YYYY. They identify the
	// person: show them, never log them.
	Local, INSi string
	Grade       Grade
	// LocalSpan and INSiSpan are the parts to highlight: what is left of each
	// value without what both begin with, and without the words that both end
	// with. Both are empty when the values are the same.
	LocalSpan, INSiSpan Span
}

// Span is a part of a text, in bytes: text[Start:End].
type Span struct{ Start, End int }

// Differences gives the comparison of [Compare] as the six rows of a screen,
// in the order of the référentiel, also those that are identical.
func Differences(local, insi Traits) []Difference {
	c := Compare(local, insi)
	rows := []Difference{
		{Trait: "birth name", Label: "nom de naissance", Local: local.BirthName, INSi: insi.BirthName, Grade: c.BirthName},
		{Trait: "first given name", Label: "premier prénom de naissance", Local: local.First(), INSi: insi.First(), Grade: c.FirstGivenName},
		{Trait: "given names", Label: "liste des prénoms de naissance", Local: local.List(), INSi: insi.List(), Grade: c.GivenNames},
		{Trait: "sex", Label: "sexe", Local: string(local.Sex), INSi: string(insi.Sex), Grade: c.Sex},
		{Trait: "birth date", Label: "date de naissance", Local: slashed(local.BirthDate), INSi: slashed(insi.BirthDate), Grade: c.BirthDate},
		{Trait: "birth place", Label: "lieu de naissance", Local: string(local.BirthPlace), INSi: string(insi.BirthPlace), Grade: c.BirthPlace},
	}
	for i := range rows {
		r := &rows[i]
		r.LocalSpan, r.INSiSpan = parting(r.Local, r.INSi)
	}
	return rows
}

// slashed gives DD/MM/YYYY.
func slashed(d BirthDate) string { return strings.ReplaceAll(dayFirst(d), "-", "/") }

// parting gives what is left of a and b without their common beginning and end.
func parting(a, b string) (Span, Span) {
	if a == b {
		return Span{}, Span{}
	}
	start := 0
	for start < len(a) && start < len(b) {
		r, n := utf8.DecodeRuneInString(a[start:])
		if q, m := utf8.DecodeRuneInString(b[start:]); q != r || m != n {
			break
		}
		start += n
	}
	end := 0
	for {
		r, n := utf8.DecodeLastRuneInString(a[start : len(a)-end])
		q, m := utf8.DecodeLastRuneInString(b[start : len(b)-end])
		if n == 0 || q != r || m != n {
			break
		}
		end += n
	}
	for end > 0 && !wordAt(a, len(a)-end) && !wordAt(b, len(b)-end) { // half a word in common says nothing
		_, n := utf8.DecodeRuneInString(a[len(a)-end:])
		end -= n
	}
	return Span{start, len(a) - end}, Span{start, len(b) - end}
}

// wordAt reports whether a word or what stands between words begins at i.
func wordAt(s string, i int) bool {
	const between = " -'/"
	return i == 0 || strings.IndexByte(between, s[i]) >= 0 || strings.IndexByte(between, s[i-1]) >= 0
}

// String gives the trait and the grade and hides the values.
func (d Difference) String() string { return d.Trait + " " + d.Grade.String() }

// GoString hides the values.
func (d Difference) GoString() string { return "ins.Difference{" + d.String() + "}" }

// MarshalText gives the trait and the grade and hides the values.
func (d Difference) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue gives the trait and the grade and hides the values.
func (d Difference) LogValue() slog.Value { return slog.StringValue(d.String()) }
