package ins

import (
	"context"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// opTraits is the official name of the operation rechercherInsAvecTraitsIdentite.
const opTraits = "WS_INS2"

const (
	actionTraits = "urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecTraitsIdentite"
	nsRecSans    = "http://www.cnamts.fr/INSiRecSans"
)

// SearchByTraits asks INSi once for the person with these traits (WS_INS2,
// rechercherInsAvecTraitsIdentite): birth name, first given name, sex, date of
// birth, and the place of birth if there is one. The traits are normalised
// first. who is traced, and may be zero for an automated treatment.
//
// The error is an *[Error]: ErrInvalid or ErrBlocked before anything is sent,
// ErrNotFound (CR 01), ErrAmbiguous (CR 02: give more given names in
// FirstGivenName, then the place), ErrNotAuthorized, ErrRejected,
// ErrUnavailable after Config.Attempts, ErrAnswer, or ErrFictitious. [Client.Search]
// goes through the given names by itself.
func (c *Client) SearchByTraits(ctx context.Context, who socle.Professional, t Traits) (Result, error) {
	t, err := t.Normalize()
	if err == nil {
		err = t.CanQuery()
	}
	if err != nil {
		return Result{}, err
	}
	return c.search(ctx, who, query{t.BirthName, t.FirstGivenName, t.Sex, t.BirthDate, t.BirthPlace})
}

// query is one question to INSi, made of values already checked.
type query struct {
	birthName string
	given     string // one or several given names
	sex       Sex
	birthDate BirthDate
	place     COG // optional
}

// body writes the RECSANSVITALE of q. It is the most frequent body, and as flat
// as this, so that no Writer is needed.
func (q query) body(mode GivenNamesMode) []byte {
	b := make([]byte, 0, 384)
	leaf := func(name, text string) {
		b = append(append(append(b, "<insi:"...), name...), '>')
		b = xmltree.AppendText(b, text)
		b = append(append(append(b, "</insi:"...), name...), '>')
	}
	b = append(b, `<insi:RECSANSVITALE xmlns:insi="`+nsRecSans+`">`...)
	leaf("NomNaissance", q.birthName)
	if mode == GivenNamesRepeated {
		for g := range strings.FieldsSeq(q.given) {
			leaf("Prenom", g)
		}
	} else {
		leaf("Prenom", q.given)
	}
	leaf("Sexe", string(q.sex))
	leaf("DateNaissance", q.birthDate.Wire())
	if q.place != "" {
		leaf("LieuNaissance", string(q.place))
	}
	return append(b, "</insi:RECSANSVITALE>"...)
}

// sent gives the words that must not show up in an error.
func (q query) sent() []string {
	return append([]string{q.birthName, q.given, q.birthDate.Wire(), string(q.place)}, strings.Fields(q.given)...)
}

// search asks INSi one question by traits.
func (c *Client) search(ctx context.Context, who socle.Professional, q query) (Result, error) {
	if q.birthDate.after(c.cfg.Now()) {
		return Result{}, invalid("traits", "birth date: it is in the future")
	}
	return c.find(ctx, who, call{op: opTraits, action: actionTraits, body: q.body(c.cfg.Dialect.GivenNames), sent: q.sent, recast: c.notFound})
}

// find makes a call that answers a RESULTAT.
func (c *Client) find(ctx context.Context, who socle.Professional, op call) (Result, error) {
	var r Result
	op.read = func(e *soap.Envelope) (code, matricule string, err error) {
		r, code, err = c.readResult(e)
		return code, r.Active.Matricule.Wire(), err
	}
	got, err := c.do(ctx, who, op)
	if err != nil {
		return Result{}, err
	}
	r.At, r.MessageID = got.at, got.messageID
	return r, nil
}

// readResult decodes an answer and applies the rules on OIDs.
func (c *Client) readResult(e *soap.Envelope) (Result, string, error) {
	r, code, err := decodeAnswer(e)
	if err != nil {
		return Result{}, code, err
	}
	for _, p := range append([]Past{{INS: r.Active}}, r.History...) {
		if c.cfg.Environment.Production && p.INS.OID.Fictitious() {
			return Result{}, code, &Error{Text: "INSi answered an INS of test or demonstration in production", kind: ErrFictitious, outcome: socle.OutcomeUnknown}
		}
	}
	switch {
	case c.cfg.Environment.Production:
	case c.cfg.TestOID != 0:
		r.Active.OID = c.cfg.TestOID
		for i := range r.History {
			r.History[i].INS.OID = c.cfg.TestOID
		}
	case !r.Active.OID.Fictitious():
		r.Warnings = append(r.Warnings, "the "+c.cfg.Environment.Name+" environment answered a production OID for a fictitious person; see Config.TestOID")
	}
	return r, code, nil
}

// notFound takes the fault of the qualification environment for CR 01, if the
// vendor says so.
func (c *Client) notFound(e *Error) {
	if c.cfg.Dialect.NotFoundAsFault && e.Code == "insi_102" {
		e.kind, e.retry, e.Fix = ErrNotFound, false, ""
	}
}
