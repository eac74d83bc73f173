package xmltree

import "unicode/utf8"

// nameClass tells of each ASCII byte whether it may begin (2) or continue (1) a name.
var nameClass = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
			t[c] = 2
		case '0' <= c && c <= '9', c == '-', c == '.':
			t[c] = 1
		}
	}
	return t
}()

// nameStart and nameChar follow XML 1.0, fifth edition, productions 4 and 4a,
// without the colon.
func nameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 0 && nameClass[r] == 2
	}
	return 0xC0 <= r && r <= 0x2FF && r != 0xD7 && r != 0xF7 ||
		0x370 <= r && r <= 0x1FFF && r != 0x37E ||
		r == 0x200C || r == 0x200D ||
		0x2070 <= r && r <= 0x218F ||
		0x2C00 <= r && r <= 0x2FEF ||
		0x3001 <= r && r <= 0xD7FF ||
		0xF900 <= r && r <= 0xFDCF ||
		0xFDF0 <= r && r <= 0xFFFD ||
		0x10000 <= r && r <= 0xEFFFF
}

func nameChar(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 0 && nameClass[r] != 0
	}
	return nameStart(r) || r == 0xB7 || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}

func startsName(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && nameStart(r)
}

// IsNCName reports whether s is a name without colon, as identifiers (xs:ID) must be.
func IsNCName(s string) bool {
	if !startsName(s) {
		return false
	}
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
		if !nameChar(r) {
			return false
		}
		i += n
	}
	return true
}
