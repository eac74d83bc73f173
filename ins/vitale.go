package ins

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// opVitale is the official name of the operation rechercherInsAvecCarteVitale.
const opVitale = "WS_INS1"

const (
	actionVitale = "urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecCarteVitale"
	nsRecVit     = "http://www.cnamts.fr/INSiRecVit"
)

// VitaleData is what the software read of a beneficiary on a carte Vitale, or
// of the contexte ApCV of an appli carte Vitale.
type VitaleData struct {
	// Card is the numéro de série logique of the card, and Beneficiary the place
	// of the person among its beneficiaries, from 1.
	Card        string
	Beneficiary int
	ReadAt      time.Time // when the card was read
	// Insured is the NIR of the ouvrant droit, with its key. Certified is the
	// beneficiary's own NIR certifié; zero when the card holds none.
	Insured, Certified Matricule
	// BirthName is the beneficiary's birth name, or the insured person's when
	// the card holds none. Optional.
	BirthName string
	// BirthDate is that of the card, which may be lunar; BirthRank the rang
	// gémellaire, from 1.
	BirthDate BirthDate
	BirthRank int
	// App says that the data come from a contexte ApCV: no card is in the
	// reader and no assertion of one is sent.
	App bool
	// Test says that the card is one of test or demonstration: refused in production.
	Test bool
}

// String hides the person.
func (d VitaleData) String() string { return "Vitale data " + redacted }

// GoString hides the person.
func (d VitaleData) GoString() string { return "ins.VitaleData{" + redacted + "}" }

// MarshalText hides the person.
func (d VitaleData) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue hides the person.
func (d VitaleData) LogValue() slog.Value { return slog.StringValue(d.String()) }

// VitaleReader is the middleware of the card reader (API de lecture Vitale and
// its signature service). It must be safe for concurrent use.
type VitaleReader interface {
	// Assert makes the assertion Vitale of the card that is in the reader at
	// this moment, for the beneficiary that was read last.
	Assert(ctx context.Context) (VitaleAssertion, error)
}

// VitaleAssertion is the assertion of a carte Vitale, with what it stands for.
type VitaleAssertion struct {
	XML         []byte // saml:Assertion, sent byte for byte
	Card        string // numéro de série logique of the card in the reader
	Beneficiary int    // the beneficiary read last, from 1
}

// String hides the assertion.
func (a VitaleAssertion) String() string { return "Vitale assertion " + redacted }

// GoString hides the assertion.
func (a VitaleAssertion) GoString() string { return "ins.VitaleAssertion{" + redacted + "}" }

// SearchByVitale asks INSi for the beneficiary of a carte Vitale (WS_INS1,
// rechercherInsAvecCarteVitale). INSi answers the INS of the beneficiary, never
// what is on the card. The RNIV prefers this search to that by traits.
//
// Before anything is sent, the card in Config.Vitale must still be the one that
// was read, with the same beneficiary (CNDA 1.03): otherwise the error is
// [ErrOtherCard]. It is [ErrStale] when the data or the assertion are older than
// Dialect.VitaleMaxAge (CNDA 1.02), and [ErrFictitious] for a test card in
// production. Other errors are those of [Client.SearchByTraits].
func (c *Client) SearchByVitale(ctx context.Context, who socle.Professional, d VitaleData) (Result, error) {
	name, err := c.checkVitale(d)
	if err != nil {
		return Result{}, err
	}
	op := call{op: opVitale, action: actionVitale, body: d.body(name), coverage: d.coverage, sent: func() []string { return d.sent(name) }, recast: c.notFound}
	if !d.App {
		if op.vitale, err = c.assertVitale(ctx, d); err != nil {
			return Result{}, err
		}
	}
	return c.find(ctx, who, op)
}

