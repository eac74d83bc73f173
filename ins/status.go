package ins

// Status is the trust that an identity deserves (RNIV). The zero value is
// Provisoire, which every identity is at first (SC.INS/va1.54).
type Status uint8

// Statuses.
const (
	// Provisoire: neither INSi nor a document vouches for the identity.
	Provisoire Status = iota
	// Validee: a high-confidence document does, INSi does not.
	Validee
	// Recuperee: INSi gave the traits and the INS, no document was checked. The
	// INS is kept and may not be sent.
	Recuperee
	// Qualifiee: both. The INS must go with the data of the person.
	Qualifiee
)

var (
	statusNames = [...]string{"provisoire", "validée", "récupérée", "qualifiée"}
	statusCodes = [...]string{"PROV", "VALI", "RECUP", "QUAL"}
)

// String gives the official word: provisoire, validée, récupérée or qualifiée.
func (s Status) String() string {
	if int(s) >= len(statusNames) {
		return "unknown status"
	}
	return statusNames[s]
}

// Code gives the code of fr-core-cs-identity-status: PROV, VALI, RECUP or QUAL.
func (s Status) Code() string {
	if int(s) >= len(statusCodes) {
		return ""
	}
	return statusCodes[s]
}

// Confirmed reports whether INSi vouches for the identity.
func (s Status) Confirmed() bool { return s == Recuperee || s == Qualifiee }

// Proved reports whether a high-confidence document does.
func (s Status) Proved() bool { return s == Validee || s == Qualifiee }

// KeepsINS reports whether the INS is stored with the identity. Its strict
// traits are then those of INSi, and read-only on a screen (SC.INS/va1.18, .47).
func (s Status) KeepsINS() bool { return s.Confirmed() }

// SendsINS reports whether the INS goes with the data of the person to others:
// documents, DMP, messages, prescriptions, other structures. With any other
// status they get the traits alone (EXI ID 29, SC.INS/va1.59).
func (s Status) SendsINS() bool { return s == Qualifiee }

// MarshalText writes the official word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Attribute is a warning attached to an identity (RNIV EXI ID 24 and 26). Only
// Douteuse and Homonyme go together.
type Attribute uint8

// Attributes, a set of bits.
const (
	// Homonyme: another record has much the same traits. Goes with any status.
	Homonyme Attribute = 1 << iota
	// Douteuse: the person may not be who they say. Forces Provisoire, drops
	// the INS and forbids to ask INSi.
	Douteuse
	// Fictive: nobody has this identity: a test, a training, an anonymous
	// person. Has the effects of Douteuse.
	Fictive
)

// Has reports whether a holds every attribute of b.
func (a Attribute) Has(b Attribute) bool { return a&b == b }

func (a Attribute) legal() bool {
	return a&^(Homonyme|Douteuse|Fictive) == 0 && (!a.Has(Fictive) || a == Fictive)
}

// blocks reports whether a forbids trust.
func (a Attribute) blocks() bool { return a&(Douteuse|Fictive) != 0 }

// String gives the official words, such as "douteuse, homonyme"; empty for none.
func (a Attribute) String() string {
	var s string
	for _, n := range []struct {
		bit  Attribute
		name string
	}{{Homonyme, "homonyme"}, {Douteuse, "douteuse"}, {Fictive, "fictive"}} {
		if a.Has(n.bit) {
			if s != "" {
				s += ", "
			}
			s += n.name
		}
	}
	return s
}
