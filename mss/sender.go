package mss

import (
	"context"
	"errors"
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
	SenderUnknown SenderKind = "" // no address could be read, or one of Mon espace santé that is no patient's
	// SenderProfessional is a person, an organisation or a machine with another
	// address. Whether its domain is one of the MSSanté space is told by
	// [Mailbox.Read] where Config.WhiteList is given, as a fault.
	SenderProfessional SenderKind = "professional"
	SenderPatient      SenderKind = "patient" // a user of Mon espace santé: the address is a matricule
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
		var ok bool
		if s.Matricule, ok = a.Matricule(); ok {
			s.Kind = SenderPatient
		} else {
			s.Kind = SenderUnknown
		}
		return s
	}
	s.Label, _ = ParseLabel(name)
	return s
}

// severalSenders reports whether a From header that is broken holds more than
// one address, so that other readers may show another than the first.
func severalSenders(from string) bool {
	from, _ = toUTF8([]byte(from), "")
	if _, err := addressParser.ParseList(from); err == nil {
		return false
	}
	return strings.Count(from, "<") > 1
}

// verified tells what is wrong with the sender of a message that was read: a
// domain outside the white list, or a patient of another platform than that of
// Dialect.PatientDomain.
func (c *Client) verified(ctx context.Context, s Sender) error {
	var err error
	switch {
	case s.Address.IsZero():
		return nil
	case s.Address.IsPatient():
		if s.Address.Domain() != c.cfg.Dialect.patientDomain() {
			err = errors.New("an address of patients of another platform: it may be anybody's")
		}
	case c.cfg.WhiteList != nil:
		list, failed := c.cfg.WhiteList.List(ctx)
		if failed != nil {
			err = errors.New("the white list cannot be had: the domain of the sender was not checked")
		} else if !list.Allows(s.Address) {
			err = errors.New("the domain of the sender is not in the white list")
		}
	}
	if err == nil {
		return nil
	}
	return &Fault{Kind: FaultSender, Err: err}
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
