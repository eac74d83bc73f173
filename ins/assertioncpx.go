package ins

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// formatDN says that an Issuer is the subject of a certificate.
const formatDN = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"

// CPxConfig is how a professional's card signs.
type CPxConfig struct {
	// Card is the signature pair of the card. Its PrivateKey is a crypto.Signer:
	// a key in memory, or one that a PKCS#11 module keeps. Mandatory.
	Card       tls.Certificate
	Attributes PSAttributes   // BillingID is mandatory, Speciality too for a doctor
	Names      AttributeNames // zero: those of [CardAttributeNames]
	// Renew is the age at which a new assertion is signed. Zero is 10 minutes.
	// A card that asks for its code at each signature makes one wish for longer;
	// see Dialect.AssertionMaxAge for what INSi takes.
	Renew time.Duration
	Clock func() time.Time // nil is time.Now
}

// CPx authenticates by a CPS, CPF, CPE or CPA card: it signs the assertion PS
// of the Assurance maladie and keeps it while it is fresh. Make one when a card
// is inserted, and drop it when the card leaves.
type CPx struct {
	cfg       CPxConfig
	leaf      *x509.Certificate
	holder    string
	qualifier string

	mu     sync.Mutex
	signed []byte
	at     time.Time
}

// NewCPx makes an Authenticator of a card. It reports every problem at once:
// the authentication pair in place of the signature pair, a certificate that
// is no card's or that has expired, an attribute that is missing.
func NewCPx(cfg CPxConfig) (*CPx, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.Renew = cmp.Or(cfg.Renew, 10*time.Minute)
	cfg.Names = cfg.Names.or(CardAttributeNames())
	var errs []error
	field := func(name string, err error) {
		errs = append(errs, &Error{Op: "assertion", Text: name, Err: err, kind: ErrInvalid})
	}
	c := &CPx{cfg: cfg}
	leaf, err := pki.Leaf(cfg.Card)
	if err == nil {
		err = pki.CheckSignature(leaf, cfg.Clock())
	}
	if err != nil {
		field("Card", err)
	} else {
		class := pki.Classify(leaf)
		if c.leaf, c.holder, c.qualifier = leaf, class.CommonName, string(class.CardType); class.CardType == "" || c.holder == "" {
			field("Card", errors.New("the certificate is not that of a CPx card; with a software certificate no assertion is needed"))
		}
		if class.Profession == socle.ProfessionDoctor && cfg.Attributes.Speciality == "" {
			field("Attributes.Speciality", errors.New("mandatory for a doctor"))
		}
	}
	if cfg.Attributes.BillingID == "" {
		field("Attributes.BillingID", errors.New("mandatory: the identifiant de facturation"))
	}
	if err := cfg.Names.check(); err != nil {
		field("Names", err)
	}
	if cfg.Renew < 0 {
		field("Renew", errors.New("negative"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// Authenticate signs an assertion, or gives the last one while it is fresh.
// It refuses a professional who is not the holder of the card.
func (c *CPx) Authenticate(_ context.Context, who socle.Professional) (Assertion, error) {
	if !who.ID.IsZero() && who.ID.String() != c.holder {
		return Assertion{}, &Error{Op: "assertion", Text: "the card is another professional's than the one who calls",
			Fix: "insert the card of the professional, or make the call for its holder", kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock()
	if age := now.Sub(c.at); c.signed != nil && age >= 0 && age < c.cfg.Renew {
		return Assertion{XML: c.signed}, nil
	}
	if err := pki.CheckSignature(c.leaf, now); err != nil {
		return Assertion{}, &Error{Op: "assertion", Text: "the card may not sign", Err: err, kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	signed, err := c.sign(now)
	if err != nil {
		return Assertion{}, &Error{Op: "assertion", Text: "the card did not sign", Fix: "check that the card is in the reader and its code was given",
			Err: err, kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	c.signed, c.at = signed, now
	return Assertion{XML: signed}, nil
}

// sign writes the assertion canonical, and puts the signature between Issuer
// and Subject, where the kit of the service has it.
func (c *CPx) sign(now time.Time) ([]byte, error) {
	id := "_" + soap.NewUUID()
	var w xmltree.Writer
	w.Start("saml:Assertion", "xmlns:saml", saml.NS, "ID", id, "IssueInstant", instant(now), "Version", "2.0")
	w.Leaf("saml:Issuer", pki.DN(c.leaf), "Format", formatDN)
	place := w.Len()
	w.Start("saml:Subject").Leaf("saml:NameID", c.holder, "NameQualifier", c.qualifier).End()
	c.cfg.Attributes.write(&w, c.cfg.Names)
	canonical := w.End().Bytes()
	signature, err := xmlsec.SignEnveloped(canonical, id, c.cfg.Card, xmlsec.RSASHA256)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%s%s", canonical[:place], signature, canonical[place:]), nil
}

// String tells the kind of the card and hides its holder.
func (c *CPx) String() string { return "card " + c.qualifier }

// GoString hides the holder and the key.
func (c *CPx) GoString() string { return "ins.CPx{" + c.qualifier + "}" }

// instant writes a time as the official samples do: UTC, milliseconds, Z.
// instant writes a moment in UTC with milliseconds: 2006-01-02T15:04:05.000Z.
func instant(t time.Time) string {
	var room [32]byte
	t = t.UTC()
	b := t.AppendFormat(room[:0], time.RFC3339) // the layout that package time writes fast
	ms := t.Nanosecond() / 1e6
	return string(append(b[:len(b)-1], '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z'))
}
