package dmptest

import (
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xds"
)

// hides reports whether a version is hidden from these.
func (v *version) hides(from dmp.Visibility) bool {
	return slices.ContainsFunc(v.entry.Confidentiality, func(c socle.Code) bool { return c.Code == string(from) })
}

// own reports whether who asks made or brought the document: in person, or for
// an organisation as the structure.
func (s *session) own(v *version) bool {
	organisation := s.vihf.Mode == saml.Indirect
	if v.author == s.vihf.NameID || organisation && v.structure == s.vihf.StructureID {
		return true
	}
	return slices.ContainsFunc(v.entry.Authors, func(a xds.Author) bool {
		return a.Person.ID == s.vihf.NameID ||
			organisation && slices.ContainsFunc(a.Institutions, func(o xds.XON) bool { return o.ID == s.vihf.StructureID })
	})
}

// sees reports whether who asks may know of a version: nobody of one that is
// deleted, and its author alone of one that is hidden from professionals.
func (a *registryAnswer) sees(v *version) bool {
	return v.entry.Status != xds.StatusDeleted && (!v.hides(dmp.HiddenFromProfessionals) || a.who.own(v))
}

// Viewer is who looks at a record in Mon espace santé.
type Viewer int

// Viewers.
const (
	// ByPatient sees all but what is hidden from the patient.
	ByPatient Viewer = iota
	// ByRepresentative, of a minor, does not see what is hidden from legal
	// representatives either.
	ByRepresentative
)

// Visible gives the documents of a patient's record that are shown in Mon espace santé.
func (s *Server) Visible(patient ins.INS, viewer Viewer) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Document
	if r := s.find(patientOf(patient)); r != nil {
		for _, v := range r.current() {
			if v.entry.Status == xds.StatusDeleted || v.hides(dmp.HiddenFromPatient) || viewer == ByRepresentative && v.hides(dmp.HiddenFromRepresentatives) {
				continue
			}
			all = append(all, v.public())
		}
	}
	return all
}
