package dmp

import (
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// Delete takes a document out of the record, for good (TD3.3c, "Supprimer un
// document"): its status becomes Deleted, by UpdateAvailabilityStatus of ITI-57.
// Only its author may (RuleAuthor), or their structure in mode Indirect. A
// document that was replaced cannot be deleted: ErrState.
//
// The Entry is one of Search or, in mode Indirect, which may not search, one
// that has an ID alone: what the software itself fed. Its EntryUUID is then asked
// of the DMP (TD3.1b), and it is taken for Approved.
//
// When the outcome of an error is unknown, TechnicalID tells: a document that
// is deleted is ErrNoDocument.
func (c *Client) Delete(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, e Entry) (Receipt, error) {
	return c.status(ctx, opDelete, who, patient, record, e, StatusDeleted, StatusApproved, StatusArchived)
}

// Archive puts a document aside (TD3.3d, "Archiver un document"): a search must
// then ask for StatusArchived to find it. Only its author may (RuleAuthor), in
// mode Direct or AIR: the matrices deny it to Indirect. The Entry is one of Search.
func (c *Client) Archive(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, e Entry) (Receipt, error) {
	return c.status(ctx, opArchive, who, patient, record, e, StatusArchived, StatusApproved)
}

// Unarchive puts a document that is archived back in force (TD3.3d, "Désarchiver
// un document"). Only its author may (RuleAuthor).
func (c *Client) Unarchive(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, e Entry) (Receipt, error) {
	return c.status(ctx, opArchive, who, patient, record, e, StatusApproved, StatusArchived)
}

// status changes the status of a document that has one of these.
func (c *Client) status(ctx context.Context, op string, who socle.Professional, patient ins.Identity, record Record, e Entry, to Status, from ...Status) (Receipt, error) {
	if e.patient == nil && e.ID != "" && e.EntryUUID == "" {
		var err error
		if e.EntryUUID, err = c.TechnicalID(ctx, who, patient, record, e.ID); err != nil {
			return Receipt{}, err
		}
	}
	if e.Status == "" {
		e.Status = from[0]
	}
	return c.update(ctx, op, who, patient, record, e, true, from, func(s *xds.Submission) {
		s.Associations = []xds.Association{xds.StatusChange(s.Set.ID, e.EntryUUID, e.Status.urn(), to.urn())}
	})
}
