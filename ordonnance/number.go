package ordonnance

import (
	"regexp"
	"strings"
)

// OIDNumber is the authority of prescription numbers: the arc of the CNAM for
// the e-prescription unifiée (EPU).
const OIDNumber = "1.2.250.1.215.500.1.1"

// Number is the numéro unique de prescription of the e-prescription unifiée.
// A document may have none: the empty Number.
//
// The rule that makes it (SEL-SFG-023) and its check character are not public,
// so that a Number of unexpected form is kept and sent as it is; see
// [Number.WellFormed].
type Number string

var numberForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{18}$`)

// ParseNumber reads a number as scanned or typed: spaces and dashes are dropped
// and letters become capital. Anything but 1 to 64 letters and digits is refused.
func ParseNumber(s string) (Number, error) {
	s = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\t", "", "\r", "", "\n", "").Replace(s))
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return "", local("ParseNumber", ErrMalformed, "a prescription number is letters and digits, 18 of them on every known document")
	}
	return Number(s), nil
}

// WellFormed reports whether n has the form of every number published so far:
// 18 characters of the Crockford base 32 alphabet (no I, L, O, U). It is a
// warning, not a rule: *assumed* from public examples.
func (n Number) WellFormed() bool { return numberForm.MatchString(string(n)) }

// String gives the characters of the number.
func (n Number) String() string { return string(n) }
