package ordonnancetest

import (
	"net/http"

	"github.com/soclesante/socle/ordonnance"
)

// recover gives the claim again to its holder.
func (s *Server) recover(w http.ResponseWriter, r *http.Request, c caller, n ordonnance.Number) {
	var rec *record
	if n == "" {
		var refused *refusal
		var patient string
		if rec, patient, refused = s.asked(r, c, n); refused != nil {
			s.refuse(w, refused)
			return
		}
		if patient != wire(rec) {
			s.refuse(w, &refusal{status: http.StatusForbidden, code: "patient-mismatch", text: "ins: the prescription is for another INS"})
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec == nil {
		rec = s.records[n]
	}
	switch {
	case rec == nil:
		s.refuse(w, &refusal{status: http.StatusNotFound, code: "not-found", text: "the base has no such prescription"})
	case rec.status == ordonnance.StatusCancelled:
		s.refuse(w, &refusal{status: http.StatusGone, code: "cancelled", text: "the prescriber cancelled the prescription"})
	case rec.status != ordonnance.StatusInDispense:
		s.refuse(w, &refusal{status: http.StatusConflict, code: "invalid-transition", text: "in-dispense expected, the prescription is " + string(rec.status)})
	case rec.holder != c.structure:
		s.refuse(w, &refusal{status: http.StatusForbidden, code: "already-read", text: "only its holder recovers a claim", holder: rec.holder, since: rec.since})
	default:
		s.answer(w, http.StatusOK, s.bundle(rec))
	}
}
