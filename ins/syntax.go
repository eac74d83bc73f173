package ins

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

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
	var buf [128]byte
	b, ok := appendFold(buf[:0], s)
	return string(b), ok
}

// letters are the base letters of U+00C0 to U+017F, a dot for those that have none.
const letters = "" +
	"AAAAAA.CEEEEIIII.NOOOOO..UUUUY..AAAAAA.CEEEEIIII.NOOOOO..UUUUY.Y" +
	"AAAAAACCCCCCCCDD..EEEEEEEEEEGGGGGGGGHH..IIIIIIIII...JJKK.LLLLLL." +
	"...NNNNNN...OOOOOO..RRRRRRSSSSSSSSTTTT..UUUUUUUUUUUUWWYYYZZZZZZ."

// appendFold appends the folded s, and tells whether it could be folded.
func appendFold(b []byte, s string) ([]byte, bool) {
	start := len(b)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z' || c == ' ' || c == '\'' || c == '-':
			b = append(b, c)
			continue
		case c >= 'a' && c <= 'z':
			b = append(b, c-'a'+'A')
			continue
		case c < utf8.RuneSelf:
			return b, false
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n - 1
		switch {
		case r == '’' || r == '‘' || r == 'ʼ':
			b = append(b, '\'')
		case r == 'œ' || r == 'Œ':
			b = append(b, "OE"...)
		case r == 'æ' || r == 'Æ':
			b = append(b, "AE"...)
		case r >= 0xC0 && r < 0x180:
			if letters[r-0xC0] == '.' {
				return b, false
			}
			b = append(b, letters[r-0xC0])
		case unicode.Is(unicode.Mn, r) && len(b) > start: // accent of the letter before
		default:
			d := norm.NFD.String(string(r))
			if d == string(r) || r == utf8.RuneError {
				return b, false
			}
			var ok bool
			if b, ok = appendFold(b, d); !ok {
				return b, false
			}
		}
	}
	return b, true
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
	if s == "" {
		return "it is empty"
	}
	if s[0] == '-' || s[0] == ' ' {
		return "it begins with a hyphen or a space"
	}
	for i := 1; i < len(s); i++ {
		switch a, c := s[i-1], s[i]; {
		case (c == ' ' || c == '\'') && (a == ' ' || a == '\''):
			return "spaces and apostrophes follow each other"
		case given && c == '-' && a == '-':
			return "it has a double hyphen"
		}
	}
	if c := s[len(s)-1]; given && (c == '-' || c == '\'') {
		return "it ends with a hyphen or an apostrophe"
	}
	return ""
}

// appendKey appends what of a name counts in a comparison: no accent, case,
// hyphen or apostrophe does (RNIV EXI ID 10, SC.INS/va1.25), so that what is
// left are the words, with one space between them.
func appendKey(b []byte, s string) []byte {
	if !plain(s) {
		if f, ok := fold(s); ok {
			s = f
		} else {
			s = strings.ToUpper(s)
		}
	}
	start, gap := len(b), false
	for i := range len(s) {
		c := s[i]
		if c == ' ' || c == '-' || c == '\'' {
			gap = len(b) > start
			continue
		}
		if gap {
			b, gap = append(b, ' '), false
		}
		b = append(b, c)
	}
	return b
}

// begins reports whether the given names in list begin with those in first, in
// the sense of EXI ID 10.
func begins(list, first string) bool {
	if first == "" {
		return false
	}
	if strings.HasPrefix(list, first) && (len(list) == len(first) || list[len(first)] == ' ') && first[0] >= 'A' {
		return true
	}
	var x, y [128]byte
	return startsWith(appendKey(x[:0], list), appendKey(y[:0], first))
}

// startsWith reports whether the words of one key are the first of another.
func startsWith(list, first []byte) bool {
	return len(first) > 0 && bytes.HasPrefix(list, first) && (len(list) == len(first) || list[len(first)] == ' ')
}
