package ins

import (
	"log/slog"
	"strings"
	"unique"
)

// Matricule is the number of an INS: 13 characters and a key of two digits.
// It is comparable, its zero value means "none", and it shows itself in no log
// and no error, not even when a struct that holds it is printed: ask for
// [Matricule.Wire] to send, store or display it.
//
// Whether a matricule is a NIR or a NIA is told by its [OID], never by its
// first digit.
type Matricule struct{ h unique.Handle[string] }

// ParseMatricule reads the 15 characters of a matricule strictly: sex digit 1,
// 2, 3, 4, 7 or 8, a month that the RNIPP uses (01 to 13, 20 to 42, 50 to 99),
// département 2A or 2B in capitals, and a right key. The error, an *[Error],
// says what is wrong without the value.
func ParseMatricule(s string) (Matricule, error) {
	if err := form(s); err != nil {
		return Matricule{}, err
	}
	if !strings.ContainsRune("123478", rune(s[0])) {
		return Matricule{}, invalid("matricule", "first digit 1, 2, 3, 4, 7 or 8 expected")
	}
	if m := s[3:5]; m == "00" || m > "13" && m < "20" || m > "42" && m < "50" {
		return Matricule{}, invalid("matricule", "month 01 to 13, 20 to 42 or 50 to 99 expected at characters 4 and 5")
	}
	if s[13:] != matriculeKey(s[:13]) {
		return Matricule{}, invalid("matricule", "wrong key: the last two digits do not follow from the first 13 characters")
	}
	return Matricule{unique.Make(s)}, nil
}

// ParseMatriculeLenient reads a matricule as people and old systems write it:
// spaces are left out, a and b are raised, and neither key nor month nor first
// digit is checked. [Matricule.KeyValid] tells whether the key is right.
func ParseMatriculeLenient(s string) (Matricule, error) {
	if form(s) != nil {
		s = strings.ToUpper(spaces.Replace(s))
	}
	if err := form(s); err != nil {
		return Matricule{}, err
	}
	return Matricule{unique.Make(s)}, nil
}

var spaces = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "")

// form checks the shape shared by all matricules.
func form(s string) error {
	if len(s) != 15 {
		return invalid("matricule", "15 characters expected: 13 and the key of 2")
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (i != 6 || (c != 'A' && c != 'B') || s[5] != '2') {
			return invalid("matricule", "digits expected, and at character 7 after a 2 also A or B")
		}
	}
	return nil
}

// matriculeKey computes the two digits of the key of a well-formed number of
// 13 characters: 97 − (N mod 97), where 2A counts as 19 and 2B as 18.
func matriculeKey(number string) string {
	n := 0
	for i := range len(number) {
		d := int(number[i] - '0')
		switch number[i] {
		case 'A', 'B': // the 2 before it has just been added
			n, d = (n+97-1)%97, 9 // 2A is 19
			if number[i] == 'B' {
				d = 8 // 2B is 18
			}
		}
		n = (n*10 + d) % 97
	}
	k := 97 - n
	return string([]byte{'0' + byte(k/10), '0' + byte(k%10)})
}

// IsZero reports whether there is no matricule.
func (m Matricule) IsZero() bool { return m == Matricule{} }

// Wire gives the 15 characters, as documents, CX identifiers and mail
// addresses carry them; empty for none.
func (m Matricule) Wire() string {
	if m.IsZero() {
		return ""
	}
	return m.h.Value()
}

// Number gives the 13 characters without the key (NumIdentifiant); empty for none.
func (m Matricule) Number() string {
	if m.IsZero() {
		return ""
	}
	return m.h.Value()[:13]
}

// Key gives the two digits of the key (Cle); empty for none.
func (m Matricule) Key() string {
	if m.IsZero() {
		return ""
	}
	return m.h.Value()[13:]
}

// KeyValid reports whether the key follows from the number. It is always true
// of what [ParseMatricule] gave.
func (m Matricule) KeyValid() bool { return !m.IsZero() && m.Key() == matriculeKey(m.Number()) }

const redacted = "[redacted]"

// String hides the value.
func (m Matricule) String() string {
	if m.IsZero() {
		return ""
	}
	return redacted
}

// GoString hides the value.
func (m Matricule) GoString() string { return "ins.Matricule{" + m.String() + "}" }

// MarshalText hides the value.
func (m Matricule) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// LogValue hides the value.
func (m Matricule) LogValue() slog.Value { return slog.StringValue(m.String()) }
