package ins

import (
	"errors"
	"log/slog"
	"strings"
)

// Sex is the sex of the état civil as health records write it.
type Sex string

// Sexes. INSi knows the first two only: an identity whose sex is
// indeterminate or empty cannot be searched (EF_INS25_04).
const (
	Male          Sex = "M"
	Female        Sex = "F"
	Indeterminate Sex = "I"
)

// COG is the code officiel géographique of a place of birth: the five
// characters that the INSEE gave at the time of birth to a commune (2A or 2B
// first in Corsica) or, beginning with 99, to a country. Whether such a place
// exists today is not checked.
type COG string

// ParseCOG reads five characters, raising a and b.
func ParseCOG(s string) (COG, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 5 {
		return "", invalid("birth place", "code officiel géographique of 5 characters expected")
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (i != 1 || s[0] != '2' || (c != 'A' && c != 'B')) {
			return "", invalid("birth place", "code officiel géographique expected: digits, or 2A or 2B and digits")
		}
	}
	return COG(s), nil
}

// Traits are the strict traits (traits stricts) that identify a person. It is
// comparable. Its fields are the plain values, for screens and documents; the
// whole shows itself in no log.
type Traits struct {
	// BirthName is the nom de naissance, never the name used.
	BirthName string
	// GivenNames is the liste des prénoms de naissance in the order of the état
	// civil, separated by spaces. A hyphenated given name is one.
	GivenNames string
	// FirstGivenName is the premier prénom de naissance, when it is not simply
	// the first word of GivenNames.
	FirstGivenName string
	Sex            Sex
	BirthDate      BirthDate
	// BirthPlace is optional.
	BirthPlace COG
}

// First gives the premier prénom: FirstGivenName, else the first of GivenNames.
func (t Traits) First() string {
	if t.FirstGivenName != "" {
		return t.FirstGivenName
	}
	first, _, _ := strings.Cut(t.GivenNames, " ")
	return first
}

// List gives the given names: GivenNames, else FirstGivenName.
func (t Traits) List() string {
	if t.GivenNames != "" {
		return t.GivenNames
	}
	return t.FirstGivenName
}

// Normalize gives the traits as INSi and the référentiel INS write them, and
// checks them: names in capitals without accents, ligatures or typographic
// apostrophes, a date that can be, a well-formed place. Names, a date and a
// sex (M, F or I) are mandatory, the place is not (SC.INS/va1.21). All problems
// are told at once, each an *[Error] that names the trait and not its value.
// Traits without GivenNames get FirstGivenName for list, and the reverse.
func (t Traits) Normalize() (Traits, error) {
	var errs []error
	name := func(field *string, what string, given bool) {
		s, ok := fold(*field)
		reason := "it holds a character other than letters, space, apostrophe and hyphen"
		if ok {
			reason = checkName(s, given)
		}
		if reason != "" {
			errs = append(errs, &Error{Op: "traits", Text: what + ": " + reason, Requirement: "EF_INS10_01, EF_INS10_02", kind: ErrInvalid})
			return
		}
		*field = s
	}
	name(&t.BirthName, "birth name", false)
	if t.GivenNames == "" {
		t.GivenNames = t.FirstGivenName
	}
	list := len(errs)
	name(&t.GivenNames, "given names", true)
	if t.FirstGivenName == "" {
		if t.FirstGivenName = t.First(); len(errs) == list {
			name(&t.FirstGivenName, "given names", true) // such as A- of "A- B"
		}
	} else if len(errs) == list {
		if name(&t.FirstGivenName, "first given name", true); len(errs) == list && !begins(t.GivenNames, t.FirstGivenName) {
			errs = append(errs, &Error{Op: "traits", Text: "first given name: the list of given names does not begin with it", Requirement: "EXI ID 10", kind: ErrInvalid})
		}
	}
	switch t.Sex {
	case Male, Female, Indeterminate:
	default:
		errs = append(errs, &Error{Op: "traits", Text: "sex: M, F or I expected", Requirement: "SC.INS/va1.21", kind: ErrInvalid})
	}
	if err := t.BirthDate.check(); err != nil {
		errs = append(errs, err)
	}
	if t.BirthPlace != "" {
		p, err := ParseCOG(string(t.BirthPlace))
		if err != nil {
			errs = append(errs, err)
		}
		t.BirthPlace = p
	}
	if len(errs) > 0 {
		return Traits{}, errors.Join(errs...)
	}
	return t, nil
}

// CanQuery reports, as an *[Error] that is [ErrBlocked], why INSi may not be
// asked about normalised traits: an indeterminate sex (EF_INS25_04), or names
// longer than it takes.
func (t Traits) CanQuery() error {
	switch {
	case t.Sex != Male && t.Sex != Female:
		return &Error{Op: "traits", Text: "sex: INSi takes M or F only", Requirement: "EF_INS25_04", kind: ErrBlocked}
	case len(t.BirthName) > maxBirthName:
		return &Error{Op: "traits", Text: "birth name: INSi takes 80 characters at most", kind: ErrBlocked}
	case len(t.First()) > maxGivenNames:
		return &Error{Op: "traits", Text: "first given name: INSi takes 61 characters at most", kind: ErrBlocked}
	}
	return nil
}

// String hides the traits.
func (t Traits) String() string {
	if t == (Traits{}) {
		return ""
	}
	return redacted
}

// GoString hides the traits.
func (t Traits) GoString() string { return "ins.Traits{" + t.String() + "}" }

// MarshalText hides the traits.
func (t Traits) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue hides the traits.
func (t Traits) LogValue() slog.Value { return slog.StringValue(t.String()) }
