package ins

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// PSCConfig is how a professional whom Pro Santé Connect authenticated asks.
type PSCConfig struct {
	// Token gives the access token of the professional: that of their session,
	// refreshed. Mandatory.
	Token      func(ctx context.Context, who socle.Professional) (string, error)
	Attributes PSAttributes   // BillingID is mandatory
	Names      AttributeNames // zero: those of [PSCAttributeNames]
	// Carry puts the token into the HTTP request. Nil writes
	// "Authorization: Bearer …", which is *assumed*: how the token travels is not public.
	Carry func(h http.Header, token string)
	// Issuer is that of the assertion; empty is the professional's identifier,
	// which is *assumed*: no public sample shows it.
	Issuer string
	Clock  func() time.Time // nil is time.Now
}

// PSC authenticates by Pro Santé Connect: an unsigned assertion that names the
// professional of the call, and an access token that proves it.
type PSC struct{ cfg PSCConfig }

// NewPSC makes an Authenticator of Pro Santé Connect. It reports every problem
// of cfg at once.
func NewPSC(cfg PSCConfig) (*PSC, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Carry == nil {
		cfg.Carry = func(h http.Header, token string) { h.Set("Authorization", "Bearer "+token) }
	}
	cfg.Names = cfg.Names.or(PSCAttributeNames())
	var errs []error
	field := func(name string, err error) {
		errs = append(errs, &Error{Op: "assertion", Text: name, Err: err, kind: ErrInvalid})
	}
	if cfg.Token == nil {
		field("Token", errors.New("mandatory: what gives the access token of the session"))
	}
	if cfg.Attributes.BillingID == "" {
		field("Attributes.BillingID", errors.New("mandatory: the identifiant de facturation"))
	}
	if err := cfg.Names.check(); err != nil {
		field("Names", err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &PSC{cfg}, nil
}

// Authenticate writes the assertion of who, whose ID is mandatory, and takes
// their token.
func (p *PSC) Authenticate(ctx context.Context, who socle.Professional) (Assertion, error) {
	refused := func(text, fix string, err error) (Assertion, error) {
		return Assertion{}, &Error{Op: "assertion", Text: text, Fix: fix, Err: err, kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	if who.ID.IsZero() {
		return refused("the call names no professional", "give the one whom Pro Santé Connect authenticated", nil)
	}
	if who.Profession.Code == socle.ProfessionDoctor && p.cfg.Attributes.Speciality == "" {
		return refused("Attributes.Speciality is mandatory for a doctor", "", nil)
	}
	token, err := p.cfg.Token(ctx, who)
	if err != nil {
		return refused("Pro Santé Connect gave no token", "open a new session", err)
	}
	if token == "" {
		return refused("the access token is empty", "open a new session", nil)
	}
	a := Assertion{XML: p.write(who.ID.String()), Header: make(http.Header)}
	p.cfg.Carry(a.Header, token)
	return a, nil
}

func (p *PSC) write(id string) []byte {
	var w xmltree.Writer
	w.Start("saml:Assertion", "xmlns:saml", saml.NS, "ID", "_"+soap.NewUUID(), "IssueInstant", instant(p.cfg.Clock()), "Version", "2.0")
	w.Leaf("saml:Issuer", cmp.Or(p.cfg.Issuer, id))
	w.Start("saml:Subject").Leaf("saml:NameID", id, "NameQualifier", qualifierPSC).End()
	p.cfg.Attributes.write(&w, p.cfg.Names)
	return w.End().Bytes()
}
