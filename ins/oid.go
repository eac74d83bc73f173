package ins

import "fmt"

// OID is the authority that a matricule belongs to, and so its kind. The zero
// value means "none".
type OID uint8

// Kinds of INS.
const (
	OIDNIR  OID = iota + 1 // 1.2.250.1.213.1.4.8: INS-NIR
	OIDNIA                 // 1.2.250.1.213.1.4.9: INS-NIA, awaiting a NIR
	OIDTest                // 1.2.250.1.213.1.4.10: INS-NIR de test
	OIDDemo                // 1.2.250.1.213.1.4.11: INS-NIR de démonstration
)

const oidRoot = "1.2.250.1.213.1.4."

var oidLast = [...]string{OIDNIR: "8", OIDNIA: "9", OIDTest: "10", OIDDemo: "11"}

// ParseOID reads the dotted form of one of the four authorities. The error of
// a former or neighbouring one (INS-C, N° SS) says what it is.
func ParseOID(s string) (OID, error) {
	for o := OIDNIR; o <= OIDDemo; o++ {
		if s == oidRoot+oidLast[o] {
			return o, nil
		}
	}
	switch s {
	case oidRoot + "2", oidRoot + "6", oidRoot + "7":
		return 0, invalid("OID", "INS-C, the former computed identifier, is not an INS")
	case oidRoot + "13", oidRoot + "14":
		return 0, invalid("OID", "a social security number (N° SS-NIR, N° SS-NIA) is not an INS")
	}
	return 0, invalid("OID", oidRoot+"8, .9, .10 or .11 expected")
}

// String gives the dotted form, which identifies nobody; empty for none.
func (o OID) String() string {
	switch {
	case o == 0:
		return ""
	case o > OIDDemo:
		return fmt.Sprintf("oid(%d)", uint8(o))
	}
	return oidRoot + oidLast[o]
}

// Kind gives the official name of the kind: "INS-NIR", "INS-NIA",
// "INS-NIR-TEST" or "INS-NIR-DEMO" (fr-core-cs-v2-0203); empty for none.
func (o OID) Kind() string {
	switch o {
	case OIDNIR:
		return "INS-NIR"
	case OIDNIA:
		return "INS-NIA"
	case OIDTest:
		return "INS-NIR-TEST"
	case OIDDemo:
		return "INS-NIR-DEMO"
	}
	return ""
}

// Fictitious reports whether o is for test or demonstration identities, which
// never belong in production.
func (o OID) Fictitious() bool { return o == OIDTest || o == OIDDemo }

// MarshalText writes the dotted form.
func (o OID) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
