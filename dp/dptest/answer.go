package dptest

import (
	"encoding/json"
	"net/http"
	"time"
)

// obj and arr write FHIR without the client's model.
type (
	obj map[string]any
	arr []any
)

// refusal is an OperationOutcome and its status.
type refusal struct {
	status   int
	code     string
	text     string
	deadline time.Time
	issues   []issue
}

type issue struct {
	line string // UUID
	text string
}

const mediaType = "application/fhir+json"

// systemErrors is the system of the emulator's error codes.
const systemErrors = "urn:socle:dp:error"

func (s *Server) refuse(w http.ResponseWriter, r *refusal) {
	s.answer(w, r.status, s.outcome("error", r))
}

func (s *Server) outcome(severity string, r *refusal) obj {
	issues := r.issues
	if len(issues) == 0 {
		issues = []issue{{text: r.text}}
	}
	var out arr
	for _, i := range issues {
		o := obj{"severity": severity, "code": issueType(r.status), "diagnostics": i.text,
			"details": obj{"coding": arr{obj{"system": systemErrors, "code": r.code}}}}
		if i.line != "" {
			o["expression"] = arr{i.line}
		}
		if !r.deadline.IsZero() {
			o["extension"] = arr{obj{"url": s.dialect.ExtDeadline, "valueDateTime": r.deadline.Format(time.RFC3339)}}
		}
		out = append(out, o)
	}
	return obj{"resourceType": "OperationOutcome", "issue": out}
}

// issueType gives the code of FHIR's IssueType that goes with a status.
func issueType(status int) string {
	switch status {
	case http.StatusOK:
		return "informational"
	case http.StatusUnauthorized:
		return "login"
	case http.StatusForbidden:
		return "suppressed"
	case http.StatusConflict, http.StatusLocked:
		return "business-rule"
	case http.StatusGone:
		return "deleted"
	}
	return "invalid"
}

func (s *Server) answer(w http.ResponseWriter, status int, body obj) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // obj and arr hold nothing that cannot be written
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
