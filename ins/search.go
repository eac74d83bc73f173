package ins

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
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

// body writes the RECSANSVITALE of q.
func (q query) body(mode GivenNamesMode) []byte {
	var w xmltree.Writer
	w.Start("insi:RECSANSVITALE", "xmlns:insi", nsRecSans).Leaf("insi:NomNaissance", q.birthName)
	given := []string{q.given}
	if mode == GivenNamesRepeated {
		given = strings.Fields(q.given)
	}
	for _, g := range given {
		w.Leaf("insi:Prenom", g)
	}
	w.Leaf("insi:Sexe", string(q.sex)).Leaf("insi:DateNaissance", q.birthDate.Wire())
	if q.place != "" {
		w.Leaf("insi:LieuNaissance", string(q.place))
	}
	return w.End().Bytes()
}

// sent gives the words that must not show up in an error.
func (q query) sent() []string {
	return append([]string{q.birthName, q.given, q.birthDate.Wire(), string(q.place)}, strings.Fields(q.given)...)
}

// search makes one search, again while INSi is out of order, each time with a
// new message and new contexts.
func (c *Client) search(ctx context.Context, who socle.Professional, q query) (Result, error) {
	now := c.cfg.Now()
	if q.birthDate.after(now) {
		return Result{}, invalid("traits", "birth date: it is in the future")
	}
	if _, err := CheckCertificate(c.cfg.Certificate, c.cfg.Environment, now); err != nil {
		return Result{}, err // it has expired since New
	}
	body := q.body(c.cfg.Dialect.GivenNames)
	var r Result
	err := transport.Retry(ctx, c.cfg.Attempts, true, func(attempt int) error {
		var err error
		r, err = c.call(ctx, who, q, body, attempt)
		return err
	})
	var own *Error
	if _, ok := err.(*Error); !ok && errors.As(err, &own) { // cancelled while it waited to try again
		stopped := *own
		stopped.kind, stopped.retry, stopped.Err = nil, false, ctx.Err()
		return Result{}, &stopped
	}
	return r, err
}

// call makes one exchange.
func (c *Client) call(ctx context.Context, who socle.Professional, q query, body []byte, attempt int) (Result, error) {
	f := frame{
		action: actionTraits, messageID: c.cfg.Dialect.messageID(soap.NewUUID()),
		bam: soap.NewUUID(), lps: soap.NewUUID(), at: c.cfg.Now(),
	}
	record := socle.AuditRecord{At: f.at, Service: socle.ServiceINS, Operation: opTraits, Actor: who.ID, Structure: who.Structure.ID, Reference: f.messageID}
	var r Result
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Environment.URL, bytes.NewReader(c.envelope(f, body)))
	if err == nil {
		req.Header.Set("Content-Type", soap.MediaType+`; charset=utf-8; action="`+f.action+`"`)
		op := transport.Operation{Name: opTraits, MessageID: f.messageID, MaxBytes: int64(limits.Bytes) * 2, Attempt: attempt}
		err = c.http.Do(ctx, op, req, func(resp *http.Response) (code string, err error) {
			r, code, err = c.read(resp, f.messageID)
			if err != nil {
				err = failure(opTraits, f.messageID, err, q.sent())
				if own := err.(*Error); code == "" {
					code = own.Code
				}
			}
			record.Code = code
			return code, err
		})
	}
	if err != nil {
		err = c.final(err, f.messageID, q)
		record.Outcome = socle.OutcomeOf(err)
		c.cfg.Record(ctx, record)
		return Result{}, err
	}
	r.At, r.MessageID = f.at, f.messageID
	record.Outcome, record.Patient = socle.OutcomeDone, c.cfg.Pseudonym(r.Active.Matricule.Wire())
	c.cfg.Record(ctx, record)
	return r, nil
}

// read decodes an answer and applies the rules on OIDs.
func (c *Client) read(resp *http.Response, messageID string) (Result, string, error) {
	e, err := soap.ReadResponse(resp, limits)
	if err != nil {
		return Result{}, "", err
	}
	if e.RelatesTo != "" && e.RelatesTo != messageID {
		return Result{}, "", unusable("the answer relates to another request")
	}
	r, code, err := decodeAnswer(e)
	if err != nil {
		return Result{}, code, err
	}
	all := append([]Past{{INS: r.Active}}, r.History...)
	for _, p := range all {
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

// final gives the *Error of err, whatever made it.
func (c *Client) final(err error, messageID string, q query) error {
	own, ok := err.(*Error)
	if !ok {
		own = failure(opTraits, messageID, err, q.sent()).(*Error)
	}
	if c.cfg.Dialect.NotFoundAsFault && own.Code == "insi_102" {
		own.kind, own.retry, own.Fix = ErrNotFound, false, ""
	}
	return own
}
