package dmp

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// Query says which documents of a record are looked for. Its conditions must
// all hold; in one that is a list, any value does. Without conditions all
// documents in force are found.
type Query struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record

	// The codes may leave their System out when a published value set has them.
	Types           []socle.Code
	Classes         []socle.Code
	Formats         []socle.Code
	Facilities      []socle.Code
	Practices       []socle.Code
	Confidentiality []socle.Code
	Events          []socle.Code
	// Author is a part of the identifier or of the name of an author, or a
	// pattern: % stands for any characters, _ for one.
	Author string

	// Sent is when the document, or the last change of its metadata, was sent to
	// the DMP: what is new since the last connection (EX_3.1-1020). It takes two
	// more questions. See [Client.Sync], which remembers that time.
	Sent    Period
	Created Period // when the document was made
	Started Period // when the act began
	Ended   Period // when the act ended

	// Statuses are those wanted beside StatusApproved, which is always asked for
	// (EX_3.1-1030): StatusArchived, StatusDeprecated.
	Statuses []Status

	// Raw are parameters of the stored query FindDocuments that have no field
	// here. Two of the same name must both hold.
	Raw []Parameter

	// Limit is how many entries are given at most, the most recent; 0 is 1,000.
	Limit int
}

// Period is a span of time; a zero bound is none. To is outside of it.
type Period struct{ From, To time.Time }

// Parameter is a parameter of a stored query of ITI-18: its name with the
// dollar, and its values without quotes, of which any does. A name that ends
// with TimeFrom or TimeTo takes one number.
type Parameter struct {
	Name   string
	Values []string
}

// Results are what a search found, the most recent document first.
type Results struct {
	Entries []Entry
	// Total is how many the DMP found; Truncated tells that Entries holds less.
	Total     int
	Truncated bool
	Warnings  []RegistryError
	// AskedAt is when the DMP was asked, by the client's clock.
	AskedAt   time.Time
	MessageID string // wsa:MessageID of the request
}

// Search finds documents of the patient's record (TD3.1a, "Rechercher des
// documents"): the stored query FindDocuments of ITI-18, answered by the
// metadata that the professional may see. Nothing else calls it, least of all
// after a Submit (EX_2030).
//
// Before anything is sent it refuses, as the DMP or the rules would: a record
// that was not checked, is absent, closed or not open to the professional, a
// mode that may not consult, a condition that cannot be asked. An answer about
// another patient is ErrPatientMismatch, and nothing of it is given. When the DMP
// could not answer for all (PartialSuccess) there are both Results and an error
// that is Partial. It is tried again when the DMP is not available.
func (c *Client) Search(ctx context.Context, who socle.Professional, patient ins.Identity, q Query) (Results, error) {
	id, err := c.admitRead(ctx, opSearch, who, patient, q.Record)
	if err != nil {
		return Results{}, err
	}
	stored, err := q.stored(id)
	if err != nil {
		return Results{}, c.refused(ctx, opSearch, who, id, err)
	}
	var sent map[string]bool
	if q.Sent != (Period{}) {
		g := newGathering(c, who, id, patient.History(), 20)
		if sent, err = g.sent(ctx, q.Sent); err != nil {
			return Results{}, err
		}
	}
	a, err := c.query(ctx, opSearch, who, id, patient.History(), stored)
	if err != nil && !partial(err) {
		return Results{}, err
	}
	r := Results{Entries: a.entries(&id), Total: a.Total, Warnings: a.warnings, AskedAt: a.at, MessageID: a.messageID}
	if sent != nil {
		r.Entries = slices.DeleteFunc(r.Entries, func(e Entry) bool { return !sent[e.EntryUUID] })
		r.Total = len(r.Entries)
	}
	r.limit(q.Limit)
	return r, err
}

// limit sorts the entries and keeps the most recent.
func (r *Results) limit(n int) {
	slices.SortStableFunc(r.Entries, func(a, b Entry) int { return cmp.Compare(b.Created, a.Created) })
	if n <= 0 {
		n = 1000
	}
	r.Total = max(r.Total, len(r.Entries))
	if len(r.Entries) > n {
		r.Entries = slices.Clip(r.Entries[:n])
	}
	r.Truncated = r.Total > len(r.Entries)
}

// TechnicalID gives the entryUUID of the document of that uniqueId (TD3.1b,
// "Rechercher l'identifiant technique d'un document"), which a replacement and
// TD3.3 need: the stored query GetDocuments of ITI-18, answered by references.
// It may be called in mode Indirect, and needs no authorization to read. The
// error is ErrNoDocument when there is none, or none that the caller may know of.
// Of several references, the one in force is found by a search, where the caller
// may make one.
func (c *Client) TechnicalID(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, document string) (string, error) {
	id, err := c.admitRecord(ctx, opIdentify, who, patient, record)
	if err != nil {
		return "", err
	}
	stored, err := technical(document)
	if err != nil {
		return "", c.refused(ctx, opIdentify, who, id, err)
	}
	a, err := c.query(ctx, opIdentify, who, id, patient.History(), stored)
	if err != nil {
		return "", err
	}
	if len(a.References) > 1 && c.cfg.Mode != Indirect && c.mayRead(ctx, opSearch, who, id, record) == nil {
		return c.newest(ctx, who, id, patient.History(), a.References)
	}
	return a.reference()
}

// newest gives, of the versions of the metadata of a document, the one in force:
// a registry may give the references of all.
func (c *Client) newest(ctx context.Context, who socle.Professional, id ins.INS, past []ins.Past, versions []string) (string, error) {
	g := newGathering(c, who, id, past, 20)
	if _, err := g.ask(ctx, &xds.Query{ID: xds.GetDocuments, Params: []xds.Param{{Name: xds.ParamEntryUUID, Form: xds.List, Values: versions}}}); err != nil {
		return "", err
	}
	latest := g.latest()
	if len(latest) != 1 {
		return "", unusable(opIdentify, "the references are not those of one document", nil)
	}
	for _, d := range latest {
		if inForce(d) {
			return d.ID, nil
		}
	}
	return "", (&Error{Op: opIdentify, Text: "the document is no longer in force", kind: ErrState, ours: true}).refused()
}
