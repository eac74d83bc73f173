package mss

import (
	"log/slog"
	"net/mail"
	"strings"

	"github.com/soclesante/socle/ins"
)

// SenderKind tells a patient from a professional without the user having to
// read the domain (ECO.3.1.1).
type SenderKind string

// Kinds of senders.
const (
	SenderUnknown      SenderKind = ""             // no address could be read
	SenderProfessional SenderKind = "professional" // a person or an organisation of the MSSanté space
	SenderPatient      SenderKind = "patient"      // a user of Mon espace santé
)

// Sender is who wrote a message, as its From header says. It shows only its
// kind in logs.
type Sender struct {
	Kind    SenderKind
	Address Address
	// Name is the display name as it was sent: of a patient, their name.
	Name string
	// Label is the name of a professional read in the grammar of ECO.2.2.7,
	// zero when it does not follow it.
	Label Label
	// Matricule is the one in a patient's address. It says who owns the
	// account of Mon espace santé: an identity is not qualified by it.
	Matricule ins.Matricule
}

// String tells the kind alone.
func (s Sender) String() string {
	if s.Kind == SenderUnknown {
		return "unknown sender"
	}
	return string(s.Kind)
}

// GoString is String.
func (s Sender) GoString() string { return "mss.Sender(" + s.String() + ")" }

// MarshalText is String.
func (s Sender) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String.
func (s Sender) LogValue() slog.Value { return slog.StringValue(s.String()) }

var addressParser = mail.AddressParser{WordDecoder: &words}

// parseSender reads a From header, as broken as it may be.
func parseSender(from string) Sender {
	name, wire := looseAddress(from)
	a, err := ParseAddress(wire)
	if err != nil {
		return Sender{Name: name}
	}
	s := Sender{Kind: SenderProfessional, Address: a, Name: name}
	if a.IsPatient() {
		s.Kind = SenderPatient
		s.Matricule, _ = a.Matricule()
		return s
	}
	s.Label, _ = ParseLabel(name)
	return s
}

// looseAddress gives the name and the address of the first mailbox of a field.
func looseAddress(v string) (name, wire string) {
	v, _ = toUTF8([]byte(v), "")
	if l, err := addressParser.ParseList(v); err == nil && len(l) > 0 {
		return headerText(l[0].Name), l[0].Address
	}
	// What net/mail refuses: unquoted dots and accents in the name, encoded
	// words inside quotes, several addresses of which one is broken.
	name, rest, ok := strings.Cut(v, "<")
	if !ok {
		return "", strings.TrimSpace(v)
	}
	wire, _, _ = strings.Cut(rest, ">")
	return headerText(strings.Trim(strings.TrimSpace(name), `"`)), strings.TrimSpace(wire)
}

// addresses reads the mailboxes of a field, leaving out what is none.
func addresses(v string) []Address {
	var out []Address
	v, _ = toUTF8([]byte(v), "")
	l, err := addressParser.ParseList(v)
	if err != nil {
		for s := range strings.SplitSeq(v, ",") {
			_, wire := looseAddress(s)
			l = append(l, &mail.Address{Address: wire})
		}
	}
	for _, m := range l {
		if a, err := ParseAddress(m.Address); err == nil {
			out = append(out, a)
		}
	}
	return out
}
