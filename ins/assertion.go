package ins

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xmltree"
)

// Authenticator proves to INSi who asks, where a software certificate does
// not: [NewCPx] by a card, [NewPSC] by Pro Santé Connect, [ReadyAssertion] by
// an assertion that another program made. It must be safe for concurrent use.
type Authenticator interface {
	// Authenticate gives the assertion for one message of who, which is the
	// professional given to the call. An error ends the call before anything is sent.
	Authenticate(ctx context.Context, who socle.Professional) (Assertion, error)
}

// Assertion proves who asks. It shows itself in no log.
type Assertion struct {
	// XML is a SAML 2.0 Assertion, whole in itself. It goes into wsse:Security
	// byte for byte, so that a signature stays right. Its NameID is the Emetteur
	// of the message; its NameQualifier says which address takes it.
	XML []byte
	// Header is added to the HTTP request, such as the access token of Pro
	// Santé Connect.
	Header http.Header
}

// String hides the assertion.
func (a Assertion) String() string { return "assertion " + redacted }

// GoString hides the assertion.
func (a Assertion) GoString() string { return "ins.Assertion{" + redacted + "}" }

// MarshalText hides the assertion.
func (a Assertion) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// PSAttributes are what INSi wants to know of a professional, beside who it is
// (SEL-MP-043 §3.2).
type PSAttributes struct {
	// BillingID is the identifiant de facturation: mandatory; the AM number of a
	// liberal professional or of a pharmacy, the FINESS or SIRET of a structure.
	BillingID string
	// Sector is the secteur d'activité, such as SA33. Optional.
	Sector string
	// Speciality is the code spécialité AMO: mandatory for doctors and doctors in training.
	Speciality string
	// Profession tells which of several professions is exercised
	// (gipProfessionCode). Only with Pro Santé Connect.
	Profession string
}

// write writes the AttributeStatement, with the names of a dialect.
func (p PSAttributes) write(w *xmltree.Writer, n AttributeNames) {
	w.Start("saml:AttributeStatement")
	for _, a := range []struct{ name, value string }{
		{n.BillingID, p.BillingID}, {n.Sector, p.Sector}, {n.Speciality, p.Speciality}, {n.Profession, p.Profession},
	} {
		if a.value != "" {
			w.Start("saml:Attribute", "Name", a.name).Leaf("saml:AttributeValue", a.value).End()
		}
	}
	w.End()
}

// ReadyAssertion gives an Authenticator that sends an assertion which another
// program made and signed, byte for byte. header is added to the HTTP request
// and may be nil. The error says what keeps it from being an assertion.
func ReadyAssertion(xml []byte, header http.Header) (Authenticator, error) {
	a := Assertion{XML: append([]byte(nil), xml...), Header: header.Clone()}
	if _, err := readAssertion(a.XML); err != nil {
		return nil, err
	}
	return ready{a}, nil
}

type ready struct{ Assertion }

func (r ready) Authenticate(context.Context, socle.Professional) (Assertion, error) {
	return r.Assertion, nil
}

// proof is what a request shows of who asks.
type proof struct {
	url       string
	emitter   string
	assertion []byte
	header    http.Header
}

// qualifiers of the NameID of assertions that are not a card's.
const (
	qualifierPSC    = "PSC"
	qualifierVitale = "VITALE"
)

// authenticate gives the proof for one message.
func (c *Client) authenticate(ctx context.Context, who socle.Professional, now time.Time) (proof, error) {
	env := c.cfg.Environment
	if c.cfg.Authentication == nil {
		return proof{url: env.URL, emitter: c.structure}, nil
	}
	refused := func(text, fix string, err error) (proof, error) {
		return proof{}, &Error{Op: "assertion", Text: text, Fix: fix, Err: err, kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	a, err := c.cfg.Authentication.Authenticate(ctx, who)
	var own *Error
	switch {
	case ctx.Err() != nil:
		return proof{}, &Error{Op: "assertion", Err: ctx.Err(), outcome: socle.OutcomeNotSent}
	case errors.As(err, &own):
		return proof{}, own
	case err != nil:
		return refused("the authenticator failed", "", err)
	}
	s, err := readAssertion(a.XML)
	if err != nil {
		return proof{}, err
	}
	if s.qualifier == qualifierVitale {
		return refused("it is the assertion of a carte Vitale", "give that of the professional", nil)
	}
	if err := s.checkAge(now, c.cfg.Dialect.AssertionMaxAge, defaultAssertionAge); err != nil {
		return proof{}, err
	}
	p := proof{url: env.CardURL, emitter: s.name, assertion: s.xml, header: a.Header}
	if s.qualifier == qualifierPSC {
		p.url = env.PSCURL
	}
	if !strings.HasPrefix(p.url, "https://") {
		return refused("the environment has no https address for an assertion of kind "+s.qualifier, "fill Environment.CardURL, or Environment.PSCURL for Pro Santé Connect", nil)
	}
	return p, nil
}

// statement is what is read in an assertion before it is sent.
type statement struct {
	xml             []byte
	name, qualifier string
	issued          time.Time
}

// readAssertion reads what a message must repeat of an assertion. It verifies
// no signature: that is the service's part.
func readAssertion(b []byte) (statement, error) {
	refused := func(text string, err error) (statement, error) {
		return statement{}, &Error{Op: "assertion", Text: text, Err: err, kind: ErrInvalid}
	}
	if len(b) == 0 {
		return refused("it is empty", nil)
	}
	d, err := xmltree.Parse(b, xmltree.Limits{Bytes: 256 << 10, Depth: 32, Nodes: 10_000})
	if err != nil {
		return refused("it does not parse as an XML document of its own", err)
	}
	if !d.Root.Is(saml.NS, "Assertion") {
		return refused("an Assertion of SAML 2.0 is expected", nil)
	}
	name := d.Root.First(saml.NS, "Subject").First(saml.NS, "NameID")
	s := statement{xml: d.Of(d.Root), name: name.Trimmed(), qualifier: name.Attr("NameQualifier")}
	if s.name == "" || s.qualifier == "" {
		return refused("a Subject with a NameID and its NameQualifier is expected", nil)
	}
	if s.issued, err = time.Parse(time.RFC3339Nano, d.Root.Attr("IssueInstant")); err != nil {
		return refused("IssueInstant: a time with its offset is expected", nil)
	}
	return s, nil
}

// checkAge refuses an assertion that INSi would find too old, or that was made
// by a clock ahead of ours.
func (s statement) checkAge(now time.Time, asked, usual time.Duration) error {
	longest := cmp.Or(asked, usual)
	switch age := now.Sub(s.issued); {
	case age > longest:
		return stale("the assertion is " + age.Truncate(time.Second).String() + " old, where INSi takes " + longest.String())
	case age < -clockSkew:
		return stale("the assertion is dated in the future")
	}
	return nil
}

func stale(text string) error {
	return &Error{Op: "assertion", Text: text, Fix: "make a new one: read the card again, and set the clock right", kind: ErrStale, outcome: socle.OutcomeNotSent}
}
