package mss

import (
	"log/slog"
	"regexp"
	"strings"
	"unique"

	"github.com/soclesante/socle/ins"
)

// Address is the address of a mailbox (BAL) of the MSSanté space. It is
// comparable; the zero value means "none". A patient's address holds the
// matricule of their INS: it shows itself redacted, and only Wire gives it.
type Address struct{ h unique.Handle[mailbox] }

type mailbox struct{ local, domain string }

// isLocal reports whether s is words of RFC 5322 atom characters, parted by dots.
func isLocal(s string) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.' && last == '.':
			return false
		case c == '.' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z':
		case strings.IndexByte("!#$%&'*+/=?^_`{|}~-", c) < 0:
			return false
		}
		last = c
	}
	return last != '.'
}

// isDomain reports whether s is two labels at least, of 1 to 63 lower-case
// letters, digits and dashes that begin and end with no dash.
func isDomain(s string) bool {
	labels, start := 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if n := i - start; n < 1 || n > 63 || s[start] == '-' || s[i-1] == '-' {
				return false
			}
			labels, start = labels+1, i+1
			continue
		}
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return labels > 1
}

// ParseAddress reads a bare address, such as officine@pharmacie.mssante.fr. A
// domain with accents must be given in its ASCII form (xn--…).
func ParseAddress(s string) (Address, error) {
	m, err := splitAddress(s)
	if err != nil {
		return Address{}, err
	}
	return Address{unique.Make(m)}, nil
}

// corsican is a matricule with 2A or 2B in lower case.
var corsican = regexp.MustCompile(`^\d{6}[ab]\d{8}$`)

// splitAddress is ParseAddress but for what makes an Address comparable.
func splitAddress(s string) (mailbox, error) {
	local, domain, ok := cutLast(s, '@')
	domain = strings.ToLower(domain)
	switch {
	case !ok || len(s) > 254 || len(local) > 64:
		return mailbox{}, &AddressError{"local part, @ and domain expected, 254 characters at most"}
	case !isLocal(local):
		return mailbox{}, &AddressError{"unquoted local part in ASCII expected before @"}
	case !isDomain(domain):
		return mailbox{}, &AddressError{"domain name in ASCII (xn-- for accents) expected after @"}
	case isPatientDomain(domain) && corsican.MatchString(local):
		local = strings.ToUpper(local) // a matricule: one patient, one address
	}
	return mailbox{local, domain}, nil
}

// AddressError tells why an address was refused. It does not hold the address.
type AddressError struct{ Reason string }

// Error tells the reason.
func (e *AddressError) Error() string { return "mss: address: " + e.Reason }

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func (a Address) parts() mailbox {
	if a.IsZero() {
		return mailbox{}
	}
	return a.h.Value()
}

// Wire gives the whole address, as headers carry it; empty for none.
func (a Address) Wire() string {
	if a.IsZero() {
		return ""
	}
	return a.parts().local + "@" + a.parts().domain
}

// Domain gives the domain, in lower case.
func (a Address) Domain() string { return a.parts().domain }

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// IsPatient reports whether the address is one of Mon espace santé: its domain
// is patient.mssante.fr, or patient.….mssante.fr for test platforms (assumed).
func (a Address) IsPatient() bool {
	return isPatientDomain(a.Domain())
}

func isPatientDomain(d string) bool {
	return d == patientDomain || strings.HasPrefix(d, "patient.") && strings.HasSuffix(d, ".mssante.fr")
}

// same reports whether two addresses are of one mailbox: operators do not tell
// letters of another case apart in the local part (assumed).
func (a Address) same(b Address) bool {
	return a == b || a.Domain() == b.Domain() && strings.EqualFold(a.parts().local, b.parts().local)
}

// Matricule gives the matricule in a patient's address. It is what the address
// says, key unchecked, and nobody has verified that it is the patient's INS.
func (a Address) Matricule() (ins.Matricule, bool) {
	if !a.IsPatient() {
		return ins.Matricule{}, false
	}
	m, err := ins.ParseMatriculeLenient(a.parts().local)
	return m, err == nil
}

// String gives a professional's address, and only the domain of a patient's.
func (a Address) String() string {
	if a.IsPatient() {
		return "…@" + a.Domain()
	}
	return a.Wire()
}

// GoString is String.
func (a Address) GoString() string { return "mss.Address(" + a.String() + ")" }

// MarshalText is String: a patient's address does not survive it.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }
