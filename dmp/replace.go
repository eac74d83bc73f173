package dmp

import (
	"context"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// targets gives the entryUUID of what the documents of a submission replace, by
// uniqueId: the caller's, else the DMP's own answer.
func (c *Client) targets(_ context.Context, _ socle.Professional, _ ins.Identity, s Submission) (map[string]string, error) {
	all := map[string]string{}
	for _, d := range s.Documents {
		old := d.made.edition.Replaces
		if old == "" {
			continue
		}
		uuid := s.Replaced[old]
		switch {
		case uuid == "":
			return nil, refusal(opSubmit, ErrInvalidDocument, "Submission.Replaced: the entryUUID of the document that is replaced is not known", "")
		case !strings.HasPrefix(uuid, "urn:uuid:"):
			return nil, refusal(opSubmit, ErrInvalidDocument, "Submission.Replaced: an entryUUID, urn:uuid:…, expected", "")
		}
		all[old] = uuid
	}
	return all, nil
}
