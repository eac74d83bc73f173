package dp

import (
	"context"
	"slices"
	"strings"

	"github.com/soclesante/socle/ordonnance"
)

// Feed adds dispensed lines to the patient's dossier, all of them or none.
// Lines whose Withhold is set are never sent; when no other is left nothing is
// called. Feeding a line again, with the same ID, changes nothing: when the
// outcome of an error is socle.OutcomeUnknown, or on [ErrUnavailable], feed the
// same lines later.
//
// Refused without a call: [ErrFeedRefused], [ErrForbidden],
// [ErrVisitClosed], [ErrUnknownProduct] for a CIP13 that fails its key,
// [ErrValidation] with every issue. By the service: those of Consult, and
// [ErrUnknownProduct].
func (v *Visit) Feed(ctx context.Context, lines []Line) (Receipt, error) {
	r, err := v.feed(ctx, lines)
	v.audit(ctx, opFeed, err)
	return r, err
}

func (v *Visit) feed(ctx context.Context, lines []Line) (Receipt, error) {
	if err := v.allowed(opFeed, RightFeed, ErrFeedRefused); err != nil {
		return Receipt{}, err
	}
	send := slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Withhold })
	withheld := len(lines) - len(send)
	if err := v.check(send); err != nil {
		return Receipt{}, err
	}
	if len(send) == 0 {
		return Receipt{Withheld: withheld}, nil
	}
	for i := range send {
		if send[i].Kind == "" {
			send[i].Kind = KindOf(send[i].Product)
		}
		if send[i].Completeness == "" {
			send[i].Completeness = ordonnance.FirstComplete
		}
	}
	var r Receipt
	err := v.call(ctx, opFeed, false, func(ctx context.Context, by By) error {
		var err error
		r, err = v.client.transport.Feed(ctx, FeedCall{By: by, INS: v.patient, Lines: send})
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	for _, l := range send {
		if _, ok := r.Fed[l.ID]; !ok {
			return Receipt{}, NewError(opFeed, ErrAnswer, "", "the answer does not tell of every line: feed them again", nil)
		}
	}
	r.Withheld = withheld
	return r, nil
}

// maxLines bounds one feeding.
const maxLines = 200

func (v *Visit) check(lines []Line) error {
	var issues []Issue
	kind := ErrValidation
	seen := make(map[string]bool)
	for _, l := range lines {
		issues = append(issues, l.check(v.client.cfg.Now())...)
		if id := strings.ToLower(l.ID); seen[id] {
			issues = append(issues, Issue{l.ID, IssueID, "two lines have this ID"})
		} else {
			seen[id] = true
		}
	}
	if len(lines) > maxLines {
		issues = append(issues, Issue{"", IssueID, "more than 200 lines at once"})
	}
	if len(issues) == 0 {
		for _, l := range lines {
			if cip := l.Product.CIP13(); cip != "" {
				if err := CheckCIP13(cip); err != nil {
					kind = ErrUnknownProduct
					issues = append(issues, Issue{l.ID, IssueProduct, "the CIP13 fails its check: scan the box again"})
				}
			}
		}
	}
	if len(issues) == 0 {
		return nil
	}
	e := local(opFeed, kind, "")
	e.Issues = issues
	return e
}
