package ordonnancetest

import (
	"net/http"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir/loose"
	"github.com/soclesante/socle/ordonnance"
)

// read is the claim: it checks who asks for whom, then the state, and gives the
// prescription with a new secret.
func (s *Server) read(w http.ResponseWriter, r *http.Request, c caller, n ordonnance.Number) {
	rec, patient, refused := s.asked(r, c, n)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused := s.claimable(rec, patient); refused != nil {
		s.refuse(w, refused)
		return
	}
	rec.status, rec.holder, rec.secret, rec.since = ordonnance.StatusInDispense, c.structure, newSecret(), s.Clock().Now()
	s.answer(w, http.StatusOK, s.bundle(rec))
}

// asked reads the Parameters and finds the prescription. patient is "system|value".
func (s *Server) asked(r *http.Request, c caller, n ordonnance.Number) (rec *record, patient string, refused *refusal) {
	if r.Header.Get("Content-Type") != mediaType {
		return nil, "", &refusal{status: http.StatusUnsupportedMediaType, code: "validation", text: "Content-Type: " + mediaType + " expected"}
	}
	body, _, err := loose.Parse(r.Body)
	if err != nil || body.Get("resourceType").Text() != "Parameters" {
		return nil, "", &refusal{status: http.StatusBadRequest, code: "validation", text: "body: a Parameters resource expected"}
	}
	value := func(name string) loose.Node { return body.Get("parameter").Where("name", name).Get("valueIdentifier") }
	if id := value("organization"); id.Get("system").Text() != "urn:oid:"+socle.OIDStructure || id.Get("value").Text() != c.structure.String() {
		return nil, "", &refusal{status: http.StatusForbidden, code: "forbidden",
			text: "organization: that of the client certificate (" + c.structure.String() + ") expected, another came"}
	}
	if id := value("performer"); id.Get("system").Text() != "urn:oid:"+socle.OIDPerson || id.Get("value").Text() != c.person.String() {
		return nil, "", &refusal{status: http.StatusForbidden, code: "forbidden", text: "performer: the professional of the token expected, another came"}
	}
	id := value("ins")
	if id.Get("value").Text() == "" {
		return nil, "", &refusal{status: http.StatusBadRequest, code: "validation", text: "ins: the patient's INS expected, none came"}
	}
	code := body.Get("parameter").Where("name", "code2d").Get("valueString").Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == "" {
		if code == "" {
			return nil, "", &refusal{status: http.StatusBadRequest, code: "validation", text: "code2d: expected where the path has no number"}
		}
		n = s.byCode[code]
	}
	rec = s.records[n]
	if rec == nil {
		return nil, "", &refusal{status: http.StatusNotFound, code: "not-found", text: "the base has no such prescription"}
	}
	return rec, id.Get("system").Text() + "|" + id.Get("value").Text(), nil
}

// claimable checks the patient and the state. The lock is held.
func (s *Server) claimable(rec *record, patient string) *refusal {
	if patient != wire(rec) {
		return &refusal{status: http.StatusForbidden, code: "patient-mismatch", text: "ins: the prescription is for another INS"}
	}
	if rec.status != ordonnance.StatusInDispense && s.expired(rec) {
		rec.status = ordonnance.StatusExpired
	}
	switch rec.status {
	case ordonnance.StatusCancelled:
		return &refusal{status: http.StatusGone, code: "cancelled", text: "the prescriber cancelled the prescription"}
	case ordonnance.StatusExpired:
		return &refusal{status: http.StatusGone, code: "expired", text: "the validity ended on " + rec.p.Validity.End.Format(time.DateOnly)}
	case ordonnance.StatusInDispense:
		return &refusal{status: http.StatusConflict, code: "already-read", text: "a prescription is read once",
			holder: rec.holder, since: rec.since}
	case ordonnance.StatusDispensed:
		return &refusal{status: http.StatusConflict, code: "invalid-transition", text: "every line is dispensed: to-dispense or partly-dispensed expected"}
	}
	return nil
}

func (s *Server) expired(rec *record) bool {
	end := rec.p.Validity.Until()
	return !end.IsZero() && (rec.status == ordonnance.StatusToDispense || rec.status == ordonnance.StatusPartlyDispensed) && !s.Clock().Now().Before(end)
}

func wire(rec *record) string {
	id := rec.p.Patient.INS
	return "urn:oid:" + id.OID.String() + "|" + id.Matricule.Wire()
}
