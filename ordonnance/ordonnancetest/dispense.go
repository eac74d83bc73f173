package ordonnancetest

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir/loose"
	"github.com/soclesante/socle/ordonnance"
)

// dispense checks a delivery and moves the lines. The same dispensation sent
// again has its first answer and no effect.
func (s *Server) dispense(w http.ResponseWriter, r *http.Request, c caller, n ordonnance.Number) {
	if r.Header.Get("Content-Type") != mediaType {
		s.refuse(w, &refusal{status: http.StatusUnsupportedMediaType, code: "validation", text: "Content-Type: " + mediaType + " expected"})
		return
	}
	body, raw, err := loose.Parse(r.Body)
	if err != nil || body.Get("resourceType").Text() != "Bundle" || body.Get("type").Text() != "collection" {
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "validation", text: "body: a Bundle of type collection expected"})
		return
	}
	id, isUUID := strings.CutPrefix(body.Get("identifier", "value").Text(), "urn:uuid:")
	if key := r.Header.Get(s.dialect.IdempotencyKeyHeader); !isUUID || key == "" || key != id {
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "validation",
			text: s.dialect.IdempotencyKeyHeader + ": the UUID of the Bundle's identifier expected"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := s.records[n]
	if rec == nil {
		s.refuse(w, &refusal{status: http.StatusNotFound, code: "not-found", text: "the base has no such prescription"})
		return
	}
	secret := r.URL.Query().Get(s.dialect.SecretParameter)
	if before, replay := rec.done[id]; replay {
		s.replay(w, before, secret, sha256.Sum256(raw))
		return
	}
	if refused := s.mayDispense(rec, c, secret); refused != nil {
		s.refuse(w, refused)
		return
	}
	x := check{server: s, rec: rec, caller: c, now: s.Clock().Now()}
	items, refused := x.bundle(body)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	rec.apply(items)
	answer := s.receipt(rec, id)
	rec.done[id] = done{secret: secret, body: sha256.Sum256(raw), answer: answer}
	s.answer(w, http.StatusOK, answer)
}

func (s *Server) replay(w http.ResponseWriter, before done, secret string, body [32]byte) {
	switch {
	case !same(before.secret, secret):
		s.refuse(w, &refusal{status: http.StatusForbidden, code: "wrong-secret", text: "secret: that of the claim expected"})
	case before.body != body:
		s.refuse(w, &refusal{status: http.StatusConflict, code: "duplicate", text: "this dispensation was sent before with another content"})
	default:
		answer := maps.Clone(before.answer)
		entries := append(arr(nil), answer["entry"].(arr)...)
		task := maps.Clone(entries[0].(obj)["resource"].(obj))
		task["extension"] = arr{obj{"url": s.dialect.ExtReplayed, "valueBoolean": true}}
		entries[0] = entry(task)
		answer["entry"] = entries
		s.answer(w, http.StatusOK, answer)
	}
}

// mayDispense checks the state and the claim. The lock is held.
func (s *Server) mayDispense(rec *record, c caller, secret string) *refusal {
	switch {
	case rec.status == ordonnance.StatusCancelled:
		return &refusal{status: http.StatusGone, code: "cancelled", text: "the prescriber cancelled the prescription"}
	case rec.status != ordonnance.StatusInDispense:
		return &refusal{status: http.StatusConflict, code: "invalid-transition", text: "in-dispense expected, the prescription is " + string(rec.status)}
	case rec.holder != c.structure:
		return &refusal{status: http.StatusForbidden, code: "wrong-secret", text: "the pharmacy of the claim expected, another came"}
	case !same(rec.secret, secret):
		return &refusal{status: http.StatusForbidden, code: "wrong-secret", text: "secret: that of the claim expected"}
	}
	return nil
}

func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// apply moves the lines and the prescription (ordonnance.md §7.2). With nothing
// left the prescription is dispensed; else the claim is over and anybody may
// read it again.
func (rec *record) apply(items []item) {
	for _, it := range items {
		if it.line < 0 {
			continue
		}
		l := &rec.lines[it.line]
		switch it.outcome {
		case ordonnance.NotDispensed:
			l.status = ordonnance.LineRefused
		case ordonnance.Postponed:
		default:
			l.delivered++
			if strings.HasSuffix(it.completeness, "C") {
				l.full++
			}
			l.status = ordonnance.LinePartial
			if repeats := rec.p.Lines[it.line].Repeats; repeats != nil && l.full > *repeats {
				l.status = ordonnance.LineComplete
			}
		}
	}
	rec.status = ordonnance.StatusDispensed
	for _, l := range rec.lines {
		if !l.status.Closed() {
			rec.status = ordonnance.StatusPartlyDispensed
		}
	}
	if rec.status == ordonnance.StatusPartlyDispensed {
		rec.holder, rec.secret = socle.StructureID{}, ""
	}
}

func (s *Server) receipt(rec *record, id string) obj {
	task := obj{
		"resourceType": "Task", "id": string(rec.p.Number), "status": "completed", "intent": "order",
		"identifier":     arr{obj{"system": "urn:oid:" + ordonnance.OIDNumber, "value": string(rec.p.Number)}},
		"businessStatus": obj{"coding": arr{obj{"system": s.dialect.SystemState, "code": string(rec.status)}}},
		"lastModified":   instant(s.Clock().Now()),
	}
	entries := arr{entry(task)}
	for i, l := range rec.p.Lines {
		st := rec.lines[i]
		r := obj{"resourceType": "MedicationRequest", "id": st.ref, "status": lineStatus(st.status), "intent": "order"}
		if l.Device != nil {
			r["resourceType"] = "DeviceRequest"
		}
		if st.delivered > 0 {
			r["extension"] = arr{obj{"url": s.dialect.ExtDeliveries, "valueInteger": st.delivered}}
		}
		entries = append(entries, entry(r))
	}
	return obj{"resourceType": "Bundle", "type": "collection", "identifier": obj{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:" + id}, "entry": entries}
}
