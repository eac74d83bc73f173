package dmptest

import (
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
)

// Access is a line of the access journal of a record, which the DMP shows to
// the patient (HistoriqueAcces).
type Access struct {
	At           time.Time
	Operation    string // "TD0.2" …
	Professional string // NameID of the VIHF
	Name         string // as the VIHF has it, or the card
	Structure    string // Identifiant_Structure
	Mode         string // Authentification_mode
	Access       dmp.AccessMode
	Reason       string // Mode_Acces_Raison
	// Secret says that the connection was secret: the legal representatives do
	// not see the line.
	Secret bool
	// Refused is the code of the fault that refused the access; empty when it
	// was not refused with a fault.
	Refused string
}

// maxAccesses bounds the journal of a record: the last are kept.
const maxAccesses = 10_000

// Accesses gives the access journal of a patient, oldest first.
func (s *Server) Accesses(patient ins.INS) []Access {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accesses[patientOf(patient)])
}

// trace writes the access of who into the journal of the patient.
func (s *Server) trace(who *session, f *soap.Fault) {
	if who.op == "" || who.patient == (patientID{}) {
		return
	}
	v := who.vihf
	given, family := who.names()
	a := Access{At: s.now(), Operation: who.op, Professional: v.NameID, Name: strings.TrimSpace(given + " " + family), Structure: v.StructureID, Mode: string(v.Mode),
		Access: who.access, Reason: v.Reason, Secret: v.Secret}
	if f != nil {
		if a.Refused = f.Code; f.Subcode() != "" {
			a.Refused = f.Subcode()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.accesses[who.patient], a)
	if len(all) > maxAccesses {
		all = slices.Clone(all[len(all)-maxAccesses:])
	}
	s.accesses[who.patient] = all
	if known := s.decided[who.patient][newAuthorization(who).holder()]; known != nil && f == nil {
		known.LastAction = a.At
	}
}
