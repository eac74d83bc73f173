package dmp

import (
	"context"
	"slices"
	"strconv"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/xds"
)

// SetVisibility hides a document of the record from these, and from nobody
// else: another version of its metadata, by ITI-57, with other confidentialityCode.
//
// It hides a document from the other professionals, or shows it to them again
// (HiddenFromProfessionals; TD3.3a, "Masquer / démasquer un document aux
// professionnels"); only its author may show it again (RuleAuthor). Or it makes a
// document visible to the patient or to the legal representatives (TD3.3b), who
// it stays visible to: HiddenFromPatient and HiddenFromRepresentatives can be
// left out, not added. These are two transactions, and one call makes one.
//
// After it the document has another EntryUUID and Version: search again before
// another change.
func (c *Client) SetVisibility(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, e Entry, hidden ...Visibility) (Receipt, error) {
	op, own, codes, err := e.revise(hidden)
	if e.stored == nil {
		err = refusal(op, ErrQuery, "the Entry does not come from a search", "take it from Search: the whole metadata go back to the DMP")
	}
	if err != nil {
		id, _ := patient.Sendable()
		return Receipt{}, c.refused(ctx, op, who, id, err)
	}
	return c.update(ctx, op, who, patient, record, e, own, []Status{StatusApproved, StatusArchived}, func(s *xds.Submission) {
		d := *e.stored
		d.ID, d.Version, d.Status, d.Confidentiality = documentName(0), "", "", codes
		s.Documents = []xds.DocumentEntry{d}
		s.Associations = []xds.Association{xds.Revision(s.Set.ID, d.ID, e.Version)}
	})
}

// revise tells which transaction gives an entry that visibility, whether it is
// for the author alone, and the confidentialityCode that result.
func (e Entry) revise(hidden []Visibility) (op string, own bool, codes []socle.Code, err error) {
	masked, lifted := e.HiddenFrom(HiddenFromProfessionals), false
	mask := slices.Contains(hidden, HiddenFromProfessionals)
	if op = opHide; mask == masked {
		op = opReveal
	}
	for _, c := range e.Confidentiality {
		if v := Visibility(c.Code); !v.known() || slices.Contains(hidden, v) {
			codes = append(codes, c)
		} else if v != HiddenFromProfessionals {
			lifted = true
		}
	}
	for _, v := range hidden {
		switch code, ok := nos.Lookup(nos.Confidentiality, string(v)); {
		case !v.known() || !ok:
			return op, false, nil, refusal(op, ErrInvalidDocument, "Visibility: "+strconv.Quote(string(v))+" is not known", "")
		case e.HiddenFrom(v):
		case v != HiddenFromProfessionals:
			return op, false, nil, refusal(op, ErrState, string(v)+" can be lifted, not applied to a document of the record", "replace the document by one with that Visibility")
		case !slices.Contains(codes, code):
			codes = append(codes, code)
		}
	}
	switch {
	case mask != masked && lifted:
		return op, false, nil, refusal(op, ErrState, "what professionals see (TD3.3a) and what the patient and the representatives see (TD3.3b) are two changes", "make one, search again, then make the other")
	case mask == masked && !lifted:
		return op, false, nil, refusal(op, ErrState, "the document has that visibility already", "")
	}
	return op, masked && !mask, codes, nil
}

// known reports whether v is one of the visibilities of this package.
func (v Visibility) known() bool {
	return v == HiddenFromProfessionals || v == HiddenFromPatient || v == HiddenFromRepresentatives
}
