package dmp

import (
	"strings"

	"github.com/soclesante/socle/internal/saml"
)

// AccessMode is why a professional reaches a record (PurposeOfUse of the VIHF).
type AccessMode int

// Modes of access.
const (
	// NormalAccess: the patient is there, or has authorized the professional.
	NormalAccess AccessMode = iota
	// BreakGlass (bris de glace): the patient is in danger and cannot authorize
	// the professional, who tells why. The DMP shows it to the patient.
	BreakGlass
	// Regulation (Centre 15): the regulation of emergency calls, which needs no
	// authorization.
	Regulation
)

// String gives "normal", "break glass" or "regulation".
func (m AccessMode) String() string {
	switch m {
	case NormalAccess:
		return "normal"
	case BreakGlass:
		return "break glass"
	case Regulation:
		return "regulation"
	}
	return "unknown"
}

// Access is how the calls of a client reach records. The zero value is the
// normal access.
type Access struct {
	Mode AccessMode
	// Reason is why, in the words of the professional; mandatory for BreakGlass.
	// It goes to the DMP (Mode_Acces_Raison) and into the audit records: it
	// must not name the patient.
	Reason string
	// Secret is the connexion secrète: what is done stays invisible to the legal
	// representatives of a minor (INVISIBLE_REPRESENTANTS_LEGAUX). See [Minor].
	Secret bool
}

// With gives a client that reaches records in that way: it shares the
// connections of c, which does not change.
//
//	record, err := client.With(dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient"}).Exists(ctx, who, patient)
//
// What is wrong with a is refused by each call, before anything is sent.
func (c *Client) With(a Access) *Client {
	d := *c
	d.access = a
	return &d
}

// because gives a client whose audit records have that reason too.
func (c *Client) because(reason string) *Client {
	d := *c
	d.reason = reason
	return &d
}

// check refuses an access that the DMP would refuse.
func (a Access) check(op string) error {
	switch {
	case a.Mode != NormalAccess && a.Mode != BreakGlass && a.Mode != Regulation:
		return refusal(op, ErrAccess, "Access.Mode: NormalAccess, BreakGlass or Regulation expected", "")
	case a.Mode == BreakGlass && strings.TrimSpace(a.Reason) == "":
		return refusal(op, ErrAccess, "Access.Reason: mandatory for a bris de glace", "ask the professional for it")
	}
	return nil
}

// purpose gives the PurposeOfUse of the VIHF; zero is the normal one.
func (d Dialect) purpose(m AccessMode) saml.CE {
	p := saml.NormalAccess()
	switch m {
	case BreakGlass:
		if p = saml.BrisDeGlace(); d.BreakGlass != "" {
			p.Code = d.BreakGlass
		}
	case Regulation:
		if p = saml.Centre15(); d.Regulation != "" {
			p.Code = d.Regulation
		}
	}
	return p
}
