package ins

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// opVerify is the official name of the operation verifierInsAvecTraitsIdentite.
const opVerify = "WS_INS3"

// Verification is what INSi said of a claim. The service gives no traits back.
type Verification struct {
	Claim Claim
	// Confirmed is true for OK and false for KO: the INS is not that of a
	// person with these traits.
	Confirmed   bool
	Code, Label string // of the service
	At          time.Time
	MessageID   string
}

// Result gives a confirmed claim as an answer of INSi, which the user may take
// by [Identity.Accept]. For a KO the error is an *[Error] that is
// [ErrNotConfirmed]: the INS may be neither kept nor sent (SC.INS/va1.05, .07, .08).
func (v Verification) Result() (Result, error) {
	if !v.Confirmed {
		return Result{}, &Error{Op: opVerify, Code: v.Code, Text: "INSi does not confirm this INS with these traits", MessageID: v.MessageID,
			Fix: "search the person by traits, and drop the INS", Requirement: "SC.INS/va1.05, .07, .08", kind: ErrNotConfirmed}
	}
	return Result{Active: v.Claim.INS, Traits: v.Claim.Traits, At: v.At, MessageID: v.MessageID}, nil
}

// String hides the person.
func (v Verification) String() string {
	if v.Confirmed {
		return "verification OK"
	}
	return "verification KO"
}

// GoString hides the person.
func (v Verification) GoString() string { return "ins.Verification{" + v.String() + "}" }

// MarshalText hides the person.
func (v Verification) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue shows what identifies nobody.
func (v Verification) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("confirmed", v.Confirmed), slog.String("code", v.Code), slog.String("messageID", v.MessageID))
}

// Verify asks INSi whether an INS is that of the person with these traits
// (WS_INS3, verifierInsAvecTraitsIdentite): at the reception of an INS from
// anywhere but INSi, and again every few years. OK and KO are both answers,
// without error: look at Confirmed, or take the [Verification.Result].
//
// The wire is that of Config.Dialect.Verify, provisional until the vendor fills
// it from the guide. Errors are those of [Client.SearchByTraits], but ErrNotFound
// and ErrAmbiguous; a code that is neither OK nor KO is [ErrAnswer].
func (c *Client) Verify(ctx context.Context, who socle.Professional, claim Claim) (Verification, error) {
	claim, err := c.checkClaim(claim)
	if err != nil {
		return Verification{}, err
	}
	d := c.cfg.Dialect.Verify.defaults()
	var w xmltree.Writer
	w.Start("v:"+d.Request, "xmlns:v", d.RequestSpace).Start("v:IndividuVerifie")
	c.writeClaim(&w, "v:", claim)
	w.End().End()
	v := Verification{Claim: claim}
	got, err := c.do(ctx, who, call{
		op: opVerify, action: d.Action, body: w.Bytes(), sent: claim.sent,
		read: func(e *soap.Envelope) (code, matricule string, err error) {
			if !e.Body.Is(d.ResponseSpace, d.Response) {
				return "", "", unusable("the answer holds no " + d.Response + " of the verification")
			}
			v.Code, v.Label, v.Confirmed, err = d.verdict(e.Body, claim.sent())
			return v.Code, claim.INS.Matricule.Wire(), err
		},
	})
	if err != nil {
		return Verification{}, err
	}
	v.At, v.MessageID = got.at, got.messageID
	return v, nil
}

// verdict reads the CR of an answer, or of a line of a batch.
func (d VerifyDialect) verdict(e *xmltree.Element, sent []string) (code, label string, confirmed bool, err error) {
	r := reader{}
	code, label = r.compteRendu(e)
	label = scrub(label, sent)
	switch {
	case r.err != nil:
		return code, label, false, r.err
	case slices.Contains(d.Confirmed, code):
		return code, label, true, nil
	case slices.Contains(d.Refuted, code):
		return code, label, false, nil
	}
	return code, label, false, &Error{Code: code, Text: "unknown CR: " + label, Fix: "tell its meaning in Dialect.Verify", kind: ErrAnswer, outcome: socle.OutcomeUnknown}
}

// compteRendu reads the CR that is a child of e.
func (d *reader) compteRendu(e *xmltree.Element) (code, label string) {
	cr := d.one(e, "CR")
	return token(d.one(cr, "CodeCR").Trimmed()), d.optional(cr, "LibelleCR").Trimmed()
}

// checkClaim normalises a claim and tells why INSi may not be asked about it.
func (c *Client) checkClaim(claim Claim) (Claim, error) {
	t, err := claim.Traits.Normalize()
	if err == nil {
		err = t.CanQuery()
	}
	switch {
	case err != nil:
		return Claim{}, err
	case !claim.INS.complete():
		return Claim{}, &Error{Op: "claim", Text: "a matricule and its OID are mandatory", Requirement: "SC.INS/va1.41", kind: ErrInvalid}
	case !claim.INS.Matricule.KeyValid():
		return Claim{}, &Error{Op: "claim", Text: "the key of the matricule does not follow from its number", Requirement: "SC.INS/va1.41", kind: ErrInvalid}
	case c.cfg.Environment.Production && claim.INS.OID.Fictitious():
		return Claim{}, &Error{Op: "claim", Text: "an INS of test or demonstration in production", kind: ErrFictitious, outcome: socle.OutcomeNotSent}
	case t.BirthDate.after(c.cfg.Now()):
		return Claim{}, invalid("traits", "birth date: it is in the future")
	}
	claim.Traits = t
	return claim, nil
}

// writeClaim writes INSFourni and TraitsIdentiteIndividu. An OID that
// Config.TestOID put in place of the service's goes back as that of an INS-NIR.
func (c *Client) writeClaim(w *xmltree.Writer, p string, claim Claim) {
	oid, t := claim.INS.OID, claim.Traits
	if c.cfg.TestOID != 0 && oid == c.cfg.TestOID {
		oid = OIDNIR
	}
	w.Start(p+"INSFourni").Start(p+"IdIndividu").
		Leaf(p+"NumIdentifiant", claim.INS.Matricule.Number()).Leaf(p+"Cle", claim.INS.Matricule.Key()).End().
		Leaf(p+"OID", oid.String()).End()
	w.Start(p+"TraitsIdentiteIndividu").
		Leaf(p+"NomNaissance", t.BirthName).Leaf(p+"Prenom", t.First()).Leaf(p+"ListePrenom", t.List()).
		Leaf(p+"Sexe", string(t.Sex)).Leaf(p+"DateNaissance", t.BirthDate.Wire())
	if t.BirthPlace != "" {
		w.Leaf(p+"LieuNaissance", string(t.BirthPlace))
	}
	w.End()
}

// sent gives the words that must not show up in an error.
func (c Claim) sent() []string {
	t := c.Traits
	return append([]string{c.INS.Matricule.Number(), t.BirthName, t.List(), t.First(), t.BirthDate.Wire(), string(t.BirthPlace)}, strings.Fields(t.List())...)
}
