package dmp

import (
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// MetadataOf gives the metadata of a document.
func MetadataOf(d *Document) xds.DocumentEntry { return d.made.entry }

// InProduction gives c as if its environment were the production: the test
// authority makes no certificate that New would accept there.
func InProduction(c *Client) *Client {
	d := *c
	d.cfg.Environment.Production = true
	return &d
}

// AdmitRead applies the rules of a consultation.
func AdmitRead(ctx context.Context, c *Client, who socle.Professional, patient ins.Identity, r Record) error {
	_, err := c.admitRead(ctx, opSearch, who, patient, r)
	return err
}

// DecodeSearch reads an answer to TD3.1 about a patient.
func DecodeSearch(b []byte, patient ins.INS) (Results, error) {
	e, err := soap.Parse(b, answerLimits)
	if err != nil {
		return Results{}, err
	}
	a := &answered{}
	if _, err := a.check(opSearch, e, patient, nil); err != nil {
		return Results{}, err
	}
	r := Results{Entries: a.entries(&patient), Total: a.Total}
	r.limit(0)
	return r, nil
}

// Understood reports whether an error is one of the situations of the package.
func Understood(e *Error) bool { return e.kind != nil }
