package mss

import (
	"strings"
	"unicode"
)

// Label is the display name of a From header (ECO.2.2.7): a person is
// Titre_Prénom_NOM_Entité, where title and entity are optional and the family
// name is in capitals; an organisation is its functional entity alone.
type Label struct {
	Title      string // Dr, Pr … optional
	GivenName  string
	FamilyName string
	Entity     string // entité fonctionnelle: optional for a person, all there is for an organisation
}

// String writes the label in the grammar. Characters that would break a header
// or the grammar (< > " _ and controls) become spaces; the family name is put
// in capitals, and a given name that is all capitals in lower case but for its
// initials, so that the reader can tell them apart. It is empty when a person
// lacks one of their two names.
func (l Label) String() string {
	title, given, family, entity := tidy(l.Title), givenCase(tidy(l.GivenName)), strings.ToUpper(tidy(l.FamilyName)), tidy(l.Entity)
	if given == "" && family == "" {
		return entity
	}
	if given == "" || family == "" {
		return ""
	}
	words := []string{given, family}
	if title != "" {
		words = append([]string{title}, words...)
	}
	if entity != "" {
		words = append(words, entity)
	}
	return strings.Join(words, "_")
}

// ParseLabel reads a display name. It reports false for one that is not in the
// grammar, which many senders' are not; a name without "_" is an entity.
func ParseLabel(display string) (Label, bool) {
	w := strings.Split(strings.TrimSpace(display), "_")
	for i := range w {
		if w[i] = strings.TrimSpace(w[i]); w[i] == "" {
			return Label{}, false
		}
	}
	person := func(i int) (Label, bool) {
		l := Label{GivenName: w[i], FamilyName: w[i+1], Entity: strings.Join(w[i+2:], "_")}
		if i > 0 {
			l.Title = w[0]
		}
		return l, true
	}
	switch {
	case len(w) == 1:
		return Label{Entity: w[0]}, true
	case len(w) > 2 && isTitle(w[0]) && capitals(w[2]):
		return person(1)
	case capitals(w[1]):
		return person(0)
	case len(w) > 2 && capitals(w[2]):
		return person(1)
	}
	return Label{}, false
}

func isTitle(s string) bool {
	switch strings.TrimSuffix(strings.ToLower(s), ".") {
	case "dr", "pr", "m", "mr", "mme", "mlle", "docteur", "professeur", "me":
		return true
	}
	return false
}

func capitals(s string) bool {
	return strings.ContainsFunc(s, unicode.IsUpper) && !strings.ContainsFunc(s, unicode.IsLower)
}

// tidy makes a part of a label safe for a header and for the grammar.
func tidy(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>"_`, r) || unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func givenCase(s string) string {
	if !capitals(s) {
		return s
	}
	start := true
	return strings.Map(func(r rune) rune {
		defer func() { start = !unicode.IsLetter(r) }()
		if start {
			return r
		}
		return unicode.ToLower(r)
	}, s)
}
