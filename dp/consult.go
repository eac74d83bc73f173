package dp

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Query narrows a consultation. Its zero value asks for all that may be shown.
type Query struct {
	// Since leaves out what was handed over before. The windows apply all the same.
	Since time.Time
	// Limit bounds the number of entries; 1000 by default and at most.
	Limit int
}

const maxEntries = 1000

// Consult gives the patient's history of dispensed products, the newest first,
// within the windows of Config.Windows. Pages are followed. The result belongs
// to the visit: Close empties it.
//
// Refused without a call: [ErrConsultRefused], [ErrForbidden],
// [ErrVisitClosed]. By the service: [ErrNoDossier], [ErrOpposed],
// [ErrNotYetOpen], [ErrClosed], [ErrSuspended], [ErrPatientMismatch],
// [ErrUnavailable] … It changes nothing at the service and is tried again by
// itself within Config.Timeout.
func (v *Visit) Consult(ctx context.Context, q Query) (*History, error) {
	h, err := v.consult(ctx, q)
	v.audit(ctx, opConsult, err)
	return h, err
}

func (v *Visit) consult(ctx context.Context, q Query) (*History, error) {
	if err := v.allowed(opConsult, RightConsult, ErrConsultRefused); err != nil {
		return nil, err
	}
	cfg := v.client.cfg
	now := cfg.Now()
	call := ConsultCall{INS: v.patient, Since: cfg.Windows.oldest(now), Limit: q.Limit}
	if q.Since.After(call.Since) {
		call.Since = q.Since
	}
	if call.Limit <= 0 || call.Limit > maxEntries {
		call.Limit = maxEntries
	}
	var h History
	err := v.call(ctx, opConsult, true, func(ctx context.Context, by By) error {
		call.By = by
		var err error
		h, err = v.client.transport.Consult(ctx, call)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The service cuts to its windows; so does the client, which answers for
	// what it shows.
	h.Entries = slices.DeleteFunc(h.Entries, func(e Entry) bool {
		return e.HandedOver.Before(call.Since) || !cfg.Windows.Shows(e.Kind, e.HandedOver, now)
	})
	slices.SortStableFunc(h.Entries, func(a, b Entry) int { return -cmp.Compare(a.HandedOver.UnixNano(), b.HandedOver.UnixNano()) })
	h.Entries = h.Entries[:min(len(h.Entries), call.Limit)]

	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || v.noConsult { // meanwhile
		clear(h.Entries)
		return nil, local(opConsult, ErrVisitClosed, "closed or refused while the answer was coming")
	}
	v.histories = append(v.histories, &h)
	return &h, nil
}
