package dptest

import (
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/ins"
)

// State is the state of a dossier (R.1111-20-1, R.1111-20-9).
type State string

// States of a dossier. A patient that the server has never heard of has StateNone.
const (
	StateNone      State = "none"
	StateInformed  State = "informed" // in the six weeks before the opening
	StateOpen      State = "open"
	StateOpposed   State = "opposed"
	StateSuspended State = "suspended"
	StateClosed    State = "closed"
)

// Dossier is the dossier of a patient.
type Dossier struct {
	State State
	// InformedAt is when the patient was informed: six weeks later the dossier
	// opens by itself.
	InformedAt time.Time
	// Mismatch makes the server know the INS under other traits.
	Mismatch bool
}

// opposition is how long a patient may oppose the opening.
const opposition = 6 * 7 * 24 * time.Hour

type dossier struct {
	Dossier
	lines []*line // in the order in which they came
}

// line is a dispensed product as it is kept.
type line struct {
	id         string
	patient    string
	structure  socle.StructureID
	kind       dp.Kind
	handedOver time.Time
	masked     bool
	resource   any // MedicationDispense, without id
}

func key(id ins.INS) string { return "urn:oid:" + id.OID.String() + "|" + id.Matricule.Wire() }

// SetDossier sets the state of a patient's dossier. Closing one erases its lines.
func (s *Server) SetDossier(id ins.INS, d Dossier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.dossiers[key(id)]
	if known == nil {
		known = &dossier{}
		s.dossiers[key(id)] = known
	}
	known.Dossier = d
	if d.State == StateClosed {
		for _, l := range known.lines {
			delete(s.lines, l.id)
		}
		known.lines = nil
	}
}

// UnknownProduct makes the server refuse a CIP13.
func (s *Server) UnknownProduct(cip13 string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown[cip13] = true
}

// Mask hides a line from every consultation, as the patient may ask. It reports
// whether there is such a line.
func (s *Server) Mask(lineID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[strings.ToLower(lineID)]
	if l != nil {
		l.masked = true
	}
	return l != nil
}

// Lines gives the IDs of a patient's lines, masked and old ones included, in
// the order in which they came.
func (s *Server) Lines(id ins.INS) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	if d := s.dossiers[key(id)]; d != nil {
		for _, l := range d.lines {
			out = append(out, l.id)
		}
	}
	return out
}

// accessible gives a dossier that may be consulted and fed, or why not. The
// lock is held.
func (s *Server) accessible(patient string, consult bool) (*dossier, *refusal) {
	d := s.dossiers[patient]
	if d == nil {
		d = &dossier{Dossier: Dossier{State: StateNone}}
	}
	if d.State == StateInformed && !s.Clock().Now().Before(d.InformedAt.Add(opposition)) {
		d.State = StateOpen
	}
	switch {
	case d.Mismatch:
		return nil, &refusal{status: http.StatusConflict, code: "dp-identity", text: "the INS is known under other traits"}
	case d.State == StateOpen:
		return d, nil
	case d.State == StateInformed:
		return nil, &refusal{status: http.StatusConflict, code: "dp-pending", text: "informed, not open yet", deadline: d.InformedAt.Add(opposition)}
	case d.State == StateOpposed:
		return nil, &refusal{status: http.StatusForbidden, code: "dp-opposed", text: "the patient opposed the opening"}
	case d.State == StateSuspended:
		return nil, &refusal{status: http.StatusLocked, code: "dp-suspended", text: "suspended by the CNOP"}
	case d.State == StateClosed:
		return nil, &refusal{status: http.StatusGone, code: "dp-closed", text: "closed, and its content erased"}
	case consult: // said in a search's answer, not by its status
		return nil, &refusal{status: http.StatusOK, code: "dp-none", text: "no dossier"}
	}
	return nil, &refusal{status: http.StatusConflict, code: "dp-none", text: "no dossier to feed"}
}
