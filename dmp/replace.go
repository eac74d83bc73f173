package dmp

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Replace adds a document in place of one that Search found (TD2.1b,
// "Remplacement d'un document existant"): Submit, with the rules of a
// replacement before it. The document that it replaces must be Approved and the
// professional's own (RuleAuthor), and one of s.Documents must be its next
// version: made with the Edition that Document.Next gives, or CDA.Next of the
// document as Retrieve gives it. The DMP then deprecates the old one.
//
// Submit replaces as well, by the uniqueId alone; Replace is for who has the
// Entry.
func (c *Client) Replace(ctx context.Context, who socle.Professional, patient ins.Identity, old Entry, s Submission) (Receipt, error) {
	id, err := c.admitRecord(ctx, opSubmit, who, patient, s.Record)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.admitChange(ctx, opSubmit, who, id, old, true, []Status{StatusApproved}); err != nil {
		return Receipt{}, c.refused(ctx, opSubmit, who, id, err)
	}
	if !slices.ContainsFunc(s.Documents, func(d *Document) bool { return d != nil && d.made != nil && d.made.edition.Replaces == old.ID }) {
		err := refusal(opSubmit, ErrInvalidDocument, "none of Submission.Documents replaces the document of the Entry", "make it with the Edition of Document.Next or CDA.Next")
		return Receipt{}, c.refused(ctx, opSubmit, who, id, err)
	}
	s.Replaced = maps.Clone(s.Replaced)
	if s.Replaced == nil {
		s.Replaced = map[string]string{}
	}
	s.Replaced[old.ID] = old.EntryUUID
	return c.Submit(ctx, who, patient, s)
}

// targets gives the entryUUID of what the documents of a submission replace, by
// uniqueId: the caller's, else the DMP's own answer (TD3.1b). A document that
// somebody else made may replace one that the record has not; one of ours may not.
func (c *Client) targets(ctx context.Context, who socle.Professional, patient ins.Identity, s Submission) (map[string]string, error) {
	all := map[string]string{}
	for i, d := range s.Documents {
		old := d.made.edition.Replaces
		if old == "" {
			continue
		}
		uuid, err := s.Replaced[old], error(nil)
		if uuid == "" {
			uuid, err = c.TechnicalID(ctx, who, patient, s.Record, old)
		} else if !strings.HasPrefix(uuid, "urn:uuid:") {
			err = refusal(opSubmit, ErrInvalidDocument, "Submission.Replaced: an entryUUID, urn:uuid:…, expected", "take Entry.EntryUUID, or leave it out")
		}
		switch {
		case err == nil:
			all[old] = uuid
		case errors.Is(err, ErrNoDocument) && d.made.filer != nil:
		case errors.Is(err, ErrNoDocument):
			e := refusal(opSubmit, ErrNoDocument, "the record has no document of the uniqueId that Edition.Replaces gives", "make the document without Replaces")
			e.Err = err
			return nil, located(e, i, len(s.Documents))
		default:
			return nil, err
		}
	}
	return all, nil
}