// checkVitale checks the data and gives the name in the alphabet of INSi.
func (c *Client) checkVitale(d VitaleData) (name string, err error) {
	refused := func(text string) (string, error) { return "", invalid("Vitale", text) }
	if d.BirthName != "" {
		var ok bool
		if name, ok = fold(d.BirthName); !ok || checkName(name, false) != "" || len(name) > maxBirthName {
			return refused("birth name: it is not one that INSi takes")
		}
	}
	now := c.cfg.Now()
	switch {
	case d.Card == "":
		return refused("card: the numéro de série logique is mandatory")
	case d.Beneficiary < 1 || d.Beneficiary > 99:
		return refused("beneficiary: 1 to 99 expected")
	case d.Insured.IsZero():
		return refused("insured: the NIR of the ouvrant droit is mandatory")
	case d.BirthDate.IsZero() || d.BirthDate.check() != nil:
		return refused("birth date: that of the card is mandatory")
	case d.BirthDate.after(now):
		return refused("birth date: it is in the future")
	case d.BirthRank < 1 || d.BirthRank > 9:
		return refused("birth rank: 1 to 9 expected")
	case d.ReadAt.IsZero():
		return refused("the time of the reading is mandatory")
	case d.Test && c.cfg.Environment.Production:
		return "", &Error{Op: "Vitale", Text: "a card of test or demonstration in production", Requirement: "EX_GEN-1430", kind: ErrFictitious, outcome: socle.OutcomeNotSent}
	case !d.App && c.cfg.Vitale == nil:
		return refused("Config.Vitale is missing, so that nothing proves that the card is there")
	}
	switch age := now.Sub(d.ReadAt); {
	case age > c.vitaleAge():
		return "", stale("the card was read " + age.Truncate(time.Second).String() + " ago, where INSi takes " + c.vitaleAge().String())
	case age < -clockSkew:
		return "", stale("the card was read in the future")
	}
	return name, nil
}

func (c *Client) vitaleAge() time.Duration {
	return cmp.Or(c.cfg.Dialect.VitaleMaxAge, defaultVitaleAge)
}

// assertVitale gives the assertion of the card, which must be that of d.
func (c *Client) assertVitale(ctx context.Context, d VitaleData) ([]byte, error) {
	a, err := c.cfg.Vitale.Assert(ctx)
	var own *Error
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Op: "Vitale", Err: ctx.Err(), outcome: socle.OutcomeNotSent}
	case errors.As(err, &own):
		return nil, own
	case err != nil:
		return nil, &Error{Op: "Vitale", Text: "the reader made no assertion", Fix: "check that the card is in the reader", Err: err, kind: ErrOtherCard}
	case a.Card != d.Card:
		return nil, &Error{Op: "Vitale", Text: "the card in the reader is not the one that was read", Fix: "read the card again", Requirement: "CNDA 1.03", kind: ErrOtherCard}
	case a.Beneficiary != d.Beneficiary:
		return nil, &Error{Op: "Vitale", Text: "the beneficiary asked about is not the one that was read last", Fix: "read the beneficiary again", Requirement: "CNDA 1.03", kind: ErrOtherCard}
	}
	s, err := readAssertion(a.XML)
	if err != nil {
		return nil, err
	}
	if s.qualifier != qualifierVitale || s.name != d.Card {
		return nil, &Error{Op: "Vitale", Text: "the assertion is not that of the card", Fix: "its NameID must be the numéro de série logique, with NameQualifier VITALE", kind: ErrOtherCard}
	}
	return s.xml, s.checkAge(c.cfg.Now(), c.cfg.Dialect.VitaleMaxAge, defaultVitaleAge)
}

// body writes the RECVITALE of d.
func (d VitaleData) body(name string) []byte {
	var w xmltree.Writer
	w.Start("insi:RECVITALE", "xmlns:insi", nsRecVit)
	matricule := func(element string, m Matricule) {
		if !m.IsZero() {
			w.Start(element).Leaf("insi:NumIdentifiant", m.Number()).Leaf("insi:Cle", m.Key()).End()
		}
	}
	matricule("insi:MatriculeIndividu", d.Certified)
	matricule("insi:MatriculeOD", d.Insured)
	if name != "" {
		w.Leaf("insi:NomNaissance", name)
	}
	w.Leaf("insi:DateNaissance", d.BirthDate.Wire()).Leaf("insi:RangNaissance", strconv.Itoa(d.BirthRank))
	return w.End().Bytes()
}

// coverage writes the COUVERTURE of the ContexteBAM.
func (d VitaleData) coverage(w *xmltree.Writer) {
	w.Start("ctxbam:ASSURE").Start("ctxbam:Id").Leaf("ctxbam:Num", d.Insured.Number()).Leaf("ctxbam:Cle", d.Insured.Key()).End().End()
	w.Start("ctxbam:BENEFICIAIRE")
	if !d.Certified.IsZero() {
		w.Start("ctxbam:Nir").Leaf("ctxbam:Num", d.Certified.Number()).Leaf("ctxbam:Cle", d.Certified.Key()).End()
	}
	w.Leaf("ctxbam:DateNai", d.BirthDate.Wire()).Leaf("ctxbam:Rang", strconv.Itoa(d.BirthRank)).End()
}

// sent gives the words that must not show up in an error.
func (d VitaleData) sent(name string) []string {
	return append([]string{d.Card, name, d.BirthDate.Wire(), d.Insured.Number(), d.Certified.Number()}, strings.Fields(name)...)
}
