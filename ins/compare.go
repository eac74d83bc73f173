package ins

import "bytes"

// Grade says how two values of a trait relate.
type Grade int

// Grades, from the best to the worst.
const (
	Identical  Grade = iota // the same characters
	Cosmetic                // the same but for case, accents, ligatures, hyphens, apostrophes, spaces
	Completed               // the second says more: further given names, a place of birth
	Discordant              // not the same: a person must decide
)

// String gives the grade in lower case.
func (g Grade) String() string {
	return [...]string{"identical", "cosmetic", "completed", "discordant"}[g]
}

// Comparison grades two sets of traits, trait by trait (RNIV EXI ID 10, EXI SI 29 and 30).
type Comparison struct {
	BirthName, FirstGivenName, GivenNames, Sex, BirthDate, BirthPlace Grade
}

// Compare grades the traits known here against those that INSi gives. Sex,
// date and place must be the same, names may differ in writing, and the first
// given name known here must begin the list of the other: JEAN-CHRISTOPHE
// agrees with JEAN CHRISTOPHE PIERRE, CHRISTOPHE does not.
func Compare(local, insi Traits) Comparison {
	c := Comparison{
		BirthName:  gradeNames(local.BirthName, insi.BirthName, false),
		GivenNames: gradeNames(local.List(), insi.List(), true),
		Sex:        gradeExact(local.Sex == insi.Sex),
		BirthDate:  gradeExact(local.BirthDate == insi.BirthDate),
		BirthPlace: gradeExact(local.BirthPlace == insi.BirthPlace),
	}
	if local.BirthPlace == "" && insi.BirthPlace != "" {
		c.BirthPlace = Completed
	}
	switch {
	case local.First() == insi.First():
	case begins(insi.List(), local.First()):
		c.FirstGivenName = Cosmetic
	default:
		c.FirstGivenName = Discordant
	}
	return c
}

// Worst gives the worst grade.
func (c Comparison) Worst() Grade {
	return max(c.BirthName, c.FirstGivenName, c.GivenNames, c.Sex, c.BirthDate, c.BirthPlace)
}

// Discordances names the traits that a person must decide about.
func (c Comparison) Discordances() []string {
	var names []string
	for _, t := range []struct {
		name string
		Grade
	}{
		{"birth name", c.BirthName}, {"first given name", c.FirstGivenName}, {"given names", c.GivenNames},
		{"sex", c.Sex}, {"birth date", c.BirthDate}, {"birth place", c.BirthPlace},
	} {
		if t.Grade == Discordant {
			names = append(names, t.name)
		}
	}
	return names
}

func gradeExact(same bool) Grade {
	if same {
		return Identical
	}
	return Discordant
}

func gradeNames(a, b string, list bool) Grade {
	if a == b {
		return Identical
	}
	var x, y [128]byte
	ka, kb := appendKey(x[:0], a), appendKey(y[:0], b)
	switch {
	case bytes.Equal(ka, kb):
		return Cosmetic
	case list && startsWith(kb, ka):
		return Completed
	}
	return Discordant
}
