package ins

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Longest values that INSi takes in a request.
const (
	maxBirthName  = 80
	maxGivenNames = 61
)

// fold puts a name into the alphabet of INSi: capitals A to Z, space,
// apostrophe and hyphen. Accents are dropped, Œ and Æ spelled out, the
// typographic apostrophe made plain, and white space around the name cut. Any
// other character is refused, never dropped: the name would be another one.
func fold(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if plain(s) {
		return s, true
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteByte(byte(r) - 'a' + 'A')
		case r >= 'A' && r <= 'Z' || r == ' ' || r == '\'' || r == '-':
			b.WriteByte(byte(r))
		case r == '’':
			b.WriteByte('\'')
		case r == 'œ' || r == 'Œ':
			b.WriteString("OE")
		case r == 'æ' || r == 'Æ':
			b.WriteString("AE")
		case unicode.Is(unicode.Mn, r) && b.Len() > 0: // accent of the letter before
		default:
			return "", false
		}
	}
	return b.String(), true
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && c != ' ' && c != '\'' && c != '-' {
			return false
		}
	}
	return true
}

// checkName tells what INSi would refuse in a folded birth name, and in
// folded given names when given is set (SEL-MP-043 EF_INS10_01, EF_INS10_02).
// Empty means nothing.
func checkName(s string, given bool) string {
	switch {
	case s == "":
		return "it is empty"
	case s[0] == '-' || s[0] == ' ':
		return "it begins with a hyphen or a space"
	case strings.Contains(s, "  "), strings.Contains(s, "''"), strings.Contains(s, " '"), strings.Contains(s, "' "):
		return "spaces and apostrophes follow each other"
	case given && strings.Contains(s, "--"):
		return "it has a double hyphen"
	case given && (s[len(s)-1] == '-' || s[len(s)-1] == '\''):
		return "it ends with a hyphen or an apostrophe"
	}
	return ""
}

// words folds a name for comparison: no accent, case, hyphen or apostrophe
// counts (RNIV EXI ID 10, SC.INS/va1.25).
func words(s string) []string {
	if f, ok := fold(s); ok {
		s = f
	} else {
		s = strings.ToUpper(s)
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '-' || r == '\'' || r == '’' })
}
