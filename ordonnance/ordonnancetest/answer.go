package ordonnancetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/soclesante/socle"
)

// obj and arr write FHIR without the client's model.
type (
	obj map[string]any
	arr []any
)

// refusal is an OperationOutcome and its status.
type refusal struct {
	status int
	code   string
	text   string
	holder socle.StructureID
	since  time.Time
	issues []issue // of code validation
}

type issue struct {
	line int
	text string
}

const mediaType = "application/fhir+json"

// systemErrors is the system of the emulator's error codes.
const systemErrors = "urn:socle:ordonnance:error"

func (s *Server) refuse(w http.ResponseWriter, r *refusal) {
	issues := r.issues
	if len(issues) == 0 {
		issues = []issue{{text: r.text}}
	}
	var out arr
	for _, i := range issues {
		o := obj{"severity": "error", "code": issueType(r.status), "diagnostics": i.text,
			"details": obj{"coding": arr{obj{"system": systemErrors, "code": r.code}}}}
		if i.line > 0 {
			o["expression"] = arr{fmt.Sprintf("line %d", i.line)}
		}
		var ext arr
		if !r.holder.IsZero() {
			ext = append(ext, obj{"url": s.dialect.ExtHolder, "valueReference": obj{"identifier": structureID(r.holder)}})
		}
		if !r.since.IsZero() {
			ext = append(ext, obj{"url": s.dialect.ExtSince, "valueDateTime": r.since.Format(time.RFC3339)})
		}
		if len(ext) > 0 {
			o["extension"] = ext
		}
		out = append(out, o)
	}
	s.answer(w, r.status, obj{"resourceType": "OperationOutcome", "issue": out})
}

// issueType gives the code of FHIR's IssueType that goes with a status.
func issueType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "login"
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusNotFound:
		return "not-found"
	case http.StatusConflict:
		return "conflict"
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

func structureID(id socle.StructureID) obj {
	return obj{"system": "urn:oid:" + socle.OIDStructure, "value": id.String()}
}
